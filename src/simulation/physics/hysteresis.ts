/** Smaller changes of load than this part of the largest one don't turn the direction: noise is no unloading. */
const turnPart = 1e-3;

/**
 * What a cell shows more while it is unloaded than while it was loaded. Coming down from the largest load Lm, the excess is a
 * lens 4·h·Lm·x·(1 − x), x = L/Lm: none at either end, h·Lm in the middle. Loaded anew on the way it closes in a straight line
 * up to Lm, where the cell forgets (return-point memory); unloaded again it comes back to the lens. The reading never jumps.
 */
export class Hysteresis {
  readonly #part: number;
  #topMg = 0;
  #rising = true;
  /** Where the direction was turned last; going up the excess there, going down what it lacked of the lens. */
  #turnMg = 0;
  #atTurnMg = 0;
  #lastMg = 0;
  #excessMg = 0;

  /** @param part h: of the largest load, in the middle of the way down */
  constructor(part: number) {
    this.#part = part;
  }

  /** Excess under this load (above the one at the start), mg. Loads come in order of time. */
  at(loadMg: number): number {
    const change = loadMg - this.#lastMg;
    if (loadMg >= this.#topMg || loadMg <= turnPart * this.#topMg) return this.#forget(loadMg);
    if (Math.abs(change) < turnPart * this.#topMg) return this.#excessMg;
    const rising = change > 0;
    if (rising !== this.#rising) {
      this.#rising = rising;
      this.#turnMg = this.#lastMg;
      this.#atTurnMg = rising ? this.#excessMg : this.#lens(this.#lastMg) - this.#excessMg;
    }
    this.#lastMg = loadMg;
    this.#excessMg = rising
      ? (this.#atTurnMg * (this.#topMg - loadMg)) / (this.#topMg - this.#turnMg)
      : this.#lens(loadMg) - (this.#atTurnMg * loadMg) / this.#turnMg;
    return this.#excessMg;
  }

  #lens(loadMg: number): number {
    const x = loadMg / this.#topMg;
    return 4 * this.#part * this.#topMg * x * (1 - x);
  }

  /** At a new largest load, or empty again: nothing before counts. */
  #forget(loadMg: number): number {
    this.#topMg = Math.max(0, loadMg);
    this.#rising = true;
    this.#turnMg = this.#topMg;
    this.#atTurnMg = 0;
    this.#lastMg = loadMg;
    this.#excessMg = 0;
    return 0;
  }
}
