import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Authority, initAuthority } from '#authority/authority.ts';
import { type EnrolmentService, startEnrolment } from '#authority/service.ts';
import { silentLogger } from '#base/log.ts';
import { fingerprintOf } from '#identity/chain.ts';
import { writeClaimFile } from '#identity/claim.ts';
import { freePort, type Mosquitto, startMosquitto } from '#test/support/mosquitto.ts';
import { device, store } from '../bench.ts';
import { Watch } from '../watch.ts';

/** Where a machine finds the store's broker and its authority. */
const brokerHost = '10.0.2.100';
const authorityHost = '10.0.2.101';
const repository = join(import.meta.dirname, '../../..');
const hourMs = 3_600_000;

/**
 * A store outside of the machine: a certificate authority with its enrolment service, and a Mosquitto that takes devices with
 * a certificate of this authority alone. Who watches is on a listener of its own, without either, on loopback.
 */
export class Shop {
  readonly watch: Watch;
  readonly authority: Authority;
  /** Our ports on loopback by what the machine calls them. */
  readonly forwards: ReadonlyMap<string, number>;
  readonly #broker: Mosquitto;
  readonly #service: EnrolmentService;

  static async open(folder: string): Promise<Shop> {
    const files = join(folder, 'shop');
    await mkdir(files, { recursive: true });
    const authorityFolder = join(files, 'authority');
    const nowMs = Date.now();
    await initAuthority(authorityFolder, store, nowMs, { broker: `mqtts://${brokerHost}:8883` });
    const authority = await Authority.open(authorityFolder);
    const devicePort = await freePort();
    const broker = await startBroker(authority, files, devicePort);
    const service = await startEnrolment({
      ...{ host: '127.0.0.1', port: 0, authority, log: silentLogger },
      certificate: await authority.server([authorityHost], nowMs),
      nowMs: () => Date.now(),
      onChanged: async () => {},
    });
    const forwards = new Map([
      [`${brokerHost}:8883`, devicePort],
      [`${authorityHost}:8446`, service.port],
    ]);
    return new Shop({ watch: await Watch.open(broker, store, device), authority, forwards, broker, service });
  }

  private constructor(parts: {
    readonly watch: Watch;
    readonly authority: Authority;
    readonly forwards: ReadonlyMap<string, number>;
    readonly broker: Mosquitto;
    readonly service: EnrolmentService;
  }) {
    this.watch = parts.watch;
    this.authority = parts.authority;
    this.forwards = parts.forwards;
    this.#broker = parts.broker;
    this.#service = parts.service;
  }

  /** The file with which the device becomes one of this store. */
  claim(): string {
    const { claim } = this.authority.claim(device, Date.now(), 72 * hourMs, false);
    const fingerprint = fingerprintOf(new X509Certificate(this.authority.root));
    return writeClaimFile({
      ...{ claimFile: 1, authority: `https://${authorityHost}:8446`, fingerprint, store, device, claim },
    });
  }

  async close(): Promise<void> {
    await this.watch.close();
    await this.#service.close();
    await this.#broker.remove();
    this.authority.close();
  }
}

/** The listener and the rights that config/mosquitto gives to devices. */
async function startBroker(authority: Authority, files: string, port: number): Promise<Mosquitto> {
  const own = join(files, 'cartwright');
  await mkdir(own);
  const nowMs = Date.now();
  const { certificate, key } = await authority.server([brokerHost], nowMs);
  await writeFile(join(own, 'broker.pem'), certificate);
  await writeFile(join(own, 'broker-key.pem'), key, { mode: 0o600 });
  await writeFile(join(own, 'store-ca.pem'), authority.chain);
  await writeFile(join(own, 'crl.pem'), await authority.revocationList(nowMs));
  const rights = await readFile(join(repository, 'config/mosquitto/store.acl'), 'utf8');
  // What stands before the first user is of who has no name: the watcher.
  await writeFile(
    join(own, 'cartwright.acl'),
    `topic readwrite cw/1/${store}/#\n${rights.replaceAll('my-store', store)}`,
    { mode: 0o600 },
  );
  const example = await readFile(join(repository, 'config/mosquitto/store.conf'), 'utf8');
  const listener = /^listener 8883\n(?:\w.*\n)+/m.exec(example)?.[0];
  if (listener === undefined) throw new Error('config/mosquitto/store.conf has no listener of devices');
  return await startMosquitto({
    settings: [
      ...['persistence true', 'autosave_interval 60', `acl_file ${join(own, 'cartwright.acl')}`],
      listener
        .replace('listener 8883', `listener ${port} 127.0.0.1`)
        .replaceAll('/etc/mosquitto/cartwright', own),
    ],
  });
}
