/** More tags at once than any reader of a cart or gate sees; until one of them leaves, further ones are not told. */
export const mostTags = 10_000;

interface Present {
  seenUs: number;
  toldUs: number;
}

/**
 * Which tags are there. Of the many times that a reader reports a tag, the first is told, one in a stretch of time
 * while it stays, and the first after it was gone. So however fast a reader is, it tells at most `mostTags` in the
 * shorter of both times. Memory is bounded.
 */
export class TagPresence {
  readonly #goneUs: number;
  readonly #repeatUs: number;
  /** By EPC, in order of the latest sighting. */
  readonly #present = new Map<string, Present>();
  #repeats = 0;

  /**
   * @param goneUs a tag that was not seen for this long has left, µs
   * @param repeatUs one that stays is told again after this long, µs
   */
  constructor(goneUs: number, repeatUs: number) {
    this.#goneUs = goneUs;
    this.#repeatUs = repeatUs;
  }

  /** Sightings that were not told. */
  get repeats(): number {
    return this.#repeats;
  }

  get size(): number {
    return this.#present.size;
  }

  /** Takes a sighting, and says whether it is to be told. */
  isDue(epc: Uint8Array, atUs: number): boolean {
    const key = Buffer.from(epc).toString('hex');
    this.#forget(atUs);
    const tag = this.#present.get(key);
    this.#present.delete(key);
    const hasRoom = this.#present.size < mostTags;
    if (tag !== undefined && atUs - tag.toldUs < this.#repeatUs) {
      tag.seenUs = atUs;
      this.#present.set(key, tag);
    } else if (hasRoom) {
      this.#present.set(key, { seenUs: atUs, toldUs: atUs });
      return true;
    }
    this.#repeats += 1;
    return false;
  }

  #forget(atUs: number): void {
    for (const [key, { seenUs }] of this.#present) {
      if (atUs - seenUs < this.#goneUs) return;
      this.#present.delete(key);
    }
  }
}
