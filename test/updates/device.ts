import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { silentLogger } from '#base/log.ts';
import { makePrivateKey, publicPem } from '#identity/keys.ts';
import { unpack } from '#updates/archive.ts';
import { ownFormats } from '#updates/data-keeper.ts';
import type { ReleaseFacts } from '#updates/facts.ts';
import { encodeRelease } from '#updates/manifest.ts';
import { type Places, placesUnder } from '#updates/places.ts';
import type { Services } from '#updates/services.ts';
import type { UpdaterState } from '#updates/state.ts';
import { readState } from '#updates/state-file.ts';
import { Updater } from '#updates/updater.ts';
import { file, folder, listOf, manifestOf, type Piece, tarOf } from './archives.ts';

/** What a gateway of some version does once it is started. */
export type Behaviour = 'well' | 'sick' | 'no-broker' | 'silent' | 'ends';

/** In memory where there is such a place: real fsyncs take their time. */
const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const maker = makePrivateKey('Ed25519');

/** An archive of a small release, and its signed description. */
export function makeRelease(
  version: string,
  changed: Partial<ReleaseFacts> = {},
  pieces: readonly Piece[] = [],
) {
  const own = { version, arch: process.arch as 'x64', formats: ownFormats, firmware: {}, ...changed };
  const all = [
    file('README.md', `This is ${version}.\n`),
    folder('src'),
    file('src/main.ts', version),
    ...pieces,
  ];
  const top = `cartwright-${version}/`;
  const archive = gzipSync(tarOf([folder(''), file('release.json', listOf(all, own)), ...all], top));
  const manifest = manifestOf(archive, all, own);
  return { version, archive, manifest, release: encodeRelease(manifest, maker.key) };
}

/** A device in a folder: releases, data and configuration in their places, and a gateway that only tells its health. */
export class UpdateDevice implements Services {
  readonly root: string;
  readonly places: Places;
  readonly behaviours = new Map<string, Behaviour>();
  /** What was asked of the service manager, and what ran. */
  readonly asked: string[] = [];
  runs: string | undefined;
  nowMs = 0;
  bootId = 'boot-1';
  #request = 0;
  #reports = 0;

  private constructor(root: string) {
    this.root = root;
    this.places = placesUnder(root);
  }

  /** With release 1.0.0 in service. */
  static async make(config = 'cartwright: 1\nstore: s\ndevice: d\n'): Promise<UpdateDevice> {
    const device = new UpdateDevice(await mkdtemp(join(place, 'cartwright-update-')));
    const { places } = device;
    for (const path of [
      places.releases,
      places.own,
      places.releaseKeys,
      join(places.data, 'updates/incoming'),
    ])
      await mkdir(path, { recursive: true });
    await mkdir(join(device.root, 'run/cartwright'), { recursive: true });
    await writeFile(places.config, config);
    await writeFile(join(places.releaseKeys, 'maker.pem'), publicPem(maker.key.publicKey));
    const first = makeRelease('1.0.0');
    const archive = join(device.root, 'first.tar.gz');
    await writeFile(archive, first.archive);
    await unpack(archive, join(places.releases, '1.0.0'), first.manifest);
    for (const link of [places.current, places.good]) await symlink('releases/1.0.0', link);
    device.behaviours.set('1.0.0', 'well');
    await device.start();
    return device;
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }

  async current(): Promise<string> {
    return basename(await readlink(this.places.current));
  }

  async state(): Promise<UpdaterState> {
    return readState(await readFile(this.places.state, 'utf8'));
  }

  has(version: string): boolean {
    return existsSync(join(this.places.releases, version, 'release.json'));
  }

  async fetched(made: ReturnType<typeof makeRelease>): Promise<void> {
    await writeFile(join(this.places.data, 'updates/incoming', `${made.version}.tar.gz`), made.archive);
  }

  /** Writes what the gateway asks for. */
  async ask(request: Readonly<Record<string, unknown>>): Promise<void> {
    const id = `request-${++this.#request}`;
    await writeFile(
      join(this.places.data, 'updates/request.json'),
      JSON.stringify({ request: 1, id, ...request }),
    );
  }

  async askStage({ version, release }: ReturnType<typeof makeRelease>): Promise<void> {
    const archive = `${version}.tar.gz`;
    await this.ask({ action: 'stage', version, archive, release: Buffer.from(release).toString('base64') });
  }

  /** Fetches, stages and begins a release, and lets the updater come to its end. */
  async update(
    made: ReturnType<typeof makeRelease>,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    await this.fetched(made);
    await this.askStage(made);
    await this.run();
    await this.ask({ action: 'begin', version: made.version, ...more });
    await this.run();
  }

  async run(): Promise<Updater> {
    const updater = await this.open();
    await updater.run();
    return updater;
  }

  /** The machine starts again: the updater first, then whatever is in service. */
  async reboot(): Promise<void> {
    this.bootId = `boot-${Number(this.bootId.slice(5)) + 1}`;
    await rm(this.places.healthy, { force: true });
    const updater = await this.open();
    await updater.boot();
    await this.start();
  }

  open(): Promise<Updater> {
    return Updater.open({
      places: this.places,
      services: this,
      log: silentLogger,
      bootId: this.bootId,
      utcMs: () => 1_795_000_000_000 + this.nowMs,
      nowMs: () => this.nowMs,
      sleep: async (ms) => {
        this.nowMs += ms;
        if (this.nowMs % 30_000 === 0) await this.#report();
      },
    });
  }

  async stop(): Promise<void> {
    this.asked.push('stop');
    this.runs = undefined;
  }

  async start(): Promise<void> {
    this.runs = await this.current();
    this.asked.push(`start ${this.runs}`);
    await this.#report();
  }

  async reload(): Promise<void> {
    this.asked.push('reload');
  }

  async hasFailed(): Promise<boolean> {
    return this.runs !== undefined && this.behaviours.get(this.runs) === 'ends';
  }

  async goOnLater(): Promise<void> {
    this.asked.push('go on later');
  }

  async #report(): Promise<void> {
    if (this.runs === undefined) return;
    const how = this.behaviours.get(this.runs) ?? 'silent';
    if (how === 'silent' || how === 'ends') return;
    const sick = how === 'sick';
    const checks = { sensors: !sick, fusion: true, broker: how !== 'no-broker' };
    const faulty = sick ? ['cell-fl'] : [];
    const report = { version: this.runs, boot: 1, atMs: ++this.#reports, goodSinceS: 0, checks, faulty };
    await writeFile(this.places.healthy, JSON.stringify(report));
  }
}
