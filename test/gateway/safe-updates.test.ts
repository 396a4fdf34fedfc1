import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { updatesSchema } from '#config/updates.ts';
import { encodeRecord } from '#events/codec.ts';
import { releaseNotice } from '#events/mqtt-payloads.ts';
import { makePrivateKey, publicPem } from '#identity/keys.ts';
import { ownFormats } from '#updates/data-keeper.ts';
import { encodeRelease } from '#updates/manifest.ts';
import { answered, freshState, stage, type UpdaterState } from '#updates/state.ts';
import type { KnownFacts } from '../../src/gateway/known-facts.ts';
import { answeredInSafeMode, openSafeDesk, SafeKeys } from '../../src/gateway/safe-desk.ts';
import { makeSafeUpdates } from '../../src/gateway/safe-updates.ts';
import { markPaused } from '../../src/gateway/updates-pause.ts';

const maker = makePrivateKey('Ed25519').key;
const archive = Buffer.from('an archive');

/** A device out of service, with an updater that the test plays. */
async function device(t: ExecutionContext, changed: Partial<KnownFacts> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-safe-updates-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'keys'));
  await writeFile(join(folder, 'keys/maker.pem'), publicPem(maker.publicKey));
  await writeFile(join(folder, 'stick.tar.gz'), archive);
  const places = { stateFile: join(folder, 'state.json'), releaseKeys: join(folder, 'keys') };
  const become = (state: UpdaterState) => writeFile(places.stateFile, JSON.stringify(state));
  await become(freshState('1.0.0', 7));
  const facts = {
    ...{ store: 's', device: 'cart-1', broker: {}, mustSign: false },
    updates: updatesSchema.parse(places),
    ...changed,
  } as KnownFacts;
  const clock = new VirtualClock();
  const common = { facts, dataFolder: folder, clock, clockTrusted: () => true, log: silentLogger };
  const open = () => {
    const safe = makeSafeUpdates(common);
    t.teardown(() => safe.updates.stop());
    const pass = async () => {
      for (let look = 0; look < 10; look++) {
        await safe.updates.check();
        await sleep(10);
      }
    };
    return { ...safe, pass };
  };
  const asked = async () =>
    JSON.parse(await readFile(join(folder, 'updates/request.json'), 'utf8').catch(() => '{}')) as {
      id?: string;
      action?: string;
      version?: string;
    };
  return { folder, common, open, become, asked };
}

function noticeOf(folder: string, version: string): Uint8Array {
  const facts = { release: 1 as const, unpackedBytes: 1, createdMs: 1, firmware: {}, formats: ownFormats };
  const sha256 = createHash('sha256').update(archive).digest('hex');
  const arch = process.arch as 'x64';
  const release = encodeRelease({ ...facts, version, arch, bytes: archive.length, sha256 }, maker);
  const urls = [pathToFileURL(join(folder, 'stick.tar.gz')).href];
  return encodeRecord(releaseNotice, { version, releases: [{ release, urls }] });
}

test('a device in safe mode fetches what the store offers and has it begun', async (t) => {
  const cart = await device(t);
  const { offered, pass } = cart.open();
  offered(noticeOf(cart.folder, '1.1.0'));
  await pass();
  const asked = await cart.asked();
  t.like(asked, { action: 'stage', version: '1.1.0' });
  const staged = stage(freshState('1.0.0', 7), { version: '1.1.0', firmware: {}, formats: ownFormats }, 1);
  await cart.become(answered(staged, asked.id ?? ''));
  await pass();
  t.like(await cart.asked(), { action: 'begin', version: '1.1.0', downgrade: false });
});

test('a pause holds in safe mode too', async (t) => {
  const cart = await device(t);
  await markPaused(cart.folder, true);
  const paused = cart.open();
  paused.offered(noticeOf(cart.folder, '1.1.0'));
  await paused.pass();
  t.regex(paused.updates.health()?.hold ?? '', /paused/);
  await paused.updates.stop();
  await markPaused(cart.folder, false);
  const free = cart.open();
  free.offered(noticeOf(cart.folder, '1.1.0'));
  await free.pass();
  t.like(await cart.asked(), { action: 'stage' });
});

test('commands begin a release and take one back in safe mode, once each; pausing is left to the gateway', async (t) => {
  const cart = await device(t);
  const { updates, offered, pass } = cart.open();
  const keys = await SafeKeys.open(cart.common.facts, cart.folder, silentLogger);
  const desk = await openSafeDesk({
    ...cart.common,
    keys,
    updates,
    runtimeFolder: undefined,
    info: () => ({}),
  });
  const now = cart.common.clock.utcMs();
  const call = (command: string, args: Record<string, unknown>, transaction = command) =>
    desk.handle({
      command,
      request: { transaction, issued: now, expires: now + 60_000, args },
      sender: 'unsigned',
      retained: false,
    });
  await cart.become({ ...freshState('1.0.0', 7), before: '0.9.0' });
  offered(noticeOf(cart.folder, '1.1.0'));
  await pass();
  t.like(await call('update.status', {}), { status: 'done', data: { version: '1.0.0', offered: '1.1.0' } });
  t.like(await call('update.pause', { paused: true }), { status: 'refused', code: 'CW-CMD-002' });
  t.like(await call('update.rollback', { why: 'loops' }, 'back-1'), {
    status: 'done',
    data: { version: '0.9.0' },
  });
  const { id } = await cart.asked();
  t.like(await cart.asked(), { action: 'rollback' });
  t.like(await call('update.rollback', { why: 'loops' }, 'back-1'), { status: 'done' });
  t.is((await cart.asked()).id, id, 'answered again, and not asked for again');
  t.true((await answeredInSafeMode(cart.folder)).has('back-1'), 'the gateway knows it when it is back');
});
