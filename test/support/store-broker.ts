import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Authority, initAuthority } from '#authority/authority.ts';
import { findTool } from '#test/tools.ts';
import { freePort, type Mosquitto, startMosquitto } from './mosquitto.ts';

/** What ends what was started: a test, or a script. */
export interface Stage {
  teardown(work: () => unknown): void;
}

/** Logins of the tests' broker; each has its own password. */
export const passwords = {
  store: 'store-secret',
  console: 'console-secret',
  technician: 'technician-secret',
  authority: 'authority-secret',
  'cart-0001': 'cart-secret',
} as const;
export type BrokerUser = keyof typeof passwords;

export interface StoreBroker {
  readonly broker: Mosquitto;
  readonly folder: string;
  /** `mqtts://127.0.0.1:…`: the listener for logins. */
  readonly url: string;
  /** The listener for devices with a certificate. */
  readonly devices: string;
  readonly authority: Authority;
  readonly authorityFolder: string;
  /** `wss://127.0.0.1:…` */
  readonly webSocket: string;
  /** A file with the certificates of the authority that vouches for the broker, PEM. */
  readonly ca: string;
  /** A file that holds this user's password. */
  passwordFile(user: BrokerUser): string;
}

/** A real Mosquitto with the configuration that config/mosquitto/ shows: TLS, secure WebSockets, logins and rights. */
export async function startStoreBroker(t: Stage, store: string): Promise<StoreBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-store-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const files = join(folder, 'cartwright');
  await mkdir(files);
  const authorityFolder = join(folder, 'authority');
  await initAuthority(authorityFolder, store, Date.now());
  const authority = await Authority.open(authorityFolder);
  t.teardown(() => authority.close());
  const { certificate, key } = await authority.server(['127.0.0.1', 'localhost'], Date.now());
  await writeFile(join(files, 'broker.pem'), certificate);
  await writeFile(join(files, 'broker-key.pem'), key, { mode: 0o600 });
  const ca = join(files, 'store-ca.pem');
  await writeFile(ca, authority.chain);
  await writeFile(join(files, 'crl.pem'), await authority.revocationList(Date.now()));
  const passwordTool = findTool('mosquitto_passwd');
  if (passwordTool === undefined) throw new Error('mosquitto_passwd is not installed');
  const accounts = join(files, 'cartwright.passwords');
  await writeFile(accounts, '', { mode: 0o600 });
  for (const [user, password] of Object.entries(passwords)) {
    await promisify(execFile)(passwordTool, ['-b', accounts, user, password]);
    await writeFile(join(folder, `${user}.password`), `${password}\n`, { mode: 0o600 });
  }
  const rights = await readFile(resolve('config/mosquitto/store.acl'), 'utf8');
  await writeFile(join(files, 'cartwright.acl'), rights.replaceAll('my-store', store), { mode: 0o600 });
  const [secure, webSocket, devices] = [await freePort(), await freePort(), await freePort()];
  const example = await readFile(resolve('config/mosquitto/store.conf'), 'utf8');
  const settings = example
    .replaceAll('/etc/mosquitto/', `${folder}/`)
    .replace('listener 8883', `listener ${devices} 127.0.0.1`)
    .replace('listener 8885', `listener ${secure} 127.0.0.1`)
    .replace('listener 8884', `listener ${webSocket} 127.0.0.1`);
  const broker = await startMosquitto({ settings: settings.split('\n'), bare: true });
  t.teardown(() => broker.remove());
  return {
    broker,
    folder: files,
    authority,
    authorityFolder,
    devices: `mqtts://127.0.0.1:${devices}`,
    url: `mqtts://127.0.0.1:${secure}`,
    webSocket: `wss://127.0.0.1:${webSocket}`,
    ca,
    passwordFile: (user) => join(folder, `${user}.password`),
  };
}
