import 'reflect-metadata';
import { chownSync } from 'node:fs';
import { lstat, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { X509Crl } from '@peculiar/x509';
import test, { type ExecutionContext } from 'ava';
import type { Authority } from '#authority/authority.ts';
import { type BrokerLink, brokerLogins, publishRevocations, rightsWithout } from '#authority/broker.ts';
import { makePrivateKey } from '#identity/keys.ts';
import { makeRequest } from '#identity/request.ts';
import { openBench, scratch } from './support.ts';

const rights =
  'pattern readwrite cw/1/lab/%u/#\n\nuser store\ntopic readwrite cw/1/lab/#\nuser  till-two \ntopic read cw/#\n';

/** A broker's folder, without a broker: it is told by a program that does nothing. */
async function brokerFolder(t: ExecutionContext): Promise<BrokerLink> {
  const folder = join(await scratch(t), 'broker');
  await mkdir(folder);
  await writeFile(join(folder, 'cartwright.acl'), rights, { mode: 0o640 });
  const [url, passwordFile] = ['mqtts://127.0.0.1:1', join(folder, 'none')];
  return { brokerLink: 1, folder, reload: ['true'], url, username: 'authority', passwordFile };
}

async function enrol(authority: Authority, device: string): Promise<string> {
  const { claim } = authority.claim(device, Date.now(), 60_000, true);
  const request = await makeRequest(device, makePrivateKey('ES256').pem);
  return (await authority.enrol(claim.replaceAll('-', ''), device, request, Date.now())).serial;
}

test('two that tell the broker at once leave the newer list, whoever writes last', async (t) => {
  const { authority } = await openBench(t);
  const link = await brokerFolder(t);
  const serial = await enrol(authority, 'cart-1');
  const real = authority.revocationList.bind(authority);
  let between = 0;
  // While the service has made its list and not yet written it, a cart is reported stolen, and its list is written.
  authority.revocationList = async (nowMs) => {
    const older = await real(nowMs);
    if (between++ === 0) {
      authority.revoke('cart-1', 'stolen', nowMs);
      await publishRevocations(authority, link, [], nowMs);
    }
    return older;
  };
  await publishRevocations(authority, link, [], Date.now());
  const list = new X509Crl(await readFile(join(link.folder, 'crl.pem'), 'utf8'));
  t.deepEqual(
    list.entries.map(({ serialNumber }) => serialNumber.toLowerCase()),
    [serial],
  );
  t.regex(await readFile(join(link.folder, 'cartwright.acl'), 'utf8'), /user cart-1\ntopic deny #/);
});

test('a link in the folder of the broker leads the authority nowhere, and its files stay its own', async (t) => {
  const { authority } = await openBench(t);
  const link = await brokerFolder(t);
  const elsewhere = join(await scratch(t), 'elsewhere');
  await writeFile(elsewhere, 'untouched', { mode: 0o600 });
  await symlink(elsewhere, join(link.folder, 'crl.pem'));
  const [uid, gid] = process.getuid?.() === 0 ? [65_534, 65_534] : [process.getuid?.(), process.getgid?.()];
  chownSync(join(link.folder, 'cartwright.acl'), uid ?? 0, gid ?? 0);
  await publishRevocations(authority, link, [], Date.now());
  t.is(await readFile(elsewhere, 'utf8'), 'untouched');
  t.is((await lstat(elsewhere)).mode & 0o777, 0o600);
  t.true((await lstat(join(link.folder, 'crl.pem'))).isFile());
  const own = await lstat(join(link.folder, 'cartwright.acl'));
  t.deepEqual([own.uid, own.gid, own.mode & 0o777], [uid, gid, 0o640]);
});

test("a device gets no name that has rights of its own on this store's broker, and one that was shut out gets its own again", async (t) => {
  const { authority } = await openBench(t);
  const link = await brokerFolder(t);
  await writeFile(join(link.folder, 'cartwright.acl'), rightsWithout(rights, ['cart-1']));
  const logins = await brokerLogins(link);
  t.deepEqual([...logins], ['store', 'till-two']);
  t.throws(() => authority.claim('till-two', Date.now(), 60_000, false, logins), { code: 'CW-CAU-005' });
  t.notThrows(() => authority.claim('cart-1', Date.now(), 60_000, false, logins));
});

test('a certificate of a server that ends soon is told, unless a newer one has followed it', async (t) => {
  const { authority, clock } = await openBench(t);
  await authority.server(['broker.lab.example'], clock.ms);
  const later = clock.ms + 750 * 86_400_000;
  t.deepEqual(
    authority
      .serversEnding(later, 90)
      .map(({ name }) => name)
      .sort(),
    ['127.0.0.1', 'broker.lab.example'],
  );
  t.deepEqual(authority.serversEnding(clock.ms, 90), []);
  await authority.server(['broker.lab.example'], later);
  t.deepEqual(
    authority.serversEnding(later, 90).map(({ name }) => name),
    ['127.0.0.1'],
  );
});
