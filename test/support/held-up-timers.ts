import type { Clock, VirtualClock } from '#base/clock.ts';

/**
 * A process that can be held up: the timers that fall due meanwhile run together when it goes on, before anything that
 * came meanwhile is read. So an event loop does it.
 */
export class HeldUpTimers implements Clock {
  readonly #clock: VirtualClock;
  #due: (() => void)[] | undefined;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  nowUs(): number {
    return this.#clock.nowUs();
  }

  utcMs(): number {
    return this.#clock.utcMs();
  }

  after(delayUs: number, action: () => void): () => void {
    let cancelled = false;
    const run = () => {
      if (!cancelled) action();
    };
    const cancel = this.#clock.after(delayUs, () => (this.#due === undefined ? run() : this.#due.push(run)));
    return () => {
      cancelled = true;
      cancel();
    };
  }

  /** The process is held up for so long, µs. */
  holdUp(us: number): void {
    const due: (() => void)[] = [];
    this.#due = due;
    this.#clock.advance(us);
    this.#due = undefined;
    for (const run of due) run();
  }
}
