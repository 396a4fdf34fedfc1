import anyTest, { type ExecutionContext } from 'ava';
import { createRandom } from '#base/random.ts';
import { FaultProxy } from '#test/support/fault-proxy.ts';
import { type Mosquitto, startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { BenchDevice, place, until } from './support/bench-device.ts';
import { StoreModel } from './support/store-model.ts';

const test = needs(anyTest, 'mosquitto');

interface Site {
  readonly broker: Mosquitto;
  readonly proxy: FaultProxy;
  readonly store: StoreModel;
  readonly device: BenchDevice;
}

/** A device whose only way to the broker is a network that fails; the store is beside the broker. */
async function openSite(t: ExecutionContext, options: Partial<Parameters<typeof BenchDevice.open>[1]> = {}) {
  const broker = await startMosquitto();
  t.teardown(() => broker.remove());
  const proxy = await FaultProxy.open(broker.port);
  t.teardown(() => proxy.close());
  const store = await StoreModel.open(t, broker.url, place, false);
  const device = await BenchDevice.open(t, { url: proxy.url, ...options });
  return { broker, proxy, store, device } satisfies Site;
}

/** Everything that was stored is there under its own id, first seen in order of sequence, and the outbox is empty. */
async function hasAll(t: ExecutionContext, { store, device }: Site): Promise<void> {
  const { events } = device;
  await until(() => store.through === events.length && device.status.outboxEvents === 0, 'all events arrive');
  t.deepEqual(
    store.order,
    events.map(({ sequence }) => sequence),
  );
  t.deepEqual(
    [...store.byId.keys()],
    events.map(({ id }) => id),
  );
  t.deepEqual(device.drops, []);
}

test('a link that breaks every few hundred events loses none, and each is first seen in its place', async (t) => {
  const site = await openSite(t);
  const { device, proxy, store } = site;
  const random = createRandom(7);
  proxy.cutAfter(() => 2_000 + random.integer(60_000));
  await device.store(1_500, undefined, 5);
  for (let flaps = 0; flaps < 4; flaps++) {
    const from = store.through;
    await until(() => store.through > from || device.status.outboxEvents === 0, 'some arrive');
    proxy.cut();
  }
  await hasAll(t, site);
  t.true(device.status.connection > 4, `${device.status.connection} connections`);
  t.log(`${device.status.connection} connections, ${store.repeats} repeats removed by id`);
});

test('a fifth of all segments lost in either direction delays events and loses none', async (t) => {
  const site = await openSite(t, { limits: { pubackTimeoutMs: 2_000 } });
  site.proxy.lose(0.2);
  await site.device.store(600, undefined, 3);
  await hasAll(t, site);
  t.log(`${site.device.status.connection} connections, ${site.store.repeats} repeats removed by id`);
});

test('the replay of a long queue, interrupted again and again before it is through, ends with every event once', async (t) => {
  const site = await openSite(t, { silent: true });
  const { device, proxy, store } = site;
  await device.store(2_000, undefined, 10);
  t.is(device.status.published, 0);
  const random = createRandom(3);
  // At first not even the first event gets through.
  let connections = 0;
  proxy.cutAfter(() => (++connections < 5 ? 150 * connections : 3_000 + random.integer(50_000)));
  device.uplink.setBirth({ software: 'cartwright/test' });
  await hasAll(t, site);
  t.true(proxy.connections > 6, `${proxy.connections} connections`);
  t.log(`${proxy.connections} connections, ${store.repeats} repeats removed by id`);
});

test('while the broker stalls, what is stored is on disk at once: nobody waits for the network', async (t) => {
  const site = await openSite(t);
  const { device, proxy, store } = site;
  await device.store(20);
  await until(() => device.status.published === 20 && store.through === 20, 'the first arrive');
  proxy.hold();
  // Each resolves only when it is on disk; the link is up, takes what its window allows, and hears nothing.
  await device.store(600, undefined, 2);
  await until(() => device.status.outboxEvents === 600, 'all wait on disk');
  t.true(device.status.connected);
  t.is(store.through, 20, 'and none has arrived');
  t.is(device.uplink.pendingBytes, 0);
  proxy.release();
  await hasAll(t, site);
  t.is(device.status.connection, 1, 'a stall that ends in time breaks no link');
  t.is(store.repeats, 0);
});

test('a peer that is silently gone is found by the event that is not acknowledged', async (t) => {
  const site = await openSite(t, { limits: { pubackTimeoutMs: 400, connectTimeoutMs: 400 } });
  const { device, proxy } = site;
  await device.store(10);
  await until(() => device.status.published === 10, 'the first arrive');
  proxy.vanish();
  await device.store(30);
  await until(() => device.hasFault('CW-UPL-023'), 'the silence is noticed');
  const before = proxy.connections;
  await until(() => proxy.connections > before + 1, 'attempts that nobody answers are given up, too');
  t.false(device.status.connected);
  await device.store(10);
  proxy.appear();
  await hasAll(t, site);
});

test('a peer that is silently gone is found by the keep-alive where only live values are sent', async (t) => {
  const site = await openSite(t, {
    broker: { keepaliveS: 1 },
    limits: { pubackTimeoutMs: 60_000, connectTimeoutMs: 400 },
  });
  const { device, proxy } = site;
  await device.store(1);
  await until(() => device.status.published === 1, 'the link is up');
  proxy.vanish();
  // Nobody acknowledges these, and sending them must not pass for a sign of life.
  const live = setInterval(() => device.uplink.publish('live/mass', 'x', { qos: 0 }), 50);
  t.teardown(() => clearInterval(live));
  await until(() => !device.status.connected, 'the silence is noticed');
  t.is(device.status.reason, 'Keepalive timeout');
  proxy.appear();
  await device.store(5);
  await hasAll(t, site);
});
