import { VisionError } from '../errors.ts';
import { assertPicture, chromaPlanes, type Plane } from './layout.ts';
import type { Picture, Region } from './picture.ts';
import { Taps, weightBits } from './taps.ts';

/** Bits behind the point of values between the two passes: 255 then still fits into 16 bits with a sign. */
const betweenBits = 7;

/**
 * Takes regions out of pictures and resizes them to squares of RGB, straight from the layout that a camera delivers:
 * planes are resized before their colours are converted, which is less work and the same. One sampler keeps its
 * buffers; it is not for two callers at once.
 */
export class Sampler {
  readonly side: number;
  readonly #across: Taps;
  readonly #down: Taps;
  #row = new Int32Array(0);
  #between = new Int16Array(0);
  readonly #planes: readonly [Uint8Array, Uint8Array, Uint8Array];

  /** `side` is the edge of the squares, pixels. */
  constructor(side: number) {
    this.side = side;
    this.#across = new Taps(side);
    this.#down = new Taps(side);
    const area = side * side;
    this.#planes = [new Uint8Array(area), new Uint8Array(area), new Uint8Array(area)];
  }

  /**
   * Writes `side · side` pixels, RGB, into `into` from `at` on: what `region` shows, stretched to a square. What of it
   * lies beyond the picture repeats the picture's edge. Colours of `yuv420` are converted by BT.601 in its range.
   * Throws CW-VIS-008 where the picture's layout is wrong or the region lies beside it or is empty.
   */
  sample(picture: Picture, region: Region, into: Uint8Array, at = 0): void {
    assertPicture(picture);
    assertRegion(picture, region);
    const needed = this.side * this.side * 3;
    if (into.length - at < needed)
      throw new RangeError(`${into.length - at} bytes for a sample of ${needed}`);
    const whole: Plane = { offset: 0, stride: picture.stride, width: picture.width, height: picture.height };
    const { left, top, width, height } = region;
    if (picture.format === 'rgb24') {
      this.#resize(picture.data, whole, 3, left, top, width, height, into, at);
      return;
    }
    const [y, u, v] = this.#planes;
    this.#resize(picture.data, whole, 1, left, top, width, height, y, 0);
    if (picture.format === 'grey') {
      spreadGrey(y, into, at);
      return;
    }
    const [uPlane, vPlane] = chromaPlanes(picture);
    this.#resize(picture.data, uPlane, 1, left / 2, top / 2, width / 2, height / 2, u, 0);
    this.#resize(picture.data, vPlane, 1, left / 2, top / 2, width / 2, height / 2, v, 0);
    convert(y, u, v, picture.range === 'full', into, at);
  }

