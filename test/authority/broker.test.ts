import { readFile, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import anyTest, { type ExecutionContext } from 'ava';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { type BrokerLink, publishRevocations } from '#authority/broker.ts';
import { makeDevice, makeSerial, type Span, spanFrom } from '#authority/certificates.ts';
import { examineBroker } from '#cli/doctor-broker.ts';
import { tryBroker } from '#cli/try-broker.ts';
import { inspectConfig } from '#config/load.ts';
import { makePrivateKey } from '#identity/keys.ts';
import { makeRequest } from '#identity/request.ts';
import { passwords, type StoreBroker, startStoreBroker } from '#test/support/store-broker.ts';
import { needs } from '#test/tools.ts';
import { scratch } from './support.ts';

const test = needs(anyTest, 'mosquitto', 'mosquitto_passwd');
const store = 'lab';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Enrols a device as the service would. */
async function enrol({ authority }: StoreBroker, device: string): Promise<Pair> {
  const { pem } = makePrivateKey('ES256');
  const { claim } = authority.claim(device, Date.now(), 60_000, true);
  const issued = await authority.enrol(
    claim.replaceAll('-', ''),
    device,
    await makeRequest(device, pem),
    Date.now(),
  );
  return { cert: issued.certificate, key: pem };
}

/** A certificate with dates of its own, by the authority's issuing key. */
async function certify(shop: StoreBroker, device: string, span: Span): Promise<Pair> {
  const { key, pem } = makePrivateKey('ES256');
  const [certificate, issuingKey] = await Promise.all(
    ['issuing.pem', 'issuing-key.pem'].map((name) => readFile(join(shop.authorityFolder, name), 'utf8')),
  );
  const issuing = { certificate: certificate ?? '', key: issuingKey ?? '' };
  const leaf = await makeDevice(
    { store, device, spki: key.publicKey.spki, serial: makeSerial() },
    issuing,
    span,
  );
  return { cert: leaf + issuing.certificate, key: pem };
}

async function dial(
  t: ExecutionContext,
  shop: StoreBroker,
  more: IClientOptions & { readonly url?: string },
): Promise<MqttClient> {
  const client = await mqtt.connectAsync(more.url ?? shop.devices, {
    ca: await readFile(shop.ca),
    protocolVersion: 5,
    reconnectPeriod: 0,
    connectTimeout: 5_000,
    ...more,
  });
  client.on('error', () => {});
  t.teardown(() => client.endAsync(true));
  return client;
}

const login = (user: keyof typeof passwords) => ({ username: user, password: passwords[user] });

/** Everything that the store's own login hears from now on. */
async function listen(
  t: ExecutionContext,
  shop: StoreBroker,
  filter: string,
): Promise<{ topic: string; text: string }[]> {
  const heard: { topic: string; text: string }[] = [];
  const client = await dial(t, shop, { url: shop.url, ...login('store') });
  client.on('message', (topic, payload) => heard.push({ topic, text: String(payload) }));
  await client.subscribeAsync(filter, { qos: 1 });
  return heard;
}

const linkOf = (shop: StoreBroker): BrokerLink => ({
  brokerLink: 1,
  folder: shop.folder,
  reload: ['kill', '-HUP', String(shop.broker.pid)],
  url: shop.url,
  username: 'authority',
  passwordFile: shop.passwordFile('authority'),
});

/** Resolves with what happens to a TLS connection: `taken`, or the alert with which it is refused. */
async function handshake(shop: StoreBroker, more: ConnectionOptions): Promise<string> {
  const socket = connectTls({
    host: '127.0.0.1',
    port: Number(new URL(shop.devices).port),
    ca: await readFile(shop.ca),
    maxVersion: 'TLSv1.2',
    ...more,
  });
  try {
    return await new Promise((resolve) => {
      socket.once('secureConnect', () => resolve('taken'));
      socket.once('error', (error) => resolve(error.message));
      socket.once('close', () => resolve('closed'));
    });
  } finally {
    socket.destroy();
  }
}

/** What a client would resume a TLS session with; undefined where the broker gives nothing of the kind. */
async function sessionOf(shop: StoreBroker, pair: Pair): Promise<Buffer | undefined> {
  const port = Number(new URL(shop.devices).port);
  const ca = await readFile(shop.ca);
  const socket = connectTls({ host: '127.0.0.1', port, ca, ...pair, maxVersion: 'TLSv1.2' });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  const session = socket.getSession();
  socket.destroy();
  return session;
}

test('a cart speaks as itself alone, whatever name it gives, and hears what it is asked and what the store offers', async (t) => {
  const shop = await startStoreBroker(t, store);
  const heard = await listen(t, shop, '#');
  const cart = await dial(t, shop, {
    ...(await enrol(shop, 'cart-1')),
    username: 'store',
    password: passwords.store,
    clientId: 'anything',
  });
  await cart.publishAsync('cw/1/lab/cart-1/state', 'mine', { qos: 1, retain: true });
  await t.throwsAsync(cart.publishAsync('cw/1/lab/cart-2/event/item/added', 'forged', { qos: 1 }), {
    message: /Not authorized/,
  });
  const asked: string[] = [];
  cart.on('message', (topic) => asked.push(topic));
  await cart.subscribeAsync(['cw/1/lab/cart-1/request/#', 'cw/1/lab/_store/#'], { qos: 1 });
  const ledger = await dial(t, shop, { url: shop.url, ...login('store') });
  await ledger.publishAsync('cw/1/lab/cart-1/request/session/begin', '', { qos: 1 });
  await ledger.publishAsync('cw/1/lab/_store/offers', '', { qos: 1 });
  while (asked.length < 2 || heard.length < 3) await sleep(10);
  t.deepEqual(asked.sort(), ['cw/1/lab/_store/offers', 'cw/1/lab/cart-1/request/session/begin']);
  t.false(heard.some(({ text }) => text === 'forged'));
});

test("a cart can't write other carts' topics: no event, no state, no request, no answer, nothing retained, no catalogue, nothing of the broker's", async (t) => {
  const shop = await startStoreBroker(t, store);
  const heard = await listen(t, shop, '#');
  const cart = await dial(t, shop, await enrol(shop, 'cart-1'));
  for (const topic of [
    'cw/1/lab/cart-2/event/item/added',
    'cw/1/lab/cart-2/state',
    'cw/1/lab/cart-2/request/session/begin',
    'cw/1/lab/cart-2/response/session/begin',
    'cw/1/lab/cart-2/ack',
    'cw/1/lab/cart-10/state',
    'cw/1/lab/_store/catalogue',
    'cw/1/lab/_store/keys',
    'cw/1/lab/_console/key/revoke',
    'cw/1/other/cart-1/state',
    '$SYS/broker/version',
    '$CONTROL/dynamic-security/v1',
    'anything',
  ]) {
    for (const retain of [false, true]) {
      const refused = await cart.publishAsync(topic, 'forged', { qos: 1, retain }).then(
        () => false,
        () => true,
      );
      // What begins with $ the broker may drop without a word; nobody hears it in either case.
      t.true(refused || topic.startsWith('$'), `${topic} ${retain}`);
    }
  }
  await cart.publishAsync('cw/1/lab/cart-1/state', 'last', { qos: 1 });
  while (!heard.some(({ text }) => text === 'last')) await sleep(10);
  t.deepEqual(
    heard.filter(({ text }) => text === 'forged'),
    [],
  );
  const later = await listen(t, shop, 'cw/#');
  await sleep(100);
  t.deepEqual(
    later.filter(({ text }) => text === 'forged'),
    [],
    'nothing was retained',
  );
});

test("a cart can't leave a will on another cart's topic", async (t) => {
  const shop = await startStoreBroker(t, store);
  const heard = await listen(t, shop, 'cw/1/lab/#');
  for (const [name, topic] of [
    ['cart-1', 'cw/1/lab/cart-2/state'],
    ['cart-3', 'cw/1/lab/cart-3/state'],
  ] as const) {
    const will = { topic, payload: Buffer.from(`will of ${name}`), qos: 1, retain: true } as const;
    const cart = await dial(t, shop, { ...(await enrol(shop, name)), will }).catch(() => undefined);
    cart?.stream.destroy();
  }
  while (!heard.some(({ text }) => text === 'will of cart-3')) await sleep(10);
  t.deepEqual(
    heard.map(({ text }) => text),
    ['will of cart-3'],
    'its own will is heard, the other is not',
  );
});

test("a cart hears nothing of other carts: by name, by wildcard, by shared subscription, retained, nor of the broker's own", async (t) => {
  const shop = await startStoreBroker(t, store);
  const ledger = await dial(t, shop, { url: shop.url, ...login('store') });
  await ledger.publishAsync('cw/1/lab/cart-2/basket', 'secret', { qos: 1, retain: true });
  const cart = await dial(t, shop, await enrol(shop, 'cart-1'));
  const heard: string[] = [];
  cart.on('message', (topic) => heard.push(topic));
  for (const filter of [
    'cw/1/lab/cart-2/basket',
    'cw/1/lab/cart-2/#',
    'cw/1/lab/+/basket',
    'cw/1/lab/#',
    '#',
    '+/#',
    '$share/thief/cw/1/lab/cart-2/#',
    '$share/thief/#',
    '$SYS/#',
    '$CONTROL/#',
  ]) {
    await cart.subscribeAsync(filter, { qos: 1 }).catch(() => {});
  }
  await ledger.publishAsync('cw/1/lab/cart-2/basket', 'secret too', { qos: 1, retain: true });
  await ledger.publishAsync('cw/1/lab/cart-1/ack', 'own', { qos: 1 });
  while (!heard.includes('cw/1/lab/cart-1/ack')) await sleep(10);
  await sleep(100);
  t.deepEqual([...new Set(heard)], ['cw/1/lab/cart-1/ack']);
});

test('a certificate that is over, not valid yet, self-signed, of another authority, a server’s, or none at all opens nothing', async (t) => {
  const shop = await startStoreBroker(t, store);
  const other = await startStoreBroker(t, store);
  const day = 86_400_000;
  const now = Date.now();
  const server = await shop.authority.server(['cart-1'], now);
  const { key, pem } = makePrivateKey('ES256');
  const self = await makeDevice(
    { store, device: 'cart-1', spki: key.publicKey.spki, serial: makeSerial() },
    { certificate: await certify(shop, 'cart-1', spanFrom(now, 1)).then(({ cert }) => cert), key: pem },
    spanFrom(now, 1),
  );
  const good = await enrol(shop, 'cart-1');
  t.is(await handshake(shop, good), 'taken');
  for (const [what, pair, alert] of [
    ['over', await certify(shop, 'cart-1', { fromMs: now - 2 * day, toMs: now - day }), /expired/],
    [
      'not valid yet',
      await certify(shop, 'cart-1', { fromMs: now + day, toMs: now + 2 * day }),
      /bad certificate|certificate/,
    ],
    ['of another authority', await enrol(other, 'cart-1'), /unknown ca|unknown CA/i],
    ['self-signed', { cert: self, key: pem }, /unknown ca|alert/i],
    ["a server's", { cert: server.certificate, key: server.key }, /certificate|alert/],
    ['none', {}, /handshake failure|certificate required|alert/i],
  ] as const) {
    const told = await handshake(shop, pair);
    t.not(told, 'taken', what);
    t.regex(told, alert, what);
  }
});

test('below TLS 1.2 and without TLS nobody gets in, and an oversized packet ends the connection', async (t) => {
  const shop = await startStoreBroker(t, store);
  const pair = await enrol(shop, 'cart-1');
  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    const told = await handshake(shop, {
      ...pair,
      minVersion: version,
      maxVersion: version,
      ciphers: 'DEFAULT:@SECLEVEL=0',
    });
    t.regex(told, /protocol version|unsupported protocol|alert/, version);
  }
  for (const url of [shop.devices, shop.url]) {
    const socket = connectTcp(Number(new URL(url).port), '127.0.0.1');
    const answers: Buffer[] = [];
    socket.on('data', (data) => answers.push(data));
    socket.on('error', () => {});
    socket.write(Buffer.from('101000044d5154540402003c000463617274', 'hex'));
    await new Promise((resolve) => socket.once('close', resolve));
    t.not(Buffer.concat(answers)[0], 0x20, 'no CONNACK');
  }
  const cart = await dial(t, shop, pair);
  const ended = new Promise<void>((resolve) => cart.once('close', () => resolve()));
  cart.publish('cw/1/lab/cart-1/event/item/added', Buffer.alloc(600_000), { qos: 1 }, () => {});
  await ended;
  t.false(cart.connected);
});

