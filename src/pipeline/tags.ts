/** No basket holds more tagged things, and no shelf that one reader sees. */
export const mostTags = 4_096;

/** `full`: there are more tags than can be told apart, so this one is not looked at. */
export type Sighting = 'new' | 'known' | 'full';

/**
 * Radio tags that were seen. A tag is one thing: however often a reader loses and finds it, it is news once a trip.
 * Outside of trips (on shelves always) it is news again when it was away for a while. Readers tell of a tag that stays
 * again and again, oftener than that while, so that one that lies there is known, and is seen by the trip that begins.
 */
export class TagMemory {
  readonly #forgetUs: number;
  /** When each was sighted last, µs; in order of that. */
  readonly #seen = new Map<string, number>();

  /**
   * @param forgetUs outside of trips, a tag that was not sighted for this long was away
   * @param saved EPCs that an earlier run knew, in hexadecimal: they are taken as sighted at `startUs`
   */
  constructor(forgetUs: number, saved: readonly string[] = [], startUs = 0) {
    this.#forgetUs = forgetUs;
    for (const epc of saved) this.#seen.set(epc, startUs);
  }

  /** Takes a sighting. Rate and memory are bounded: a full memory forgets only what nobody sees any more. */
  sighted(epc: Uint8Array, atUs: number, inTrip: boolean): Sighting {
    const key = Buffer.from(epc).toString('hex');
    const before = this.#seen.get(key);
    if (before === undefined && !this.#hasRoom(atUs)) return 'full';
    this.#seen.delete(key);
    this.#seen.set(key, atUs);
    return before === undefined || (!inTrip && this.#wasAway(before, atUs)) ? 'new' : 'known';
  }

  /** A trip begins: what is in the field is news to it. */
  clear(): void {
    this.#seen.clear();
  }

  /** What a restart must know, in an order that sightings don't change. */
  saveState(nowUs: number, inTrip: boolean): readonly string[] {
    return [...this.#seen]
      .filter(([, seenUs]) => inTrip || !this.#wasAway(seenUs, nowUs))
      .map(([epc]) => epc)
      .sort();
  }

  #wasAway(seenUs: number, nowUs: number): boolean {
    return nowUs - seenUs >= this.#forgetUs;
  }

  #hasRoom(nowUs: number): boolean {
    if (this.#seen.size < mostTags) return true;
    const [longestAway] = this.#seen;
    if (longestAway === undefined || !this.#wasAway(longestAway[1], nowUs)) return false;
    return this.#seen.delete(longestAway[0]);
  }
}
