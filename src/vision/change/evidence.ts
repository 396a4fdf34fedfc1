import type { Reduced } from '../pictures/reduced.ts';
import { LightMatch, limited, type Planes } from './light.ts';
import { boxMean, median, type Pose, posed, type Size, slopes, soften } from './planes.ts';

/** Half the side of the windows in which two pictures are compared. */
const windowRadius = 2;
/** What a difference of structure must be, in standard deviations of what noise and shake explain. */
const structureSigmas = 3;
/** Not explained by noise: soft edges of shadows, compression. Share of the brightness. */
const softness = 0.025;
/** Variance that the remains of a shake bring, as share of the squared slope: 0.4 of a value, squared. */
const jitter = 0.16;
/** A place this much brighter or darker is no shadow (under shop light a shadow keeps more than half). */
const shadowRatio = 2.1;
/** A difference of colour that counts, in levels, beyond what the noise explains. */
const colourLevels = 6;
const darkest = 6;
/** What the remains of a shake make of a window's mean colour, as share of its mean slope. */
const colourJitter = 0.5;
/** What lamps of another spectrum make of a deep colour beyond a change of gains, share of its depth. */
const depth = 0.06;
/** What over-exposure takes from a window that is wholly so, levels. */
const lostLevels = 14;

/** Means over windows: brightness, its square, the product of both pictures, squared slope, colours. */
type WindowName =
  | ('meanB' | 'meanA' | 'squareB' | 'squareA' | 'product')
  | ('slope' | 'cbB' | 'cbA' | 'crB' | 'crA' | 'clipped' | 'hue');

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
  readonly before: Planes;
  /** The later picture in the light of the earlier one. */
  readonly after: Planes;
  readonly values: Float32Array;
  /** Standard deviation of the noise of a value, levels. */
  noise = 1;
  readonly #scratch: Float32Array;
  readonly #windows: Record<WindowName, Float32Array>;
  readonly #order: Float32Array;
  readonly #light: LightMatch;

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
      ...{ clipped: plane(), hue: plane() },
    };
    this.#order = plane();
    this.#light = new LightMatch(size);
  }

  /** Fills `values`, and the pictures that were compared. */
  measure(before: Reduced, after: Reduced, pose: Pose): void {
    for (const name of ['luma', 'cb', 'cr'] as const) {
      posed(before[name], this.size, pose, this.before[name]);
    }
    this.#light.match(this.before, after, this.after, this.#windows.clipped);
    // Between values a picture is softer than on them: softened both are alike.
    soften(this.before.luma, this.size, this.#scratch);
    soften(this.after.luma, this.size, this.#scratch);
    this.noise = this.#noiseOf(this.before.luma, this.after.luma);
    this.#compare();
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
    return Math.max(0.25, (1.4826 * median(this.#order, count)) / Math.sqrt(2.5));
  }

  /** How steep the colours are, on the smoother one of both pictures. */
  #colourSlope(into: Float32Array): void {
    const { width } = this.size;
    for (let at = 0; at < into.length; at++) {
      into[at] = Math.min(steepness(this.before, at, width), steepness(this.after, at, width)) / 2;
    }
  }

  #compare(): void {
    const { size, before, after, values } = this;
    const { meanB, meanA, squareB, squareA, product, slope, cbB, cbA, crB, crA, clipped, hue } =
      this.#windows;
    slopes(before.luma, size, squareB, squareA);
    for (let at = 0; at < slope.length; at++) slope[at] = (squareB[at] ?? 0) ** 2 + (squareA[at] ?? 0) ** 2;
    this.#colourSlope(hue);
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
    for (const plane of [squareB, squareA, product, slope, clipped, hue]) mean(plane, plane);
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
      const lost = clipped[at] ?? 0;
      const expected =
        noise * (1 + light * light) +
        jitter * (slope[at] ?? 0) * Math.max(1, light * light) +
        (softness * level) ** 2 +
        (lostLevels * lost) ** 2;
      const structure = Math.sqrt(Math.max(0, left) / expected) / structureSigmas;
      const colour =
        lengthOf((cbA[at] ?? 0) - light * (cbB[at] ?? 0), (crA[at] ?? 0) - light * (crB[at] ?? 0)) /
        (colourLimit * Math.max(1, light) * (1 + lost) +
          colourJitter * (hue[at] ?? 0) +
          depth * lengthOf(cbA[at] ?? 0, crA[at] ?? 0));
      const brightness =
        Math.abs(a - b) < 3 * this.noise + 4
          ? 0
          : ((1 - 0.5 * lost) * Math.abs(Math.log(light))) / Math.log(shadowRatio);
      values[at] = Math.max(structure, colour, brightness);
    }
  }
}

/** As Math.hypot, which takes many times as long for the sake of numbers that colours never are. */
const lengthOf = (x: number, y: number) => Math.sqrt(x * x + y * y);

function steepness({ cb, cr }: Planes, at: number, width: number): number {
  return (
    Math.abs((cb[at + 1] ?? 0) - (cb[at - 1] ?? 0)) +
    Math.abs((cr[at + 1] ?? 0) - (cr[at - 1] ?? 0)) +
    Math.abs((cb[at + width] ?? 0) - (cb[at - width] ?? 0)) +
    Math.abs((cr[at + width] ?? 0) - (cr[at - width] ?? 0))
  );
}
