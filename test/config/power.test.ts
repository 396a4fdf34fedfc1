import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import test from 'ava';
import { inspectConfig } from '#config/load.ts';
import { withFiles } from './support.ts';

const base = `cartwright: 1
store: demo
device: cart-0001
board: ${resolve('test/fixtures/boards/light-cart.yaml')}
`;

const inspect = (yaml: string, environment: Readonly<Record<string, string>> = {}) =>
  withFiles({ 'cartwright.yaml': yaml }, (folder) =>
    inspectConfig(join(folder, 'cartwright.yaml'), environment),
  );

test('the sensors that power is judged by are devices of the board', async (t) => {
  const { findings } = await inspect(`${base}power: { sensor: imu, ignition: imo }\n`);
  const errors = findings.filter(({ severity }) => severity === 'error');
  t.deepEqual(
    errors.map(({ code, path: where }) => [code, where]),
    [['CW-CFG-013', 'power.ignition']],
  );
  t.regex(errors[0]?.message ?? '', /imo/);
});

test('a critical battery is not fuller than one that is low', async (t) => {
  const text = `${base}power: { shutdownBelowPpm: 50000, criticalBelowPpm: 60000 }\n`;
  const { findings } = await inspect(text);
  t.is(findings[0]?.path, 'power.criticalBelowPpm');
});

test('files of systemd credentials are named by their folder, which each service has for itself', async (t) => {
  const text = await readFile('config/device.yaml', 'utf8').catch(() => '');
  const reference = '$' + '{CREDENTIALS_DIRECTORY}';
  t.true(text === '' || text.includes(`${reference}/device-key.pem`));
  const yaml = `${base}broker:
  url: mqtts://broker.example:8883
  caFile: ${reference}/store-ca.pem
  certFile: ${reference}/device.pem
  keyFile: ${reference}/device-key.pem
  username: cart-0001
  passwordFile: ${reference}/broker-password
`;
  const folder = '/run/credentials/cartwright.service';
  const { paths, findings } = await inspect(yaml, { CREDENTIALS_DIRECTORY: folder });
  t.deepEqual(
    findings.filter(({ severity }) => severity === 'error'),
    [],
  );
  t.like(paths, {
    caFile: `${folder}/store-ca.pem`,
    certFile: `${folder}/device.pem`,
    keyFile: `${folder}/device-key.pem`,
    passwordFile: `${folder}/broker-password`,
  });
  const without = await inspect(yaml);
  t.true(
    without.findings.some(({ code, message }) => code === 'CW-CFG-008' && message.includes('CREDENTIALS')),
  );
});
