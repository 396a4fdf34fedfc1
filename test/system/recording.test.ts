import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import anyTest from 'ava';
import { parse, stringify } from 'yaml';
import { callDevice } from '#cli/call.ts';
import type { CartEvent } from '#events/event.ts';
import { Collector } from '#test/support/collector.ts';
import { decisions } from '#test/support/decisions.ts';
import { device, makeGatewayFolder, startGateway, store } from '#test/support/gateway.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { openTrace } from '#traces/reader.ts';
import { replay } from '#traces/replay.ts';
import { loadReplaySetup } from '#traces/setup.ts';

const test = needs(anyTest, 'mosquitto');

test('a recorded live run replays to the decisions it had live', async (t) => {
  t.timeout(90_000);
  const broker = await startMosquitto();
  t.teardown(() => broker.remove());
  const folder = await makeGatewayFolder({ brokerUrl: broker.url, scenario: 'put-back' });
  t.teardown(() => folder.remove());
  const collector = await Collector.connect(broker.url, store, device);
  t.teardown(() => collector.close());
  const record = join(folder.path, 'recording');
  const daemon = await startGateway(folder, { record });
  t.teardown(() => daemon.kill());
  const born = await collector.until((event) => event.type === 'gateway.born', 10_000, 'the birth');
  t.true(born.time > Date.UTC(2026, 0, 1), 'the birth bears the time');
  const call = { broker: broker.url, store, device, timeout: 10 };
  const begun = await callDevice({ ...call, command: 'session.begin', args: { token: 'QR-TEST-0001' } });
  t.is(begun.status, 'done');
  await collector.until((event) => event.type === 'item.removed', 40_000, 'the put-back');
  await callDevice({ ...call, command: 'session.end', args: {} });
  await collector.until((event) => event.type === 'basket.closed', 10_000, 'the end');
  t.is(await daemon.stop(), 0);
  t.deepEqual(collector.gaps(), []);

  const trace = join(record, 'trace.ndjson');
  const reader = await openTrace(trace);
  const replayed: CartEvent[] = [];
  const result = await replay(reader, await loadReplaySetup(trace, reader.header), (event) =>
    replayed.push(event),
  );
  t.is(result.error, undefined);
  const live = decisions(collector.ledger());
  t.true(live.length >= 10, `${live.length} decisions`);
  t.deepEqual(decisions(replayed), live);
});

/** A scanner that reads something every 10 ms: whenever the gateway stops, the latest still wait for their turn. */
const busyScanner = `export const driver = {
  contract: 1, name: 'busy', kind: 'scanner',
  options: { parse: (v) => v, safeParse: (data) => ({ success: true, data }) },
  async open(options, { id, clock }) {
    let timer;
    return {
      identity: {}, faults: { subscribe: () => () => {} },
      async start(sink) {
        let n = 0;
        timer = setInterval(() => {
          const data = new TextEncoder().encode('scan ' + ++n);
          sink({ kind: 'scan', source: id, atUs: clock.nowUs(), data, symbology: '' });
        }, 10);
      },
      async stop() { clearInterval(timer); },
    };
  },
};
export default driver;
`;

test('what was read right before the stop is in the ledger and in the recording', async (t) => {
  t.timeout(60_000);
  const broker = await startMosquitto();
  t.teardown(() => broker.remove());
  const drivers = ['drivers/busy.js'];
  const folder = await makeGatewayFolder({
    brokerUrl: broker.url,
    scenario: 'put-back',
    config: { drivers },
  });
  t.teardown(() => folder.remove());
  await mkdir(join(folder.path, 'drivers'));
  await writeFile(join(folder.path, 'drivers', 'busy.js'), busyScanner);
  const boardPath = join(folder.path, 'board.yaml');
  const board = parse(await readFile(boardPath, 'utf8')) as { devices: object[] };
  const devices = [...board.devices, { id: 'busy', driver: 'busy', options: {} }];
  await writeFile(boardPath, stringify({ ...board, devices }));
  const collector = await Collector.connect(broker.url, store, device);
  t.teardown(() => collector.close());
  const record = join(folder.path, 'recording');
  const daemon = await startGateway(folder, { record });
  t.teardown(() => daemon.kill());
  const scans = () => collector.events.filter(({ type }) => type === 'scan.read').length;
  await collector.until(() => scans() >= 20, 20_000, 'twenty scans');
  t.is(await daemon.stop(), 0);
  await setTimeout(500);

  const trace = join(record, 'trace.ndjson');
  const reader = await openTrace(trace);
  const replayed: CartEvent[] = [];
  const result = await replay(reader, await loadReplaySetup(trace, reader.header), (event) =>
    replayed.push(event),
  );
  t.is(result.error, undefined);
  const live = decisions(collector.ledger());
  t.true(live.length > 10, `${live.length} decisions`);
  t.deepEqual(decisions(replayed), live);
});
