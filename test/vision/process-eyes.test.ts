import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import type { Change } from '#vision/change/compare.ts';
import { VisionError } from '#vision/errors.ts';
import type { Region } from '#vision/pictures/picture.ts';
import { Bench, found } from './support/eyes-bench.ts';

test('What came is seen between the last frame at rest before a movement and the first one after it', async (t) => {
  const bench = new Bench({ restPerSecond: 10 });
  await bench.eyes.start();
  await bench.film([1, 2, 3]);
  const startedAtUs = bench.clock.nowUs();
  await bench.film([4, 5, 6], 'moving');
  const settledAtUs = bench.clock.nowUs();
  await bench.film([7, 8, 9]);
  bench.eyes.handle({ kind: 'look', id: 5, plate: 'basket', startedAtUs, settledAtUs, sign: 1 });
  await bench.pass(0);
  t.deepEqual(bench.compared, [{ before: 2, after: 7, sign: 1 }], 'frame 3 was followed by motion');
  t.like(bench.of('looked')[0], {
    id: 5,
    camera: 'camera',
    plate: 'basket',
    outcome: 'seen',
    things: [
      {
        change: 'came',
        moved: false,
        candidates: [{ look: 'apple', probabilityPpm: 800_000 }],
        unknownPpm: 200_000,
        ambiguous: false,
      },
    ],
    enrolledPpm: 500_000,
  });
});

test('All that changed is recognized, what came on the later picture and what went on the earlier one', async (t) => {
  const bench = new Bench({ restPerSecond: 10 });
  const recognized: number[] = [];
  bench.recognizer = {
    recognize: async ({ data, width }, { left }) => {
      const look = `${data[1]} at ${left}`;
      if (width === 64) recognized.push(left);
      return { candidates: [{ look, probabilityPpm: 700_000 }], unknownPpm: 1, cosine: 1, ambiguous: true };
    },
  };
  const [thing] = found.things;
  if (thing === undefined) return t.fail();
  const at = (left: number, change: 'came' | 'went', moved = false) => ({
    ...thing,
    change,
    moved,
    box: { left, top: 12, width: 16, height: 24 },
    crop: { left, top: 0, width: 8, height: 8 },
  });
  bench.change = { ...found, things: [at(8, 'came'), at(16, 'went'), at(56, 'came', true)] };
  await bench.eyes.start();
  await bench.film([1, 2, 3]);
  const startedAtUs = bench.clock.nowUs();
  await bench.film([4], 'moving');
  const settledAtUs = bench.clock.nowUs();
  await bench.film([7, 8, 9]);
  bench.eyes.handle({ kind: 'look', id: 1, plate: 'basket', startedAtUs, settledAtUs, sign: 1 });
  await bench.pass(0);
  t.deepEqual(recognized, [8, 16, 56]);
  const things = bench.of('looked')[0]?.things ?? [];
  t.deepEqual(
    things.map(({ change, moved, box, candidates: [best] }) => [change, moved, box, best?.look]),
    [
      ['came', false, [125, 250, 250, 500], '7 at 8'],
      ['went', false, [250, 250, 250, 500], '2 at 16'],
      ['came', true, [875, 250, 125, 500], '7 at 56'],
    ],
  );
  t.true(things.every(({ ambiguous }) => ambiguous));
});

test('A frame at rest is waited for, but not for longer than a decision is', async (t) => {
  const bench = new Bench({ restPerSecond: 10 });
  await bench.eyes.start();
  await bench.film([1, 2, 3]);
  const startedAtUs = bench.clock.nowUs();
  await bench.film([4, 5], 'moving');
  bench.eyes.handle({
    kind: 'look',
    id: 1,
    plate: 'basket',
    startedAtUs,
    settledAtUs: bench.clock.nowUs(),
    sign: -1,
  });
  await bench.film([6, 7, 8, 9], 'moving');
  t.is(bench.of('looked').length, 0);
  await bench.film([10, 11], 'moving');
  await bench.pass(0);
  t.is(bench.of('looked').length, 1);
  t.is(bench.compared[0]?.before, 2);
  t.true((bench.compared[0]?.after ?? 0) >= 9);
});

