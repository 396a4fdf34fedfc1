import { createRandom } from '#base/random.ts';

/** A figure with its 95 % confidence interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95 % of a standard normal distribution. */
const z = 1.959963984540054;
const resamples = 400;

/** A share with the score interval of Wilson (1927); of nothing it is anything from 0 to 1. */
export function wilson(successes: number, trials: number): Estimate {
  if (trials === 0) return { value: Number.NaN, low: 0, high: 1 };
  const share = successes / trials;
  const scale = 1 + z ** 2 / trials;
  const centre = (share + z ** 2 / (2 * trials)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / trials + z ** 2 / (4 * trials ** 2));
  return {
    value: share,
    low: successes === 0 ? 0 : Math.max(0, centre - half),
    high: successes === trials ? 1 : Math.min(1, centre + half),
  };
}

/**
 * A figure over `items` with the percentile interval of a bootstrap (Efron 1979) that draws whole items again: of trips,
 * whose decisions depend on each other. The same seed gives the same interval.
 */
export function bootstrap<T>(
  items: readonly T[],
  figure: (items: readonly T[]) => number,
  seed = 1,
): Estimate {
  const value = figure(items);
  if (items.length < 2) return { value, low: value, high: value };
  const random = createRandom(seed).fork('bootstrap');
  const values: number[] = [];
  for (let round = 0; round < resamples; round++) {
    const drawn = Array.from({ length: items.length }, () => items[random.integer(items.length)] as T);
    const one = figure(drawn);
    if (Number.isFinite(one)) values.push(one);
  }
  values.sort((a, b) => a - b);
  return { value, low: quantile(values, 0.025), high: quantile(values, 0.975) };
}

/** The value below which the share `part` of sorted values lies, between two neighbours linearly; NaN of none. */
export function quantile(sorted: readonly number[], part: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = (sorted.length - 1) * part;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? below;
  return below + (above - below) * (at - Math.floor(at));
}
