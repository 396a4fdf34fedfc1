import type { Clock } from '#base/clock.ts';

/** What a rest rejects with when the device is stopped meanwhile. Nobody reports it. */
export class Ended extends Error {}

/** How long a device lives: what rests on its behalf wakes up, rejected, when it ends, and leaves no timer behind. */
export class Lifetime {
  readonly #clock: Clock;
  readonly #endings = new Set<() => void>();
  #over = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Resolves after `us`. Rejects with `Ended` where the device is, or gets, stopped. */
  rest(us: number): Promise<void> {
    if (this.#over) return Promise.reject(new Ended());
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(us, () => {
        this.#endings.delete(end);
        resolve();
      });
      const end = () => {
        cancel();
        reject(new Ended());
      };
      this.#endings.add(end);
    });
  }

  /** Asks `isDone` every `everyUs` until it is; false where it was not within `withinUs`. */
  async until(isDone: () => Promise<boolean>, everyUs: number, withinUs: number): Promise<boolean> {
    const endUs = this.#clock.nowUs() + withinUs;
    for (;;) {
      if (await isDone()) return true;
      if (this.#clock.nowUs() >= endUs) return false;
      await this.rest(everyUs);
    }
  }

  end(): void {
    this.#over = true;
    for (const end of [...this.#endings]) end();
    this.#endings.clear();
  }
}
