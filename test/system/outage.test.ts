import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest, { type ExecutionContext } from 'ava';
import { configSchema } from '#config/schema.ts';
import type { CartEvent, Draft } from '#events/event.ts';
import { Ledger } from '#events/ledger.ts';
import { Collector } from '#test/support/collector.ts';
import { tripTruths, waitFor } from '#test/support/crash.ts';
import { decisions } from '#test/support/decisions.ts';
import { device, type GatewayFolder, makeGatewayFolder, startGateway, store } from '#test/support/gateway.ts';
import { type Mosquitto, startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { openTrace } from '#traces/reader.ts';
import { replay } from '#traces/replay.ts';
import { score } from '#traces/score.ts';
import { loadReplaySetup } from '#traces/setup.ts';
import { Uplink } from '#uplink/uplink.ts';

const test = needs(anyTest, 'mosquitto');

interface Site {
  readonly broker: Mosquitto;
  readonly folder: GatewayFolder;
  readonly collector: Collector;
}

async function openSite(t: ExecutionContext, scenario: string, config: object = {}): Promise<Site> {
  const broker = await startMosquitto({ settings: ['persistence true'] });
  t.teardown(() => broker.remove());
  const folder = await makeGatewayFolder({ brokerUrl: broker.url, scenario, config: { ...config } });
  t.teardown(() => folder.remove());
  const collector = await Collector.connect(broker.url, store, device);
  t.teardown(() => collector.close());
  return { broker, folder, collector };
}

test.serial('a broker that is away for the whole trip gets the same ledger when it is back', async (t) => {
  t.timeout(150_000);
  const { broker, folder, collector } = await openSite(t, 'demo-trip');
  // The store's subscription is kept by the broker; from here on nobody answers.
  await broker.stop();
  const record = join(folder.path, 'recording');
  const daemon = await startGateway(folder, { record });
  t.teardown(() => daemon.kill());
  const truths = await tripTruths(folder.path, 'config/scenarios/demo-trip.yaml');
  const lastUs = Math.max(...truths.map(({ atUs }) => atUs));
  await sleep(Math.max(0, lastUs / 1000 - Number(process.hrtime.bigint() / 1_000_000n)) + 4_000);
  t.true(daemon.running(), 'an outage never restarts the gateway');
  t.is(collector.events.length, 0, 'nothing came through');

  await broker.start();
  await collector.until(({ type }) => type === 'item.removed', 20_000, 'what happened during the outage');
  t.is(await daemon.stop(), 0);
  t.true(await waitFor(() => collector.gaps().length === 0 && collector.events.length > 20, 15_000));
  const live = collector.ledger();
  t.deepEqual(collector.gaps(), []);
  t.deepEqual(collector.problems, []);

  const trace = join(record, 'trace.ndjson');
  const reader = await openTrace(trace);
  const replayed: CartEvent[] = [];
  const result = await replay(reader, await loadReplaySetup(trace, reader.header), (event) =>
    replayed.push(event),
  );
  t.is(result.error, undefined);
  t.deepEqual(decisions(live), decisions(replayed), 'the subscriber has what the recording gives');
  const verdict = score(truths, live);
  t.log(
    `${live.length} events after ${Math.round((lastUs - (truths[0]?.atUs ?? 0)) / 1e6)} s without a broker`,
  );
  t.deepEqual(verdict.wrongEvents, []);
  t.is(verdict.missed, 0);
});

const smallOutbox = { maxBytes: 1_048_576, ledgerShare: 0.95 };

/** Events of an earlier run, stored by the real outbox while no broker was there: far more than there is room for. */
async function fillOutbox(folder: GatewayFolder): Promise<number> {
  const defaults = configSchema.parse({ cartwright: 1, store, device, board: 'bench' });
  const uplink = await Uplink.open({
    store,
    device,
    folder: join(folder.path, 'data'),
    encoding: 'cbor',
    broker: { ...defaults.broker, url: 'mqtt://127.0.0.1:1' },
    outbox: { ...defaults.outbox, ...smallOutbox },
  });
  const { ledger, boot, nextSequence } = uplink.start;
  const row = new Ledger(
    { store, device, ledger },
    { boot, nextSequence, versions: { software: 'cartwright/test' } },
  );
  const health: Draft = {
    type: 'gateway.health',
    data: {
      ok: true,
      uptimeS: 1,
      sensors: Array.from({ length: 20 }, (_, i) => ({ id: `sensor-${i}`, ok: true, ratePerMinute: 4_800 })),
      outboxEvents: 0,
      outboxBytes: 0,
      dropped: 0,
      connected: false,
      timeQuality: 'synced',
      rssBytes: 100_000_000,
    },
  };
  const scan: Draft = {
    type: 'scan.read',
    data: { source: 'handle-scanner', symbology: ']E0', meaning: 'unknown' },
  };
  const born: Draft = { type: 'gateway.born', data: { boot, software: 'cartwright/test', reason: 'start' } };
  const made = 600;
  for (let i = 0; i < made; i++) {
    const draft = i % 6 === 0 ? scan : i % 6 === 3 ? born : health;
    await uplink.store([row.append(draft, { atUs: i, time: Date.now(), timeQuality: 'synced' })]);
  }
  await uplink.stop(100);
  return made;
}

test.serial(
  'a full outbox drops telemetry, then evidence, and reports each range, so that no receiver waits',
  async (t) => {
    t.timeout(90_000);
    const { folder, collector } = await openSite(t, 'put-back', { outbox: smallOutbox, healthS: 1 });
    const made = await fillOutbox(folder);
    const daemon = await startGateway(folder);
    t.teardown(() => daemon.kill());
    await collector.until(
      ({ type, sequence }) => type === 'gateway.born' && sequence > made,
      20_000,
      'the birth of this run',
    );
    t.true(await waitFor(() => collector.unreported().length === 0, 20_000));
    t.is(await daemon.stop(), 0);

    const events = collector.ledger();
    const drops = events.flatMap(({ type, data }) =>
      type === 'outbox.dropped'
        ? [data as { first: number; last: number; count: number; class: string }]
        : [],
    );
    const gaps = collector.gaps();
    t.log(`${made} made, ${gaps.length} dropped in ${drops.length} ranges`);
    t.true(gaps.length > 50, 'there was not enough room');
    t.deepEqual(collector.unreported(), [], 'every gap is accounted for');
    t.is(
      drops.reduce((sum, { count }) => sum + count, 0),
      gaps.length,
      'and counted',
    );
    const seen = new Set(events.map(({ sequence }) => sequence));
    const ledgerKept = Array.from({ length: made }, (_, i) => i).filter((i) => i % 6 === 3);
    t.true(
      ledgerKept.every((i) => seen.has(i + 1)),
      'no event of the ledger is dropped',
    );
    t.true(drops.every((drop) => drop.class === 'telemetry' || drop.class === 'evidence'));
    const evidenceKept = Array.from({ length: made / 6 }, (_, i) => i * 6 + 1).filter((n) => seen.has(n));
    const telemetryDropped = drops.filter((drop) => drop.class === 'telemetry');
    t.true(telemetryDropped.length > 0);
    t.true(evidenceKept.length > 0, 'evidence outlives telemetry');
  },
);
