/** How far the true rate of a chip's oscillator may be from its nominal one: data sheets say up to 10 %. */
const oscillatorPart = 0.1;
/** Share by which the period follows what is seen. */
const follow = 0.02;

/**
 * Times of samples that a chip takes by its own oscillator and that are fetched later, in bursts: evenly spaced, by a
 * period that follows the chip's, and never outside of when they can have been taken. Strictly increasing.
 */
export class SampleClock {
  readonly #nominalUs: number;
  #periodUs: number;
  #lastUs: number | undefined;
  #fresh = true;

  /** @param nominalUs time between two samples by the data sheet, µs */
  constructor(nominalUs: number) {
    this.#nominalUs = nominalUs;
    this.#periodUs = nominalUs;
  }

  /** The chip's own time between two samples as estimated, µs. */
  get periodUs(): number {
    return this.#periodUs;
  }

  /** Begins anew, as after a reset of the chip or where samples were lost. Times still increase. */
  restart(): void {
    this.#fresh = true;
  }

  /**
   * Times of the `count` newest samples, oldest first, in whole µs. The newest was taken after `earliestUs` (when it
   * was seen not to be there yet, or one period before it was counted) and not after `latestUs`.
   */
  take(count: number, earliestUs: number, latestUs: number): number[] {
    if (count <= 0) return [];
    const before = this.#lastUs ?? Number.NEGATIVE_INFINITY;
    const follows = !this.#fresh && this.#lastUs !== undefined;
    const expected = follows ? before + count * this.#periodUs : latestUs - this.#periodUs / 2;
    const newest = Math.max(Math.min(Math.max(expected, earliestUs), latestUs), before + count);
    const step = follows ? (newest - before) / count : this.#periodUs;
    if (follows) this.#learn(step);
    const times: number[] = [];
    for (let index = count - 1; index >= 0; index--) {
      times.push(Math.round(Math.max(newest - index * step, before + count - index)));
    }
    this.#lastUs = times.at(-1) ?? before;
    this.#fresh = false;
    return times;
  }

  #learn(stepUs: number): void {
    const most = this.#nominalUs * oscillatorPart;
    const followed = this.#periodUs + (stepUs - this.#periodUs) * follow;
    this.#periodUs = Math.min(this.#nominalUs + most, Math.max(this.#nominalUs - most, followed));
  }
}
