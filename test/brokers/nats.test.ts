import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type SecureVersion } from 'node:tls';
import anyTest, { type ExecutionContext } from 'ava';
import mqtt, { type MqttClient } from 'mqtt';
import { FleetConsumer } from '#test/support/fleet-consumer.ts';
import { type NatsCluster, startNats } from '#test/support/nats.ts';
import { needs } from '#test/tools.ts';
import { BenchDevice, place, until } from '#test/uplink/support/bench-device.ts';

const test = needs(anyTest, 'nats-server', 'openssl');

const names = ['cart-1', 'cart-2', 'cart-3', 'cart-4'];

async function openCluster(t: ExecutionContext): Promise<NatsCluster> {
  const cluster = await startNats(place.store, names);
  t.teardown(() => cluster.remove());
  return cluster;
}

function openCart(t: ExecutionContext, cluster: NatsCluster, device: string): Promise<BenchDevice> {
  const broker = {
    ...{ urls: [...cluster.urls], subscribeQos: 0 as const, ...cluster.client(device) },
    ...{ reconnectFirstMs: 50, reconnectMaxMs: 1_000 },
  };
  return BenchDevice.open(t, { url: '', device, broker, limits: { pubackTimeoutMs: 6_000 } });
}

/** A client of the store's with the certificate of `name`, at one node. */
function connect(cluster: NatsCluster, name: string, node: number, options: mqtt.IClientOptions = {}) {
  const { caFile, certFile, keyFile } = cluster.client(name);
  return mqtt.connectAsync(cluster.urls[node] ?? '', {
    ...{ ca: readFileSync(caFile), cert: readFileSync(certFile), key: readFileSync(keyFile) },
    ...{ protocolVersion: 4, reconnectPeriod: 0, clientId: `${name}-${node}`, ...options },
  });
}

