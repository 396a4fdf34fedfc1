import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import anyTest from 'ava';
import { parse, stringify } from 'yaml';
import type { CartEvent } from '#events/event.ts';
import { runCli } from '#test/support/cli.ts';
import { Collector } from '#test/support/collector.ts';
import { decisions } from '#test/support/decisions.ts';
import { device, makeGatewayFolder, startGateway, store } from '#test/support/gateway.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { openTrace } from '#traces/reader.ts';
import { replay } from '#traces/replay.ts';
import { loadReplaySetup } from '#traces/setup.ts';

const test = needs(anyTest, 'mosquitto');

interface Board {
  devices: { id: string; driver: string; options?: object }[];
}

/** The demo cart with a scanner on the network, at this port. */
async function putScanner(folder: string, port: number): Promise<void> {
  const path = join(folder, 'board.yaml');
  const board = parse(await readFile(path, 'utf8')) as Board;
  const devices = board.devices.map((entry) =>
    entry.id === 'handle-scanner'
      ? { id: entry.id, driver: 'acme-tcp-scanner', options: { host: '127.0.0.1', port } }
      : entry,
  );
  await writeFile(path, stringify({ ...board, devices }));
}

async function replayed(trace: string): Promise<CartEvent[]> {
  const reader = await openTrace(trace);
  const events: CartEvent[] = [];
  await replay(reader, await loadReplaySetup(trace, reader.header), (event) => events.push(event));
  return events;
}

const scans = (events: readonly CartEvent[]) =>
  decisions(events.filter(({ type }) => type === 'scan.read' || type.startsWith('item.')));

test('the very bytes of a device are recorded, and its driver delivers from them what it delivered live', async (t) => {
  t.timeout(90_000);
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(server, 'listening');
  const broker = await startMosquitto();
  t.teardown(() => broker.remove());
  const folder = await makeGatewayFolder({
    brokerUrl: broker.url,
    scenario: 'put-back',
    config: { drivers: [resolve('docs/examples/acme-scanner.mjs')] },
  });
  t.teardown(() => folder.remove());
  await putScanner(folder.path, (server.address() as AddressInfo).port);
  const collector = await Collector.connect(broker.url, store, device);
  t.teardown(() => collector.close());
  const record = join(folder.path, 'recording');
  const daemon = await startGateway(folder, { record, raw: true });
  t.teardown(() => daemon.kill());
  await collector.until((event) => event.type === 'gateway.born', 20_000, 'the birth');
  let seen = 0;
  const scan = async (...parts: string[]) => {
    for (const part of parts) sockets.at(-1)?.write(part);
    seen += 1;
    await collector.until(
      () => collector.ledger().filter(({ type }) => type === 'scan.read').length >= seen,
      10_000,
      'a scan',
    );
  };
  await scan(']E04006', '381333931\n');
  // Unplugged: the gateway finds it again by itself, and the recording has both lives.
  sockets.at(-1)?.destroy();
  await collector.until((event) => event.type === 'device.recovered', 30_000, 'the recovery');
  await scan(']d2010400638133393110ABC\u001d\n');
  t.is(await daemon.stop(), 0);
  const live = scans(collector.ledger());
  t.is(collector.ledger().filter(({ type }) => type === 'scan.read').length, 2);

  const raw = await runCli([
    'driver',
    'replay',
    record,
    '--device',
    'handle-scanner',
    '--file',
    'docs/examples/acme-scanner.mjs',
  ]);
  t.is(raw.code, 0, raw.stderr);
  const lines = raw.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; data?: string });
  t.deepEqual(
    lines.filter(({ kind }) => kind === 'scan').map(({ data }) => Buffer.from(data ?? '', 'hex').toString()),
    ['4006381333931', '010400638133393110ABC\u001d'],
  );
  t.true(lines.some(({ kind }) => kind === 'device-fault'));

  const mended = join(folder.path, 'mended');
  const merged = await runCli([
    ...['driver', 'replay', record, '--file', 'docs/examples/acme-scanner.mjs', '--trace', mended],
  ]);
  t.is(merged.code, 0, merged.stderr);
  t.deepEqual(scans(await replayed(join(mended, 'trace.ndjson'))), live);
});

test('a raw recording of another device, or none at all, is said to be missing', async (t) => {
  const nothing = await runCli(['driver', 'replay', 'docs']);
  t.not(nothing.code, 0);
  t.regex(nothing.stderr, /CW-CLI-004 docs holds no raw recording/);
});
