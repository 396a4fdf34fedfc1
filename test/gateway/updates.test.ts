import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { HandlerContext } from '#commands/desk.ts';
import { updatesSchema } from '#config/updates.ts';
import { encodeRecord } from '#events/codec.ts';
import type { Draft } from '#events/event.ts';
import { releaseNotice } from '#events/mqtt-payloads.ts';
import { makePrivateKey, publicPem } from '#identity/keys.ts';
import { ownFormats } from '#updates/data-keeper.ts';
import { encodeRelease } from '#updates/manifest.ts';
import type { ReleaseNotice } from '#updates/roll-out.ts';
import {
  answered,
  begin,
  confirm,
  freshState,
  refuse,
  stage,
  takeBack,
  type UpdaterState,
} from '#updates/state.ts';
import { updateHandlers } from '../../src/gateway/update-handlers.ts';
import { GatewayUpdates } from '../../src/gateway/updates.ts';

const maker = makePrivateKey('Ed25519').key;
const archive = Buffer.from('an archive');
const facts = { release: 1 as const, unpackedBytes: 1, createdMs: 1, firmware: {}, formats: ownFormats };

/** A gateway's part for updates with a store and an updater of the test's own. */
class Bench {
  readonly clock = new VirtualClock();
  readonly told: Draft[] = [];
  readonly stored: Record<string, string> = {};
  readonly folder: string;
  state: UpdaterState = freshState('1.0.0', 7);
  busy: string | undefined;
  updates: GatewayUpdates;
  #hear: (payload: Uint8Array) => void = () => {};

  private constructor(folder: string) {
    this.folder = folder;
    this.updates = this.start();
  }

