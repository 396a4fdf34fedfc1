import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { findDriver, listDrivers, parseDriverOptions } from '#drivers/registry.ts';

const folder = await mkdtemp(join(tmpdir(), 'drivers-'));
test.after.always(() => rm(folder, { recursive: true, force: true }));
const zod = import.meta.resolve('zod');

async function driverFile(name: string, source: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `import { z } from ${JSON.stringify(zod)};\n${source}`);
  return path;
}
const driver = (name: string, contract = 1) => `{ contract: ${contract}, name: '${name}', kind: 'scanner',
  options: z.strictObject({ port: z.string() }), open: async () => ({}) }`;

test('every shipped driver is listed once and found by its name', async (t) => {
  const names = (await listDrivers()).map((each) => each.name);
  t.is(new Set(names).size, names.length);
  for (const name of ['virtual-world', 'virtual-load-cells', 'virtual-scanner', 'virtual-motion']) {
    t.is((await findDriver(name)).name, name);
  }
});

test('an unknown driver is refused with the names that are known', async (t) => {
  await t.throwsAsync(findDriver('virtual-scaner'), { code: 'CW-DRV-001', message: /virtual-scanner/ });
  await t.throwsAsync(findDriver('firmata-hx710'), {
    message: /; did you mean firmata-hx711\? This release brings: /,
  });
  await t.throwsAsync(findDriver('zigbee'), { message: /there is no driver zigbee; this release brings: / });
});

test('options that a driver does not know or misses are refused by their place', async (t) => {
  const cells = await findDriver('virtual-load-cells');
  t.throws(() => parseDriverOptions(cells, { world: 'world', cells: [], speed: 2 }, 'bridge'), {
    code: 'CW-DRV-002',
    message: /device bridge.*options\.cells.*speed/,
  });
  t.like(parseDriverOptions(cells, { world: 'world', cells: ['a'] }, 'bridge') as object, {
    samplesPerSecond: 80,
  });
});

test('a key that other drivers have, or nearly this one, is answered with the one that was meant', async (t) => {
  const refused: readonly [string, object, RegExp][] = [
    [
      'firmata-hx711',
      { cells: ['a'], match: { serial: 'A1' } },
      /"match"; the serial line is port here; known/,
    ],
    ['toledo-8217', { unit: 'kg', port: { serial: 'A1' } }, /"port"; the serial line is serial here; known/],
    ['serial-scanner', { port: { serial: 'A1' } }, /"port"; the serial line is match here; known/],
    ['firmata-hx711', { cells: ['a'], baudrate: 9_600 }, /"baudrate"; did you mean baudRate\?; known/],
  ];
  for (const [name, options, message] of refused) {
    const driver = await findDriver(name);
    t.throws(() => parseDriverOptions(driver, options, 'it'), { code: 'CW-DRV-002', message });
  }
});

test('a maker’s drivers are loaded from files, one as default or several', async (t) => {
  const one = await driverFile('one.js', `export default ${driver('acme-one')};`);
  const more = await driverFile(
    'more.js',
    `export const drivers = [${driver('acme-a')}, ${driver('acme-b')}];`,
  );
  t.is((await findDriver('acme-one', [one, more])).name, 'acme-one');
  t.is((await findDriver('acme-b', [one, more])).name, 'acme-b');
});

test('a driver for another contract is refused by name', async (t) => {
  const path = await driverFile('old.js', `export default ${driver('acme-old', 2)};`);
  await t.throwsAsync(listDrivers([path]), { code: 'CW-DRV-007', message: /acme-old.*contract 2.*has 1/ });
});

test('files that hold no driver, take a name or come from elsewhere are refused', async (t) => {
  const empty = await driverFile('empty.js', 'export const other = 1;');
  const wrong = await driverFile('wrong.js', 'export default { contract: 1, name: "x", kind: "scanner" };');
  const broken = await driverFile('broken.js', 'throw new Error("no licence");');
  const taken = await driverFile('taken.js', `export default ${driver('virtual-world')};`);
  for (const path of [empty, wrong, broken, taken, join(folder, 'missing.js')]) {
    await t.throwsAsync(listDrivers([path]), { code: 'CW-DRV-010' }, path);
  }
  for (const url of ['https://example.org/driver.js', 'data:text/javascript,0', pathToFileURL(empty).href]) {
    await t.throwsAsync(listDrivers([url]), { code: 'CW-DRV-010', message: /from files only/ });
  }
});
