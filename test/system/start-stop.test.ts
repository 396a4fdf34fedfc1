import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import anyTest, { type ExecutionContext } from 'ava';
import { parse, stringify } from 'yaml';
import { configSchema } from '#config/schema.ts';
import { Ledger } from '#events/ledger.ts';
import { runCli } from '#test/support/cli.ts';
import { Collector } from '#test/support/collector.ts';
import { device, type GatewayFolder, makeGatewayFolder, startGateway, store } from '#test/support/gateway.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { Uplink } from '#uplink/uplink.ts';

const test = needs(anyTest, 'mosquitto');
const nowhere = 'mqtt://127.0.0.1:1';
const smallOutbox = { maxBytes: 1_048_576, ledgerShare: 0.5 };

async function makeFolder(
  t: ExecutionContext,
  brokerUrl: string,
  config: Readonly<Record<string, unknown>> = {},
): Promise<GatewayFolder> {
  const folder = await makeGatewayFolder({ brokerUrl, scenario: 'put-back', config });
  t.teardown(() => folder.remove());
  return folder;
}

const openUplink = (folder: GatewayFolder) => {
  const defaults = configSchema.parse({ cartwright: 1, store, device, board: 'bench' });
  return Uplink.open({
    store,
    device,
    folder: join(folder.path, 'data'),
    encoding: 'cbor',
    broker: { ...defaults.broker, url: nowhere },
    outbox: { ...defaults.outbox, ...smallOutbox },
  });
};

/** An earlier run without a broker: far more events of the ledger than there is room for. */
async function fillLedger(folder: GatewayFolder): Promise<number> {
  const uplink = await openUplink(folder);
  const { ledger, boot, nextSequence } = uplink.start;
  const row = new Ledger({ store, device, ledger }, { boot, nextSequence, versions: { software: 'x' } });
  const made = 8_000;
  for (let i = 0; i < made; i += 200) {
    const events = Array.from({ length: 200 }, () => {
      const transaction = 'x'.repeat(100);
      const draft = { type: 'command.done', data: { command: 'session.begin', transaction } } as const;
      return row.append(draft, { atUs: i, time: Date.now(), timeQuality: 'synced' });
    });
    await uplink.store(events);
  }
  await uplink.stop(100);
  return made;
}

test.serial('a gateway that starts with a full outbox connects, empties it, and goes on', async (t) => {
  t.timeout(90_000);
  const broker = await startMosquitto();
  t.teardown(() => broker.remove());
  const folder = await makeFolder(t, broker.url, { outbox: smallOutbox });
  const made = await fillLedger(folder);
  const collector = await Collector.connect(broker.url, store, device);
  t.teardown(() => collector.close());
  const daemon = await startGateway(folder);
  t.teardown(() => daemon.kill());
  await collector.until(
    ({ type, sequence }) => type === 'gateway.born' && sequence > made,
    20_000,
    'the birth of this run',
  );
  t.is(await daemon.stop(), 0);
  t.true(collector.gaps().length > 0, 'there was not enough room');
  t.deepEqual(collector.unreported(), []);
});

test.serial(
  'a gateway whose outbox is full and whose broker is away stops in time all the same',
  async (t) => {
    t.timeout(60_000);
    const folder = await makeFolder(t, nowhere, { outbox: smallOutbox });
    await fillLedger(folder);
    const daemon = await startGateway(folder);
    t.teardown(() => daemon.kill());
    const began = performance.now();
    t.is(await daemon.stop(), 0);
    t.true(performance.now() - began < 10_000);
  },
);

test.serial(
  'saved state of another version is told to the store, kept aside, and the cart sells',
  async (t) => {
    t.timeout(60_000);
    const broker = await startMosquitto();
    t.teardown(() => broker.remove());
    const folder = await makeFolder(t, broker.url, { outbox: smallOutbox });
    const saved = {
      clock: '{"atUs":5}',
      weighing: '{"revision":"r","plates":{}}',
      fusion: '{"fusion":99}',
      basket: '{"version":99}',
    };
    const uplink = await openUplink(folder);
    await uplink.store([], saved);
    await uplink.stop(100);
    const collector = await Collector.connect(broker.url, store, device);
    t.teardown(() => collector.close());
    const daemon = await startGateway(folder);
    t.teardown(() => daemon.kill());
    const fault = await collector.until(
      ({ type, data }) => type === 'device.fault' && 'source' in data && data.source === 'gateway',
      10_000,
      'the fault',
    );
    t.like(fault.data, { code: 'CW-GWY-003', fault: 'configuration' });
    t.is(await daemon.stop(), 0);
    const after = await openUplink(folder);
    const { state } = after.start;
    await after.stop(100);
    for (const [name, text] of Object.entries(saved)) t.is(state[`damaged/${name}`], text);
    t.is((JSON.parse(state.basket ?? '{}') as { version?: number }).version, 1);
  },
);

