import test from 'ava';
import fc from 'fast-check';
import type { FoundCode } from '#vision/codes/evidence.ts';
import type { Luma } from '#vision/codes/luma.ts';
import { Sightings } from '#vision/codes/sightings.ts';
import { CodeWatch, type CodeWatchOptions } from '#vision/codes/watch.ts';
import { type WhereToLook, whereToLook } from '#vision/codes/where.ts';
import type { Picture, Region } from '#vision/pictures/picture.ts';

const frame: WhereToLook = {
  width: 1280,
  height: 720,
  moved: [],
  expected: false,
  budgetMs: 250,
  turn: 0,
};
const region = (left: number, top: number, width: number, height: number): Region => ({
  left,
  top,
  width,
  height,
});

test('nothing is searched where nothing moves and no code is expected', (t) => {
  t.is(whereToLook(frame), undefined);
});

test('where a code is expected the whole view is searched, thoroughly where there is time for it', (t) => {
  const expected = { ...frame, expected: true, moved: [region(10, 10, 50, 50)] };
  t.deepEqual(whereToLook(expected), { region: region(0, 0, 1280, 720), shrink: 1, thorough: true });
  t.deepEqual(whereToLook({ ...expected, budgetMs: 80 }), {
    region: region(0, 0, 1280, 720),
    shrink: 1,
    thorough: false,
  });
  t.is(whereToLook({ ...expected, budgetMs: 5 })?.shrink, 3);
  const view = region(-20, 100, 400.5, 300);
  t.deepEqual(whereToLook({ ...expected, view })?.region, region(0, 100, 381, 300));
  t.is(whereToLook({ ...expected, view: region(1280, 0, 100, 100) }), undefined);
});

test('else only what moved is searched, with room for its quiet zone', (t) => {
  const search = whereToLook({ ...frame, moved: [region(400, 300, 200, 100)] });
  t.deepEqual(search, { region: region(354, 269, 292, 162), shrink: 1, thorough: false });
  t.is(
    whereToLook({ ...frame, view: region(0, 0, 300, 720), moved: [region(400, 300, 200, 100)] }),
    undefined,
  );
});

test('things that move beside each other are searched together, far from each other in turns', (t) => {
  const near = [region(400, 300, 200, 100), region(610, 300, 200, 100)];
  t.deepEqual(whereToLook({ ...frame, moved: near })?.region, region(354, 269, 502, 162));
  const far = [region(0, 0, 100, 100), region(1000, 500, 200, 200)];
  const lefts = [0, 1, 2].map((turn) => whereToLook({ ...frame, moved: far, turn })?.region.left);
  t.deepEqual(lefts, [954, 0, 954]);
});

test('whatever moved, what is searched lies in the view and fits the budget as far as it may shrink', (t) => {
  const side = fc.integer({ min: -200, max: 2200 });
  const any = fc.record({
    left: side,
    top: side,
    width: fc.integer({ min: 1, max: 2000 }),
    height: fc.integer({ min: 1, max: 2000 }),
  });
  fc.assert(
    fc.property(
      fc.array(any, { maxLength: 5 }),
      fc.option(any, { nil: undefined }),
      fc.boolean(),
      fc.nat(300),
      fc.nat(1000),
      (moved, view, expected, budgetMs, turn) => {
        const search = whereToLook({ width: 1920, height: 1080, moved, view, expected, budgetMs, turn });
        if (search === undefined) return;
        const { left, top, width, height } = search.region;
        t.true(left >= Math.max(0, view?.left ?? 0) && top >= Math.max(0, view?.top ?? 0));
        t.true(left + width <= 1920 && top + height <= 1080 && Math.min(width, height) >= 24);
        t.true(Number.isInteger(left + top + width + height) && search.shrink >= 1 && search.shrink <= 3);
        t.true(expected || !search.thorough);
      },
    ),
    { seed: 3, numRuns: Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000) },
  );
});

const ms = 1000;
const sighting = (sure: boolean, x = 100, text = '4006381333931') => ({
  data: new TextEncoder().encode(text),
  symbology: ']E0',
  sure,
  at: { x, y: 100 },
});

test('a code that stays in view is one scan, and another one when it comes back', (t) => {
  const sightings = new Sightings({ restsWithin: 0 });
  const told: number[] = [];
  for (let atMs = 0; atMs < 20_000; atMs += 200) {
    const inView = atMs < 10_000 || atMs > 12_000;
    if (inView && sightings.admit(sighting(true), atMs * ms)) told.push(atMs);
  }
  t.deepEqual(told, [0, 12_200]);
});