test('The frame before a movement is there however long somebody rummages', async (t) => {
  const bench = new Bench({ ringUs: 1_000_000, ringBytes: 64 * 48 * 12, restPerSecond: 10 });
  await bench.eyes.start();
  await bench.film([1, 2]);
  const startedAtUs = bench.clock.nowUs();
  for (let i = 0; i < 20; i++) await bench.film([10, 11, 12], 'moving');
  bench.eyes.handle({ kind: 'watch', plate: 'basket', atUs: startedAtUs });
  for (let i = 0; i < 20; i++) await bench.film([20, 21, 22], 'moving');
  const settledAtUs = bench.clock.nowUs();
  await bench.film([30, 31, 32]);
  bench.eyes.handle({ kind: 'look', id: 1, plate: 'basket', startedAtUs, settledAtUs, sign: 1 });
  await bench.pass(0);
  t.deepEqual(bench.compared, [{ before: 1, after: 30, sign: 1 }]);
  t.is(bench.of('health').at(-1)?.health.cameras[0]?.framesDropped, 0);
});

for (const [what, change, outcome] of [
  ['a hand alone', { ...found, outcome: 'hand-only', things: [] }, 'hand-only'],
  ['nothing new', { ...found, outcome: 'nothing-changed', things: [] }, 'nothing-changed'],
  ['the light going out', { ...found, outcome: 'everything-changed', things: [] }, 'failed'],
] as const) {
  test(`${what} is not recognized as anything`, async (t) => {
    const bench = new Bench({ restPerSecond: 10 });
    bench.change = change;
    await bench.eyes.start();
    await bench.film([1, 2, 3, 4, 5, 6]);
    const at = bench.clock.nowUs();
    bench.eyes.handle({
      kind: 'look',
      id: 1,
      plate: 'basket',
      startedAtUs: at - 400_000,
      settledAtUs: at - 300_000,
      sign: 1,
    });
    await bench.pass(0);
    t.like(bench.of('looked')[0], { outcome, things: [] });
  });
}

test('A camera without frames says so within the time of a decision', async (t) => {
  const bench = new Bench();
  await bench.eyes.start();
  const at = bench.clock.nowUs();
  bench.eyes.handle({ kind: 'look', id: 1, plate: 'basket', startedAtUs: at, settledAtUs: at, sign: 1 });
  await bench.pass(600);
  t.is(bench.of('looked')[0]?.outcome, 'no-frames');
});

test('A model that can not be loaded is a fault, and codes are read nevertheless', async (t) => {
  const bench = new Bench({ restPerSecond: 10 });
  bench.recognizer = new VisionError('CW-VIS-002', 'it is damaged');
  bench.codes = ['4006381333931'];
  await bench.eyes.start();
  t.like(bench.of('fault')[0], { source: 'vision', fault: { code: 'CW-VIS-002' } });
  t.like(bench.of('ready')[0], { backend: '', model: '' });
  await bench.film([1]);
  await bench.film([2], 'moving');
  t.is(Buffer.from(bench.of('code')[0]?.data ?? []).toString(), '4006381333931');
});

test('A gallery that can not be used is a fault until one comes that can', async (t) => {
  const bench = new Bench();
  let problem: unknown = new VisionError('CW-VIS-010', 'it was made with another model');
  bench.recognizer = {
    get galleryProblem() {
      return problem;
    },
    readGallery: async (path: string) => {
      problem = path === 'good' ? undefined : new VisionError('CW-VIS-009', 'it is damaged');
      if (problem !== undefined) throw problem;
    },
  };
  await bench.eyes.start();
  for (const path of ['bad', 'bad', 'good', 'good']) {
    bench.eyes.handle({ kind: 'gallery', path });
    await bench.pass(0);
  }
  t.deepEqual(
    bench.of('fault').map(({ source, fault }) => [source, fault.code, fault.cleared ?? false]),
    [
      ['vision', 'CW-VIS-010', false],
      ['vision', 'CW-VIS-010', true],
      ['vision', 'CW-VIS-009', false],
      ['vision', 'CW-VIS-009', true],
    ],
  );
});

