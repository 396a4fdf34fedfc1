import type { Reduced } from '../pictures/reduced.ts';
import { boxMean, median, type Size, shifted, slopes } from './planes.ts';
import type { Shift } from './register.ts';

/** Half the side of the windows in which two pictures are compared. */
export const windowRadius = 2;
/** What a difference of structure must be, in standard deviations of what noise and shake explain. */
const structureSigmas = 3;
/** Not explained by noise: soft edges of shadows, compression. Share of the brightness. */
const softness = 0.025;
/** Variance that the remains of a shake bring, as share of the squared slope: a third of a value, squared. */
const jitter = 0.11;
/** A place this much brighter or darker is no shadow (under shop light a shadow keeps more than half). */
const shadowRatio = 2.1;
/** A difference of colour that counts, in levels, beyond what the noise explains. */
const colourLevels = 6;
const darkest = 6;

/** Means over windows: brightness, its square, the product of both pictures, squared slope, colours. */
type WindowName =
  | ('meanB' | 'meanA' | 'squareB' | 'squareA' | 'product')
  | ('slope' | 'cbB' | 'cbA' | 'crB' | 'crA');

/**
 * How much speaks for a change, place by place, between two pictures of the same size; 1 is enough to believe it.
 *
 * The light is taken out first (gain, offset and tint of the whole, brightness of each line: mains flicker in a rolling
 * shutter is bands of lines). Then in small windows the later picture is explained by the earlier one under another light:
 * what is left over in structure or colour is a change, and brightness alone only where no shadow is that deep. Compare
 * shadow detection by chromaticity and normalized correlation in the literature on background subtraction
 * (Jacques et al., SIBGRAPI 2005).
 */
export class Evidence {
  readonly size: Size;
  /** The earlier picture, moved to where the later one sees it. */
  readonly before: { readonly luma: Float32Array; readonly cb: Float32Array; readonly cr: Float32Array };
  /** The later picture in the light of the earlier one. */
  readonly after: { readonly luma: Float32Array; readonly cb: Float32Array; readonly cr: Float32Array };
  readonly values: Float32Array;
  /** Standard deviation of the noise of a value, levels. */
  noise = 1;
  readonly #scratch: Float32Array;
  readonly #windows: Record<WindowName, Float32Array>;
  readonly #order: Float32Array;
  readonly #lines: Float32Array;