test('a stolen cart is shut out within a minute: what is connected ends, what comes back is refused, others notice nothing', async (t) => {
  const shop = await startStoreBroker(t, store);
  const heard = await listen(t, shop, 'cw/1/lab/#');
  const [stolenPair, otherPair] = [await enrol(shop, 'cart-1'), await enrol(shop, 'cart-2')];
  // A thief's own program: it chooses its client id, and comes back as fast as it can.
  const stolen = mqtt.connect(shop.devices, {
    ca: await readFile(shop.ca),
    ...stolenPair,
    protocolVersion: 5,
    clientId: 'thief',
    reconnectPeriod: 20,
  });
  t.teardown(() => stolen.endAsync(true));
  stolen.on('error', () => {});
  await new Promise((resolve) => stolen.once('connect', resolve));
  const other = await dial(t, shop, otherPair);
  let othersTrouble = 0;
  other.on('close', () => othersTrouble++);
  // A TLS session of before: it must not be a way around the list of revoked certificates.
  const resumable = await sessionOf(shop, stolenPair);
  const began = performance.now();
  const ended = new Promise<void>((resolve) => stolen.once('close', () => resolve()));
  shop.authority.revoke('cart-1', 'stolen', Date.now());
  await publishRevocations(shop.authority, linkOf(shop), ['cart-1'], Date.now());
  await ended;
  const tookMs = performance.now() - began;
  t.log(`shut out after ${Math.round(tookMs)} ms`);
  t.true(tookMs < 60_000);
  const told = heard.length;
  // Waits in the thief's program for a connection that does not come.
  stolen.publish('cw/1/lab/cart-1/event/item/added', 'stolen', { qos: 1 }, () => {});
  t.regex(await handshake(shop, stolenPair), /revoked/);
  t.regex(
    await handshake(shop, { ...stolenPair, ...(resumable === undefined ? {} : { session: resumable }) }),
    /revoked/,
  );
  await sleep(300);
  t.false(stolen.connected);
  t.deepEqual(
    heard.slice(told).filter(({ text }) => text === 'stolen'),
    [],
  );
  await other.publishAsync('cw/1/lab/cart-2/state', 'well', { qos: 1 });
  t.is(othersTrouble, 0);
  // The same name on a new machine, with a certificate of its own.
  const replacement = await enrol(shop, 'cart-1');
  await publishRevocations(shop.authority, linkOf(shop), [], Date.now());
  await sleep(200);
  const back = await dial(t, shop, replacement);
  await back.publishAsync('cw/1/lab/cart-1/state', 'back', { qos: 1 });
  t.regex(await handshake(shop, stolenPair), /revoked/);
});