test('Codes are looked for where something moves, and while one is expected', async (t) => {
  const bench = new Bench({ restPerSecond: 10 });
  await bench.eyes.start();
  await bench.film([1, 2, 3]);
  t.is(bench.codesIn.length, 0);
  await bench.film([4], 'moving');
  t.like(bench.codesIn[0], { moved: [{ left: 0, top: 0, width: 64, height: 48 }], expected: false });
  bench.eyes.handle({ kind: 'expect-code', plate: 'basket', forMs: 500 });
  await bench.film([5, 6]);
  t.like(bench.codesIn.at(-1), { moved: [], expected: true });
  await bench.pass(500);
  const before = bench.codesIn.length;
  await bench.film([7, 8]);
  t.is(bench.codesIn.length, before);
});

test('A search for codes that fails is told once, and once when it works again', async (t) => {
  const bench = new Bench({ restPerSecond: 10 });
  await bench.eyes.start();
  bench.codesFail = true;
  await bench.film([1, 2, 3], 'moving');
  bench.codesFail = false;
  await bench.film([4, 5], 'moving');
  t.deepEqual(
    bench.of('fault').map(({ fault }) => [fault.code, fault.cleared ?? false]),
    [
      ['CW-VIS-018', false],
      ['CW-VIS-018', true],
    ],
  );
});

test('Damaged frames are a fault when there are many of them in a row', async (t) => {
  const bench = new Bench({ restPerSecond: 10 });
  await bench.eyes.start();
  await bench.film([1, 2, 3, 4], 'damaged');
  t.is(bench.of('fault').length, 0);
  await bench.film([5, 6, 7], 'damaged');
  await bench.film([8]);
  t.deepEqual(
    bench.of('fault').map(({ fault }) => [fault.code, fault.cleared ?? false]),
    [
      ['CW-VIS-007', false],
      ['CW-VIS-007', true],
    ],
  );
});

test('A region beside the picture is a fault of the configuration, told once', async (t) => {
  const bench = new Bench({
    views: [{ plate: 'basket', camera: 'camera', region: [100, 0, 50, 50], purpose: 'things' }],
  });
  await bench.eyes.start();
  await bench.film([1, 2, 3, 4, 5, 6]);
  t.like(bench.of('fault'), { length: 1, 0: { fault: { fault: 'configuration', code: 'CW-VIS-008' } } });
});

test('A ring that holds fewer frames than are compared is a fault, though each fits', async (t) => {
  const blind = new Bench({ ringBytes: 5 * 64 * 48 - 1, restPerSecond: 10 });
  await blind.eyes.start();
  await blind.film([1, 2, 3, 4]);
  t.like(blind.of('fault'), { length: 1, 0: { fault: { fault: 'configuration', code: 'CW-VIS-023' } } });
  const seeing = new Bench({ ringBytes: 5 * 64 * 48, restPerSecond: 10 });
  await seeing.eyes.start();
  await seeing.film([1, 2, 3]);
  const startedAtUs = seeing.clock.nowUs();
  await seeing.film([4, 5], 'moving');
  const settledAtUs = seeing.clock.nowUs();
  await seeing.film([6, 7]);
  seeing.eyes.handle({ kind: 'look', id: 1, plate: 'basket', startedAtUs, settledAtUs, sign: 1 });
  await seeing.pass(0);
  t.deepEqual(seeing.of('fault'), []);
  t.is(seeing.of('looked')[0]?.outcome, 'seen');
});

test('Nothing is left of what a camera saw that is gone, and nothing is enrolled from it', async (t) => {
  const bench = new Bench({ restPerSecond: 10 });
  await bench.eyes.start();
  await bench.film([1, 2, 3, 4]);
  bench.eyes.handle({ kind: 'watch', plate: 'basket', atUs: bench.clock.nowUs() });
  for (let second = 0; second < 8; second++) await bench.pass(1_000);
  bench.eyes.handle({ kind: 'embed', id: 1, camera: 'camera', plate: 'basket' });
  await bench.pass(0);
  t.like(bench.of('refused')[0], { id: 1, code: 'CW-VIS-017' });
  await bench.film([5, 6]);
  bench.eyes.handle({ kind: 'embed', id: 2, camera: 'camera', plate: 'basket' });
  await bench.pass(0);
  t.is(bench.of('embedded').length, 1, 'it is back');
});

