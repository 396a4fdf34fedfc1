import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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
import { writeMarkedPictures } from './support/marker.ts';
import { visionOf } from './support/processes.ts';

const test = needs(anyTest, 'mosquitto');

test('A trip goes on while its eyes are killed and held up, and replays to what was decided', async (t) => {
  t.timeout(120_000);
  const broker = await startMosquitto();
  t.teardown(() => broker.remove());
  const folder = await makeGatewayFolder({
    brokerUrl: broker.url,
    scenario: '../../test/fixtures/scenarios/put-back',
  });
  t.teardown(() => folder.remove());
  await mkdir(join(folder.path, 'pictures'));
  await writeMarkedPictures(join(folder.path, 'pictures'));
  const boardPath = join(folder.path, 'board.yaml');
  const board = parse(await readFile(boardPath, 'utf8')) as {
    devices: object[];
    plates: { cameras?: object[] }[];
  };
  const files = ['empty', 'thing'].map((name) => join(folder.path, 'pictures', `${name}.jpg`));
  board.devices.push({ id: 'basket-camera', driver: 'files', options: { files, everyMs: 3_000 } });
  for (const plate of board.plates) plate.cameras = [{ id: 'basket-camera', region: [0, 0, 320, 240] }];
  await writeFile(boardPath, stringify(board));
  const collector = await Collector.connect(broker.url, store, device);
  t.teardown(() => collector.close());
  const record = join(folder.path, 'recording');
  const daemon = await startGateway(folder, { record });
  t.teardown(() => daemon.kill());

  const eyes = async (other?: number) => {
    for (let tries = 0; tries < 400; tries++) {
      const pid = await visionOf(daemon.pid);
      if (pid !== undefined && pid !== other) return pid;
      await sleep(50);
    }
    throw new Error('there is no vision process');
  };
  const call = { broker: broker.url, store, device, timeout: 60 };
  // The shopper shows her token herself: a request of ours might come when she has put things in.
  await collector.until((event) => event.type === 'basket.opened', 40_000, 'the trip');
  const first = await eyes();
  process.kill(first, 'SIGKILL');
  const isVision = ({ type, data }: CartEvent, wanted: CartEvent['type']) =>
    type === wanted && 'source' in data && data.source === 'vision';
  const fault = await collector.until((event) => isVision(event, 'device.fault'), 10_000, 'the fault');
  t.like(fault.data, { code: 'CW-VIS-012' });
  // And the next one is held up for the rest of the trip.
  process.kill(await eyes(first), 'SIGSTOP');
  await collector.until((event) => event.type === 'item.removed', 40_000, 'the put-back');
  await callDevice({ ...call, command: 'session.end', args: {} });
  await collector.until((event) => event.type === 'basket.closed', 10_000, 'the end');
  await collector.until((event) => isVision(event, 'device.recovered'), 60_000, 'the recovery');
  t.is(await daemon.stop(), 0);
  t.is(await visionOf(daemon.pid).catch(() => undefined), undefined);
  t.deepEqual(collector.gaps(), []);

  // As the scenario has it: two things in, one of them out again, nothing asked.
  const items = collector.ledger().map(({ type }) => type);
  t.deepEqual(
    items.filter((type) => type.startsWith('item.')),
    ['item.added', 'item.added', 'item.removed'],
  );
  const trace = join(record, 'trace.ndjson');
  const reader = await openTrace(trace);
  const replayed: CartEvent[] = [];
  const result = await replay(reader, await loadReplaySetup(trace, reader.header), (event) =>
    replayed.push(event),
  );
  t.is(result.error, undefined);
  t.deepEqual(decisions(replayed), decisions(collector.ledger()));
});
