import test from 'ava';
import { createRandom } from '#base/random.ts';
import { drawArm, drawBasket } from '#simulation/pictures/backdrops.ts';
import { boxOfPlaced, compose, type PlacedThing } from '#simulation/pictures/compose.ts';
import type { Cutout } from '#simulation/pictures/cutout.ts';
import { ChangeFinder, type Comparison } from '#vision/change/compare.ts';
import { squareAround } from '#vision/change/regions.ts';
import { isVisionCode, VisionError } from '#vision/errors.ts';
import type { Picture } from '#vision/pictures/picture.ts';
import { drawScene, loadCutouts, overlap, type SceneKind } from './support/change-scenes.ts';

const [width, height] = [320, 240];
const region = { left: 0, top: 0, width, height };
const basket = drawBasket(width, height, 5);

/** A plain box of one colour with a stripe, which has edges of its own. */
function drawBox(red: number, green: number, blue: number): Cutout {
  const [wide, high] = [60, 44];
  const rgb = new Uint8Array(wide * high * 3);
  for (let at = 0; at < wide * high; at++) {
    const bright = Math.floor(at / wide) % 22 < 5 ? 1.5 : 1;
    rgb.set([red * bright, green * bright, blue * bright], at * 3);
  }
  return { width: wide, height: high, rgb, alpha: new Uint8Array(wide * high).fill(255) };
}

const red = drawBox(150, 40, 40);
const grey = drawBox(150, 150, 150);
const dark = drawBox(50, 50, 55);
const place = (cutout: Cutout, x: number, y: number, angle = 10): PlacedThing => {
  return { cutout, x, y, scale: 1, angle };
};
const take = (things: readonly PlacedThing[], seed = 1, light = {}, camera = {}) =>
  compose(basket, things, light, { noise: 2, ...camera }, seed);

function compare(before: Picture, after: Picture, more: Partial<Comparison> = {}) {
  return new ChangeFinder().compare({ before, after, region, sign: 1, ...more });
}

test('a thing that was put in is found on the later picture', (t) => {
  const thing = place(red, 150, 120);
  const { outcome, things } = compare(take([]), take([thing], 2));
  t.is(outcome, 'changed');
  t.is(things.length, 1);
  t.is(things[0]?.change, 'came');
  t.true(overlap(things[0]?.box ?? region, boxOfPlaced(thing, basket)) > 0.7);
});

test('a thing that was taken out is found on the earlier picture', (t) => {
  const thing = place(grey, 200, 90);
  const { things } = compare(take([thing, place(red, 90, 160)]), take([place(red, 90, 160)], 2), {
    sign: -1,
  });
  t.is(things[0]?.change, 'went');
  t.true(overlap(things[0]?.box ?? region, boxOfPlaced(thing, basket)) > 0.7);
});

test('without a change of mass the outline tells whether a thing came or went', (t) => {
  const [without, with_] = [take([]), take([place(red, 150, 120)], 2)];
  t.is(compare(without, with_, { sign: 0 }).things[0]?.change, 'came');
  t.is(compare(with_, without, { sign: 0 }).things[0]?.change, 'went');
});

for (const [what, light, camera] of [
  ['a lamp that is half as bright', { gain: 0.5 }, {}],
  ['a lamp so bright that much is white', { gain: 1.25 }, {}],
  ['a warmer lamp', { warmth: 1.2 }, {}],
  ['light from another side', { slope: 0.3 }, {}],
  ['mains flicker in bands', { flicker: { amplitude: 0.15, lines: 90, phase: 0.3 } }, {}],
  ['a noisy sensor', {}, { noise: 7 }],
  ['a small shake', {}, { dx: 3.4, dy: -2.3 }],
  ['a small turn', {}, { angle: 0.5 }],
] as const) {
  test(`${what} changes nothing`, (t) => {
    const things = [place(red, 110, 120), place(grey, 210, 100, 70)];
    t.is(compare(take(things), take(things, 2, light, camera), { sign: 0 }).outcome, 'nothing-changed');
  });

  test(`${what} does not hide a thing`, (t) => {
    const thing = place(grey, 210, 100, 70);
    const found = compare(
      take([place(red, 110, 120)]),
      take([place(red, 110, 120), thing], 2, light, camera),
    );
    t.true(overlap(found.things[0]?.box ?? region, boxOfPlaced(thing, basket, camera)) > 0.5);
  });
}

