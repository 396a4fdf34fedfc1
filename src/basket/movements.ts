/** A plate that does not come to rest, as under a faulty cell, holds nobody up for longer, µs. */
const longestActivityUs = 10_000_000;

/** Whether something is being put in or taken out just now. */
export class MovementWatch {
  readonly #decideWithinUs: number;
  readonly #touchedSinceUs = new Map<string, number>();
  #decidedAtUs = Number.NEGATIVE_INFINITY;

  /** @param decideWithinUs how long after it has settled a movement may still be decided on */
  constructor(decideWithinUs: number) {
    this.#decideWithinUs = decideWithinUs;
  }

  /** A plate is touched (`isOpen`), or at rest again. */
  activity(plate: string, isOpen: boolean, nowUs: number): void {
    if (!isOpen) this.#touchedSinceUs.delete(plate);
    else if (!this.#touchedSinceUs.has(plate)) this.#touchedSinceUs.set(plate, nowUs);
  }

  /** A movement has settled. */
  settled(nowUs: number): void {
    this.#decidedAtUs = nowUs + this.#decideWithinUs;
  }

  isMoving(nowUs: number): boolean {
    if (nowUs < this.#decidedAtUs) return true;
    return [...this.#touchedSinceUs.values()].some((sinceUs) => nowUs - sinceUs < longestActivityUs);
  }
}
