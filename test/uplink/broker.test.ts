import { execFile } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import type { Draft } from '#events/event.ts';
import { type EmbeddedBroker, startBroker } from '#uplink/embedded-broker.ts';
import { type DropRange, goneIn } from '#uplink/outbox-policy.ts';
import { BenchDevice, place, telling, temporaryFolder, until } from './support/bench-device.ts';
import { StoreModel } from './support/store-model.ts';

async function openBroker(t: ExecutionContext, port = 0): Promise<EmbeddedBroker> {
  const broker = await startBroker({ port });
  t.teardown(() => broker.close());
  return broker;
}

test('events reach a subscriber of the embedded broker in order, once, and leave the outbox', async (t) => {
  const broker = await openBroker(t);
  const store = await StoreModel.open(t, broker.url, place, false);
  const device = await BenchDevice.open(t, { url: broker.url });
  await device.store(500, undefined, 3);
  await until(() => store.through === 500, 'all events arrive');
  t.deepEqual(
    store.order,
    Array.from({ length: 500 }, (_, i) => i + 1),
  );
  t.deepEqual(
    [...store.byId.values()].map((event) => event.id),
    device.events.map((event) => event.id),
  );
  await until(() => device.status.outboxEvents === 0, 'the outbox is empty');
  t.is(device.status.protocol, '3.1.1');
  t.deepEqual(device.faults, []);
});

test('birth, farewell and boots carry growing numbers, and a clean stop is no crash', async (t) => {
  const broker = await openBroker(t);
  const store = await StoreModel.open(t, broker.url, place, false);
  const folder = await temporaryFolder(t);
  for (const boot of [1, 2]) {
    const device = await BenchDevice.open(t, { url: broker.url, folder });
    t.is(device.uplink.start.boot, boot);
    t.false(device.uplink.start.crashed);
    await until(() => store.states.at(-1)?.boot === boot, 'the birth arrives');
    t.true(store.states.at(-1)?.online);
    await device.uplink.stop();
    await until(() => store.states.at(-1)?.online === false, 'the farewell arrives');
    t.is(store.states.at(-1)?.boot, boot);
  }
  const connections = store.states.filter(({ online }) => online).map(({ connection }) => connection);
  t.deepEqual(
    [...connections].sort((a, b) => a - b),
    connections,
  );
  t.is(new Set(connections).size, 2);
});

test('no broker at all: opening and storing do not wait for it', async (t) => {
  const device = await BenchDevice.open(t, { url: 'mqtt://127.0.0.1:9' });
  await device.store(50);
  await until(() => device.status.outboxEvents === 50, 'all are on disk');
  t.false(device.status.connected);
  await until(() => device.hasFault('CW-UPL-020'), 'the outage is reported');
  t.is(device.faults.filter(({ code }) => code === 'CW-UPL-020').length, 1);
  await device.uplink.stop(200);
  const again = await BenchDevice.open(t, { url: 'mqtt://127.0.0.1:9', folder: device.folder });
  t.is(again.uplink.start.nextSequence, 51);
});

test('a thread that is killed is replaced, and nothing that was given to it is missing', async (t) => {
  const broker = await openBroker(t);
  const store = await StoreModel.open(t, broker.url, place, false);
  const device = await BenchDevice.open(t, { url: broker.url });
  const storing = device.store(2_000, undefined, 2);
  await device.uplink.restart();
  await storing;
  await device.store(10);
  await until(() => store.through === 2_010, 'all events arrive');
  t.is(store.byId.size, 2_010);
  t.true(device.hasFault('CW-UPL-012'));
  t.is(device.uplink.start.boot, 1);
  t.true(store.states.every(({ boot }) => boot === 1));
});

test('state belongs to the transaction of its events and survives a restart', async (t) => {
  const folder = await temporaryFolder(t);
  const device = await BenchDevice.open(t, { url: 'mqtt://127.0.0.1:9', folder });
  await device.uplink.store(device.make(1), { basket: '{"lines":1}', tare: '5' });
  await device.uplink.store(device.make(1), { basket: '{"lines":2}', tare: null });
  await t.throwsAsync(device.uplink.store(device.make(2).slice(1), { basket: 'wrong' }), {
    code: 'CW-UPL-005',
  });
  await device.uplink.stop(100);
  const again = await BenchDevice.open(t, { url: 'mqtt://127.0.0.1:9', folder });
  t.deepEqual(again.uplink.start.state, { basket: '{"lines":2}' });
  t.is(again.uplink.start.nextSequence, 3);
});

