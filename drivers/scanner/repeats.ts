import { z } from 'zod';
import type { ScannedCode } from './scanned-code.ts';

/** More codes than a beam can hold at once; the oldest is forgotten first. */
const remembered = 16;

/**
 * Why 700 ms: with the trigger held, scanners deliver the same code again every 50 to 600 ms, and nobody takes a second
 * item of the same kind past a scanner in less than that.
 */
export const defaultWindowMs = 700;

export const repeatOptions = {
  duplicateWindowMs: z
    .int()
    .min(0)
    .max(10_000)
    .default(defaultWindowMs)
    .describe(
      'The same code again within this time of its last reading is the same scan and left out, ms, however long the trigger is held; 0 lets everything through. Default 700.',
    ),
};

export interface Admission {
  /** False for a repeat of a code that is still before the scanner. */
  readonly admitted: boolean;
  /** How many repeats of this code were left out since it was last admitted. */
  readonly leftOut: number;
}

/**
 * Tells scans from repeats. The window counts from the latest reading of a code, left out or not: a code that stays
 * before the scanner is one scan, and the same code a second later is another.
 */
export class Repeats {
  readonly #windowUs: number;
  readonly #seen = new Map<string, { lastUs: number; leftOut: number }>();

  constructor(windowMs: number) {
    this.#windowUs = windowMs * 1000;
  }

  /** @param atUs monotonic time of the reading */
  admit(code: ScannedCode, atUs: number): Admission {
    if (this.#windowUs === 0) return { admitted: true, leftOut: 0 };
    const key = `${code.symbology}${Buffer.from(code.data).toString('latin1')}`;
    const before = this.#seen.get(key);
    const repeat = before !== undefined && atUs - before.lastUs < this.#windowUs;
    const leftOut = before?.leftOut ?? 0;
    this.#seen.delete(key);
    this.#seen.set(key, { lastUs: atUs, leftOut: repeat ? leftOut + 1 : 0 });
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > remembered && oldest !== undefined) this.#seen.delete(oldest);
    return { admitted: !repeat, leftOut: repeat ? leftOut + 1 : leftOut };
  }
}
