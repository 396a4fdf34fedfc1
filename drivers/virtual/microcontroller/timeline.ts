/** Samples that nobody asks for are kept up to this many. */
const mostSamples = 4096;

/** A value that the world had computed up to a time, sample by sample; the last one holds until the next. */
export class Timeline<Value> {
  #times: number[] = [];
  #values: Value[] = [];
  /** How far back from the newest known time a sample may lie before the source counts as silent, µs. */
  readonly #holdUs: number;
  #knownUntilUs = Number.NEGATIVE_INFINITY;
  #at = 0;

  constructor(holdUs: number) {
    this.#holdUs = holdUs;
  }

  /** Times never go back. */
  push(atUs: number, value: Value): void {
    if (this.#times.length >= mostSamples) this.#forget(Math.max(this.#at, mostSamples / 2));
    this.#times.push(atUs);
    this.#values.push(value);
    this.#knownUntilUs = Math.max(this.#knownUntilUs, atUs);
  }

  /** The world has been worked out up to here: no earlier sample will come. */
  known(untilUs: number): void {
    this.#knownUntilUs = Math.max(this.#knownUntilUs, untilUs);
  }

  /**
   * The value at `atUs`; times asked for never go back. The first sample counts for all times before it. `undefined`
   * where the source has fallen silent: it is known that nothing came for longer than it may hold.
   */
  at(atUs: number): Value | undefined {
    while (this.#at + 1 < this.#times.length && (this.#times[this.#at + 1] ?? 0) <= atUs) this.#at += 1;
    if (this.#at > 256) this.#forget(this.#at);
    const sampledUs = this.#times[this.#at];
    if (sampledUs === undefined) return undefined;
    if (Math.min(atUs, this.#knownUntilUs) - sampledUs > this.#holdUs) return undefined;
    return this.#values[this.#at];
  }

  #forget(count: number): void {
    this.#times = this.#times.slice(count);
    this.#values = this.#values.slice(count);
    this.#at = Math.max(0, this.#at - count);
  }
}