test('what the broker keeps outlives a power cut, and so does who is shut out', async (t) => {
  const shop = await startStoreBroker(t, store);
  const pair = await enrol(shop, 'cart-1');
  shop.authority.revoke('cart-1', 'lost', Date.now());
  await publishRevocations(shop.authority, linkOf(shop), ['cart-1'], Date.now());
  await shop.broker.kill();
  await shop.broker.start();
  t.regex(await handshake(shop, pair), /revoked/);
});

test('where the broker does not read its files again, that is told with what to do', async (t) => {
  const shop = await startStoreBroker(t, store);
  await enrol(shop, 'cart-1');
  shop.authority.revoke('cart-1', 'lost', Date.now());
  await t.throwsAsync(
    publishRevocations(shop.authority, { ...linkOf(shop), reload: ['false'] }, [], Date.now()),
    {
      code: 'CW-CAU-008',
      message: /did not read them again.*authority publish/,
    },
  );
  await writeFile(shop.passwordFile('authority'), 'wrong\n');
  await t.throwsAsync(publishRevocations(shop.authority, linkOf(shop), ['cart-1'], Date.now()), {
    code: 'CW-CAU-008',
    message: /could not be ended/,
  });
});

test('a new certificate is tried on the broker without a word of MQTT, so that the connection of the gateway stays', async (t) => {
  const shop = await startStoreBroker(t, store);
  const pair = await enrol(shop, 'cart-1');
  const gateway = await dial(t, shop, pair);
  let ended = 0;
  gateway.on('close', () => ended++);
  const next = { certificate: pair.cert, key: pair.key };
  await t.notThrowsAsync(tryBroker(shop.devices, next, shop.authority.chain));
  const stranger = await startStoreBroker(t, store);
  const { cert, key } = await enrol(stranger, 'cart-1');
  for (const [other, authority] of [
    [{ certificate: cert, key }, shop.authority.chain],
    [next, stranger.authority.chain],
  ] as const) {
    await t.throwsAsync(tryBroker(shop.devices, other, authority), { code: 'CW-IDN-022' });
  }
  // Nor does the doctor take the gateway's place.
  const folder = await scratch(t);
  const at = (name: string) => join(folder, name);
  await Promise.all([writeFile(at('device.pem'), pair.cert), writeFile(at('device-key.pem'), pair.key)]);
  await writeFile(
    at('cartwright.yaml'),
    `cartwright: 1\nstore: ${store}\ndevice: cart-1\nboard: demo-cart\nbroker: { url: '${shop.devices}', caFile: '${shop.ca}', certFile: device.pem, keyFile: device-key.pem }\n`,
  );
  const notes: unknown[] = [];
  await examineBroker(await inspectConfig(at('cartwright.yaml'), {}), (...note) => notes.push(note));
  t.like(notes, [['broker', true]]);
  t.regex(JSON.stringify(notes), /takes this device's certificate; its own is valid until \d{4}-/);
  await gateway.publishAsync('cw/1/lab/cart-1/state', 'still here', { qos: 1 });
  t.is(ended, 0);
});