test('Frames that are larger than the ring are a fault that says what to do', async (t) => {
  const bench = new Bench({ ringBytes: 64 * 48 - 1 });
  await bench.eyes.start();
  await bench.film([1, 2, 3, 4]);
  t.like(bench.of('fault'), { length: 1, 0: { fault: { fault: 'configuration', code: 'CW-VIS-023' } } });
  t.regex(bench.of('fault')[0]?.fault.message ?? '', /3072 bytes, the ring 3071 .*vision\.ringMegabytes/);
});

test('Frames are looked at more often while something is weighed, and less often where it is hot or busy', async (t) => {
  const bench = new Bench({ restPerSecond: 2, watchPerSecond: 10 });
  await bench.eyes.start();
  const inTwoSeconds = async () => {
    const before = bench.looked.length;
    for (let i = 0; i < 60; i++) {
      bench.frame(i % 200);
      bench.clock.advance(33_333);
      await setImmediate();
    }
    return bench.looked.length - before;
  };
  const near = (count: number, expected: number) =>
    t.true(Math.abs(count - expected) <= 1, `${count} frames, not ${expected}`);
  near(await inTwoSeconds(), 4);
  bench.eyes.handle({ kind: 'watch', plate: 'basket', atUs: bench.clock.nowUs() });
  near(await inTwoSeconds(), 20);
  bench.eyes.handle({ kind: 'load', milliCelsius: 90_000 });
  near(await inTwoSeconds(), 5);
  await bench.pass(1_000);
  t.like(bench.of('health').at(-1)?.health, { slowedBy: 'heat', looksPerSecond: 2.5 });
  // A tenth of that is its own.
  bench.eyes.handle({ kind: 'load', milliCelsius: 40_000, busyPpm: 790_000 });
  await bench.pass(1_000);
  t.is(bench.of('health').at(-1)?.health.slowedBy, undefined);
  bench.eyes.handle({ kind: 'load', busyPpm: 1_000_000 });
  await bench.pass(1_000);
  t.is(bench.of('health').at(-1)?.health.slowedBy, 'load');
  bench.eyes.handle({ kind: 'quiet', plate: 'basket' });
});

test('Motion without a change of mass is told once while it lasts', async (t) => {
  const bench = new Bench({ restPerSecond: 10 });
  await bench.eyes.start();
  await bench.film([1]);
  await bench.film([2, 3, 4, 5], 'moving');
  t.is(bench.of('motion').length, 1);
  for (let i = 0; i < 20; i++) await bench.film([6]);
  bench.eyes.handle({ kind: 'watch', plate: 'basket', atUs: bench.clock.nowUs() });
  await bench.film([7, 8], 'moving');
  t.is(bench.of('motion').length, 1, 'while it is weighed, the scale says so');
});

test('What a camera sees is embedded; one that shows nothing is told', async (t) => {
  const bench = new Bench();
  await bench.eyes.start();
  bench.eyes.handle({ kind: 'embed', id: 2, camera: 'camera', plate: 'basket' });
  await bench.pass(0);
  t.like(bench.of('refused')[0], { id: 2, code: 'CW-VIS-017' });
  await bench.film([1]);
  bench.eyes.handle({ kind: 'embed', id: 3, camera: 'camera', plate: 'basket' });
  await bench.pass(0);
  t.deepEqual(bench.of('embedded')[0]?.embedding, new Int8Array([1, 2, 3]));
  await bench.pass(1_000);
  t.is(bench.of('health').at(-1)?.health.gallery, 'ab12');
});