  #resize(
    data: Uint8Array,
    plane: Plane,
    channels: 1 | 3,
    left: number,
    top: number,
    width: number,
    height: number,
    into: Uint8Array,
    at: number,
  ): void {
    const across = this.#across;
    const down = this.#down;
    across.set(left, width, plane.width);
    down.set(top, height, plane.height);
    const length = (across.end - across.start) * channels;
    if (this.#row.length < length) {
      this.#row = new Int32Array(length);
      this.#between = new Int16Array(length);
    }
    const from = plane.offset + across.start * channels;
    for (let line = 0; line < this.side; line++) {
      this.#mixRows(data, from, plane.stride, line, length);
      const to = at + line * this.side * channels;
      if (channels === 3) this.#mixColours(into, to);
      else this.#mixValues(into, to);
    }
  }

  /** One line of the result, not yet reduced in width. */
  #mixRows(data: Uint8Array, from: number, stride: number, line: number, length: number): void {
    const { weights, step, first, length: lengths } = this.#down;
    const row = this.#row;
    const between = this.#between;
    row.fill(1 << (weightBits - betweenBits - 1), 0, length);
    const rows = lengths[line] ?? 0;
    for (let tap = 0; tap < rows; tap++) {
      const weight = weights[line * step + tap] ?? 0;
      const source = from + ((first[line] ?? 0) + tap) * stride;
      for (let x = 0; x < length; x++) row[x] = (row[x] ?? 0) + weight * (data[source + x] ?? 0);
    }
    for (let x = 0; x < length; x++) between[x] = (row[x] ?? 0) >> (weightBits - betweenBits);
  }

  #mixValues(into: Uint8Array, to: number): void {
    const { weights, step, first, length, start } = this.#across;
    const between = this.#between;
    const bits = weightBits + betweenBits;
    for (let x = 0; x < this.side; x++) {
      const source = (first[x] ?? 0) - start;
      const taps = length[x] ?? 0;
      let sum = 1 << (bits - 1);
      for (let tap = 0; tap < taps; tap++)
        sum += (weights[x * step + tap] ?? 0) * (between[source + tap] ?? 0);
      into[to + x] = sum >> bits;
    }
  }

  #mixColours(into: Uint8Array, to: number): void {
    const { weights, step, first, length, start } = this.#across;
    const between = this.#between;
    const bits = weightBits + betweenBits;
    for (let x = 0; x < this.side; x++) {
      let source = ((first[x] ?? 0) - start) * 3;
      const taps = length[x] ?? 0;
      let red = 1 << (bits - 1);
      let green = red;
      let blue = red;
      for (let tap = 0; tap < taps; tap++) {
        const weight = weights[x * step + tap] ?? 0;
        red += weight * (between[source] ?? 0);
        green += weight * (between[source + 1] ?? 0);
        blue += weight * (between[source + 2] ?? 0);
        source += 3;
      }
      into[to + x * 3] = red >> bits;
      into[to + x * 3 + 1] = green >> bits;
      into[to + x * 3 + 2] = blue >> bits;
    }
  }
}

function assertRegion(picture: Picture, { left, top, width, height }: Region): void {
  const inside =
    width > 0 &&
    height > 0 &&
    left < picture.width &&
    top < picture.height &&
    left + width > 0 &&
    top + height > 0;
  if (inside && Number.isFinite(left + top + width + height)) return;
  throw new VisionError(
    'CW-VIS-008',
    `the region ${width} × ${height} at (${left}, ${top}) shows nothing of a picture of ${picture.width} × ${picture.height} pixels; correct the camera's region in the board profile`,
  );
}

function spreadGrey(grey: Uint8Array, into: Uint8Array, at: number): void {
  for (let pixel = 0; pixel < grey.length; pixel++) {
    const value = grey[pixel] ?? 0;
    into[at + pixel * 3] = value;
    into[at + pixel * 3 + 1] = value;
    into[at + pixel * 3 + 2] = value;
  }
}

/** Of ITU-R BT.601, in units of 1 / 2^14. */
const matrices = {
  full: { black: 0, luma: 16_384, redV: 22_970, greenU: 5_638, greenV: 11_700, blueU: 29_032 },
  limited: { black: 16, luma: 19_077, redV: 26_149, greenU: 6_419, greenV: 13_320, blueU: 33_050 },
};

function convert(
  ys: Uint8Array,
  us: Uint8Array,
  vs: Uint8Array,
  full: boolean,
  into: Uint8Array,
  at: number,
): void {
  const { black, luma, redV, greenU, greenV, blueU } = full ? matrices.full : matrices.limited;
  for (let pixel = 0; pixel < ys.length; pixel++) {
    const y = ((ys[pixel] ?? 0) - black) * luma + 8192;
    const u = (us[pixel] ?? 0) - 128;
    const v = (vs[pixel] ?? 0) - 128;
    into[at + pixel * 3] = clamped((y + redV * v) >> 14);
    into[at + pixel * 3 + 1] = clamped((y - greenU * u - greenV * v) >> 14);
    into[at + pixel * 3 + 2] = clamped((y + blueU * u) >> 14);
  }
}

function clamped(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
