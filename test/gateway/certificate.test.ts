import 'reflect-metadata';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import test from 'ava';
import { judgeCertificate } from '#gateway/certificate.ts';

const day = 86_400_000;
const end = Date.UTC(2027, 5, 1);

async function certificate(): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=cart-0001',
    notBefore: new Date(end - 365 * day),
    notAfter: new Date(end),
    signingAlgorithm: algorithm,
    keys,
  });
  return made.toString('pem');
}

test('a certificate that ends is warned of a month before, again in its last week, and when it is over', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-certificate-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'device.pem');
  await writeFile(path, await certificate());
  const at = async (days: number) => {
    const { health, warnings } = await judgeCertificate(path, end - days * day);
    return [health?.daysLeft, ...warnings.map(({ code }) => code)];
  };
  t.deepEqual(await at(31), [31]);
  t.deepEqual(await at(30), [30]);
  t.deepEqual(await at(29.5), [29, 'CW-GWY-015']);
  t.deepEqual(await at(7), [7, 'CW-GWY-015']);
  t.deepEqual(await at(6.9), [6, 'CW-GWY-017']);
  t.deepEqual(await at(-0.1), [-1, 'CW-GWY-018']);
  t.deepEqual(await judgeCertificate(path, undefined), { health: { notAfter: end }, warnings: [] });
  await writeFile(path, 'no certificate');
  const broken = await judgeCertificate(path, end);
  t.is(broken.health, undefined);
  t.deepEqual(
    broken.warnings.map(({ code }) => code),
    ['CW-GWY-016'],
  );
  t.is((await judgeCertificate(join(folder, 'none'), end)).warnings[0]?.code, 'CW-GWY-016');
});
