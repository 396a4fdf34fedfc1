import type { FaultLatch } from '../polled/fault-latch.ts';

const windowUs = 500_000;
/** More than this share, and than so many, lost is told. A now and then lost sample is what sequence numbers are for. */
const toleratedPart = 0.05;
const toleratedSamples = 2;

/** Says when more samples are lost than the busy moments of a bus explain, and when that has ended. */
export class LossWatch {
  readonly #faults: FaultLatch;
  #beganUs: number | undefined;
  #lost = 0;
  #seen = 0;

  constructor(faults: FaultLatch) {
    this.#faults = faults;
  }

  /** One sample, and how many were lost since the one before. */
  see(lost: number, atUs: number): void {
    this.#beganUs ??= atUs;
    this.#lost += lost;
    this.#seen += 1;
    if (atUs - this.#beganUs < windowUs) return;
    const all = this.#lost + this.#seen;
    this.#faults.set(this.#lost > Math.max(toleratedSamples, all * toleratedPart), {
      fault: 'timing',
      code: 'CW-DRV-017',
      message: `${this.#lost} of ${all} samples were lost because the bus was too slow; lower the rate or free the bus`,
    });
    this.#beganUs = atUs;
    this.#lost = 0;
    this.#seen = 0;
  }
}
