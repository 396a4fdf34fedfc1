import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import anyTest, { type ExecutionContext } from 'ava';
import { configSchema } from '#config/schema.ts';
import { type Mosquitto, startMosquitto } from '#test/support/mosquitto.ts';
import { makeAuthority } from '#test/support/openssl-authority.ts';
import { needs } from '#test/tools.ts';
import { BenchDevice, temporaryFolder, until } from './support/bench-device.ts';

const test = needs(anyTest, 'mosquitto', 'openssl');

async function openSite(t: ExecutionContext, settings: readonly string[] = []) {
  const folder = await temporaryFolder(t);
  const authority = makeAuthority(folder, 'store');
  const { cert, key } = authority.issue('broker', 'IP:127.0.0.1');
  const broker: Mosquitto = await startMosquitto({
    settings: [`cafile ${authority.ca}`, `certfile ${cert}`, `keyfile ${key}`, ...settings],
  });
  t.teardown(() => broker.remove());
  return { folder, authority, broker, url: `mqtts://127.0.0.1:${broker.port}` };
}

for (const version of ['tlsv1.2', 'tlsv1.3']) {
  test(`events travel over TLS (${version}) to a broker that the store's authority vouches for`, async (t) => {
    const { authority, url } = await openSite(t, [`tls_version ${version}`]);
    const device = await BenchDevice.open(t, { url, broker: { caFile: authority.ca } });
    await device.store(20);
    await until(() => device.status.published === 20, 'the broker takes them');
    t.deepEqual(device.faults, []);
  });
}

test('a broker that asks for a certificate takes the device that has one and no other', async (t) => {
  const { authority, url } = await openSite(t, ['require_certificate true', 'use_identity_as_username true']);
  const { cert, key } = authority.issue('cart-7', 'DNS:cart-7');
  const device = await BenchDevice.open(t, {
    url,
    broker: { caFile: authority.ca, certFile: cert, keyFile: key },
  });
  await device.store(5);
  await until(() => device.status.published === 5, 'the broker takes them');
  const stranger = await BenchDevice.open(t, { url, device: 'cart-8', broker: { caFile: authority.ca } });
  await stranger.store(1);
  await until(() => stranger.hasFault('CW-UPL-032'), 'it is reported');
  t.false(stranger.status.connected);
  await until(() => stranger.status.outboxEvents === 1, 'it waits');
  t.is(stranger.status.published, 0);
});

test('a broker that another authority vouches for gets nothing, and that is said once', async (t) => {
  const { folder, url } = await openSite(t);
  const other = makeAuthority(folder, 'other');
  const device = await BenchDevice.open(t, { url, broker: { caFile: other.ca } });
  await device.store(3);
  await until(() => device.hasFault('CW-UPL-032'), 'it is reported');
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.is(device.faults.length, 1);
  t.true(device.faults[0]?.message.includes('broker.caFile'));
  await until(() => device.status.outboxEvents === 3, 'they wait');
  t.is(device.status.connection, 0, 'not even a CONNECT is sent');
});

test('a certificate for another name is refused', async (t) => {
  const folder = await temporaryFolder(t);
  const authority = makeAuthority(folder, 'store');
  const { cert, key } = authority.issue('broker', 'DNS:broker.example');
  const broker = await startMosquitto({ settings: [`certfile ${cert}`, `keyfile ${key}`] });
  t.teardown(() => broker.remove());
  const url = `mqtts://127.0.0.1:${broker.port}`;
  const device = await BenchDevice.open(t, { url, broker: { caFile: authority.ca } });
  await until(() => device.hasFault('CW-UPL-032'), 'it is reported');
  t.is(device.status.connection, 0);
});

test('a broker that speaks nothing newer than TLS 1.1 gets nothing, not even where both sides still could', async (t) => {
  const folder = await temporaryFolder(t);
  const authority = makeAuthority(folder, 'store');
  const { cert, key } = authority.issue('broker', 'IP:127.0.0.1');
  const old = { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
  const heard: Buffer[] = [];
  const server = createServer({ ...old, cert: await readFile(cert), key: await readFile(key) }, (socket) => {
    socket.on('data', (data) => heard.push(data));
    socket.on('error', () => {});
  });
  t.teardown(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const ca = await readFile(authority.ca);
  const control = connect({ ...old, host: '127.0.0.1', port, ca });
  await once(control, 'secureConnect');
  t.is(control.getProtocol(), 'TLSv1.1', 'who asks for it is served');
  control.destroy();

  const device = await BenchDevice.open(t, {
    url: `mqtts://127.0.0.1:${port}`,
    broker: { caFile: authority.ca },
  });
  await device.store(1);
  await until(() => device.hasFault('CW-UPL-032'), 'it is reported');
  t.regex(device.faults[0]?.message ?? '', /protocol version|unsupported protocol/);
  t.is(device.status.connection, 0, 'not even a CONNECT is sent');
  t.deepEqual(heard, []);
});

test('a file that is not there is a coded error', async (t) => {
  const { folder, url } = await openSite(t);
  const device = await BenchDevice.open(t, { url, broker: { caFile: join(folder, 'missing.pem') } });
  await until(() => device.hasFault('CW-UPL-031'), 'it is reported');
  t.false(device.status.connected);
});

test('the configuration names the files', (t) => {
  const broker = { url: 'mqtts://broker:8883', caFile: 'ca.pem', certFile: 'c.pem', keyFile: 'k.pem' };
  const config = configSchema.parse({ cartwright: 1, store: 'lab', device: 'cart-7', board: 'b', broker });
  t.like(config.broker, broker);
});