test('a shadow is no thing', (t) => {
  const before = take([]);
  const data = Uint8Array.from(take([], 2).data, (level, at) => {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
    const inside = Math.min(1, Math.max(0, 1.2 - Math.hypot(x - 160, y - 120) / 60));
    return level * (1 - 0.4 * inside);
  });
  t.is(compare(before, { ...before, data }, { sign: 0 }).outcome, 'nothing-changed');
});

test('an arm that moves is a hand, and a thing beside it is found', (t) => {
  const arm = { cutout: drawArm(160, 3), x: 60, y: 20, scale: 1, angle: 0 };
  const moved = { ...arm, x: 64, y: 23 };
  const thing = place(red, 220, 150);
  const hand = compare(take([]), take([arm], 2), { afterThat: take([moved], 3) });
  t.is(hand.outcome, 'hand-only');
  t.deepEqual(hand.things, []);
  const both = compare(take([]), take([arm, thing], 2), { afterThat: take([moved, thing], 3) });
  t.is(both.outcome, 'changed');
  t.true(overlap(both.things[0]?.box ?? region, boxOfPlaced(thing, basket)) > 0.5);
});

test('a thing that lies at the edge and stays there is no hand', (t) => {
  const thing = place(red, 20, 120);
  const found = compare(take([]), take([thing], 2), { afterThat: take([thing], 3) });
  t.is(found.outcome, 'changed');
});

test('a neighbour that was pushed is told from the thing that came', (t) => {
  const pushed = [place(dark, 100, 80, 30), place(dark, 118, 88, 30)] as const;
  const thing = place(red, 220, 160);
  const [before, after] = [take([pushed[0]]), take([pushed[1], thing], 2)];
  const { things } = compare(before, after);
  t.true(overlap(things[0]?.box ?? region, boxOfPlaced(thing, basket)) > 0.5);
  t.deepEqual(
    things.map((one) => one.moved),
    [false, true],
  );
  t.is(compare(before, take([pushed[1]], 2), { sign: 0 }).outcome, 'nothing-changed');
});

test('of an exchange each thing is on the picture that shows it, whatever the mass says of the sum', (t) => {
  const [taken, put] = [place(red, 90, 90), place(drawBox(30, 160, 40), 220, 160, 30)];
  const [before, after] = [take([taken]), take([put], 2)];
  for (const sign of [1, -1, 0] as const) {
    const { things } = compare(before, after, { sign });
    const where = (change: string) => things.find((one) => one.change === change)?.box ?? region;
    t.true(overlap(where('came'), boxOfPlaced(put, basket)) > 0.5, `came, ${sign}`);
    t.true(overlap(where('went'), boxOfPlaced(taken, basket)) > 0.5, `went, ${sign}`);
  }
});

test('two things that were put in together have both come', (t) => {
  const both = [place(red, 90, 90), place(dark, 220, 160, 30)];
  const { things } = compare(take([]), take(both, 2));
  t.deepEqual(
    things.map(({ change, moved }) => [change, moved]),
    [
      ['came', false],
      ['came', false],
    ],
  );
});

test('a second thing of a kind beside the first one has come', (t) => {
  const [first, second] = [place(red, 110, 120, 0), place(red, 180, 120, 0)];
  const { things } = compare(take([first]), take([first, second], 2));
  t.false(things[0]?.moved);
  t.true(overlap(things[0]?.box ?? region, boxOfPlaced(second, basket)) > 0.6);
});

test('two pictures that have nothing in common are told as such', (t) => {
  const random = createRandom(8);
  const colours = Uint8Array.from({ length: 20 * 15 * 3 }, () => random.integer(256));
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
    return colours[(Math.floor(y / 16) * 20 + Math.floor(x / 16)) * 3 + (at % 3)] ?? 0;
  });
  t.is(compare(take([]), { ...basket, data }).outcome, 'everything-changed');
});

