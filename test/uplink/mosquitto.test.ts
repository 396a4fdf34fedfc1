import anyTest, { type ExecutionContext } from 'ava';
import { connectAsync } from 'mqtt';
import { type Mosquitto, startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { BenchDevice, place, until } from './support/bench-device.ts';
import { StoreModel } from './support/store-model.ts';

const test = needs(anyTest, 'mosquitto');

async function openMosquitto(t: ExecutionContext, settings: readonly string[] = []): Promise<Mosquitto> {
  const broker = await startMosquitto({ settings });
  t.teardown(() => broker.remove());
  return broker;
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

for (const protocol of ['auto', '5', '3.1.1'] as const) {
  test(`Mosquitto with protocol ${protocol}: all events arrive once, in order, and leave the outbox`, async (t) => {
    const broker = await openMosquitto(t);
    const store = await StoreModel.open(t, broker.url, place, false);
    const device = await BenchDevice.open(t, { url: broker.url, broker: { protocol } });
    await device.store(1_000, undefined, 4);
    await until(() => store.through === 1_000, 'all events arrive');
    t.deepEqual(store.order, numbers(1_000));
    t.is(store.repeats, 0);
    await until(() => device.status.outboxEvents === 0, 'the outbox is empty');
    t.is(device.status.protocol, protocol === '3.1.1' ? '3.1.1' : '5');
    t.is(device.status.connection, 1);
    t.deepEqual(device.faults, []);
  });
}

test('with JSON as encoding the same events arrive, also where the broker takes few at a time', async (t) => {
  const broker = await openMosquitto(t, ['max_inflight_messages 20']);
  const store = await StoreModel.open(t, broker.url, place, false);
  const device = await BenchDevice.open(t, { url: broker.url, encoding: 'json' });
  await device.store(200, undefined, 4);
  await until(() => store.through === 200, 'JSON arrives');
  t.deepEqual(
    [...store.byId.values()],
    device.events.map((event) => ({ ...event })),
  );
});

test('a broker that is killed again and again while the queue drains loses nothing for a store that acknowledges', async (t) => {
  const broker = await openMosquitto(t);
  const store = await StoreModel.open(t, broker.url, place, true);
  const device = await BenchDevice.open(t, { url: broker.url, limits: { resendAfterMs: 400 } });
  await device.store(50);
  await until(() => device.status.acknowledged, 'the store has acknowledged');
  let stored = 50;
  for (let round = 0; round < 4; round++) {
    const goal = stored + 600;
    const storing = device.store(1_500, undefined, 3);
    await until(() => store.through >= goal, 'some have arrived');
    await broker.kill();
    await storing;
    stored += 1_500;
    await broker.start();
  }
  await until(() => store.through === stored, 'all events arrive');
  t.is(store.byId.size, stored);
  t.deepEqual(
    [...store.byId.values()].map(({ sequence }) => sequence).sort((a, b) => a - b),
    numbers(stored),
  );
  await until(() => device.status.outboxEvents === 0, 'the outbox is empty');
  t.true(store.states.some(({ online, connection }) => online && connection > 1));
});

test('a broker away for the whole time, then back: the same ledger arrives', async (t) => {
  const broker = await openMosquitto(t);
  await broker.stop();
  const device = await BenchDevice.open(t, { url: broker.url });
  await device.store(3_000, undefined, 3);
  t.false(device.status.connected);
  await broker.start();
  // The consumer's session must be there before the first event: hold the device back until it is.
  const late = await BenchDevice.open(t, { url: broker.url, device: 'cart-8', silent: true });
  await late.store(2_000, undefined, 5);
  const store = await StoreModel.open(t, broker.url, { ...place, device: 'cart-8' }, false);
  late.uplink.setBirth({ software: 'cartwright/test' });
  await until(() => store.through === 2_000, 'the ledger arrives');
  t.deepEqual(
    [...store.byId.keys()],
    late.events.map(({ id }) => id),
  );
  await until(() => device.status.outboxEvents === 0, 'the other outbox drains as well');
});

test('a PUBACK that never comes: after reconnecting the events are repeated and removed by id', async (t) => {
  const broker = await openMosquitto(t);
  const store = await StoreModel.open(t, broker.url, place, false);
  const device = await BenchDevice.open(t, {
    url: broker.url,
    broker: { reconnectMaxMs: 50 },
    limits: { pubackTimeoutMs: 300 },
  });
  await device.connected();
  broker.freeze();
  await device.store(100);
  await until(() => device.hasFault('CW-UPL-023'), 'the silence is noticed');
  broker.thaw();
  await until(() => store.through === 100 && device.status.outboxEvents === 0, 'all arrive');
  t.is(store.byId.size, 100);
});

test('acknowledgements of another ledger or of what was not published change nothing', async (t) => {
  const broker = await openMosquitto(t);
  const store = await StoreModel.open(t, broker.url, place, true);
  const device = await BenchDevice.open(t, { url: broker.url });
  await device.store(20);
  await until(() => device.status.releasedThrough === 20, 'the store has acknowledged');
  store.acknowledge('00000000deadbeef', 1_000);
  store.acknowledge(device.uplink.start.ledger, 25);
  await until(() => device.hasFault('CW-UPL-027'), 'the impossible one is reported');
  await device.store(10);
  await until(() => device.status.releasedThrough === 30, 'true acknowledgements still count');
  store.acknowledge(device.uplink.start.ledger, 5);
  await device.store(1);
  await until(() => device.status.releasedThrough === 31, 'an older one takes nothing back');
  t.is(store.byId.size, 31);
});

test('acknowledging is remembered: after a restart PUBACK alone releases nothing', async (t) => {
  const broker = await openMosquitto(t);
  const store = await StoreModel.open(t, broker.url, place, true);
  const first = await BenchDevice.open(t, { url: broker.url });
  await first.store(5);
  await until(() => first.status.releasedThrough === 5, 'the store has acknowledged');
  await first.uplink.stop();
  await broker.kill();
  await broker.start();
  const silent = await BenchDevice.open(t, { url: broker.url, folder: first.folder });
  t.true(silent.uplink.start.nextSequence === 6);
  store.acknowledges = false;
  await silent.store(5);
  await until(() => store.byId.size === 10 && silent.status.published === 5, 'they arrive');
  await silent.store(1);
  await until(() => silent.status.published === 6, 'the status is fresh');
  t.is(silent.status.releasedThrough, 5);
  t.is(silent.status.outboxEvents, 6);
  store.acknowledges = true;
  await silent.store(1);
  await until(() => silent.status.releasedThrough === 12, 'and are released by the store');
});

test('an empty acknowledgement says that the store acknowledges no more', async (t) => {
  const broker = await openMosquitto(t);
  const store = await StoreModel.open(t, broker.url, place, true);
  const device = await BenchDevice.open(t, { url: broker.url });
  await device.store(5);
  await until(() => device.status.releasedThrough === 5, 'they are released');
  // A PUBACK may have released them before the store's first word came.
  await until(() => device.status.acknowledged, 'the store has acknowledged');
  store.acknowledges = false;
  await device.store(5);
  await until(() => device.status.published === 10, 'they arrive');
  t.is(device.status.releasedThrough, 5);
  await store.publish('ack', '', true);
  await until(() => device.status.outboxEvents === 0, 'PUBACK releases them');
  t.false(device.status.acknowledged);
});

for (const protocol of ['5', '3.1.1'] as const) {
  test(`two devices with one identity are noticed, and the one that is thrown off stands back with its events (MQTT ${protocol})`, async (t) => {
    const broker = await openMosquitto(t);
    const options = { url: broker.url, broker: { protocol }, limits: { standBackMs: 600_000 } };
    const devices = [await BenchDevice.open(t, options), await BenchDevice.open(t, options)];
    const away = () => devices.find(({ status }) => (status.contested?.standsBackS ?? 0) > 0);
    await until(() => away() !== undefined, 'one stands back');
    const other = devices.find((device) => device !== away());
    await until(() => other?.status.connected === true, 'the other one has the broker');
    const loser = away();
    if (loser === undefined || other === undefined) throw new Error('both are there');
    t.true(loser.hasFault('CW-UPL-022'));
    t.is(loser.status.contested?.times, 1);
    t.true((loser.status.contested?.standsBackS ?? 0) >= 290);
    const { connection } = loser.status;
    await loser.store(5);
    await other.store(5);
    await until(() => other.status.outboxEvents === 0, 'the other one delivers');
    await until(() => loser.status.outboxEvents === 5, 'this one keeps its events');
    t.false(loser.status.connected);
    t.is(loser.status.connection, connection, 'and leaves the broker alone');
  });
}

test('a wrong password is a coded error, said once, and events wait', async (t) => {
  const broker = await openMosquitto(t, ['allow_anonymous false']);
  const device = await BenchDevice.open(t, { url: broker.url });
  await device.store(3);
  await until(() => device.hasFault('CW-UPL-021'), 'it is reported');
  await until(() => device.status.connection > 3, 'it keeps trying');
  t.is(device.faults.length, 1);
  await until(() => device.status.outboxEvents === 3, 'they wait');
});

test('an event that the broker never takes is given up, counted and named; the rest arrives', async (t) => {
  const broker = await openMosquitto(t, ['message_size_limit 2000', 'max_packet_size 3000']);
  const store = await StoreModel.open(t, broker.url, place, false);
  const device = await BenchDevice.open(t, { url: broker.url });
  await device.store(5);
  const large = device.make(1, {
    type: 'gateway.born',
    data: { boot: 1, software: 'x'.repeat(5_000), reason: 'start' },
  });
  await device.uplink.store(large);
  await device.store(5);
  await until(() => store.byId.size === 10, 'the others arrive', 30_000);
  await until(() => device.drops.length === 1, 'the drop is reported');
  t.deepEqual(device.drops[0], { first: 6, last: 6, count: 1, class: 'ledger', reason: 'refused' });
  t.true(device.hasFault('CW-UPL-024'));
});

test('the last will of a device that dies names its connection', async (t) => {
  const broker = await openMosquitto(t);
  const store = await StoreModel.open(t, broker.url, place, false);
  const device = await BenchDevice.open(t, { url: broker.url });
  await until(() => store.states.length === 1, 'the birth arrives');
  await device.uplink.restart();
  await until(() => store.states.filter(({ online }) => online).length === 2, 'the next birth arrives');
  const [birth, will, next] = store.states;
  t.is(will?.online, false);
  t.is(will?.connection, birth?.connection);
  t.true((next?.connection ?? 0) > (birth?.connection ?? 0));
});

test('a subscription that is ended gets nothing any more, also after the broker was away; another one of the same goes on', async (t) => {
  const broker = await openMosquitto(t);
  const device = await BenchDevice.open(t, { url: broker.url });
  await device.connected();
  const store = await connectAsync(broker.url);
  t.teardown(() => store.endAsync(true));
  const seen: string[] = [];
  const hear = (name: string) => (topic: string, payload: Uint8Array) =>
    void seen.push(`${name} ${topic} ${Buffer.from(payload).toString()}`);
  await store.publishAsync('cw/1/lab/_store/gallery/part-1', 'one', { qos: 1, retain: true });
  await store.publishAsync('cw/1/lab/_store/gallery/part-2', 'two', { qos: 1, retain: true });
  const end = device.uplink.subscribe('_store/gallery/part-1', hear('a'));
  await until(() => seen.length === 1, 'what is retained comes');
  const other = device.uplink.subscribe('_store/gallery/part-1', hear('b'));
  end();
  end();
  await store.publishAsync('cw/1/lab/_store/gallery/part-1', 'again', { qos: 1 });
  await until(() => seen.includes('b _store/gallery/part-1 again'), 'the other one goes on');
  other();
  await store.publishAsync('cw/1/lab/_store/gallery/part-1', 'late', { qos: 1, retain: true });
  await broker.stop();
  await until(() => !device.status.connected, 'the broker is away');
  await broker.start();
  await device.connected();
  await store.publishAsync('cw/1/lab/_store/gallery/part-1', 'later', { qos: 1, retain: true });
  device.uplink.subscribe('_store/gallery/part-2', hear('c'));
  await store.publishAsync('cw/1/lab/_store/gallery/part-2', 'end', { qos: 1, retain: true });
  await until(() => seen.at(-1) === 'c _store/gallery/part-2 end', 'the last one comes');
  t.deepEqual(
    seen.filter((line) => !line.startsWith('b _store/gallery/part-1 one')),
    ['a _store/gallery/part-1 one', 'b _store/gallery/part-1 again', 'c _store/gallery/part-2 end'],
  );
  t.deepEqual(
    device.faults.filter(({ code }) => code !== 'CW-UPL-020' && code !== 'CW-UPL-023'),
    [],
  );
});
