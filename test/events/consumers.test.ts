import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import mqtt from 'mqtt';
import { encodeEvent } from '#events/codec.ts';
import type { CartEvent, Draft } from '#events/event.ts';
import { toJson } from '#events/json.ts';
import { Ledger } from '#events/ledger.ts';
import { ackPayload } from '#events/mqtt-payloads.ts';
import { startBroker } from '#uplink/embedded-broker.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { consumersDocument } from '../../scripts/docs/guides.ts';
import { readDocument } from './vectors.ts';

const program = new URL('../../docs/examples/consumer.mjs', import.meta.url).pathname;
const ledgerId = '00112233445566aa';
const prefix = 'cw/1/test-store/cart-1';

/** Events as a device makes them, `from` upwards. */
function makeEvents(from: number, drafts: readonly Draft[]): CartEvent[] {
  const ledger = new Ledger(
    { store: 'test-store', device: 'cart-1', ledger: ledgerId },
    { boot: 1, nextSequence: from, versions: { software: 'cartwright/0.1.0' } },
  );
  return drafts.map((draft) => ledger.append(draft, { atUs: 2 ** 33, time: 2 ** 40, timeQuality: 'synced' }));
}
const suspended = (revision: number): Draft => ({ type: 'basket.suspended', data: { revision } });
const dropped = (first: number, last: number): Draft => ({
  type: 'outbox.dropped',
  data: { first, last, count: last - first + 1, class: 'telemetry', reason: 'full' },
});

/** A broker, a device that publishes, and the consumer's folder; `acks` are the acknowledgements in order. */
async function bench(t: ExecutionContext) {
  const folder = await mkdtemp(join(tmpdir(), 'consumer-'));
  const broker = await startBroker();
  const device = await mqtt.connectAsync(broker.url, { clientId: 'cart-1', reconnectPeriod: 0 });
  const acks: { ledger: string; sequence: number }[] = [];
  device.on('message', (_topic, payload) => acks.push(decodePayload(ackPayload, payload)));
  await device.subscribeAsync(`${prefix}/ack`, { qos: 1 });
  const children: ChildProcess[] = [];
  t.teardown(async () => {
    for (const child of children) child.kill('SIGKILL');
    await device.endAsync(true);
    await broker.close();
    await rm(folder, { recursive: true, force: true });
  });
  const file = join(folder, 'events.db');
  const send = (event: CartEvent, encoding: 'cbor' | 'json' = 'cbor') =>
    device.publishAsync(
      `${prefix}/event/${event.type.replaceAll('.', '/')}`,
      encoding === 'cbor' ? Buffer.from(encodeEvent(event)) : JSON.stringify(toJson(event)),
      { qos: 1 },
    );
  const start = () => {
    const child = spawn(process.execPath, [program, broker.url, 'test-store', file], { stdio: 'pipe' });
    children.push(child);
    return child;
  };
  const kept = (): number[] => {
    const database = new DatabaseSync(file, { readOnly: true });
    const rows = database.prepare('SELECT sequence FROM event ORDER BY sequence').all();
    database.close();
    return rows.map(({ sequence }) => Number(sequence));
  };
  const safe = async (sequence: number) => {
    for (const deadline = performance.now() + 20_000; performance.now() < deadline; await sleep(10)) {
      if (acks.at(-1)?.sequence === sequence) return;
    }
    throw new Error(`no ack of ${sequence} came; the last one is ${JSON.stringify(acks.at(-1))}`);
  };
  /** Resolves when the consumer has subscribed: what is published before is not for it. */
  const subscribed = async () => {
    for (const deadline = performance.now() + 20_000; performance.now() < deadline; await sleep(50)) {
      await device.publishAsync(`${prefix}/event/nonsense`, '{}', { qos: 1 });
      if (noise.text.includes('not an event')) return;
    }
    throw new Error(`the consumer did not subscribe: ${noise.text}`);
  };
  const noise = { text: '' };
  const listen = (child: ChildProcess) =>
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      noise.text += text;
    });
  return { device, acks, send, start, kept, safe, subscribed, listen };
}

test('the consumer of the documents keeps each event once, from either encoding, and acknowledges what is whole', async (t) => {
  const { acks, send, start, kept, safe, subscribed, listen } = await bench(t);
  const child = start();
  listen(child);
  await subscribed();
  const [one, two, three, four] = makeEvents(2 ** 32 - 1, [1, 2, 3, 4].map(suspended)) as [
    CartEvent,
    CartEvent,
    CartEvent,
    CartEvent,
  ];
  await send(one);
  await send(one);
  await safe(one.sequence);
  await send(three, 'json');
  await send(four);
  // A gap: nothing more is safe until the one that is missing arrives.
  await send(one);
  t.is(acks.at(-1)?.sequence, one.sequence);
  await send(two, 'json');
  await safe(four.sequence);
  t.deepEqual(
    kept(),
    [one, two, three, four].map(({ sequence }) => sequence),
  );
  t.is(acks.at(-1)?.ledger, ledgerId);
});

test('the consumer of the documents gets what came while it was dead, and counts dropped ranges as received', async (t) => {
  const { send, start, kept, safe, subscribed, listen } = await bench(t);
  const first = start();
  listen(first);
  await subscribed();
  const events = makeEvents(1, [suspended(1), suspended(2), suspended(3), suspended(4), dropped(2, 3)]);
  const [one, , , four, range] = events as [CartEvent, CartEvent, CartEvent, CartEvent, CartEvent];
  await send(one);
  await safe(1);
  first.kill('SIGKILL');
  await once(first, 'exit');
  await send(four);
  await send(range);
  start();
  await safe(5);
  t.deepEqual(kept(), [1, 4, 5]);
});

test('the consumer of the documents still waits for what a dropped range leaves out', async (t) => {
  const { send, start, kept, safe, subscribed, listen, acks } = await bench(t);
  listen(start());
  await subscribed();
  const report: Draft = {
    type: 'outbox.dropped',
    data: { first: 2, last: 5, count: 3, class: 'evidence', reason: 'full', runs: [1, 1, 2] },
  };
  const events = makeEvents(1, [...[1, 2, 3, 4, 5].map(suspended), report]);
  const [one, , three, , , range] = events as [
    CartEvent,
    CartEvent,
    CartEvent,
    CartEvent,
    CartEvent,
    CartEvent,
  ];
  await send(one);
  await send(range, 'json');
  await safe(2);
  t.true(acks.every(({ sequence }) => sequence <= 2));
  await send(three);
  await safe(6);
  t.deepEqual(kept(), [1, 3, 6]);
});

test('the printed programs are those that are tested', async (t) => {
  t.is(await readDocument('consumers.md'), await consumersDocument());
});
