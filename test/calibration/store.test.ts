import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type CalibrationHead, decodeRecord } from '#calibration/store/record.ts';
import { type CalibrationDraft, CalibrationStore, verifyFolder } from '#calibration/store/store.ts';
import type { Calibration } from '#config/board.ts';

async function folderFor(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'calibrations-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const calibration = (revision: number, zeroCounts: number): Calibration => ({
  calibration: 1,
  revision,
  plates: { basket: { cells: { left: { zeroCounts, milligramsPerCount: -2.25 } } } },
});

const draft = (zeroCounts: number, rest: Partial<CalibrationDraft> = {}): CalibrationDraft => ({
  cause: 'calibrate',
  atMs: 1_700_000_000_000,
  timeQuality: 'synced',
  calibration: calibration(0, zeroCounts),
  ...rest,
});

/** What the gateway does: the head is stored between the two steps. */
class Device {
  readonly folder: string;
  head: CalibrationHead | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  open(keep?: number) {
    return CalibrationStore.open({
      folder: this.folder,
      head: this.head,
      ...(keep === undefined ? {} : { keep }),
    });
  }

  async commit(store: CalibrationStore, given: CalibrationDraft) {
    const prepared = await store.prepare(given);
    this.head = prepared.head;
    return await store.committed(prepared);
  }
}

const codes = (findings: readonly { readonly code: string }[]) => findings.map(({ code }) => code).sort();
const file = (revision: number) => `calibration-${String(revision).padStart(8, '0')}.json`;

async function flip(path: string, bit: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  await writeFile(path, bytes);
}

test('a revision counts once the head that names it is stored, and is gone at the next start where it never was', async (t) => {
  const device = new Device(await folderFor(t));
  const { store } = await device.open();
  t.is(store.current, undefined);
  await device.commit(store, draft(100, { cause: 'import', calibration: calibration(7, 100) }));
  t.is(store.current?.revision, 7);
  t.deepEqual(store.counters, { calibration: 1, configuration: 0 });
  const prepared = await store.prepare(draft(200));
  t.is(prepared.head.revision, 8);
  t.is(store.current?.revision, 7);
  await t.throwsAsync(store.prepare(draft(300)), { code: 'CW-CAL-109' });

  const after = await device.open();
  t.deepEqual(after.findings, []);
  t.is(after.store.current?.calibration.plates.basket?.cells.left?.zeroCounts, 100);
  t.false((await readdir(device.folder)).includes(file(8)));
  // The number was never told to anybody.
  await device.commit(after.store, draft(400));
  t.is(after.store.current?.revision, 8);
  t.deepEqual(await after.store.verify(), []);
});

test('what is damaged is read from the last-good copy, and put right', async (t) => {
  const device = new Device(await folderFor(t));
  const { store } = await device.open();
  await device.commit(store, draft(1));
  await device.commit(store, draft(2));
  await flip(join(device.folder, file(2)), 999);
  t.deepEqual(codes(await store.verify()), ['CW-CAL-100']);

  const mended = await device.open();
  t.deepEqual(codes(mended.findings), ['CW-CAL-100']);
  t.is(mended.store.current?.revision, 2);
  t.deepEqual(await mended.store.verify(), []);
  t.is((await readdir(device.folder)).filter((name) => name.startsWith('damaged-')).length, 1);
  t.deepEqual((await device.open()).findings, []);
});

test('where the copy is damaged as well, the revision before counts, loudly, and no number is given twice', async (t) => {
  const device = new Device(await folderFor(t));
  const { store } = await device.open();
  for (const zero of [1, 2, 3]) await device.commit(store, draft(zero));
  await flip(join(device.folder, file(3)), 500);
  await flip(join(device.folder, 'last-good.json'), 501);
  const fallen = await device.open();
  t.deepEqual(codes(fallen.findings), ['CW-CAL-100', 'CW-CAL-103', 'CW-CAL-104']);
  t.is(fallen.store.current?.revision, 2);
  t.deepEqual(fallen.store.counters, { calibration: 3, configuration: 0 });
  await device.commit(fallen.store, draft(9));
  t.is(device.head?.revision, 4);
  t.is(device.head?.counters.calibration, 4);
  t.deepEqual(codes(await fallen.store.verify()), ['CW-CAL-100']);
});

test('without any whole revision nothing is in force: never a default', async (t) => {
  const device = new Device(await folderFor(t));
  const { store } = await device.open();
  await device.commit(store, draft(1));
  await rm(device.folder, { recursive: true });
  const { store: empty, findings } = await device.open();
  t.is(empty.current, undefined);
  t.deepEqual(codes(findings), ['CW-CAL-101', 'CW-CAL-105']);
  await device.commit(empty, draft(5));
  t.is(empty.current?.revision, 2);
  t.is(empty.counters.calibration, 2);
});

test('a lost outbox leaves the newest whole revision in force, and its counters', async (t) => {
  const device = new Device(await folderFor(t));
  const { store } = await device.open();
  for (const zero of [1, 2, 3]) await device.commit(store, draft(zero));
  device.head = undefined;
  const { store: found, findings, headIsNew } = await device.open();
  t.deepEqual(codes(findings), ['CW-CAL-106']);
  t.true(headIsNew);
  t.is(found.head?.revision, 3);
  t.is(found.counters.calibration, 3);
});

