/** More tags at once than any reader of a cart or gate sees; the one that was not seen the longest gives way. */
export const mostTags = 10_000;

/**
 * Which tags are there: of the many times that a reader reports a tag, the first counts, and again after it was gone.
 * Memory is bounded.
 */
export class TagPresence {
  readonly #goneUs: number;
  /** Latest sighting by EPC, in order of it. */
  readonly #seen = new Map<string, number>();
  #repeats = 0;

  /** @param goneUs a tag that was not seen for this long has left, µs */
  constructor(goneUs: number) {
    this.#goneUs = goneUs;
  }

  /** Sightings that were not told. */
  get repeats(): number {
    return this.#repeats;
  }

  get size(): number {
    return this.#seen.size;
  }

  /** Whether this sighting is an arrival. */
  arrives(epc: Uint8Array, atUs: number): boolean {
    const key = Buffer.from(epc).toString('hex');
    const before = this.#seen.get(key);
    this.#seen.delete(key);
    this.#seen.set(key, atUs);
    this.#forget(atUs);
    if (before === undefined || atUs - before >= this.#goneUs) return true;
    this.#repeats += 1;
    return false;
  }

  #forget(atUs: number): void {
    for (const [key, seenUs] of this.#seen) {
      if (this.#seen.size <= mostTags && atUs - seenUs < this.#goneUs) return;
      this.#seen.delete(key);
    }
  }
}