test('What was put in is enrolled as a look sees it, and the middle where nothing lies', async (t) => {
  const bench = new Bench({ restPerSecond: 10 });
  const crops: Region[] = [];
  bench.recognizer = {
    embed: async (_picture, crop) => {
      if (crop !== undefined) crops.push(crop);
      return new Int8Array([1]);
    },
  };
  const look = async (change: Change) => {
    bench.change = change;
    await bench.film([1, 2, 3, 4, 5, 6]);
    const settledAtUs = bench.clock.nowUs() - 300_000;
    const times = { startedAtUs: settledAtUs - 100_000, settledAtUs };
    bench.eyes.handle({ kind: 'look', id: 1, plate: 'basket', ...times, sign: 1 });
    await bench.pass(0);
    bench.eyes.handle({ kind: 'embed', id: 2, camera: 'camera', plate: 'basket' });
    await bench.pass(0);
    return crops.pop();
  };
  const middle = { left: 8, top: 0, width: 48, height: 48 };
  const [thing] = found.things;
  if (thing === undefined) return t.fail();
  const pushed = { ...thing, moved: true, crop: { left: 40, top: 0, width: 9, height: 9 } };
  await bench.eyes.start();
  t.deepEqual(await look({ ...found, outcome: 'nothing-changed', things: [] }), middle);
  t.deepEqual(await look({ ...found, things: [pushed, thing] }), thing.crop);
  t.deepEqual(await look({ ...found, outcome: 'hand-only', things: [] }), thing.crop, 'it lies where it lay');
  t.deepEqual(await look({ ...found, things: [{ ...thing, change: 'went' }] }), middle);
  t.deepEqual(await look(found), thing.crop);
  await bench.pass(121_000);
  await bench.film([7]);
  bench.eyes.handle({ kind: 'embed', id: 3, camera: 'camera', plate: 'basket' });
  await bench.pass(0);
  t.deepEqual(crops.pop(), middle, 'that was long ago');
});

test('The gateway hears what is normal for a lens, and of the end of what an earlier process found', async (t) => {
  const before = { sharpness: 0.4, rim: new Int8Array(4) };
  const known = { camera: 'camera', normal: before, standing: ['CW-VIS-015'] };
  const bench = new Bench({ restPerSecond: 10 }, [known]);
  await bench.eyes.start();
  await bench.film([1, 2]);
  t.deepEqual(bench.of('lens'), [], 'the gateway knows it');
  const after = { ...before, sharpness: 0.6 };
  if (bench.lens !== undefined) bench.lens.normal = after;
  const fault = { fault: 'integrity', code: 'CW-VIS-015', message: 'sharp again', cleared: true } as const;
  bench.lensFaults.push(fault);
  await bench.film([3, 4]);
  t.deepEqual(bench.of('lens'), [{ kind: 'lens', camera: 'camera', normal: after }]);
  t.deepEqual(
    bench.of('fault').map((told) => told.fault),
    [fault],
  );
});

test('A recording ends by itself, is announced while it runs, and is erased after its term', async (t) => {
  const recordings = join(await mkdtemp(join(tmpdir(), 'cartwright-vision-')), 'recordings');
  t.teardown(() => rm(join(recordings, '..'), { recursive: true, force: true }));
  const bench = new Bench({ recordings, keepRecordingUs: 20_000_000 });
  // Files take real time.
  const until = async (condition: () => boolean | Promise<boolean>) => {
    for (let tries = 0; !(await condition()) && tries < 2_000; tries++) await sleep(5);
  };
  const files = async () => (await readdir(recordings)).length;
  await bench.eyes.start();
  bench.eyes.handle({ kind: 'record', id: 1, camera: 'camera', seconds: 10 });
  await until(() => bench.of('refused').length > 0);
  t.like(bench.of('refused')[0], { id: 1, code: 'CW-VIS-020' }, 'a camera without frames');
  await bench.film([1]);
  bench.eyes.handle({ kind: 'record', id: 2, camera: 'camera', seconds: 10 });
  await until(() => bench.of('recording').length > 0);
  await bench.film([2, 3, 4]);
  await bench.pass(1_000);
  t.not(bench.of('health').at(-1)?.health.recordingUntilUs, undefined);
  await until(async () => (await files()) > 0);
  t.is(await files(), 1);
  await bench.pass(10_000);
  t.is(bench.of('health').at(-1)?.health.recordingUntilUs, undefined);
  await sleep(50);
  t.is(await files(), 1, 'the technician has time to take it');
  await bench.pass(21_000);
  await until(async () => (await files()) === 0);
  t.is(await files(), 0);
  await bench.eyes.stop();
});
