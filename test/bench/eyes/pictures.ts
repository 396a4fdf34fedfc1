import { open } from 'node:fs/promises';
import { createRandom } from '#base/random.ts';
import { drawBasket } from '#simulation/pictures/backdrops.ts';
import { compose, type PlacedThing } from '#simulation/pictures/compose.ts';
import { loadCutouts } from '#simulation/pictures/cutouts.ts';
import { toYuv420 } from '#test/support/yuv420.ts';
import { type Size, takes, waysToLie } from './frames.ts';
import { places } from './timeline.ts';

/** What lies at each place; the demo's catalogue has them. */
const looks = ['Banana', 'Red-Bell-Pepper', 'Orange', 'Zucchini'];
const noiseLevels = 2;

/** Left, top, width and height of a place in a picture: quarters, whose numbers are even. */
export function placeIn({ width, height }: Size, place: number): readonly [number, number, number, number] {
  const half = [width / 2, height / 2] as const;
  return [(place % 2) * half[0], Math.floor(place / 2) * half[1], half[0], half[1]];
}

/** Frames of a basket with or without a thing at each of its places, planar YUV 4:2:0. */
export class Basket {
  readonly #width: number;
  readonly #height: number;
  readonly #empty: readonly Uint8Array[];
  readonly #full: readonly Uint8Array[];
  readonly #frame: Uint8Array;
  #taken = 0;

  private constructor(width: number, height: number, empty: Uint8Array, full: Uint8Array) {
    this.#width = width;
    this.#height = height;
    this.#empty = withNoise(empty, width * height);
    this.#full = withNoise(full, width * height);
    this.#frame = new Uint8Array(empty.length);
  }

  static async draw(width: number, height: number): Promise<Basket> {
    const background = drawBasket(width, height, 5);
    const cutouts = await loadCutouts();
    const things = looks.slice(0, places).flatMap((look, place): PlacedThing[] => {
      const cutout = cutouts.get(look)?.cutout;
      if (cutout === undefined) return [];
      const [left, top, wide, high] = placeIn({ width, height }, place);
      const scale = (0.7 * high) / Math.max(cutout.width, cutout.height);
      return [{ cutout, x: left + wide / 2, y: top + high / 2, scale, angle: 0 }];
    });
    const [empty, full] = [[], things].map((seen) => toYuv420(compose(background, seen, {}, {}, 1)));
    if (empty === undefined || full === undefined) throw new Error('nothing was drawn');
    return new Basket(width, height, empty, full);
  }

  /** The next frame; its memory is used again for the one after it. */
  take(liesAt: (place: number) => boolean): Uint8Array {
    const take = this.#taken++ % takes;
    this.#frame.set(this.#empty[take] ?? this.#frame);
    for (let place = 0; place < places; place++) if (liesAt(place)) this.#lay(place, this.#full[take]);
    return this.#frame;
  }

  #lay(place: number, full: Uint8Array = this.#frame): void {
    const pixels = this.#width * this.#height;
    const region = placeIn({ width: this.#width, height: this.#height }, place);
    for (const [start, of] of [
      [0, 1],
      [pixels, 2],
      [pixels * 1.25, 2],
    ] as const) {
      const [left, top, wide, high] = region.map((value) => value / of) as [number, number, number, number];
      for (let y = top; y < top + high; y++) {
        const at = start + (y * this.#width) / of + left;
        this.#frame.set(full.subarray(at, at + wide), at);
      }
    }
  }
}

/** Writes what `FrameFile` reads. */
export async function writeFrames(path: string, { width, height }: Size): Promise<void> {
  const basket = await Basket.draw(width, height);
  const file = await open(path, 'w');
  try {
    for (let way = 0; way < waysToLie; way++) {
      for (let take = 0; take < takes; take++) {
        await file.writeFile(basket.take((place) => Math.floor(way / 2 ** place) % 2 === 1));
      }
    }
  } finally {
    await file.close();
  }
}

function withNoise(frame: Uint8Array, pixels: number): Uint8Array[] {
  return Array.from({ length: takes }, (_, seed) => {
    const random = createRandom(seed + 1);
    const noisy = Uint8Array.from(frame);
    for (let at = 0; at < pixels; at++) {
      noisy[at] = Math.min(
        235,
        Math.max(16, (noisy[at] ?? 0) + random.integer(2 * noiseLevels + 1) - noiseLevels),
      );
    }
    return noisy;
  });
}
