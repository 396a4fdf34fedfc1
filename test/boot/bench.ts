import { createHash } from 'node:crypto';
import { createReadStream, existsSync, globSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateKey, type PrivateKey, publicPem, readPrivatePem } from '#identity/keys.ts';
import { freePort, startMosquitto } from '#test/support/mosquitto.ts';
import type { Architecture } from '#updates/facts.ts';
import { makeRelease, nameOf } from '../../scripts/releasing/make.ts';
import { NotHere } from './case.ts';
import { Box, type BoxOptions, brokerInBox } from './machine/box.ts';
import { bootCache, type FreshImage, layDiskOver, prepareFresh, whatIsMissing } from './machine/image.ts';
import { Watch } from './watch.ts';

const repository = join(import.meta.dirname, '../..');
export const store = 'boot-store';
export const device = 'cart-0001';
export const version = '0.1.0';
const archive = `${nameOf(version, 'x64')}.tar.gz`;
/** Ports that a cart's pages, a broker and the console have inside, and one where the cases put a listener themselves. */
const openPorts = [1883, 8080, 8081, 8443, 8883, 9229, 7777];
/** Public half of the key that signed the release. */
export const keyFile = 'release-key.pub';

/** A machine that scripts/setup has been run on, switched off. */
export interface Installed {
  readonly disk: string;
  /** What setup said. */
  readonly said: string;
}

/** A cart in service that cases look at without changing it. */
export interface Living {
  readonly box: Box;
  readonly watch: Watch;
  /** performance.now() when it was switched on, and when its system was up. */
  readonly switchedOnMs: number;
  readonly upMs: number;
  /** Ports of it that were asked for by those of our loopback that lead to them. */
  readonly forwards: ReadonlyMap<number, number>;
}

/** What the cases share: the release that is tried, machines, brokers. */
export interface Bench {
  readonly log: (line: string) => void;
  /** A scratch folder of this run. */
  readonly folder: string;
  /** The folder with the release for this kind of processor, signed; the key's public half is `release-key.pub`. */
  release(arch: Architecture): Promise<string>;
  fresh(): Promise<FreshImage>;
  installed(): Promise<Installed>;
  /** Disks over the fresh one, and over the installed one. */
  freshDisk(): Promise<string>;
  installedDisk(): Promise<string>;
  /** What a technician brings along: archive, key and configuration. */
  share(): Promise<string>;
  /** One machine at a time: the living one is ended first. */
  boot(disk: string, options?: Partial<BoxOptions>): Promise<Box>;
  /** The machine that was just installed, booted once for all cases that change nothing: what setup shares lies in it. */
  living(): Promise<Living>;
  /** A broker outside, and what is seen there. */
  watch(): Promise<Watch>;
  /** Ends what a case has left: machines, brokers. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the bench; what takes long is made when it is first asked for. */
export async function openBench(log: (line: string) => void): Promise<Bench> {
  await mkdir(bootCache, { recursive: true });
  return new BootBench(await mkdtemp(join(bootCache, 'run-')), log);
}

class BootBench implements Bench {
  readonly folder: string;
  readonly log: (line: string) => void;
  readonly #releases = new Map<Architecture, Promise<string>>();
  #fresh: Promise<FreshImage> | undefined;
  #installed: Promise<Installed> | undefined;
  #living: Promise<Living> | undefined;
  readonly #boxes: Box[] = [];
  readonly #watches: Watch[] = [];
  #disks = 0;

  constructor(folder: string, log: (line: string) => void) {
    this.folder = folder;
    this.log = log;
  }

  release(arch: Architecture): Promise<string> {
    const made = this.#releases.get(arch) ?? this.#makeRelease(arch);
    this.#releases.set(arch, made);
    return made;
  }

  fresh(): Promise<FreshImage> {
    const missing = whatIsMissing();
    if (missing.length > 0) throw new NotHere(`it needs ${missing.join('; ')}`);
    this.#fresh ??= prepareFresh(this.log);
    return this.#fresh;
  }

  installed(): Promise<Installed> {
    this.#installed ??= this.#install();
    return this.#installed;
  }

  async installedDisk(): Promise<string> {
    return await this.#layOver((await this.installed()).disk);
  }

  async freshDisk(): Promise<string> {
    return await this.#layOver((await this.fresh()).disk);
  }

  async boot(disk: string, options: Partial<BoxOptions> = {}): Promise<Box> {
    await this.#endLiving();
    const box = await Box.boot(await this.fresh(), disk, { shares: {}, ...options });
    this.#boxes.push(box);
    return box;
  }

  living(): Promise<Living> {
    this.#living ??= this.#live();
    return this.#living;
  }

  async watch(): Promise<Watch> {
    const watch = await openWatch();
    this.#watches.push(watch);
    return watch;
  }

  async #live(): Promise<Living> {
    const disk = await this.installedDisk();
    const [shares, image, watch] = [{ release: await this.share() }, await this.fresh(), await openWatch()];
    const forwards = new Map<number, number>();
    for (const port of openPorts) forwards.set(await freePort(), port);
    const switchedOnMs = performance.now();
    try {
      const box = await Box.boot(image, disk, { shares, forwards, brokerPort: watch.broker.port });
      return { box, watch, switchedOnMs, upMs: performance.now(), forwards };
    } catch (error) {
      await closeWatch(watch);
      throw error;
    }
  }

