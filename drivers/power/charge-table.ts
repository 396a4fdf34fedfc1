/** A point of a battery's discharge curve at rest: its voltage and how full it is then. */
export interface ChargePoint {
  readonly millivolt: number;
  readonly ppm: number;
}

/**
 * How full a battery of that resting voltage is, millionths: straight between the points of its curve, and no more or
 * less than their ends. `table` is in order of rising voltage and not empty.
 */
export function chargeOf(millivolt: number, table: readonly ChargePoint[]): number {
  let below = table[0];
  if (below === undefined) return 0;
  if (millivolt <= below.millivolt) return below.ppm;
  for (const above of table) {
    if (millivolt < above.millivolt) {
      const part = (millivolt - below.millivolt) / (above.millivolt - below.millivolt);
      return Math.round(below.ppm + part * (above.ppm - below.ppm));
    }
    below = above;
  }
  return below.ppm;
}