test('requests arrive with their retain flag, hostile topics and handlers that throw do no harm', async (t) => {
  const broker = await openBroker(t);
  const store = await StoreModel.open(t, broker.url, place, false);
  await store.publish('request/session/begin', 'kept', true);
  const device = await BenchDevice.open(t, { url: broker.url, silent: true });
  const seen: string[] = [];
  device.uplink.subscribe('request/#', (topic, payload, { retain }) => {
    seen.push(`${topic} ${Buffer.from(payload).toString()} ${retain}`);
    throw new Error('a handler fails');
  });
  device.uplink.setBirth({ software: 'cartwright/test' });
  await until(() => seen.length === 1, 'the retained request arrives');
  await store.publish('request/Bad.Topic', 'x');
  await store.publish('request/tare', 'now');
  for (let i = 0; i < 200; i++) void store.publish('request/many', String(i));
  await until(() => seen.length === 202, 'all requests arrive');
  t.deepEqual(seen.slice(0, 3), [
    'request/session/begin kept true',
    'request/tare now false',
    'request/many 0 false',
  ]);
  t.true(device.hasFault('CW-UPL-026'));
});

test('a message above the limit is ignored with a coded error, and the next one arrives', async (t) => {
  const broker = await openBroker(t);
  const store = await StoreModel.open(t, broker.url, place, false);
  const device = await BenchDevice.open(t, { url: broker.url, silent: true });
  const seen: number[] = [];
  device.uplink.subscribe('request/#', (_topic, payload) => {
    seen.push(payload.length);
  });
  device.uplink.setBirth({ software: 'cartwright/test' });
  await device.connected();
  await until(() => store.states.length > 0, 'the device is there');
  await store.publish('request/large', Buffer.alloc(400_000));
  await store.publish('request/small', Buffer.alloc(10));
  await until(() => seen.length > 0, 'the small one arrives');
  t.deepEqual(seen, [10]);
  t.true(device.hasFault('CW-UPL-025'));
  t.true(device.status.connected);
});

test('retained messages are sent again to a broker that lost them, the last value of each', async (t) => {
  const first = await openBroker(t);
  const port = Number(new URL(first.url).port);
  // The device comes back after the subscriber: an answer is for who is there.
  const device = await BenchDevice.open(t, {
    url: first.url,
    broker: { reconnectFirstMs: 8_000, reconnectMaxMs: 8_000 },
  });
  await device.connected();
  device.uplink.publish('health', 'one', { qos: 1, retain: true });
  device.uplink.publish('health', 'two', { qos: 1, retain: true });
  device.uplink.publish('basket', 'lines', { qos: 1, retain: true });
  await first.close();
  await until(() => !device.status.connected, 'the link is down');
  device.uplink.publish('basket', '', { qos: 1, retain: true });
  device.uplink.publish('response/tare', 'done', { qos: 1 });
  device.uplink.publish('live/weight', 'lost', { qos: 0 });
  const second = await openBroker(t, port);
  const store = await StoreModel.open(t, second.url, place, false);
  const has = (topic: string, text: string) =>
    store.messages.some((message) => message.topic === topic && message.payload.toString() === text);
  await until(() => has('health', 'two') && has('response/tare', 'done'), 'both arrive');
  t.false(has('health', 'one'));
  t.false(has('basket', 'lines'));
  t.false(has('live/weight', 'lost'));
});

test('a full outbox drops the oldest telemetry, then evidence, counts it and says which', async (t) => {
  const device = await BenchDevice.open(t, {
    url: 'mqtt://127.0.0.1:9',
    outbox: { maxBytes: 1_048_576, ledgerShare: 0.9 },
    limits: { dropReportMs: 0 },
  });
  const health = telling('gateway.health');
  const scan = telling('scan.read');
  await device.store(300, scan, 50);
  await device.store(900, health, 50);
  await device.store(100, undefined, 50);
  await until(() => device.drops.length > 0, 'drops are reported');
  t.true(device.drops.every((range) => range.class === 'telemetry' && range.reason === 'full'));
  t.is(device.drops[0]?.first, 301);
  const count = device.drops.reduce((sum, range) => sum + range.count, 0);
  await until(() => device.status.dropped === count, 'the status counts them');
  await until(() => device.status.outboxEvents === 1_300 - count, 'the rest is there');
  await device.store(1_200, scan, 50);
  await until(() => device.drops.some((range) => range.class === 'evidence'), 'evidence follows');
  const [range] = device.drops;
  if (range === undefined) throw new Error('no range');
  const report = device.make(1, { type: 'outbox.dropped', data: range });
  await device.uplink.store(report);
  await device.uplink.stop(100);
  const again = await BenchDevice.open(t, { url: 'mqtt://127.0.0.1:9', folder: device.folder });
  const gone = (ranges: readonly DropRange[]) =>
    ranges
      .flatMap(goneIn)
      .flatMap(([a, b]) => Array.from({ length: b - a + 1 }, (_, i) => a + i))
      .sort((a, b) => a - b);
  t.deepEqual(
    gone(again.drops),
    gone(device.drops.slice(1)),
    'what was reported is not told again, the rest is',
  );
  t.is(again.drops.length, 2, 'as one range a class');
});

