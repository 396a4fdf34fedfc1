import test from 'ava';
import { drawArm, drawBasket } from '#simulation/pictures/backdrops.ts';
import { type Camera, compose, type Light, type PlacedThing } from '#simulation/pictures/compose.ts';
import { LensHealth, type LensOptions } from '#vision/change/lens.ts';
import { sharpnessOf } from '#vision/change/sharpness.ts';
import type { Picture } from '#vision/pictures/picture.ts';

const [width, height] = [320, 240];
const basket = drawBasket(width, height, 12);
const usPerFrame = 250_000;

/** A camera whose frames are shown to a lens' health one after the other, four a second. */
class Watch {
  readonly #health: LensHealth;
  frames = 0;

  constructor(options: LensOptions = { repeats: 'fault' }) {
    this.#health = new LensHealth(options);
    this.show(5);
  }

  show(
    seconds: number,
    things: readonly PlacedThing[] = [],
    light: Light = {},
    camera: Camera = {},
  ): string[] {
    // Three pictures in turn: each one differs from the last, and drawing is what takes the time.
    const frames = [1, 2, 3].map((seed) => compose(basket, things, light, { noise: 2, ...camera }, seed));
    return this.play(seconds, () => frames[this.frames % 3] as Picture);
  }

  /** Shows frames; returns what was told meanwhile, as `code` or `-code`. */
  play(seconds: number, next: () => Picture): string[] {
    const told: string[] = [];
    for (let end = this.frames + seconds * 4; this.frames < end; this.frames++) {
      for (const { code, cleared } of this.#health.see(next(), this.frames * usPerFrame, false)) {
        told.push(`${cleared === true ? '-' : ''}${code}`);
      }
    }
    return told;
  }
}

const plain = (level: number, seed = 0): Picture => {
  const data = Uint8Array.from({ length: width * height }, (_, at) => level + ((at * 31 + seed * 17) % 3));
  return { width, height, format: 'grey', stride: width, data };
};

test('a good view with things, hands and changing light is no fault', (t) => {
  const watch = new Watch();
  const thing = { cutout: drawArm(120, 2), x: 160, y: 120, scale: 1, angle: 50 };
  const arm = { cutout: drawArm(220, 4), x: 100, y: 40, scale: 1, angle: 0 };
  t.deepEqual(watch.show(20, [thing], { gain: 0.7 }, { noise: 4 }), []);
  t.deepEqual(watch.show(8, [thing, arm], { gain: 1.2, slope: 0.2 }, { dx: 1 }), []);
  t.deepEqual(watch.show(8, [thing], { flicker: { amplitude: 0.1, lines: 90, phase: 0.2 } }), []);
});

for (const [what, level] of [
  ['in the dark', 1],
  ['by something bright', 120],
] as const) {
  test(`a lens covered ${what} is a fault after two seconds, once, and cleared once it sees`, (t) => {
    const watch = new Watch();
    t.deepEqual(
      watch.play(2, () => plain(level, watch.frames)),
      [],
    );
    t.deepEqual(
      watch.play(10, () => plain(level, watch.frames)),
      ['CW-VIS-014'],
    );
    t.deepEqual(watch.show(0.75), []);
    t.deepEqual(watch.show(5), ['-CW-VIS-014']);
  });
}

test('a hand before the lens for a second is no fault, and what it hides is not judged', (t) => {
  const watch = new Watch();
  for (let time = 0; time < 12; time++) {
    t.deepEqual(
      watch.play(1, () => plain(90, watch.frames)),
      [],
    );
    t.deepEqual(watch.show(1), []);
  }
});

test('a dirty lens is a fault once it lasts, and cleared once it is clean', (t) => {
  const watch = new Watch();
  t.deepEqual(watch.show(10, [], {}, { blur: 5 }), []);
  t.deepEqual(watch.show(10, [], {}, { blur: 5 }), ['CW-VIS-015']);
  t.deepEqual(watch.show(8), ['-CW-VIS-015']);
});

test('a camera that was dirty from the start is found where its sharpness is known', (t) => {
  const clean = sharpnessOf(compose(basket, [], {}, { noise: 2 }, 1)) ?? 0;
  const watch = new Watch({ repeats: 'fault', sharpness: clean });
  const dirty = new Watch({ repeats: 'fault', sharpness: clean * 3 });
  t.deepEqual(watch.show(20), []);
  t.deepEqual(dirty.show(20), ['CW-VIS-015']);
});

test('a camera that was moved is a fault once it lasts, and cleared when it is back', (t) => {
  const watch = new Watch();
  t.deepEqual(watch.show(10, [], {}, { dx: 17, dy: 6 }), []);
  t.deepEqual(watch.show(10, [], {}, { dx: 17, dy: 6 }), ['CW-VIS-016']);
  t.deepEqual(watch.show(8, [], {}, { dx: 1 }), ['-CW-VIS-016']);
});

test('a camera that sees another place is moved', (t) => {
  const watch = new Watch();
  const elsewhere = drawBasket(width, height, 40);
  const turned = {
    ...elsewhere,
    data: Uint8Array.from({ length: width * height * 3 }, (_, at) => {
      const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
      const from = ((Math.floor(x / 2) + 60) * width + y + 40) * 3 + (at % 3);
      return elsewhere.data[from] ?? 0;
    }),
  };
  t.deepEqual(
    watch.play(20, () => compose(turned, [], {}, { noise: 2 }, watch.frames % 3)),
    ['CW-VIS-016'],
  );
});

test('a picture that repeats itself bit for bit is a fault, unless the camera plays still pictures', (t) => {
  const still = compose(basket, [], {}, { noise: 2 }, 1);
  const watch = new Watch();
  t.deepEqual(
    watch.play(10, () => still),
    ['CW-VIS-022'],
  );
  t.deepEqual(watch.show(3), ['-CW-VIS-022']);
  const player = new Watch({ repeats: 'allowed' });
  t.deepEqual(
    player.play(10, () => still),
    [],
  );
});

test('a blur lowers the sharpness, noise, darkness and grey pictures hardly do', (t) => {
  const sharp = sharpnessOf(compose(basket, [], {}, { noise: 2 }, 1)) ?? 0;
  const of = (light: Light, camera: Camera) =>
    (sharpnessOf(compose(basket, [], light, camera, 1)) ?? 0) / sharp;
  t.true(of({}, { noise: 2, blur: 4 }) < 0.45);
  t.true(Math.abs(of({}, { noise: 5 }) - 1) < 0.25);
  t.true(Math.abs(of({ gain: 0.6 }, { noise: 2 }) - 1) < 0.25);
  t.is(sharpnessOf(plain(100)), undefined);
});