  constructor(size: Size) {
    const plane = () => new Float32Array(size.width * size.height);
    this.size = size;
    this.before = { luma: plane(), cb: plane(), cr: plane() };
    this.after = { luma: plane(), cb: plane(), cr: plane() };
    this.values = plane();
    this.#scratch = plane();
    this.#windows = {
      ...{ meanB: plane(), meanA: plane(), squareB: plane(), squareA: plane(), product: plane() },
      ...{ slope: plane(), cbB: plane(), cbA: plane(), crB: plane(), crA: plane() },
    };
    this.#order = plane();
    this.#lines = new Float32Array(size.height);
  }

  /** Fills `values`, and the pictures that were compared. */
  measure(before: Reduced, after: Reduced, shift: Pick<Shift, 'dx' | 'dy'>): void {
    for (const name of ['luma', 'cb', 'cr'] as const) {
      shifted(before[name], this.size, -shift.dx, -shift.dy, this.before[name]);
    }
    this.#matchLight(after);
    this.#matchLines();
    this.noise = this.#noiseOf(this.before.luma, this.after.luma);
    this.#compare();
  }

  /** Gain and offset of the brightness by least squares without the outliers, tint as the middle difference of colour. */
  #matchLight(after: Reduced): void {
    const from = this.before.luma;
    const to = after.luma;
    const step = Math.max(1, Math.floor(from.length / 6000));
    let count = 0;
    for (let at = 0; at < from.length; at += step) {
      if (isExposed(from[at] ?? 0) && isExposed(to[at] ?? 0)) {
        this.#order[count++] = ((to[at] ?? 0) + 4) / ((from[at] ?? 0) + 4);
      }
    }
    let gain = count < 20 ? 1 : limited(median(this.#order, count), 0.25, 4);
    let offset = 0;
    for (let round = 0; round < 3 && count >= 20; round++) {
      const fitted = this.#fitLight(from, to, step, gain, offset);
      if (fitted === undefined) break;
      ({ gain, offset } = fitted);
    }
    for (let at = 0; at < from.length; at++) this.after.luma[at] = ((to[at] ?? 0) - offset) / gain;
    for (const name of ['cb', 'cr'] as const) {
      const source = after[name];
      let number = 0;
      for (let at = 0; at < source.length; at += step) {
        this.#order[number++] = (source[at] ?? 0) / gain - (this.before[name][at] ?? 0);
      }
      const tint = median(this.#order, number);
      for (let at = 0; at < source.length; at++) this.after[name][at] = (source[at] ?? 0) / gain - tint;
    }
  }

  #fitLight(
    from: Float32Array,
    to: Float32Array,
    step: number,
    gain: number,
    offset: number,
  ): { gain: number; offset: number } | undefined {
    let count = 0;
    for (let at = 0; at < from.length; at += step) {
      this.#order[count++] = Math.abs((to[at] ?? 0) - gain * (from[at] ?? 0) - offset);
    }
    const limit = 2 * 1.4826 * median(this.#order, count) + 2;
    let n = 0;
    let x = 0;
    let y = 0;
    let xx = 0;
    let xy = 0;
    for (let at = 0; at < from.length; at += step) {
      const b = from[at] ?? 0;
      const a = to[at] ?? 0;
      if (Math.abs(a - gain * b - offset) > limit || !isExposed(a) || !isExposed(b)) continue;
      n++;
      x += b;
      y += a;
      xx += b * b;
      xy += b * a;
    }
    const spread = n * xx - x * x;
    // A picture of one brightness says nothing about gain and offset apart.
    if (n < 20 || spread < n * n * 25) return undefined;
    const fitted = limited((n * xy - x * y) / spread, 0.25, 4);
    return { gain: fitted, offset: limited((y - fitted * x) / n, -40, 40) };
  }

  /** Brings each line to the brightness of its counterpart by the middle ratio, smoothed over neighbours. */
  #matchLines(): void {
    const { width, height } = this.size;
    for (let y = 0; y < height; y++) {
      let count = 0;
      for (let x = 0; x < width; x += 2) {
        const at = y * width + x;
        this.#order[count++] = ((this.after.luma[at] ?? 0) + 12) / ((this.before.luma[at] ?? 0) + 12);
      }
      this.#lines[y] = limited(median(this.#order, count), 0.75, 1.33);
    }
    for (let y = 0; y < height; y++) {
      let count = 0;
      for (let near = Math.max(0, y - 3); near <= Math.min(height - 1, y + 3); near++) {
        this.#order[count++] = this.#lines[near] ?? 1;
      }
      const factor = 1 / median(this.#order, count);
      for (let at = y * width; at < (y + 1) * width; at++) {
        this.after.luma[at] = ((this.after.luma[at] ?? 0) + 12) * factor - 12;
        this.after.cb[at] = (this.after.cb[at] ?? 0) * factor;
        this.after.cr[at] = (this.after.cr[at] ?? 0) * factor;
      }
    }
  }

  /** Noise of the difference of two planes, for one of them: the middle deviation of each value from its neighbours. */
  #noiseOf(one: Float32Array, other: Float32Array): number {
    const { width, height } = this.size;
    const difference = (at: number) => (one[at] ?? 0) - (other[at] ?? 0);
    let count = 0;
    for (let y = 1; y < height - 1; y += 2) {
      for (let x = 1 + (y & 2); x < width - 1; x += 3) {
        const at = y * width + x;
        const around =
          difference(at - 1) + difference(at + 1) + difference(at - width) + difference(at + width);
        this.#order[count++] = Math.abs(difference(at) - around / 4);
      }
    }
    // Variance of d − mean of four is 1.25 σ_d², and σ_d² = 2 σ².
    return Math.max(0.4, (1.4826 * median(this.#order, count)) / Math.sqrt(2.5));
  }

  #compare(): void {
    const { size, before, after, values } = this;
    const { meanB, meanA, squareB, squareA, product, slope, cbB, cbA, crB, crA } = this.#windows;
    slopes(before.luma, size, squareB, squareA);
    for (let at = 0; at < slope.length; at++) slope[at] = (squareB[at] ?? 0) ** 2 + (squareA[at] ?? 0) ** 2;
    slopes(after.luma, size, squareB, squareA);
    for (let at = 0; at < slope.length; at++) {
      const b = before.luma[at] ?? 0;
      const a = after.luma[at] ?? 0;
      slope[at] = Math.min(slope[at] ?? 0, (squareB[at] ?? 0) ** 2 + (squareA[at] ?? 0) ** 2);
      squareB[at] = b * b;
      squareA[at] = a * a;
      product[at] = a * b;
    }
    const mean = (from: Float32Array, into: Float32Array) =>
      boxMean(from, size, windowRadius, this.#scratch, into);
    mean(before.luma, meanB);
    mean(after.luma, meanA);
    for (const plane of [squareB, squareA, product, slope]) mean(plane, plane);
    mean(before.cb, cbB);
    mean(after.cb, cbA);
    mean(before.cr, crB);
    mean(after.cr, crA);
    const colourLimit =
      colourLevels + this.#noiseOf(before.cb, after.cb) + this.#noiseOf(before.cr, after.cr);
    const noise = this.noise * this.noise;
    for (let at = 0; at < values.length; at++) {
      const b = meanB[at] ?? 0;
      const a = meanA[at] ?? 0;
      const light = limited((a + darkest) / (Math.max(0, b) + darkest), 0.1, 10);
      const spreadB = (squareB[at] ?? 0) - b * b;
      const spreadA = (squareA[at] ?? 0) - a * a;
      const left = spreadA + light * light * spreadB - 2 * light * ((product[at] ?? 0) - a * b);
      const level = Math.min(a, light * b);
      const expected =
        noise * (1 + light * light) +
        jitter * (slope[at] ?? 0) * Math.max(1, light * light) +
        (softness * level) ** 2;
      const structure = Math.sqrt(Math.max(0, left) / expected) / structureSigmas;
      const colour =
        Math.hypot((cbA[at] ?? 0) - light * (cbB[at] ?? 0), (crA[at] ?? 0) - light * (crB[at] ?? 0)) /
        (colourLimit * Math.max(1, light));
      const brightness =
        Math.abs(a - b) < 3 * this.noise + 4 ? 0 : Math.abs(Math.log(light)) / Math.log(shadowRatio);
      values[at] = Math.max(structure, colour, brightness);
    }
  }
}

/** Neither black nor white: values at the ends of the scale have lost their gain. */
const isExposed = (level: number) => level > 4 && level < 250;

const limited = (value: number, least: number, most: number) => Math.max(least, Math.min(most, value));
