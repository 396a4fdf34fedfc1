import test from 'ava';
import { drawArm, drawBasket } from '#simulation/pictures/backdrops.ts';
import { type Camera, compose, type Light, type PlacedThing } from '#simulation/pictures/compose.ts';
import { LensHealth } from '#vision/change/lens.ts';
import { isElsewhere, type LensNormal, longestRim, rimOf } from '#vision/change/lens-memory.ts';
import { createReduced, reduce, wholeOf } from '#vision/pictures/reduced.ts';

const [width, height] = [320, 240];
const basket = drawBasket(width, height, 12);
const usPerFrame = 500_000;

interface View {
  readonly things?: readonly PlacedThing[];
  readonly light?: Light;
  readonly camera?: Camera;
}

/** Shows a view to a lens' health for so long, two frames a second; what was told, as `code` or `-code`. */
class Show {
  #atUs = 0;

  play(health: LensHealth, seconds: number, { things = [], light = {}, camera = {} }: View = {}): string[] {
    const frames = [1, 2].map((seed) => compose(basket, things, light, { noise: 2, ...camera }, seed));
    const told: string[] = [];
    for (let count = 0; count < 2 * seconds; count++) {
      this.#atUs += usPerFrame;
      const frame = frames[count % 2];
      if (frame === undefined) continue;
      for (const { code, cleared } of health.see(frame, this.#atUs, false)) {
        told.push(`${cleared === true ? '-' : ''}${code}`);
      }
    }
    return told;
  }
}

/** What a process learned of a well camera in its place. */
function learned(view: View = {}): LensNormal | undefined {
  const health = new LensHealth({ repeats: 'fault' });
  new Show().play(health, 5, view);
  return health.normal;
}

const normal = learned();
const next = (standing: readonly string[] = []) =>
  new LensHealth({ repeats: 'fault', memory: { normal, standing } });
const shifted = { camera: { dx: 16, dy: 6 } };
const blurred = { camera: { blur: 4 } };

test('a process that starts with a dirty lens does not take it for normal', (t) => {
  const [health, show] = [next(), new Show()];
  t.deepEqual(show.play(health, 20, blurred), ['CW-VIS-015']);
  t.deepEqual(show.play(health, 8), ['-CW-VIS-015']);
});

test('a process that starts with a camera out of place does not take it for normal', (t) => {
  const [health, show] = [next(), new Show()];
  t.deepEqual(show.play(health, 20, shifted), ['CW-VIS-016']);
  t.deepEqual(show.play(health, 10), ['-CW-VIS-016']);
  t.deepEqual(show.play(health, 20, shifted), ['CW-VIS-016'], 'it has learned the right place');
});

test('a fault that stood stays until it is seen to be over', (t) => {
  const dirty = next(['CW-VIS-015']);
  const show = new Show();
  t.deepEqual(show.play(dirty, 20, blurred), [], 'it was told before');
  t.deepEqual(show.play(dirty, 8), ['-CW-VIS-015']);
  const moved = next(['CW-VIS-016']);
  t.deepEqual(show.play(moved, 20, shifted), []);
  t.deepEqual(show.play(moved, 8), ['-CW-VIS-016']);
  const covered = next(['CW-VIS-014', 'CW-VIS-022']);
  t.deepEqual(show.play(covered, 4).sort(), ['-CW-VIS-014', '-CW-VIS-022']);
});

for (const [what, view] of [
  ['less light', { light: { gain: 0.6, slope: 0.2 } }],
  ['goods in the basket', { things: [100, 160, 220].map((x) => put(x, 120)) }],
  ['a tremor', { camera: { dx: 2, dy: 1 } }],
  ['a thing at the rim', { things: [put(20, 100), put(160, 225)] }],
] as const) {
  test(`a camera in its place is well after a restart with ${what}`, (t) => {
    t.deepEqual(new Show().play(next(), 20, view), []);
  });
}

function put(x: number, y: number): PlacedThing {
  return { cutout: drawArm(60, x), x, y, scale: 1, angle: x };
}

test('of the picture only its rim is remembered, and of that four lines', (t) => {
  t.true((normal?.rim.length ?? longestRim) <= 500);
  const rim = (things: readonly PlacedThing[]) => {
    const picture = compose(basket, things, {}, { noise: 0 }, 1);
    return rimOf(reduce(picture, wholeOf(picture), createReduced(wholeOf(picture), 128)));
  };
  t.deepEqual(rim([put(160, 120)]), rim([]), 'what lies in the middle leaves no trace');
});

test('a rim without edges, or of other pictures, says nothing of the place', (t) => {
  const size = { width: 128, height: 96 };
  const plain = new Int8Array(2 * (size.width + size.height));
  t.is(isElsewhere(plain, normal?.rim, size), undefined);
  t.is(isElsewhere(normal?.rim ?? plain, undefined, size), undefined);
  t.is(isElsewhere(normal?.rim ?? plain, new Int8Array(10), size), undefined);
});
