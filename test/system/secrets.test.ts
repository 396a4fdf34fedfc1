import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest, { type ExecutionContext } from 'ava';
import mqtt from 'mqtt';
import { openCredentials } from '#identity/credentials.ts';
import { bindHardware, type HardwareFacts, readHardware } from '#identity/hardware.ts';
import { makePrivateKey } from '#identity/keys.ts';
import { makeRequest } from '#identity/request.ts';
import { runCli } from '#test/support/cli.ts';
import { device, makeGatewayFolder, startGateway, store } from '#test/support/gateway.ts';
import { passwords, type StoreBroker, startStoreBroker } from '#test/support/store-broker.ts';
import { needs } from '#test/tools.ts';

const test = needs(anyTest, 'mosquitto', 'mosquitto_passwd');
const password = 'PASSWORD-THAT-NOBODY-MAY-SEE';

/** A gateway's folder with an identity of the store's authority, bound to a machine of these facts. */
async function provisioned(t: ExecutionContext, shop: StoreBroker, facts: HardwareFacts) {
  const { pem } = makePrivateKey('ES256');
  const { claim } = shop.authority.claim(device, Date.now(), 60_000, true);
  const request = await makeRequest(device, pem);
  const issued = await shop.authority.enrol(claim.replaceAll('-', ''), device, request, Date.now());
  const credentials = await openCredentials(join(shop.folder, `credentials-${randomUUID()}`));
  await credentials.adopt({ key: pem, certificate: issued.certificate }, issued.authority, {
    identity: 1,
    store,
    device,
    authority: 'https://authority.example',
    fingerprint: 'ab',
    hardware: bindHardware(facts),
    provisionedMs: Date.now(),
  });
  const passwordFile = join(credentials.folder, 'broker-password');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  const file = (name: string) => join(credentials.folder, name);
  const broker = {
    username: device,
    passwordFile,
    caFile: file('store-ca.pem'),
    certFile: file('device.pem'),
    keyFile: file('device-key.pem'),
  };
  const folder = await makeGatewayFolder({
    brokerUrl: shop.devices,
    scenario: 'put-back',
    config: { broker, log: { level: 'debug' } },
  });
  t.teardown(() => folder.remove());
  return { folder, key: pem };
}

test('a gateway with certificate, key and password tells none of them: not in its log, on the broker, in config.show, doctor or its environment', async (t) => {
  t.timeout(120_000);
  const shop = await startStoreBroker(t, store);
  const { folder, key } = await provisioned(t, shop, readHardware());
  const ledger = await mqtt.connectAsync(shop.url, {
    ca: await readFile(shop.ca),
    username: 'store',
    password: passwords.store,
    protocolVersion: 5,
  });
  t.teardown(() => ledger.endAsync(true));
  const heard: string[] = [];
  ledger.on('message', (topic, payload) => heard.push(`${topic} ${payload.toString('latin1')}`));
  await ledger.subscribeAsync('#', { qos: 1 });
  const daemon = await startGateway(folder);
  t.teardown(() => daemon.kill());
  while (!heard.some((one) => one.includes(`/${device}/state `))) await sleep(20);
  const request = { transaction: randomUUID(), issued: Date.now(), expires: Date.now() + 60_000 };
  await ledger.publishAsync(`cw/1/${store}/${device}/request/config/show`, JSON.stringify(request), {
    qos: 1,
  });
  while (!heard.some((one) => one.includes('/response/config/show '))) await sleep(20);
  const doctor = await runCli(['doctor', folder.configPath, '--json']);
  const told = [
    ...daemon.log,
    ...heard,
    doctor.stdout,
    doctor.stderr,
    await readFile(`/proc/${daemon.pid}/environ`, 'latin1'),
    await readFile(`/proc/${daemon.pid}/cmdline`, 'latin1'),
    await (await fetch(daemon.statusUrl)).text(),
  ].join('\n');
  t.true(told.includes('device-key.pem'), 'files are named');
  t.false(told.includes(password));
  for (const line of key.split('\n').filter((one) => one !== '' && !one.startsWith('-----')))
    t.false(told.includes(line));
  t.false(told.includes('PRIVATE KEY'));
});

test('a gateway with the identity of another machine does not start, says what to do, and is not restarted in vain', async (t) => {
  t.timeout(120_000);
  const shop = await startStoreBroker(t, store);
  const { folder } = await provisioned(t, shop, {
    board: ['another'],
    network: ['machine'],
    storage: ['altogether'],
  });
  const { code, stdout, stderr } = await runCli(['run', folder.configPath]);
  t.is(code, 78);
  t.regex(`${stdout}${stderr}`, /CW-IDN-020 .*provision rebind CLAIM/);
});
