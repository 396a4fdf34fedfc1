/** At most so many in a stretch of time: a token bucket. Time comes in with the call, µs. */
export class RateLimit {
  readonly #burst: number;
  readonly #perUs: number;
  #tokens: number;
  #lastUs: number | undefined;

  /** @param burst how many may come at once @param perMinute how many in the long run */
  constructor(burst: number, perMinute: number) {
    this.#burst = burst;
    this.#perUs = perMinute / 60_000_000;
    this.#tokens = burst;
  }

  /** True where one more is within the limit; it then counts. */
  admits(nowUs: number): boolean {
    const elapsedUs = Math.max(0, nowUs - (this.#lastUs ?? nowUs));
    this.#lastUs = nowUs;
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsedUs * this.#perUs);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
