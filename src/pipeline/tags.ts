/** No basket holds more tagged things; the one seen first is forgotten. */
const mostTags = 4_096;

/**
 * Radio tags that this trip has seen. A tag is one thing: however often a reader loses and finds it, it is observed
 * once a session.
 */
export class TagMemory {
  readonly #seen = new Set<string>();

  constructor(saved: readonly string[] = []) {
    for (const epc of saved) this.#seen.add(epc);
  }

  /** Whether this is the first time. */
  isNew(epc: Uint8Array): boolean {
    const key = Buffer.from(epc).toString('hex');
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    const [first] = this.#seen;
    if (this.#seen.size > mostTags && first !== undefined) this.#seen.delete(first);
    return true;
  }

  /** Another trip begins: what still is in the field is seen anew. */
  clear(): void {
    this.#seen.clear();
  }

  saveState(): readonly string[] {
    return [...this.#seen];
  }
}
