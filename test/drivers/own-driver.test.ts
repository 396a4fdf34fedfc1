import { once } from 'node:events';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { stringify } from 'yaml';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { loadBoard } from '#config/load.ts';
import {
  createSystemPorts,
  findDriver,
  listDrivers,
  openDevice,
  parseDriverOptions,
} from '#drivers/registry.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { Reading } from '#readings/readings.ts';
import { runCli } from '#test/support/cli.ts';
import { driversDocument } from '../../scripts/docs/guides.ts';
import { readDocument } from '../events/vectors.ts';

const folder = await mkdtemp(join(tmpdir(), 'own-driver-'));
/** The documented example, where it can import nothing of this repository. */
const example = join(folder, 'acme-scanner.mjs');
await copyFile(new URL('../../docs/examples/acme-scanner.mjs', import.meta.url), example);
test.after.always(() => rm(folder, { recursive: true, force: true }));

async function driverFile(name: string, source: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, source);
  return path;
}
const system = { clock: systemClock, log: silentLogger, buses: new Map() };
const context = { id: 'handle-scanner', ...system, ports: createSystemPorts(system) };
const entry = (options: unknown) => ({ id: 'handle-scanner', driver: 'acme-tcp-scanner', options });

async function scannerAt() {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, sockets, port: (server.address() as AddressInfo).port };
}
async function until(done: () => boolean, what: string): Promise<void> {
  for (const deadline = performance.now() + 10_000; performance.now() < deadline; await sleep(5)) {
    if (done()) return;
  }
  throw new Error(`${what} did not happen`);
}

test('the driver of the documents reads codes, drops what is none, and tells when its scanner hangs up', async (t) => {
  const { server, sockets, port } = await scannerAt();
  t.teardown(() => server.close());
  const device = await openDevice(entry({ host: '127.0.0.1', port }), context, [example]);
  t.is(device.identity.address, `127.0.0.1:${port}`);
  const readings: Reading[] = [];
  const faults: DeviceFault[] = [];
  device.faults.subscribe((fault) => faults.push(fault));
  await device.start((reading) => readings.push(reading));
  await until(() => sockets.length > 0, 'a connection');
  const [socket] = sockets;
  socket?.write(']E040063');
  await sleep(20);
  socket?.write(`81333931\nno code\n]\n\n]E0${'9'.repeat(10_000)}\n]d2010400\u001d\n`);
  await until(() => readings.length === 2, 'two readings');
  t.like(readings[0], { kind: 'scan', source: 'handle-scanner', symbology: ']E0' });
  t.deepEqual(
    readings.map((reading) => (reading.kind === 'scan' ? Buffer.from(reading.data).toString() : '')),
    ['4006381333931', '010400\u001d'],
  );
  socket?.destroy();
  await until(() => faults.length > 0, 'a fault');
  t.like(faults[0], { fault: 'disconnected', code: 'CW-DRV-005' });
  await device.stop();
  await device.stop();
});

test('the driver of the documents refuses options and addresses that are wrong with codes', async (t) => {
  await t.throwsAsync(openDevice(entry({ port: 70_000, hots: 'x' }), context, [example]), {
    code: 'CW-DRV-002',
    message: /options\.host.*options\.port.*hots/,
  });
  const { server, port } = await scannerAt();
  server.close();
  await once(server, 'close');
  await t.throwsAsync(openDevice(entry({ host: '127.0.0.1', port }), context, [example]), {
    code: 'CW-DRV-004',
    message: new RegExp(`nothing can be reached at 127.0.0.1:${port}: .*check its power`),
  });
});

test('a configuration loads a driver file that lies beside it', async (t) => {
  const board = await loadBoard('test/fixtures/boards/light-cart.yaml');
  const write = async (options: unknown) => {
    const devices = board.devices.map((device) =>
      device.id === 'handle-scanner' ? { id: device.id, driver: 'acme-tcp-scanner', options } : device,
    );
    await writeFile(join(folder, 'board.yaml'), stringify({ ...board, devices }));
  };
  const config = {
    cartwright: 1,
    store: 's',
    device: 'd',
    board: 'board.yaml',
    catalogue: resolve('config/catalogues/demo.json'),
    drivers: ['acme-scanner.mjs'],
  };
  const path = join(folder, 'cartwright.yaml');
  await writeFile(path, stringify(config));
  await write({ host: '192.0.2.7' });
  const good = await runCli(['check', path]);
  t.is(good.code, 0, good.stdout + good.stderr);
  await write({ hots: '192.0.2.7' });
  const bad = await runCli(['check', path]);
  t.is(bad.code, 1);
  t.regex(bad.stdout + bad.stderr, /hots/);
});

const plain = (safeParse: string) => `export const drivers = [{
  contract: 1, name: 'acme-plain', kind: 'scanner', options: { safeParse: ${safeParse} }, open: async () => ({}),
}];`;

test('a driver may check its options without zod', async (t) => {
  const path = await driverFile(
    'plain.mjs',
    plain(`(given) => typeof given.port === 'string'
      ? { success: true, data: { port: given.port, baud: 9600 } }
      : { success: false, error: { issues: [{ path: ['port'], message: 'must be text' }] } }`),
  );
  const driver = await findDriver('acme-plain', [path]);
  t.deepEqual(parseDriverOptions(driver, { port: 'a' }, 'x'), { port: 'a', baud: 9600 });
  t.throws(() => parseDriverOptions(driver, undefined, 'x'), {
    code: 'CW-DRV-002',
    message: /options\.port: must be text/,
  });
});

test("what a maker's own check throws or forgets to say is a coded refusal", async (t) => {
  const cases: [string, RegExp][] = [
    [`() => { throw new Error('oops'); }`, /check of them failed: oops/],
    ['() => undefined', /does not say why/],
    ['() => ({ success: false })', /does not say why/],
    [`() => ({ success: false, error: new Error('no port') })`, /options: no port/],
    [`() => ({ success: false, error: { issues: [{ message: 'bad' }] } })`, /options: bad/],
  ];
  for (const [i, [source, message]] of cases.entries()) {
    const driver = await findDriver('acme-plain', [await driverFile(`check-${i}.mjs`, plain(source))]);
    t.throws(() => parseDriverOptions(driver, {}, 'x'), { code: 'CW-DRV-002', message }, source);
  }
});

test('a function that makes no driver is refused with its file', async (t) => {
  const made = `(z) => ({ contract: 1, name: 'acme-b', kind: 'scale', options: z.strictObject({}), open: async () => ({}) })`;
  const several = await driverFile('several.mjs', `export const drivers = [${made}];`);
  t.true((await listDrivers([several])).some(({ name }) => name === 'acme-b'));
  const throws = await driverFile('throws.mjs', `export default () => { throw new Error('no licence'); };`);
  await t.throwsAsync(listDrivers([throws]), { code: 'CW-DRV-010', message: /throws\.mjs.*no licence/ });
  const nothing = await driverFile('nothing.mjs', 'export default () => {};');
  await t.throwsAsync(listDrivers([nothing]), { code: 'CW-DRV-010', message: /exports no driver/ });
  const noParse = await driverFile('no-parse.mjs', plain('5'));
  await t.throwsAsync(listDrivers([noParse]), { code: 'CW-DRV-010', message: /safeParse/ });
});

test('the printed driver is the one that is tested, and short enough to be an example', async (t) => {
  t.is(await readDocument('drivers.md'), await driversDocument());
  const program = /```js\n([\s\S]+?)\n```/.exec(await readDocument('drivers.md'))?.[1] ?? '';
  t.true(program.split('\n').length < 100);
});
