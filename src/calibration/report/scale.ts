/** A straight axis: values to coordinates, with ticks at round values. */
export interface Axis {
  at(value: number): number;
  readonly ticks: readonly number[];
  /** Digits after the point that ticks need. */
  readonly digits: number;
}

/** An axis from `low` to `high` drawn from `from` to `to`, with about `count` ticks. */
export function axisOf(low: number, high: number, from: number, to: number, count: number): Axis {
  const span = high - low;
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (rough / power > 5 ? 10 : rough / power > 2 ? 5 : rough / power > 1 ? 2 : 1);
  const ticks: number[] = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9 * span; n++) ticks.push(n * step);
  return {
    at: (value) => from + ((value - low) / span) * (to - from),
    ticks,
    digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)),
  };
}

/** A coordinate of a drawing: a tenth of a unit is finer than any eye. */
export function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10);
}
