import { codeKey, Repeats } from '#readings/repeats.ts';
import type { FoundCode } from './evidence.ts';

/**
 * The same code again within this time of its last sighting is the same scan, ms. Longer than a scanner's, because a camera
 * in heat looks once a second.
 */
const windowMs = 1_500;
/** A code that a picture shows without proving it must be seen again within this time, µs. */
const confirmUs = windowMs * 1000;
/** A code that lies is known by its place for this long, µs. */
const restUs = 30 * 60_000_000;
/** Codes that are remembered; the oldest is forgotten first. */
const remembered = 128;

type Sighting = Pick<FoundCode, 'data' | 'symbology' | 'sure' | 'at'>;

interface Seen {
  atUs: number;
  x: number;
  y: number;
  reported: boolean;
}

interface SightingsOptions {
  /**
   * A code seen again where it was last seen, to this many pixels, is a thing that lies there, however long ago that was;
   * 0 for a camera that things are held before. Without it every hand in a basket would scan again what lies in it.
   */
  readonly restsWithin: number;
}

/**
 * Makes scans of what one camera's successive pictures show: what a picture does not prove is believed when another one
 * shows it too, a code that stays in view is one scan, and a code that lies where it lay is none.
 */
export class Sightings {
  readonly #repeats: Repeats;
  readonly #within: number;
  readonly #seen = new Map<string, Seen>();

  constructor({ restsWithin }: SightingsOptions) {
    this.#repeats = new Repeats(windowMs);
    this.#within = restsWithin;
  }

  /** Whether a code in the picture of `atUs` (monotonic) is a scan that is to be told. Times do not go back. */
  admit(code: Sighting, atUs: number): boolean {
    const key = codeKey(code);
    const before = this.#seen.get(key);
    const confirmed =
      code.sure || (before !== undefined && before.atUs < atUs && atUs - before.atUs <= confirmUs);
    const lies = before?.reported === true && this.#isWhere(before, code) && atUs - before.atUs <= restUs;
    this.#remember(key, { atUs, ...code.at, reported: confirmed || before?.reported === true });
    if (!confirmed) return false;
    return this.#repeats.admit(code, atUs).admitted && !lies;
  }

  /** Another trip begins: nothing lies there any more. */
  forget(): void {
    this.#seen.clear();
  }

  #isWhere({ x, y }: Seen, { at }: Sighting): boolean {
    return this.#within > 0 && Math.hypot(x - at.x, y - at.y) <= this.#within;
  }

  #remember(key: string, seen: Seen): void {
    this.#seen.delete(key);
    this.#seen.set(key, seen);
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > remembered && oldest !== undefined) this.#seen.delete(oldest);
  }
}