  static async make(t: ExecutionContext): Promise<Bench> {
    const folder = await mkdtemp(join(tmpdir(), 'cartwright-updates-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    await mkdir(join(folder, 'keys'));
    await writeFile(join(folder, 'keys/maker.pem'), publicPem(maker.publicKey));
    await writeFile(join(folder, 'stick.tar.gz'), archive);
    const bench = new Bench(folder);
    await bench.become(bench.state);
    return bench;
  }

  /** A new run of the gateway, on what the one before stored. */
  start(): GatewayUpdates {
    const keep = async (draft: Draft | undefined, state: Record<string, string | null> = {}) => {
      if (draft !== undefined) this.told.push(draft);
      for (const [key, value] of Object.entries(state)) {
        if (value === null) delete this.stored[key];
        else this.stored[key] = value;
      }
    };
    this.updates = new GatewayUpdates({
      place: { store: 's', device: 'cart-1' },
      config: updatesSchema.parse({
        stateFile: join(this.folder, 'state.json'),
        releaseKeys: join(this.folder, 'keys'),
      }),
      dataFolder: this.folder,
      clock: this.clock,
      log: silentLogger,
      uplink: {
        subscribe: (_filter, handler) => {
          this.#hear = (payload) => void handler('_store/release', payload, { retain: true, properties: {} });
          return () => {};
        },
      },
      loop: { append: keep, saveState: (state) => keep(undefined, state) },
      stored: { ...this.stored },
      clockTrusted: () => true,
      busy: () => this.busy,
      firmwareBehind: () => [],
    });
    this.updates.start();
    return this.updates;
  }

  async become(state: UpdaterState): Promise<void> {
    this.state = state;
    await writeFile(join(this.folder, 'state.json'), JSON.stringify(state));
  }

  /** Lets so many looks pass; files are real, so each takes a moment. */
  async pass(looks = 3): Promise<void> {
    for (let look = 0; look < looks; look++) {
      this.clock.advance(5_000_000);
      await this.updates.check();
      await sleep(5);
    }
  }

  async offer(version: string, more: Partial<ReleaseNotice> = {}): Promise<void> {
    const sha256 = createHash('sha256').update(archive).digest('hex');
    const arch = process.arch as 'x64';
    const release = encodeRelease({ ...facts, version, arch, bytes: archive.length, sha256 }, maker);
    const urls = [pathToFileURL(join(this.folder, 'stick.tar.gz')).href];
    this.#hear(encodeRecord(releaseNotice, { version, releases: [{ release, urls }], ...more }));
    await this.pass();
  }

  async asked(): Promise<Record<string, unknown> | undefined> {
    const text = await readFile(join(this.folder, 'updates/request.json'), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
  }

  /** The updater does what it was asked for. */
  async answer(act: (state: UpdaterState) => UpdaterState): Promise<void> {
    await this.become(answered(act(this.state), String((await this.asked())?.id)));
    await this.pass();
  }
}

const staged = (version: string) => ({ version, firmware: {}, formats: ownFormats });
const plain = (version: string) => ({
  version,
  downgrade: false,
  force: false,
  brokerAway: false,
  faulty: [],
});
const context = { transaction: 'tx', atUs: 0, remembered: () => ({}) as never } as HandlerContext;

test('a release that is offered is fetched, staged, and begun when nobody shops; each step is told once', async (t) => {
  const cart = await Bench.make(t);
  await cart.offer('1.1.0');
  t.like(await cart.asked(), { action: 'stage', version: '1.1.0', archive: '1.1.0.tar.gz' });
  t.true(archive.equals(await readFile(join(cart.folder, 'updates/incoming/1.1.0.tar.gz'))));
  cart.busy = 'somebody shops';
  await cart.answer((state) => stage(state, staged('1.1.0'), 1));
  t.like(await cart.asked(), { action: 'stage' });
  t.like(cart.updates.health(), { state: 'waiting', staged: '1.1.0', hold: 'somebody shops' });
  cart.busy = undefined;
  await cart.pass();
  t.like(await cart.asked(), { action: 'begin', version: '1.1.0', force: false, downgrade: false });
  await cart.answer((state) => begin(state, plain('1.1.0'), 2));
  // The release's own gateway goes on, on what was stored.
  await cart.updates.stop();
  cart.start();
  await cart.offer('1.1.0');
  await cart.become(confirm(cart.state, 3));
  await cart.pass();
  t.deepEqual(
    cart.told.map(({ type, data }) => [type, (data as { number: number }).number]),
    [
      ['update.staged', 1],
      ['update.began', 2],
      ['update.good', 3],
    ],
  );
  t.like(cart.updates.health(), { version: '1.1.0', state: 'idle' });
});

test('what was taken back is told, and not fetched again', async (t) => {
  const cart = await Bench.make(t);
  const tried = begin(stage(cart.state, staged('1.1.0'), 1), plain('1.1.0'), 2);
  await cart.become(takeBack(tried, { code: 'CW-UPD-040', why: 'sick' }, 3));
  await cart.become({ ...cart.state, undo: undefined });
  await cart.offer('1.1.0');
  t.is(await cart.asked(), undefined);
  t.like(cart.told.at(-1), {
    type: 'update.rolled-back',
    data: { version: '1.1.0', back: '1.0.0', code: 'CW-UPD-040' },
  });
  t.like(cart.updates.health(), { failed: '1.1.0', hold: 'release 1.1.0 failed here: CW-UPD-040' });
});

test('a device waits for its turn, an older release is not taken by itself, a foreign key never', async (t) => {
  const cart = await Bench.make(t);
  await cart.offer('1.1.0', { groups: [{ name: 'canary', devices: ['cart-7'] }, { name: '*' }], open: 1 });
  t.regex(cart.updates.health()?.hold ?? '', /not due/);
  await cart.offer('0.9.0');
  t.regex(cart.updates.health()?.hold ?? '', /older/);
  await writeFile(join(cart.folder, 'keys/maker.pem'), publicPem(makePrivateKey('Ed25519').key.publicKey));
  await cart.offer('1.1.0');
  t.is(cart.updates.health()?.fault, 'CW-UPD-002');
  t.is(await cart.asked(), undefined);
});

test('a refusal is told, and not asked for again by itself', async (t) => {
  const cart = await Bench.make(t);
  await cart.offer('1.1.0');
  const first = await cart.asked();
  await cart.answer((state) => refuse(state, { version: '1.1.0', code: 'CW-UPD-031', why: 'full' }, 1));
  t.is(cart.told.at(-1)?.type, 'update.refused');
  t.deepEqual(await cart.asked(), first);
  await cart.updates.begin({ version: '1.1.0', force: false, downgrade: false, order: undefined });
  await cart.pass();
  t.like(await cart.asked(), { action: 'stage', version: '1.1.0' });
  t.not((await cart.asked())?.id, first?.id, 'somebody who made room orders it');
});

test('a request that the updater did not hear is asked once more, as the same one', async (t) => {
  const cart = await Bench.make(t);
  await cart.offer('1.1.0');
  const first = await cart.asked();
  await rm(join(cart.folder, 'updates/request.json'));
  await cart.pass(20);
  t.is(await cart.asked(), undefined);
  await cart.pass(20);
  t.deepEqual(await cart.asked(), first);
});

test('commands begin, go back and pause, and are refused while somebody shops', async (t) => {
  const cart = await Bench.make(t);
  const kept: unknown[] = [];
  const handlers = updateHandlers(cart.updates, async (asked, _context, data, change) => {
    kept.push([asked.command, data, change.state]);
  });
  const call = async (name: string, args: Record<string, unknown>) =>
    await handlers.get(name)?.(args, context);
  await cart.pass(1);
  await t.throwsAsync(call('update.rollback', { why: 'slow' }), { code: 'CW-UPD-026' });
  await t.throwsAsync(call('update.begin', { version: '1.1.0' }), { code: 'CW-UPD-023' });
  t.deepEqual(await call('update.pause', { paused: true }), { paused: true });
  await cart.offer('1.1.0');
  t.regex(String((await call('update.status', {}))?.hold), /paused/);
  cart.busy = 'somebody shops';
  await t.throwsAsync(call('update.begin', { version: '1.1.0' }), { code: 'CW-UPD-052', message: /shops/ });
  cart.busy = undefined;
  t.deepEqual(await call('update.begin', { version: '1.1.0' }), { version: '1.1.0', action: 'fetch' });
  await cart.pass();
  t.like(await cart.asked(), { action: 'stage', version: '1.1.0' });
  await cart.answer((state) => stage(state, staged('1.1.0'), 1));
  t.like(await cart.asked(), { action: 'begin', version: '1.1.0' });
  t.deepEqual(
    kept.map((one) => (one as unknown[])[0]),
    ['update.pause', 'update.begin'],
  );
});

test('without an updater nothing is fetched, and commands say so', async (t) => {
  const cart = await Bench.make(t);
  await rm(join(cart.folder, 'state.json'));
  const updates = cart.start();
  await cart.offer('1.1.0');
  t.is(await cart.asked(), undefined);
  t.is(updates.health(), undefined);
  const handlers = updateHandlers(updates, async () => {});
  await t.throwsAsync(async () => await handlers.get('update.check')?.({}, context), { code: 'CW-UPD-053' });
});
