import type { ScanReading } from './readings.ts';

/** More codes than a beam or a picture can hold at once; the oldest is forgotten first. */
const remembered = 16;

/**
 * Why 700 ms: with the trigger held, scanners deliver the same code again every 50 to 600 ms, and nobody takes a second
 * item of the same kind past a scanner in less than that.
 */
export const defaultWindowMs = 700;

/** What makes two readings the same code. */
type CodeIdentity = Pick<ScanReading, 'data' | 'symbology'>;

/** A text that is the same for the same data under the same identifier, and for nothing else. */
export function codeKey({ data, symbology }: CodeIdentity): string {
  return `${symbology}${Buffer.from(data).toString('latin1')}`;
}

interface Admission {
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
  admit(code: CodeIdentity, atUs: number): Admission {
    if (this.#windowUs === 0) return { admitted: true, leftOut: 0 };
    const key = codeKey(code);
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