  async #endLiving(): Promise<void> {
    const living = await this.#living?.catch(() => undefined);
    this.#living = undefined;
    await living?.box.cutPower();
    if (living !== undefined) await closeWatch(living.watch);
  }

  async clear(): Promise<void> {
    for (const box of this.#boxes.splice(0)) await box.cutPower();
    for (const watch of this.#watches.splice(0)) await closeWatch(watch);
  }

  async close(): Promise<void> {
    await this.clear();
    await this.#endLiving();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** CARTWRIGHT_BOOT_RELEASE names a folder with a release that is there already. */
  async #makeRelease(arch: Architecture): Promise<string> {
    const given = process.env.CARTWRIGHT_BOOT_RELEASE;
    const folder = given ?? join(this.folder, 'release');
    if (given !== undefined && existsSync(join(given, `${nameOf(version, arch)}.release`))) return given;
    await mkdir(folder, { recursive: true });
    const key = await this.#keyIn(folder);
    await makeRelease({
      repository,
      origin: { workingTree: true },
      architectures: [arch],
      out: folder,
      cache: join(repository, '.cache/release'),
      key,
      version,
      log: this.log,
    });
    return folder;
  }

  async share(): Promise<string> {
    const release = await this.release('x64');
    const files = join(this.folder, 'share');
    await mkdir(files, { recursive: true });
    for (const name of [archive, keyFile]) await copyFile(join(release, name), join(files, name));
    const settings = join(import.meta.dirname, 'settings');
    await copyFile(join(settings, 'board.yaml'), join(files, 'board.yaml'));
    const config = (await readFile(join(settings, 'cartwright.yaml'), 'utf8'))
      .replace('STORE', store)
      .replace('DEVICE', device)
      .replace('BROKER', brokerInBox);
    await writeFile(join(files, 'cartwright.yaml'), config);
    return files;
  }

  /** One key for all that is made here; it is beside what it signed. */
  async #keyIn(folder: string): Promise<PrivateKey> {
    const path = join(folder, 'release-key.pem');
    if (!existsSync(path)) await writeFile(path, makePrivateKey('Ed25519').pem, { mode: 0o600 });
    const key = readPrivatePem(await readFile(path, 'utf8'));
    await writeFile(join(folder, keyFile), publicPem(key.publicKey));
    return key;
  }

  async #layOver(base: string): Promise<string> {
    this.#disks += 1;
    return await layDiskOver(base, join(this.folder, `disk-${this.#disks}.qcow2`));
  }

  /** From a fresh Debian to a cart: what docs/operator/install.md tells a person to do. */
  async #install(): Promise<Installed> {
    const files = await this.share();
    const fresh = await this.fresh();
    const folder = join(bootCache, `installed-${await keyOf([files, fresh.disk])}`);
    const done = async (): Promise<Installed> => ({
      disk: join(folder, 'disk.qcow2'),
      said: await readFile(join(folder, 'said'), 'utf8'),
    });
    if (existsSync(folder)) return await done();
    await removeOld();
    const part = await mkdtemp(join(bootCache, 'installed-part-'));
    const disk = join(part, 'disk.qcow2');
    await layDiskOver(fresh.disk, disk);
    this.log('installing it on a fresh Debian');
    const box = await this.boot(disk, { shares: { release: files } });
    await box.sh(`mkdir -p /opt/unpacked && tar -xzf /mnt/release/${archive} -C /opt/unpacked`);
    const setup = `/opt/unpacked/cartwright-${version}/scripts/setup`;
    const said = await box.sh(
      `${setup} --offline --no-start --key /mnt/release/${keyFile} --config /mnt/release/cartwright.yaml 2>&1`,
    );
    await box.sh(`rm -rf /opt/unpacked
mkdir -p /etc/systemd/system/cartwright.service.d /etc/systemd/system/cartwright-safe.service.d
# The processor is emulated, some 16 times slower than a real one.
printf '[Service]\\nTimeoutStartSec=20min\\nWatchdogSec=3min\\n' >/etc/systemd/system/cartwright.service.d/slow.conf
cp /etc/systemd/system/cartwright.service.d/slow.conf /etc/systemd/system/cartwright-safe.service.d/slow.conf`);
    await box.powerOff();
    await writeFile(join(part, 'said'), said);
    // Another run may have been quicker; its machine is as good.
    if (!existsSync(folder)) await rename(part, folder);
    return await done();
  }
}

async function openWatch(): Promise<Watch> {
  const broker = await startMosquitto({ settings: ['persistence true', 'autosave_interval 60'] });
  return await Watch.open(broker, store, device);
}

async function closeWatch(watch: Watch): Promise<void> {
  await watch.close();
  await watch.broker.remove();
}

/** Machines that were installed long ago; those of today may be in use by another run. */
async function removeOld(): Promise<void> {
  for (const name of globSync('installed-*', { cwd: bootCache })) {
    const path = join(bootCache, name);
    if ((await stat(path)).mtimeMs < Date.now() - 12 * 3_600_000) await rm(path, { recursive: true });
  }
}

/** Of what is installed on what: another archive or configuration gives another machine. */
async function keyOf([files, fresh]: readonly [string, string]): Promise<string> {
  const hash = createHash('sha256')
    .update(fresh)
    .update(await readFile(import.meta.filename));
  for (const name of globSync('*', { cwd: files }).sort())
    for await (const chunk of createReadStream(join(files, name))) hash.update(chunk as Buffer);
  return hash.digest('hex').slice(0, 16);
}
