import type { Clock } from '#base/clock.ts';

/** What may be watched live. */
export type LiveTopic = 'weight' | 'counts';
export const liveTopics: readonly LiveTopic[] = ['weight', 'counts'];

/** A lease lasts this long unless asked for shorter, and never longer than an hour. */
export const defaultLeaseS = 60;
export const longestLeaseS = 3_600;
const everyUs = 100_000;

/**
 * Publishes live values ten times a second while somebody holds a lease. A technician whose connection is lost simply
 * stops renewing; nothing has to be undone.
 */
export class LiveFeed {
  readonly #clock: Clock;
  readonly #publish: (topic: LiveTopic) => void;
  readonly #until = new Map<LiveTopic, number>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, publish: (topic: LiveTopic) => void) {
    this.#clock = clock;
    this.#publish = publish;
  }

  /** Starts or renews a lease of `seconds`; answers with the time it ends, monotonic µs. */
  start(topic: LiveTopic, seconds: number): number {
    const until = Math.max(this.#clock.nowUs() + seconds * 1_000_000, this.#until.get(topic) ?? 0);
    this.#until.set(topic, until);
    this.#cancel ??= this.#clock.after(everyUs, () => this.#tick());
    return until;
  }

  stop(topic?: LiveTopic): void {
    if (topic === undefined) this.#until.clear();
    else this.#until.delete(topic);
    if (this.#until.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  has(topic: LiveTopic): boolean {
    return this.#until.has(topic);
  }

  #tick(): void {
    this.#cancel = undefined;
    const now = this.#clock.nowUs();
    for (const [topic, until] of this.#until) {
      if (until < now) this.#until.delete(topic);
      else this.#publish(topic);
    }
    if (this.#until.size > 0) this.#cancel = this.#clock.after(everyUs, () => this.#tick());
  }
}
