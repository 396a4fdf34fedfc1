import { usPerMs } from '#base/units.ts';

/** Samples kept: 2.5 s at 80/s summed, 0.8 s at 320/s. */
const capacity = 256;
const mask = capacity - 1;
/** Fewest samples of a plateau; where the rate is low they span more than the window. */
export const minimumSamples = 4;

/** A mean, its spread and its trend over the newest samples; rewritten in place by `SampleWindow.measure`. */
export interface WindowStats {
  samples: number;
  spanUs: number;
  meanMg: number;
  /** Standard deviation about the mean, mg. */
  sdMg: number;
  /** Least-squares slope times the span: how far the mass went during the window, mg. */
  trendMg: number;
  /** Noise alone: from differences of neighbours, so that neither trend nor slow sway is in it, mg. */
  noiseMg: number;
}

/** The newest samples of a plate, and their statistics. */
export class SampleWindow {
  readonly #mg = new Float64Array(capacity);
  readonly #at = new Float64Array(capacity);
  readonly #windowUs: number;
  #count = 0;
  #head = 0;
  readonly stats: WindowStats = {
    samples: 0,
    spanUs: 0,
    meanMg: 0,
    sdMg: 0,
    trendMg: 0,
    noiseMg: 0,
  };

  constructor(windowMs: number) {
    this.#windowUs = windowMs * usPerMs;
  }

  clear(): void {
    this.#count = 0;
    this.stats.samples = 0;
  }

  push(atUs: number, mg: number): void {
    this.#mg[this.#head] = mg;
    this.#at[this.#head] = atUs;
    this.#head = (this.#head + 1) & mask;
    if (this.#count < capacity) this.#count++;
  }

  /** Sample `back` places before the newest (0), mg; NaN where there is none. */
  mgAt(back: number): number {
    return back < this.#count ? (this.#mg[(this.#head - 1 - back) & mask] ?? Number.NaN) : Number.NaN;
  }

  timeAt(back: number): number {
    return back < this.#count ? (this.#at[(this.#head - 1 - back) & mask] ?? Number.NaN) : Number.NaN;
  }

  /**
   * Measures the newest window (ordinary least squares; sums about the newest sample, so nothing cancels). False while
   * there is less than a window of samples. HOT PATH: once a plate sample, about a window of multiplications.
   */
  measure(): boolean {
    const newest = (this.#head - 1) & mask;
    const origin = this.#mg[newest] ?? 0;
    const now = this.#at[newest] ?? 0;
    const from = now - this.#windowUs;
    let n = 0;
    let sum = 0;
    let squares = 0;
    let times = 0;
    let timesSquared = 0;
    let cross = 0;
    let steps = 0;
    let last = 0;
    let oldest = now;
    for (; n < this.#count; n++) {
      const i = (newest - n) & mask;
      const at = this.#at[i] ?? 0;
      if (at < from && n >= minimumSamples) break;
      const y = (this.#mg[i] ?? 0) - origin;
      const t = (at - now) * 1e-6;
      sum += y;
      squares += y * y;
      times += t;
      timesSquared += t * t;
      cross += t * y;
      steps += (y - last) * (y - last);
      last = y;
      oldest = at;
    }
    const { stats } = this;
    stats.samples = n;
    stats.spanUs = now - oldest;
    if (n < minimumSamples) return false;
    const mean = sum / n;
    stats.meanMg = origin + mean;
    stats.sdMg = Math.sqrt(Math.max(0, squares - n * mean * mean) / (n - 1));
    const spread = timesSquared - (times * times) / n;
    const slope = spread > 0 ? (cross - times * mean) / spread : 0;
    stats.trendMg = slope * stats.spanUs * 1e-6;
    stats.noiseMg = Math.sqrt(steps / (2 * (n - 1)));
    // One interval less than the window is a full window: its ends need not fall on samples.
    return n < this.#count || stats.spanUs + (stats.spanUs * 1.1) / (n - 1) >= this.#windowUs;
  }

  /**
   * Going back from the newest sample, the time of the earliest one in a row that is further than `limitMg` from
   * `levelMg`: when the mass left that level.
   */
  leftAtUs(levelMg: number, limitMg: number): number {
    let at = this.timeAt(0);
    let inside = 0;
    for (let back = 0; back < this.#count; back++) {
      if (Math.abs(this.mgAt(back) - levelMg) > limitMg) {
        at = this.timeAt(back);
        inside = 0;
      } else if (++inside >= 3) {
        break;
      }
    }
    return at;
  }
}

/**
 * True where the window is a plateau: spread below the larger of the configured limit and four times the noise, and a
 * trend below a third of that (or what noise alone would show: its trend has σ = noise · √(12 / n)).
 */
export function isPlateau(stats: WindowStats, stableMg: number, noiseMg: number): boolean {
  const limit = Math.max(stableMg, 4 * noiseMg);
  if (stats.sdMg > limit) return false;
  const trendLimit = Math.max(0.3 * limit, 4 * noiseMg * Math.sqrt(12 / stats.samples));
  return Math.abs(stats.trendMg) <= trendLimit;
}

/** Standard uncertainty of the mean of a plateau, mg: white noise, and its trend going on (uniform). */
export function plateauSigma(stats: WindowStats): number {
  const white = (stats.sdMg * stats.sdMg) / stats.samples;
  const trend = (stats.trendMg * stats.trendMg) / 3;
  return Math.sqrt(white + trend);
}
