import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import mqtt from 'mqtt';
import { callDevice } from '#cli/call.ts';
import { gatewayHealth } from '#events/data/gateway.ts';
import { verifyAudit } from '#identity/audit-log.ts';
import { sealKeyList } from '#identity/key-list.ts';
import { makePrivateKey, publicPem } from '#identity/keys.ts';
import { entryOf, listOf } from '#test/identity/support.ts';
import { device, makeGatewayFolder, startGateway, store } from '#test/support/gateway.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { readStoredState } from '#uplink/read-state.ts';

needs(test, 'mosquitto')(
  'A gateway takes signed commands over a real broker, revokes a key by the signed list, and its audit log tells',
  async (t) => {
    t.timeout(600_000);
    const broker = await startMosquitto();
    t.teardown(() => broker.remove());
    const root = makePrivateKey('ES256').key;
    const technician = makePrivateKey('Ed25519');
    const folder = await makeGatewayFolder({
      brokerUrl: broker.url,
      scenario: 'put-back',
      config: { commands: { signed: 'always', rootKeyFile: 'root.pem' }, healthS: 1 },
    });
    t.teardown(() => folder.remove());
    const keyFile = join(folder.path, 'technician.pem');
    await writeFile(keyFile, technician.pem, { mode: 0o600 });
    await writeFile(join(folder.path, 'root.pem'), publicPem(root.publicKey));
    const client = await mqtt.connectAsync(broker.url);
    t.teardown(() => client.endAsync(true));
    const topic = `cw/1/${store}/_store/keys`;
    const publish = async (version: number, revoked: boolean) => {
      const list = listOf([entryOf(technician.key, 'technician', revoked ? { revoked } : {})], { version });
      await client.publishAsync(topic, Buffer.from(sealKeyList(list, topic, root)), { qos: 1, retain: true });
    };
    const inForce = (version: number) =>
      new Promise<void>((resolve) => {
        const hear = (heard: string, payload: Buffer) => {
          if (!heard.endsWith('/health')) return;
          if (decodePayload(gatewayHealth, payload).keys?.storeVersion !== version) return;
          client.removeListener('message', hear);
          resolve();
        };
        client.on('message', hear);
      });
    await publish(1, false);
    const daemon = await startGateway(folder);
    t.teardown(() => daemon.kill());
    const first = inForce(1);
    await client.subscribeAsync(`cw/1/${store}/${device}/health`, { qos: 1 });
    await first;
    const call = {
      broker: broker.url,
      store,
      device,
      command: 'log.level',
      args: { level: 'info' },
      timeout: 120,
    };
    const unsigned = await callDevice(call);
    t.is(unsigned.status === 'refused' ? unsigned.code : '', 'CW-CMD-010');
    t.is((await callDevice({ ...call, command: 'gateway.info', args: {} })).status, 'done');
    t.is((await callDevice({ ...call, key: keyFile })).status, 'done');
    const begin = { ...call, command: 'session.begin', args: { touch: true }, key: keyFile };
    const wrongRole = await callDevice(begin);
    t.is(wrongRole.status === 'refused' ? wrongRole.code : '', 'CW-CMD-011');
    const second = inForce(2);
    await publish(2, true);
    await second;
    const revoked = await callDevice({ ...call, key: keyFile });
    t.is(revoked.status === 'refused' ? revoked.code : '', 'CW-IDN-004');
    t.is(await daemon.stop(), 0);
    const data = join(folder.path, 'data');
    const head = JSON.parse((await readStoredState(data, 'audit/head')) ?? '{}') as {
      number: number;
      hash: string;
    };
    const { records, problems } = await verifyAudit(join(data, 'audit'), head);
    t.deepEqual(problems, []);
    // The calibration that it begins with is on record as well, whenever it was taken over.
    const told = records.filter(({ facts }) => facts.what !== 'calibration.committed');
    t.is(records.length, told.length + 1);
    t.deepEqual(
      told.map(({ facts: { what, code } }) => [what, code]),
      [
        ['keys.changed', undefined],
        ['command.refused', 'CW-CMD-010'],
        ['log.level', undefined],
        ['command.refused', 'CW-CMD-011'],
        ['keys.changed', undefined],
        ['command.refused', 'CW-IDN-004'],
      ],
    );
    t.is(told[2]?.facts.key, technician.key.publicKey.id);
    t.false(
      (await readFile(keyFile, 'utf8'))
        .split('\n')
        .some((line) => line !== '' && daemon.log.join().includes(line)),
    );
  },
);
