/** Readings of one cell, as they came. */
export interface Samples {
  /** µs, as stamped. */
  readonly atUs: number[];
  readonly counts: number[];
  /** Running numbers, without wraps: 0 is the first sample. */
  readonly numbers: number[];
}

/** A straight line through samples, by least squares. */
export interface Line {
  readonly meanX: number;
  readonly meanY: number;
  readonly slope: number;
}

export function fitLine(xs: readonly number[], ys: readonly number[]): Line {
  const n = xs.length;
  const meanX = mean(xs);
  const meanY = mean(ys);
  let square = 0;
  let cross = 0;
  for (let i = 0; i < n; i++) {
    const dx = (xs[i] ?? 0) - meanX;
    square += dx * dx;
    cross += dx * ((ys[i] ?? 0) - meanY);
  }
  return { meanX, meanY, slope: square > 0 ? cross / square : 0 };
}

/** What a line leaves of each value. */
export function residuals(xs: readonly number[], ys: readonly number[], line: Line): number[] {
  return ys.map((y, i) => y - line.meanY - line.slope * ((xs[i] ?? 0) - line.meanX));
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Root mean square with `degrees` taken off the number of values: 2 after a line. */
export function deviation(values: readonly number[], degrees: number): number {
  const n = values.length - degrees;
  return n <= 0 ? 0 : Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / n);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? 0) + high) / 2;
}

/** Standard deviation of the bulk, which a few outliers don't move: 1.4826 · MAD (exact for a normal distribution). */
export function robustDeviation(values: readonly number[]): number {
  const middle = median(values);
  return 1.4826 * median(values.map((value) => Math.abs(value - middle)));
}

/** The value at which half of the weight lies below: what minimizes Σ w·|x − value|. */
export function weightedMedian(pairs: readonly (readonly [value: number, weight: number])[]): number {
  const sorted = [...pairs].sort(([a], [b]) => a - b);
  const half = sorted.reduce((sum, [, weight]) => sum + weight, 0) / 2;
  let passed = 0;
  for (const [value, weight] of sorted) {
    passed += weight;
    if (passed >= half) return value;
  }
  return 0;
}

/**
 * Times of the samples, s, from the running number and the mean rate: the time stamps of a host jitter by more than the
 * converter's clock does. As stamped where numbers tell nothing.
 */
export function evenTimes(samples: Samples): number[] {
  const { numbers, atUs } = samples;
  const span = (numbers.at(-1) ?? 0) - (numbers[0] ?? 0);
  const firstUs = atUs[0] ?? 0;
  const stamped = atUs.map((at) => (at - firstUs) / 1e6);
  if (span < samples.counts.length - 1) return stamped;
  const { slope, meanX, meanY } = fitLine(numbers, stamped);
  return numbers.map((number) => meanY + slope * (number - meanX));
}

/** Means of one second each; what is left over at the end is not one. */
export function secondMeans(times: readonly number[], values: readonly number[]): number[] {
  const sums = new Map<number, { sum: number; n: number }>();
  const first = times[0] ?? 0;
  const last = times.at(-1) ?? 0;
  times.forEach((time, i) => {
    const second = Math.floor(time - first);
    if (second + 1 > last - first + 0.5) return;
    const bin = sums.get(second) ?? { sum: 0, n: 0 };
    bin.sum += values[i] ?? 0;
    bin.n++;
    sums.set(second, bin);
  });
  return [...sums.values()].map(({ sum, n }) => sum / n);
}

/**
 * Correlation of what is left of two cells, of samples within half a period of each other; undefined with fewer than
 * `fewest` such pairs, or where one of them doesn't change.
 */
export function correlation(
  a: { readonly times: readonly number[]; readonly values: readonly number[] },
  b: { readonly times: readonly number[]; readonly values: readonly number[] },
  halfPeriodS: number,
  fewest: number,
): number | undefined {
  let [ab, aa, bb, n] = [0, 0, 0, 0];
  let j = 0;
  for (let i = 0; i < a.times.length; i++) {
    const at = a.times[i] ?? 0;
    while (j + 1 < b.times.length && Math.abs((b.times[j + 1] ?? 0) - at) <= Math.abs((b.times[j] ?? 0) - at))
      j++;
    if (Math.abs((b.times[j] ?? 0) - at) > halfPeriodS) continue;
    const [x, y] = [a.values[i] ?? 0, b.values[j] ?? 0];
    ab += x * y;
    aa += x * x;
    bb += y * y;
    n++;
  }
  return n < fewest || aa === 0 || bb === 0 ? undefined : ab / Math.sqrt(aa * bb);
}