/** What a handshake with this version alone comes to: the version, or the error. */
async function handshake(cluster: NatsCluster, version: SecureVersion): Promise<string> {
  const { caFile, certFile, keyFile } = cluster.client('cart-2');
  const socket = connectTls({
    ...{ host: '127.0.0.1', port: Number(new URL(cluster.urls[0] ?? '').port) },
    ...{ ca: readFileSync(caFile), cert: readFileSync(certFile), key: readFileSync(keyFile) },
    ...{ minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' },
  });
  try {
    await once(socket, 'secureConnect');
    return socket.getProtocol() ?? '';
  } catch (error) {
    return String(error);
  } finally {
    socket.destroy();
  }
}

function hear(client: MqttClient): string[] {
  const heard: string[] = [];
  client.on('message', (topic, payload, { retain }) => {
    heard.push(`${topic.split('/').slice(3).join('/')} ${payload.toString()}${retain ? ' kept' : ''}`);
  });
  return heard;
}

test.serial(
  'three NATS nodes, as shipped, carry what Cartwright uses: kept messages, wills, wildcards, long payloads',
  async (t) => {
    t.timeout(120_000);
    const cluster = await openCluster(t);
    const consumer = await FleetConsumer.open({
      ...{ urls: cluster.urls, store: place.store, clientId: 'ledger', tls: cluster.client('store') },
    });
    t.teardown(() => consumer.close());
    const cart = await openCart(t, cluster, 'cart-1');
    await cart.connected();
    t.is(cart.status.protocol, '3.1.1');
    t.true(cluster.urls.includes(cart.status.broker));
    await until(() => consumer.states.get('cart-1')?.online === true, 'the birth arrives');
    const born = consumer.states.get('cart-1');
    t.is(born?.broker, cart.status.broker, 'and says at which node');

    // An event that is as long as an event may be.
    const draft = {
      type: 'gateway.born',
      data: { boot: 1, software: 'x'.repeat(261_000), reason: 'start' },
    } as const;
    await cart.uplink.store(cart.make(1, draft));
    await cart.store(20);
    await until(() => consumer.count === 21, 'all events arrive');

    // What the store keeps for devices comes from any node, by wildcards too; what is cleared comes no more.
    const store = await connect(cluster, 'store', 0);
    await store.publishAsync('cw/1/lab/_store/catalogue', 'prices', { qos: 1, retain: true });
    await store.publishAsync('cw/1/lab/_store/old', 'gone', { qos: 1, retain: true });
    await store.publishAsync('cw/1/lab/_store/old', '', { qos: 1, retain: true });
    const requests: string[] = [];
    cart.uplink.subscribe('request/#', (topic, payload, { retain }) => {
      requests.push(`${topic} ${Buffer.from(payload).toString()} ${retain}`);
    });
    cart.uplink.subscribe('_store/#', (topic, payload, { retain }) => {
      requests.push(`${topic} ${Buffer.from(payload).toString()} ${retain}`);
    });
    await until(() => requests.includes('_store/catalogue prices true'), 'what is kept arrives');
    await store.publishAsync('cw/1/lab/cart-1/request/tare', 'now', { qos: 1 });
    await until(() => requests.includes('request/tare now false'), 'a request arrives');
    t.false(requests.some((line) => line.includes('gone')));
    const late = await connect(cluster, 'store', 2, { clientId: 'late' });
    const heard = hear(late);
    await late.subscribeAsync('cw/1/lab/+/state', { qos: 1 });
    await until(
      () => heard.some((line) => line.startsWith('cart-1/state') && line.endsWith('kept')),
      'states are kept',
    );

    // The will of a device whose thread dies.
    consumer.states.clear();
    const connection = cart.status.connection;
    const will = new Promise((resolve) => late.once('message', resolve));
    await cart.uplink.restart();
    await will;
    await until(
      () => consumer.states.get('cart-1')?.online === true && cart.status.connection > connection,
      'it is back',
    );

    // A session outlives its client, at another node.
    const key = { clientId: 'patient', clean: false };
    const patient = await connect(cluster, 'store', 1, key);
    await patient.subscribeAsync('cw/1/lab/cart-2/event/#', { qos: 1 });
    patient.end(true);
    await store.publishAsync('cw/1/lab/cart-2/event/item/added', 'while away', { qos: 1 });
    const again = mqtt.connect({ ...patient.options, port: Number(new URL(cluster.urls[2] ?? '').port) });
    t.teardown(() => again.endAsync(true));
    const kept = hear(again);
    await until(() => kept.length > 0, 'what came meanwhile arrives');
    t.deepEqual(kept, ['cart-2/event/item/added while away']);
    await Promise.all([store.endAsync(true), late.endAsync(true)]);
  },
);

test.serial(
  'a device has no rights on NATS but its own, and a certificate that is no longer listed is shut out',
  async (t) => {
    t.timeout(120_000);
    const cluster = await openCluster(t);
    const store = await connect(cluster, 'store', 0);
    const heard = hear(store);
    await store.subscribeAsync('cw/1/lab/#', { qos: 1 });
    const thief = await connect(cluster, 'cart-1', 1);
    const overheard = hear(thief);
    t.is((await thief.subscribeAsync('cw/1/lab/cart-1/request/#', { qos: 1 }))[0]?.qos, 1);
    for (const filter of ['cw/1/lab/cart-2/request/#', 'cw/1/lab/+/request/#', '#', 'cw/#', '$JS/API/#']) {
      await t.throwsAsync(thief.subscribeAsync(filter, { qos: 1 }), undefined, filter);
    }
    // What it may not write is acknowledged and thrown away, as MQTT 3.1.1 allows.
    await thief.publishAsync('cw/1/lab/cart-2/event/item/added', 'forged', { qos: 1 });
    await thief.publishAsync('cw/1/lab/cart-2/state', 'forged', { qos: 1, retain: true });
    await thief.publishAsync('cw/1/lab/_store/keys', 'forged', { qos: 1, retain: true });
    await thief.publishAsync('cw/1/lab/cart-1/event/item/added', 'own', { qos: 1 });
    await store.publishAsync('cw/1/lab/cart-2/request/tare', 'for cart-2', { qos: 1 });
    await store.publishAsync('cw/1/lab/cart-1/request/tare', 'for cart-1', { qos: 1 });
    await until(() => overheard.length > 0 && heard.length >= 3, 'what is allowed arrives');
    t.deepEqual(overheard, ['cart-1/request/tare for cart-1']);
    t.false(
      heard.some((line) => line.includes('forged')),
      heard.join('; '),
    );
    await t.throwsAsync(connect(cluster, 'cart-9', 1), undefined, 'a name that is not listed');
    t.is(await handshake(cluster, 'TLSv1.2'), 'TLSv1.2');
    t.regex(await handshake(cluster, 'TLSv1.1'), /protocol version|alert/, 'below TLS 1.2 nobody gets in');

    const closed = new Promise<void>((resolve) => thief.once('close', () => resolve()));
    await cluster.setUsers(names.filter((name) => name !== 'cart-1'));
    await closed;
    await t.throwsAsync(connect(cluster, 'cart-1', 2));
    await store.endAsync(true);
  },
);

test.serial(
  'each of three nodes is killed in turn under load: nothing is lost, and nothing comes twice by id',
  async (t) => {
    t.timeout(240_000);
    const cluster = await openCluster(t);
    const consumer = await FleetConsumer.open({
      ...{ urls: cluster.urls, store: place.store, clientId: 'ledger', tls: cluster.client('store') },
    });
    t.teardown(() => consumer.close());
    const carts = await Promise.all(names.map((device) => openCart(t, cluster, device)));
    await Promise.all(carts.map((cart) => cart.connected()));
    let isOn = true;
    const load = Promise.all(
      carts.map(async (cart) => {
        for (; isOn; await sleep(100)) await cart.store(2, undefined, 2);
      }),
    );
    const reached = () => new Set(carts.map(({ status }) => status.broker));
    await until(() => consumer.count > 40, 'events flow');
    consumer.takeLongestSilence();
    for (const [i, node] of cluster.nodes.entries()) {
      await node.kill();
      const through = new Map(carts.map((cart, n) => [names[n] ?? '', cart.events.length]));
      await until(
        () => [...through].every(([name, count]) => (consumer.sequences.get(name)?.size ?? 0) > count),
        `events of all carts flow without node ${i}`,
        60_000,
      );
      t.false(reached().has(node.url), 'nobody is at the node that is gone');
      t.log(`node ${i}: ${Math.round(consumer.takeLongestSilence())} ms without an event`);
      await node.start();
      for (let tries = 0; tries < 12 && !(await node.current()); tries++) await sleep(500);
    }
    isOn = false;
    await load;
    const made = carts.reduce((sum, cart) => sum + cart.events.length, 0);
    await until(() => consumer.count >= made, `all ${made} events arrive`, 60_000);
    t.is(consumer.count, made);
    for (const [n, cart] of carts.entries())
      t.deepEqual(consumer.missing(names[n] ?? '', cart.events.length), []);
    t.deepEqual(consumer.problems, []);
    await until(() => carts.every(({ status }) => status.outboxEvents === 0), 'the outboxes are empty');
    t.log(`${made} events, ${consumer.repeats} repeats removed`);
  },
);