test('all formats of pictures give the same thing', (t) => {
  const thing = place(dark, 150, 120);
  const [before, after] = [take([]), take([thing], 2)];
  const greyOf = (picture: Picture): Picture => {
    const data = Uint8Array.from(
      { length: width * height },
      (_, at) => ((picture.data[at * 3] ?? 0) + 2 * (picture.data[at * 3 + 1] ?? 0)) / 3,
    );
    return { width, height, format: 'grey', stride: width, data };
  };
  const yuvOf = (picture: Picture): Picture => {
    const luma = greyOf(picture).data.map((level) => 16 + (level * 219) / 255);
    const data = new Uint8Array((width * height * 3) / 2).fill(128);
    data.set(luma);
    return { width, height, format: 'yuv420', stride: width, data };
  };
  for (const convert of [greyOf, yuvOf]) {
    const [found] = compare(convert(before), convert(after)).things;
    t.true(overlap(found?.box ?? region, boxOfPlaced(thing, basket)) > 0.6);
  }
});

test('the crop is a square with a margin inside the picture', (t) => {
  const frame = { width: 640, height: 480 };
  const box = { left: 100, top: 200, width: 80, height: 40 };
  t.deepEqual(squareAround(box, frame), { left: 92, top: 172, width: 96, height: 96 });
  const atCorner = squareAround({ left: 600, top: 440, width: 40, height: 40 }, frame);
  t.deepEqual(atCorner, { left: 592, top: 432, width: 48, height: 48 });
  t.deepEqual(squareAround({ left: 0, top: 0, width: 640, height: 480 }, frame), {
    ...{ left: 0, top: 0 },
    ...frame,
  });
});

test('a picture that is too short, or a region outside of it, is refused with its code', (t) => {
  const before = take([]);
  const short = { ...before, data: before.data.subarray(0, 5000) };
  for (const asked of [
    { before, after: short },
    { before, after: before, region: { ...region, left: 10 } },
  ]) {
    const error = t.throws(() => compare(asked.before, asked.after, asked), { instanceOf: VisionError });
    t.true(error !== undefined && isVisionCode(error.code) && error.code === 'CW-VIS-008');
  }
});

test('one finder compares regions of different sizes in turn, with the results of fresh ones', (t) => {
  const finder = new ChangeFinder();
  const [before, after] = [take([]), take([place(red, 150, 120)], 2)];
  const small = { left: 90, top: 60, width: 120, height: 120 };
  for (const part of [region, small, region, small]) {
    const asked = { before, after, region: part, sign: 1 } as const;
    t.deepEqual(finder.compare(asked), new ChangeFinder().compare(asked));
  }
});

/** Of composites of real groceries in changing light, with noise, shakes and clutter: shares below what is measured. */
const atLeast: readonly (readonly [SceneKind, number, number])[] = [
  ['put', 8, 7],
  ['taken', 8, 7],
  ['pushed-aside', 8, 5],
];

for (const [kind, scenes, good] of atLeast) {
  test(`of ${scenes} scenes of real groceries (${kind}) the thing is located in ${good} or more`, async (t) => {
    const cutouts = await loadCutouts();
    const finder = new ChangeFinder();
    let located = 0;
    for (let seed = 1; seed <= scenes; seed++) {
      const scene = drawScene(kind, 900 + seed, cutouts);
      const [thing] = finder.compare(scene).things;
      if (thing !== undefined && overlap(thing.box, scene.truth ?? region) >= 0.5) located++;
    }
    t.true(located >= good, `${located} of ${scenes}`);
  });
}

test('of ten scenes in which nothing came or went at most one has a thing', async (t) => {
  const cutouts = await loadCutouts();
  const finder = new ChangeFinder();
  let found = 0;
  for (let seed = 1; seed <= 10; seed++) {
    const scene = drawScene(seed % 2 === 0 ? 'unchanged' : 'hand', 700 + seed, cutouts);
    if (finder.compare(scene).outcome === 'changed') found++;
  }
  t.true(found <= 1, `${found} of 10`);
});