test('an old copy of the outbox takes neither a revision nor a counter back', async (t) => {
  const device = new Device(await folderFor(t));
  const { store } = await device.open();
  await device.commit(store, draft(1));
  const old = device.head;
  await device.commit(store, draft(2));
  device.head = old;
  const { store: found, findings, headIsNew } = await device.open();
  t.deepEqual(codes(findings), ['CW-CAL-106']);
  t.true(headIsNew);
  t.is(found.current?.revision, 2);
  t.is(found.counters.calibration, 2);
});

test('the newest revisions are kept, never fewer than two, and taking one away is found', async (t) => {
  const device = new Device(await folderFor(t));
  const { store } = await device.open(1);
  for (const zero of [1, 2, 3, 4]) await device.commit(store, draft(zero));
  const names = await readdir(device.folder);
  t.deepEqual(names.sort(), [file(3), file(4), 'last-good.json']);
  t.deepEqual(
    store.list().map(({ revision }) => revision),
    [4, 3],
  );
  await t.throwsAsync(store.read(2), { code: 'CW-CAL-110' });
  await rm(join(device.folder, file(3)));
  t.deepEqual(codes((await verifyFolder(device.folder, device.head)).findings), ['CW-CAL-101']);
});

test('one flipped bit anywhere in the store is found', async (t) => {
  t.timeout(300_000);
  const device = new Device(await folderFor(t));
  const { store } = await device.open();
  await device.commit(store, draft(1, { cause: 'import' }));
  await device.commit(
    store,
    draft(2, { by: { key: 'ab', role: 'technician', who: 17 }, report: { e: 'ü' } }),
  );
  t.deepEqual(await store.verify(), []);
  for (const name of await readdir(device.folder)) {
    const path = join(device.folder, name);
    const whole = await readFile(path);
    for (let bit = 0; bit < 8 * whole.length; bit++) {
      const flipped = Buffer.from(whole);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      if (typeof decodeRecord(flipped) !== 'string') t.fail(`bit ${bit} of ${name}`);
    }
    // As it lies on the disk: a part of the bytes, for each is read back with the whole folder.
    for (let byte = 0; byte < whole.length; byte += 7) {
      const bit = 8 * byte + (byte % 8);
      await flip(path, bit);
      const found = codes(await store.verify());
      if (!found.includes('CW-CAL-100') && !found.includes('CW-CAL-103'))
        t.fail(`byte ${byte} of ${name}: ${found}`);
      await flip(path, bit);
    }
  }
  t.deepEqual(await store.verify(), []);
});

test('a file that does not belong there is told, and left alone', async (t) => {
  const device = new Device(await folderFor(t));
  const { store } = await device.open();
  await device.commit(store, draft(1));
  await writeFile(join(device.folder, 'calibration-2.json'), '{}');
  await writeFile(join(device.folder, `${file(1)}.0123456789ab.tmp`), 'cut short');
  t.deepEqual(codes(await store.verify()), ['CW-CAL-107']);
  await device.open();
  t.deepEqual((await readdir(device.folder)).sort(), [file(1), 'calibration-2.json', 'last-good.json']);
});

test('a revision that was replaced, or put into the middle, does not follow from the one before', async (t) => {
  const device = new Device(await folderFor(t));
  const { store } = await device.open();
  for (const zero of [1, 2, 3]) await device.commit(store, draft(zero));
  const other = new Device(await folderFor(t));
  const { store: foreign } = await other.open();
  for (const zero of [1, 7, 8]) await other.commit(foreign, draft(zero));
  for (const revision of [2, 3]) {
    const path = join(device.folder, file(revision));
    const own = await readFile(path);
    await writeFile(path, await readFile(join(other.folder, file(revision))));
    t.true(codes(await store.verify()).includes('CW-CAL-102'), `revision ${revision}`);
    const { store: opened, findings } = await device.open();
    t.true(codes(findings).includes('CW-CAL-102'));
    t.is(opened.current?.calibration.plates.basket?.cells.left?.zeroCounts, 3);
    await writeFile(path, own);
  }
});

test('a calibration that could not be read again is refused before anything is written', async (t) => {
  const device = new Device(await folderFor(t));
  const { store } = await device.open();
  await device.commit(store, draft(1));
  await t.throwsAsync(store.prepare(draft(Number.NaN)), { code: 'CW-CAL-108' });
  t.deepEqual((await readdir(device.folder)).sort(), [file(1), 'last-good.json']);
  await device.commit(store, draft(2));
  t.is(store.current?.revision, 2);
});

test('where the folder can not be written, what is in force stays so and the next attempt may do it', async (t) => {
  const device = new Device(await folderFor(t));
  const { store } = await device.open();
  await device.commit(store, draft(1));
  await rm(device.folder, { recursive: true });
  await writeFile(device.folder, 'no folder');
  await t.throwsAsync(store.prepare(draft(2)), { code: 'CW-CAL-108' });
  t.is(store.current?.revision, 1);
  await rm(device.folder);
  await device.commit(store, draft(3));
  t.is(store.current?.revision, 2);
});
