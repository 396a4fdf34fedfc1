import type { Clock } from '#base/clock.ts';

/** Calls at a steady rate, at the instants that it promised. Those that went by while the process slept are left out. */
export class Ticker {
  readonly #clock: Clock;
  readonly #periodUs: number;
  readonly #tick: (atUs: number, sinceUs: number) => void;
  #startUs = 0;
  #count = 0;
  #cancel: (() => void) | undefined;

  /** @param tick gets its instant, and how long after the start it was due, whole µs */
  constructor(clock: Clock, ticksPerSecond: number, tick: (atUs: number, sinceUs: number) => void) {
    this.#clock = clock;
    this.#periodUs = 1_000_000 / ticksPerSecond;
    this.#tick = tick;
  }

  start(): void {
    this.#startUs = this.#clock.nowUs();
    this.#count = 0;
    this.#next();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #next(): void {
    const dueUs = this.#startUs + Math.round(this.#count * this.#periodUs);
    this.#cancel = this.#clock.after(Math.max(0, dueUs - this.#clock.nowUs()), () => {
      const passedUs = this.#clock.nowUs() - this.#startUs;
      const count = Math.max(this.#count, Math.floor(passedUs / this.#periodUs));
      this.#count = count + 1;
      this.#next();
      const sinceUs = Math.round(count * this.#periodUs);
      // A timer may come a little early; what is told is never ahead of the clock.
      this.#tick(this.#startUs + Math.min(sinceUs, passedUs), sinceUs);
    });
  }
}