/** A driver that never comes to an end with opening, as one does whose port hangs. */
const hangingDriver = `export const driver = {
  contract: 1, name: 'hanging', kind: 'scanner',
  options: { parse: (v) => v, safeParse: (data) => ({ success: true, data }) },
  open: () => new Promise(() => {}),
};
export default driver;
`;

async function addHangingDevice(folder: GatewayFolder): Promise<void> {
  await mkdir(join(folder.path, 'drivers'));
  await writeFile(join(folder.path, 'drivers', 'hanging.js'), hangingDriver);
  const boardPath = join(folder.path, 'board.yaml');
  const board = parse(await readFile(boardPath, 'utf8')) as { devices: object[] };
  const devices = [{ id: 'stuck', driver: 'hanging', options: {} }, ...board.devices];
  await writeFile(boardPath, stringify({ ...board, devices }));
}

test.serial('a device that hangs while it is opened delays neither the others nor the birth', async (t) => {
  t.timeout(60_000);
  const broker = await startMosquitto();
  t.teardown(() => broker.remove());
  const folder = await makeFolder(t, broker.url, { drivers: ['drivers/hanging.js'] });
  await addHangingDevice(folder);
  const collector = await Collector.connect(broker.url, store, device);
  t.teardown(() => collector.close());
  const daemon = await startGateway(folder);
  t.teardown(() => daemon.kill());
  await collector.until(({ type }) => type === 'gateway.born', 5_000, 'the birth');
  t.true(daemon.log.some((line) => line.includes('"device running"') && line.includes('"bridge"')));
  const fault = await collector.until(
    ({ type, data }) => type === 'device.fault' && 'source' in data && data.source === 'stuck',
    15_000,
    'its fault',
  );
  t.like(fault.data, { code: 'CW-DRV-011' });
  t.is(await daemon.stop(), 0);
});

test.serial('a signal while it starts ends the daemon in an orderly way, whenever it comes', async (t) => {
  t.timeout(120_000);
  const folder = await makeFolder(t, nowhere, { drivers: ['drivers/hanging.js'] });
  await addHangingDevice(folder);
  // When nothing is up yet but the handlers, when the page is up, and when the first devices are.
  for (const [index, moment] of ['"level"', '"status page"', '"device running"'].entries()) {
    const child = spawn(process.execPath, ['src/main.ts', folder.configPath], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (lines.length === 0 || !lines.some((earlier) => earlier.includes(moment))) {
        if (line.includes(moment)) child.kill('SIGTERM');
      }
      lines.push(line);
    });
    const began = performance.now();
    const [code] = (await exited) as [number | null];
    t.is(code, 0, `${index} ${moment}: ${lines.join('\n')}`);
    t.true(performance.now() - began < 10_000, moment);
    t.false(
      lines.some((line) => line.includes('"gateway running"')),
      moment,
    );
    t.false(
      lines.some((line) => line.includes('does not start')),
      moment,
    );
  }
});

test.serial('a start that fails after the outbox was opened ends the process, with its code', async (t) => {
  t.timeout(60_000);
  const folder = await makeFolder(t, nowhere);
  await writeFile(join(folder.path, 'in-the-way'), '');
  const began = performance.now();
  const run = await runCli(['run', '-c', folder.configPath, '--record', join(folder.path, 'in-the-way/x')]);
  t.is(run.code, 1);
  t.regex(run.stdout, /CW-TRC-005/);
  t.true(performance.now() - began < 10_000);
  const again = await startGateway(folder);
  t.teardown(() => again.kill());
  t.false(
    again.log.some((line) => line.includes('CW-UPL-004')),
    'the outbox was given back',
  );
  t.is(await again.stop(), 0);
});

test.serial(
  'a recording whose disk is full ends at once; the gateway goes on, and says so at the end',
  async (t) => {
    t.timeout(60_000);
    const folder = await makeFolder(t, nowhere);
    const record = join(folder.path, 'recording');
    await mkdir(record);
    await symlink('/dev/full', join(record, 'trace.ndjson'));
    const daemon = await startGateway(folder, { record });
    t.teardown(() => daemon.kill());
    for (let i = 0; i < 100 && !daemon.log.some((line) => line.includes('CW-TRC-008')); i++)
      await setTimeout(50);
    t.is(daemon.log.filter((line) => line.includes('CW-TRC-008')).length, 1);
    t.true(daemon.running());
    t.is(await daemon.stop(), 1);
  },
);
