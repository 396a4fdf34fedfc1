import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { checkDrivers } from '../../src/cli/driver-checks.ts';
import { inspectConfig } from '../../src/config/load.ts';

async function findings(t: { teardown(fn: () => Promise<void>): void }, devices: string, plate: string) {
  const folder = await mkdtemp(join(tmpdir(), 'driver-checks-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const board = `profile: 1\nname: board\ndevices:\n${devices}\nplates:\n  - { id: rack, kind: unweighed, ${plate} }\n`;
  await writeFile(join(folder, 'board.yaml'), board);
  const path = join(folder, 'cartwright.yaml');
  await writeFile(path, 'cartwright: 1\nstore: s\ndevice: d\nboard: board.yaml\n');
  return (await checkDrivers(await inspectConfig(path, {}))).findings;
}

test('a scanner that no plate names is a warning, a battery or a lamp is none', async (t) => {
  const found = await findings(
    t,
    `  - { id: unnamed, driver: hid-pos-scanner }
  - { id: battery, driver: linux-power-supply, options: { battery: BAT0 } }
  - { id: lamps, driver: gpio-indicator, options: { chip: pinctrl-rp1, lamps: [{ name: red, offset: 1 }] } }`,
    'scanners: []',
  );
  t.deepEqual(
    found.map(({ severity, code, path, line }) => [severity, code, path, line]),
    [['warning', 'CW-CFG-021', 'devices[0].id', 4]],
  );
});

test('a motion sensor in the place of a scanner is a warning that says what it is', async (t) => {
  const found = await findings(
    t,
    '  - { id: imu, driver: mpu6050, options: { adapter: 1 } }',
    'scanners: [imu]',
  );
  t.deepEqual(
    found.map(({ severity, code, path }) => [severity, code, path]),
    [['warning', 'CW-CFG-013', 'plates[0].scanners[0]']],
  );
  t.is(
    found[0]?.message,
    'found "imu"; expected a scanner; the driver of imu is for a device of kind motion',
  );
});

const wrong: [options: string, message: string][] = [
  [
    'cell: [a]',
    'options.cells: is missing; expected a list, as [a, b]; options: unknown key "cell"; did you mean cells?; known here',
  ],
  ['cells: [a], samplesPerSecond: 40', 'options.samplesPerSecond: found 40; expected one of 10, 80'],
  ['cells: [a], samplesPerSecond: "80"', 'found "80"; expected one of 10, 80; write it without quotes'],
  ['cells: a', 'options.cells: found "a"; expected a list, as [a, b]'],
  ['cells: [a], port: /dev/ttyS0', 'options.port: found "/dev/ttyS0"; expected a map of keys'],
  [
    'cells: [a], port: { vendorId: 0403 }',
    'found 403; expected a text; put it in quotes, with all its digits',
  ],
  ['cells: [a, a]', 'options.cells: names a cell twice'],
];
for (const [options, message] of wrong) {
  test(`options { ${options} } are refused with what was found and what would be valid`, async (t) => {
    const device = `  - { id: bridge, driver: firmata-hx711, options: { ${options} } }`;
    const [found] = await findings(t, device, 'scanners: []');
    t.is(found?.code, 'CW-DRV-002');
    t.true(found?.message.includes(message), found?.message);
  });
}
