/** Where time comes from. Domain rooms never read one: time arrives with the data. */
export interface Clock {
  /** Monotonic time in µs since the machine booted (or since the start of a simulation). */
  nowUs(): number;
  /** Wall clock, UTC milliseconds since 1970; it may jump. */
  utcMs(): number;
  /** Calls `action` once after `delayUs`; the returned function cancels it. */
  after(delayUs: number, action: () => void): () => void;
}

/** The machine's own clocks and timers. */
export const systemClock: Clock = {
  nowUs: () => Number(process.hrtime.bigint() / 1000n),
  utcMs: () => Date.now(),
  after(delayUs, action) {
    const timer = setTimeout(action, Math.max(0, delayUs / 1000));
    return () => clearTimeout(timer);
  },
};

interface Pending {
  readonly atUs: number;
  readonly order: number;
  readonly action: () => void;
}

/** A clock that moves only when told to: tests and simulations run in its time. */
export class VirtualClock implements Clock {
  #nowUs: number;
  #order = 0;
  readonly #utcOffsetMs: number;
  #pending: Pending[] = [];

  /** @param utcStartMs what `utcMs()` answers at `startUs` */
  constructor(startUs = 0, utcStartMs = Date.UTC(2026, 0, 1)) {
    this.#nowUs = startUs;
    this.#utcOffsetMs = utcStartMs - startUs / 1000;
  }

  nowUs(): number {
    return this.#nowUs;
  }

  utcMs(): number {
    return Math.floor(this.#utcOffsetMs + this.#nowUs / 1000);
  }

  after(delayUs: number, action: () => void): () => void {
    const entry = { atUs: this.#nowUs + Math.max(0, delayUs), order: this.#order++, action };
    this.#pending.push(entry);
    this.#pending.sort((a, b) => a.atUs - b.atUs || a.order - b.order);
    return () => {
      this.#pending = this.#pending.filter((other) => other !== entry);
    };
  }

  /** When the next action is due, µs; undefined where none waits. */
  get nextDueUs(): number | undefined {
    return this.#pending[0]?.atUs;
  }

  /** Moves to `toUs`, running what is due on the way, in order of time. */
  advanceTo(toUs: number): void {
    for (;;) {
      const next = this.#pending[0];
      if (next === undefined || next.atUs > toUs) break;
      this.#pending.shift();
      this.#nowUs = Math.max(this.#nowUs, next.atUs);
      next.action();
    }
    this.#nowUs = Math.max(this.#nowUs, toUs);
  }

  advance(byUs: number): void {
    this.advanceTo(this.#nowUs + byUs);
  }
}