test('a broker that takes everything and answers nothing is given up', async (t) => {
  const sockets: Socket[] = [];
  let connects = 0;
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      // CONNACK for CONNECT, SUBACK for SUBSCRIBE (two filters), and silence for the rest.
      if (data[0] === 0x10) {
        connects++;
        socket.write(Buffer.from([0x20, 2, 0, 0]));
      }
      for (let at = 0; at < data.length; at += 2 + (data[at + 1] ?? 0)) {
        if (data[at] !== 0x82) continue;
        socket.write(Buffer.from([0x90, 4, data[at + 2] ?? 0, data[at + 3] ?? 0, 1, 1]));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const device = await BenchDevice.open(t, {
    url: `mqtt://127.0.0.1:${port}`,
    broker: { protocol: '3.1.1' },
    limits: { pubackTimeoutMs: 200 },
  });
  await device.store(5);
  await until(() => connects >= 3, 'it connects anew');
  t.true(device.hasFault('CW-UPL-023'));
  t.is(device.status.outboxEvents, 5);
  await device.uplink.stop(100);
  for (const socket of sockets) socket.destroy();
  server.close();
});

test('a file that is damaged while the gateway runs is kept, and says that the gateway must begin anew', async (t) => {
  const folder = await temporaryFolder(t);
  const device = await BenchDevice.open(t, {
    url: 'mqtt://127.0.0.1:9',
    folder,
    onFault({ code }) {
      if (code !== 'CW-UPL-012') return;
      // Between the old thread and the new one, so that nobody holds the file.
      for (const name of readdirSync(folder)) writeFileSync(join(folder, name), Buffer.alloc(8_192, 0x55));
    },
  });
  await device.store(5);
  await device.uplink.restart();
  t.true(device.hasFault('CW-UPL-002'));
  t.true(device.hasFault('CW-UPL-006'));
  await t.throwsAsync(device.store(1), { code: 'CW-UPL-006' });
  t.true(readdirSync(folder).includes('outbox.sqlite.damaged-1'));
  await device.uplink.stop(100);
  const next = await BenchDevice.open(t, { url: 'mqtt://127.0.0.1:9', folder });
  t.not(next.uplink.start.ledger, device.uplink.start.ledger);
  await next.store(1);
});

test('a second gateway on the same folder is refused at once', async (t) => {
  const device = await BenchDevice.open(t, { url: 'mqtt://127.0.0.1:9' });
  const url = new URL('support/second-gateway.ts', import.meta.url);
  const { stdout } = await promisify(execFile)(process.execPath, [url.pathname, device.folder]);
  t.regex(stdout, /CW-UPL-004/);
});

test('what the contract does not have is refused where it is said', async (t) => {
  const device = await BenchDevice.open(t, { url: 'mqtt://127.0.0.1:9', silent: true });
  for (const topic of ['', '#', 'event/item/added', 'health/+', 'request', 'Live/weight', 'state/x']) {
    t.throws(() => device.uplink.publish(topic, '', { qos: 1 }), { code: 'CW-UPL-030' });
  }
  t.throws(() => device.uplink.setBirth({ software: 5 } as unknown as { software: string }), {
    code: 'CW-EVT-008',
  });
});

test('more than may wait in memory is refused, and what waits is told when the uplink stops', async (t) => {
  const device = await BenchDevice.open(t, {
    url: 'mqtt://127.0.0.1:9',
    limits: { maxPendingBytes: 20_000 },
  });
  const draft: Draft = {
    type: 'gateway.born',
    data: { boot: 1, software: 'x'.repeat(9_000), reason: 'start' },
  };
  // While there is no thread, nothing reaches the disk.
  const restarted = device.uplink.restart();
  const stores = Array.from({ length: 3 }, () =>
    device.uplink.store(device.make(1, draft)).then(
      () => 'stored',
      (error: { code: string }) => error.code,
    ),
  );
  t.is(await stores[2], 'CW-UPL-009');
  await device.uplink.stop(100);
  t.deepEqual(await Promise.all(stores), ['CW-UPL-011', 'CW-UPL-011', 'CW-UPL-009']);
  void restarted;
});

test('an outbox full of ledger events takes no store down: what does not fit is counted and told', async (t) => {
  const device = await BenchDevice.open(t, {
    url: 'mqtt://127.0.0.1:9',
    outbox: { maxBytes: 1_048_576, ledgerShare: 0.5 },
    limits: { dropReportMs: 0 },
  });
  const revisions: Draft = { type: 'basket.suspended', data: { revision: 1 } };
  await device.store(8_000, revisions, 40);
  await device.uplink.store(device.make(1, revisions), { basket: '{}' });
  await until(() => device.status.blocked === 'CW-UPL-007', 'it is said');
  t.true(device.hasFault('CW-UPL-007'));
  t.true(device.status.ledgerFull);
  t.true(device.status.outboxBytes <= 1_048_576);
  await until(
    () => device.drops.reduce((sum, { count }) => sum + count, 0) === device.status.dropped,
    'counted',
  );
  t.true(device.drops.every((range) => range.class === 'ledger' && range.reason === 'full'));
  await until(
    () => device.status.outboxEvents + device.status.dropped === 8_001,
    'every event is kept or counted',
  );
  const before = device.status.outboxEvents;
  await device.store(1, telling('gateway.born'));
  await until(() => device.status.outboxEvents === before + 1, 'the birth has its place');
  await device.uplink.stop(100);
  const again = await BenchDevice.open(t, { url: 'mqtt://127.0.0.1:9', folder: device.folder });
  t.deepEqual(again.uplink.start.state, { basket: '{}' });
  t.is(again.drops.length, 1, 'one range for all');
});

for (const encoding of ['cbor', 'json'] as const) {
  test(`a stored event that can not be decoded kills no thread (${encoding})`, async (t) => {
    const broker = await openBroker(t);
    const store = await StoreModel.open(t, broker.url, place, false);
    const first = await BenchDevice.open(t, { url: 'mqtt://127.0.0.1:9', encoding });
    await first.store(3);
    await first.uplink.stop(100);
    const database = new DatabaseSync(join(first.folder, 'outbox.sqlite'));
    // The oldest, which the status looks at.
    database.exec('UPDATE event SET bytes = zeroblob(length(bytes)) WHERE sequence = 1');
    database.close();
    const device = await BenchDevice.open(t, { url: broker.url, encoding, folder: first.folder });
    await device.store(1);
    await until(() => device.status.outboxEvents === 0, 'the outbox is empty');
    t.false(device.hasFault('CW-UPL-012'));
    await until(() => store.byId.size === 3, 'the others arrive');
    t.true(device.hasFault('CW-UPL-013'));
    await until(() => device.drops.length === 1, 'the drop is reported');
    t.like(device.drops[0], { first: 1, last: 1, count: 1, class: 'ledger', reason: 'refused' });
  });
}

test('a window of requests is held back until their handlers have settled', async (t) => {
  const broker = await openBroker(t);
  const store = await StoreModel.open(t, broker.url, place, false);
  const device = await BenchDevice.open(t, { url: broker.url, silent: true });
  const waiting: (() => void)[] = [];
  let started = 0;
  device.uplink.subscribe('request/#', () => {
    started++;
    return new Promise<void>((resolve) => waiting.push(resolve));
  });
  device.uplink.setBirth({ software: 'cartwright/test' });
  await until(() => store.states.length > 0, 'the device is there');
  for (let i = 0; i < 200; i++) void store.publish('request/many', String(i));
  await until(() => started >= 32, 'a window of them is handed over');
  await sleep(300);
  t.true(started < 200, `${started} were handed over at once`);
  const births = store.states.length;
  await device.uplink.restart();
  for (const resolve of waiting.splice(0)) resolve();
  const drain = setInterval(() => {
    for (const resolve of waiting.splice(0)) resolve();
  }, 5);
  t.teardown(() => clearInterval(drain));
  await until(() => store.states.slice(births).some(({ online }) => online), 'the new thread is there');
  const before = started;
  for (let i = 0; i < 50; i++) void store.publish('request/more', String(i));
  await until(() => started >= before + 50, 'the new thread takes them as well');
});