test('what one picture does not prove is believed when a second one shows it in time', (t) => {
  const sightings = new Sightings({ restsWithin: 0 });
  t.false(sightings.admit(sighting(false), 0));
  t.false(sightings.admit(sighting(false), 0), 'the same picture is no second one');
  t.false(sightings.admit(sighting(false), 2000 * ms), 'too late');
  t.false(sightings.admit(sighting(false, 100, '96385074'), 2100 * ms), 'another code');
  t.true(sightings.admit(sighting(false), 2400 * ms));
  t.false(sightings.admit(sighting(true), 2600 * ms), 'and is told once');
});

test('a thing that lies in view is not scanned again by whatever uncovers it, until it is moved or the trip ends', (t) => {
  const sightings = new Sightings({ restsWithin: 30 });
  const minute = 60_000 * ms;
  t.true(sightings.admit(sighting(true, 100), 0));
  t.false(sightings.admit(sighting(true, 110), minute));
  t.false(sightings.admit(sighting(true, 120), 2 * minute));
  t.true(sightings.admit(sighting(true, 300), 3 * minute));
  t.false(sightings.admit(sighting(true, 300), 4 * minute));
  sightings.forget();
  t.true(sightings.admit(sighting(true, 300), 5 * minute));
});

test('codes are forgotten in the order in which they were seen, so that memory stays bounded', (t) => {
  const sightings = new Sightings({ restsWithin: 30 });
  for (let n = 0; n < 500; n++) t.true(sightings.admit(sighting(true, 100, String(n)), n * 10_000 * ms));
  t.true(sightings.admit(sighting(true, 100, '0'), 6_000_000 * ms), 'forgotten');
  t.false(sightings.admit(sighting(true, 100, '499'), 6_010_000 * ms), 'known by its place');
});

/** A watch whose reader finds the same code in whatever it is given, at (10, 5) of it. */
function makeWatch(options: Partial<CodeWatchOptions> = {}) {
  const searched: Luma[] = [];
  const found: FoundCode = {
    ...sighting(true, 10),
    format: 'EAN13',
    text: '4006381333931',
    box: region(0, 0, 20, 10),
    at: { x: 10, y: 5 },
  };
  const watch = new CodeWatch({
    camera: 'handle',
    purpose: 'codes',
    reader: {
      search: async (_camera, luma) => {
        searched.push(luma);
        return [found];
      },
    },
    ...options,
  });
  return { watch, searched };
}
const picture: Picture = {
  width: 640,
  height: 480,
  format: 'grey',
  stride: 640,
  data: new Uint8Array(640 * 480),
};

test('a watch searches what moved and says where in the picture the code is', async (t) => {
  const { watch, searched } = makeWatch();
  t.deepEqual(await watch.see({ picture, atUs: 0, moved: [], expected: false }), []);
  const moved = [region(200, 100, 100, 100)];
  const [code] = await watch.see({ picture, atUs: 1, moved, expected: false });
  t.deepEqual(code?.at, { x: 200 - 31 + 10, y: 100 - 31 + 5 });
  t.deepEqual(
    searched.map(({ width, height }) => [width, height]),
    [[162, 162]],
  );
  t.deepEqual(await watch.see({ picture, atUs: 2, moved, expected: false }), [], 'told once');
});

test('a watch with little time searches a smaller picture, and places stay true', async (t) => {
  const { watch, searched } = makeWatch({ budgetMs: 20 });
  const [code] = await watch.see({ picture, atUs: 0, moved: [], expected: true });
  t.deepEqual(
    searched.map(({ width, height }) => [width, height]),
    [[320, 240]],
  );
  t.deepEqual(code?.at, { x: 20, y: 10 });
});

test('a picture that a newer one took the turn of adds nothing', async (t) => {
  const { watch } = makeWatch({ reader: { search: async () => undefined } });
  t.deepEqual(await watch.see({ picture, atUs: 0, moved: [], expected: true }), []);
});

test('a code that is expected is searched beyond the region of a plate with things, not beyond one that is for codes', async (t) => {
  for (const [purpose, size] of [
    ['things', [640, 480]],
    ['codes', [200, 100]],
  ] as const) {
    const { watch, searched } = makeWatch({ purpose, view: region(300, 200, 200, 100) });
    await watch.see({ picture, atUs: 0, moved: [], expected: true });
    t.deepEqual(
      searched.map(({ width, height }) => [width, height]),
      [size],
      purpose,
    );
  }
});

test("two views of one camera do not take each other's turn", async (t) => {
  const names = new Set<string>();
  const search = async (name: string) => {
    names.add(name);
    return [];
  };
  for (const view of [region(0, 0, 300, 300), region(300, 0, 300, 300), undefined]) {
    const { watch } = makeWatch({ view, reader: { search } });
    await watch.see({ picture, atUs: 0, moved: [], expected: true });
  }
  t.is(names.size, 3);
});
