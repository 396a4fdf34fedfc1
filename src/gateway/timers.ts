import type { Clock } from '#base/clock.ts';

/** What a part does again and again, until it is stopped. */
export class Timers {
  readonly #clock: Clock;
  readonly #cancels = new Set<() => void>();
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  every(periodUs: number, action: () => void): void {
    const run = () => {
      this.#cancels.delete(cancel);
      action();
      if (!this.#stopped) this.every(periodUs, action);
    };
    const cancel = this.#clock.after(periodUs, run);
    this.#cancels.add(cancel);
  }

  /** Waits for `work`, but not longer than this; whether it was done. Rejects as `work` does within that time. */
  async within(limitUs: number, work: Promise<unknown>): Promise<boolean> {
    const { promise: over, resolve } = Promise.withResolvers<false>();
    const cancel = this.#clock.after(limitUs, () => resolve(false));
    try {
      return await Promise.race([work.then(() => true), over]);
    } finally {
      cancel();
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#cancels) cancel();
  }
}
