import type { FaultLatch } from '../polled/fault-latch.ts';
import { hx711Maximum, hx711Minimum } from './hx711.ts';

/** Equal codes for so long, and so many of them, are no measurement: a converter of 24 bits is never that quiet. */
const stuckUs = 500_000;
const stuckSamples = 8;
/** So many codes at the end of the range are no bump. */
const saturatedSamples = 3;

/** Watches the codes of one cell of a 24-bit converter: says when it is stuck or saturated, and when no longer. */
export class CellWatch {
  readonly #cell: string;
  readonly #faults: FaultLatch;
  #last: number | undefined;
  #sinceUs = 0;
  #equal = 0;
  #saturated = 0;

  constructor(cell: string, faults: FaultLatch) {
    this.#cell = cell;
    this.#faults = faults;
  }

  /** HOT PATH: every code of the cell, with its time. */
  see(counts: number, atUs: number): void {
    const isLimit = counts >= hx711Maximum || counts <= hx711Minimum;
    if (isLimit) this.#limit(counts);
    else if (this.#saturated > 0) this.#within();
    if (counts !== this.#last) {
      if (this.#equal >= stuckSamples) this.#faults.clear('stuck', this.#cell);
      this.#last = counts;
      this.#sinceUs = atUs;
      this.#equal = 1;
      return;
    }
    this.#equal += 1;
    // At the end of its range it is equal without being stuck.
    if (isLimit || this.#equal < stuckSamples || atUs - this.#sinceUs < stuckUs) return;
    this.#faults.raise({
      fault: 'stuck',
      code: 'CW-DRV-015',
      channel: this.#cell,
      message: `cell ${this.#cell}: the converter has given ${counts} for ${stuckUs / 1000} ms; check its supply`,
    });
  }

  #limit(counts: number): void {
    this.#saturated += 1;
    if (this.#saturated !== saturatedSamples) return;
    this.#faults.raise({
      fault: 'saturated',
      code: 'CW-DRV-015',
      channel: this.#cell,
      message: `cell ${this.#cell}: at the ${counts > 0 ? 'upper' : 'lower'} end of the converter's range; look for a loose wire or an overload`,
    });
  }

  #within(): void {
    this.#saturated = 0;
    this.#faults.clear('saturated', this.#cell);
  }
}
