import { median, type Size } from './planes.ts';

/** Brightness and colour differences of a small picture (as of `Reduced`). */
export interface Planes {
  readonly luma: Float32Array;
  readonly cb: Float32Array;
  readonly cr: Float32Array;
}

/** A mean of pixels from here on is over-exposed in part. */
const whiteLevel = 246;

/** Values at the ends of the scale have lost their gain. */
const isExposed = (level: number) => level > 4 && level < whiteLevel;

export const limited = (value: number, least: number, most: number) => Math.max(least, Math.min(most, value));

const redOf = (planes: Planes, at: number) => (planes.luma[at] ?? 0) + 1.402 * (planes.cr[at] ?? 0);
const blueOf = (planes: Planes, at: number) => (planes.luma[at] ?? 0) + 1.772 * (planes.cb[at] ?? 0);

/** Brings a later picture into the light of an earlier one. */
export class LightMatch {
  readonly #size: Size;
  readonly #order: Float32Array;
  readonly #lines: Float32Array;

  constructor(size: Size) {
    this.#size = size;
    this.#order = new Float32Array(size.width * size.height);
    this.#lines = new Float32Array(size.height);
  }

  /**
   * Fills `matched` with `after` in the light of `before`: the brightness of the whole and of each line as middle ratios,
   * then gain and offset by least squares without the outliers (flicker would pass for an offset), and the gains of red and
   * blue against the brightness as middle ratios (von Kries). `clipped`
   * becomes 1 where either picture was over-exposed in some colour, else 0. What one picture could not show, because it is
   * beyond its white, is taken from the other one as well: `before` is changed for that.
   */
  match(before: Planes, after: Planes, matched: Planes, clipped: Float32Array): void {
    const { width, height } = this.#size;
    const whole = this.#middleRatio(before.luma, after.luma);
    this.#findLines(before.luma, after.luma, whole);
    for (let y = 0; y < height; y++) {
      const factor = 1 / (whole * (this.#lines[y] ?? 1));
      for (let at = y * width; at < (y + 1) * width; at++) {
        clipped[at] = isClipped(before, at) || isClipped(after, at) ? 1 : 0;
        matched.luma[at] = (after.luma[at] ?? 0) * factor;
        matched.cb[at] = (after.cb[at] ?? 0) * factor;
        matched.cr[at] = (after.cr[at] ?? 0) * factor;
      }
    }
    const { gain, offset } = this.#fitLuma(before.luma, matched.luma);
    for (let at = 0; at < clipped.length; at++) {
      matched.luma[at] = ((matched.luma[at] ?? 0) - offset) / gain;
      matched.cb[at] = (matched.cb[at] ?? 0) / gain;
      matched.cr[at] = (matched.cr[at] ?? 0) / gain;
    }
    const red = this.#ratio(before, matched, clipped, redOf);
    const blue = this.#ratio(before, matched, clipped, blueOf);
    for (let y = 0; y < height; y++) {
      const white = (whiteLevel / (whole * (this.#lines[y] ?? 1)) - offset) / gain;
      for (let at = y * width; at < (y + 1) * width; at++) {
        const r = redOf(matched, at);
        const b = blueOf(matched, at);
        const g = ((matched.luma[at] ?? 0) - 0.299 * r - 0.114 * b) / 0.587;
        const luma = 0.299 * r * red + 0.587 * g + 0.114 * b * blue;
        matched.luma[at] = luma;
        matched.cb[at] = (b * blue - luma) / 1.772;
        matched.cr[at] = (r * red - luma) / 1.402;
        limitChannels(matched, at, whiteLevel, whiteLevel, whiteLevel);
        limitChannels(before, at, white * red, white, white * blue);
      }
    }
  }

  /** What a channel of `matched` is to be multiplied with. */
  #ratio(before: Planes, matched: Planes, clipped: Float32Array, channel: typeof redOf): number {
    let count = 0;
    for (let at = 0; at < clipped.length; at += 3) {
      const is = channel(matched, at);
      if (is > 12 && clipped[at] === 0) this.#order[count++] = Math.max(0, channel(before, at)) / is;
    }
    return count < 20 ? 1 : limited(median(this.#order, count), 0.6, 1.7);
  }

  /** How much brighter `to` is than `from`, where both are well exposed. */
  #middleRatio(from: Float32Array, to: Float32Array): number {
    let count = 0;
    for (let at = 0; at < from.length; at += 3) {
      if (isExposed(from[at] ?? 0) && isExposed(to[at] ?? 0)) {
        this.#order[count++] = ((to[at] ?? 0) + 4) / ((from[at] ?? 0) + 4);
      }
    }
    return count < 20 ? 1 : limited(median(this.#order, count), 0.2, 5);
  }

  /** Gain and offset of pictures that are about equally bright; an offset is believed only where it explains more. */
  #fitLuma(from: Float32Array, to: Float32Array): { gain: number; offset: number } {
    const step = Math.max(1, Math.floor(from.length / 5000));
    const misfit = (gain: number, offset: number) => {
      let count = 0;
      for (let at = 0; at < from.length; at += step) {
        this.#order[count++] = Math.abs((to[at] ?? 0) - gain * (from[at] ?? 0) - offset);
      }
      return median(this.#order, count);
    };
    let fit = { gain: 1, offset: 0 };
    const first = misfit(1, 0);
    for (let round = 0; round < 3; round++) {
      const better = this.#refit(from, to, step, fit.gain, fit.offset);
      if (better === undefined) break;
      fit = better;
    }
    return misfit(fit.gain, fit.offset) < 0.85 * first ? fit : { gain: 1, offset: 0 };
  }

  #refit(
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
    let [n, x, y, xx, xy] = [0, 0, 0, 0, 0];
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
    const fitted = limited((n * xy - x * y) / spread, 0.2, 5);
    return { gain: fitted, offset: limited((y - fitted * x) / n, -40, 40) };
  }

  /** How much brighter each line is than its counterpart and the whole: the middle ratio, smoothed over neighbours. */
  #findLines(from: Float32Array, to: Float32Array, whole: number): void {
    const { width, height } = this.#size;
    for (let y = 0; y < height; y++) {
      let count = 0;
      for (let at = y * width; at < (y + 1) * width; at += 2) {
        this.#order[count++] = ((to[at] ?? 0) / whole + 8) / ((from[at] ?? 0) + 8);
      }
      this.#lines[y] = limited(median(this.#order, count), 0.75, 1.33);
    }
    this.#order.set(this.#lines, height);
    for (let y = 0; y < height; y++) {
      let count = 0;
      for (let near = Math.max(0, y - 3); near <= Math.min(height - 1, y + 3); near++) {
        this.#order[count++] = this.#order[height + near] ?? 1;
      }
      this.#lines[y] = median(this.#order, count);
    }
  }
}

function limitChannels(planes: Planes, at: number, red: number, green: number, blue: number): void {
  const luma = planes.luma[at] ?? 0;
  const r = luma + 1.402 * (planes.cr[at] ?? 0);
  const b = luma + 1.772 * (planes.cb[at] ?? 0);
  const g = (luma - 0.299 * r - 0.114 * b) / 0.587;
  if (r <= red && g <= green && b <= blue) return;
  const left = 0.299 * Math.min(r, red) + 0.587 * Math.min(g, green) + 0.114 * Math.min(b, blue);
  planes.luma[at] = left;
  planes.cr[at] = (Math.min(r, red) - left) / 1.402;
  planes.cb[at] = (Math.min(b, blue) - left) / 1.772;
}

function isClipped(planes: Planes, at: number): boolean {
  const luma = planes.luma[at] ?? 0;
  if (luma < 150) return redOf(planes, at) > whiteLevel - 2 || blueOf(planes, at) > whiteLevel - 2;
  const green = luma - 0.714136 * (planes.cr[at] ?? 0) - 0.344136 * (planes.cb[at] ?? 0);
  return redOf(planes, at) > whiteLevel - 2 || green > whiteLevel - 2 || blueOf(planes, at) > whiteLevel - 2;
}
