import { usPerSecond } from '#base/units.ts';

/**
 * Share of a load change per second that the baseline may follow right after it, and how long that takes to fade, s.
 * Creep of load cells (0.02–0.1 % of the load in 30 min) goes fastest at first.
 */
const creepPerS = 3e-5;
const creepFadeS = 60;
/** After a plateau began, its mean may still be refined by this part of a scale interval. */
const refineDivisions = 0.1;
const refineS = 3;
/** Zero-setting and tracking may go to this part of Max in all (OIML R 76). */
const zeroPart = 0.04;

/** What must survive a restart, in mg of the calibrated cells before zero and tare. */
export interface BaselineState {
  readonly tareMg: number;
  readonly zeroMg: number;
  readonly baselineMg?: number;
}

/**
 * The mass up to which everything on a plate is accounted for: movements are measured from it. It follows drift and
 * creep at a limited rate, so that a slow real addition still adds up. Zero and tare shift what is shown, never this.
 */
export class Baseline {
  readonly #creepMgPerS: number;
  readonly #zeroMgPerS: number;
  readonly #divisionMg: number;
  readonly #zeroLimitMg: number;
  tareMg = 0;
  zeroMg = 0;
  /** Undefined until the first plateau. */
  massMg: number | undefined;
  #loadMg = 0;
  #loadAtUs = 0;
  #refineMg = 0;
  #refineUntilUs = 0;

  constructor(options: {
    creepMgPerS: number;
    zeroDivisionsPerS: number;
    divisionMg: number;
    maxMg: number;
    state: BaselineState | undefined;
  }) {
    this.#creepMgPerS = options.creepMgPerS;
    this.#zeroMgPerS = Math.min(0.5, options.zeroDivisionsPerS) * options.divisionMg;
    this.#divisionMg = options.divisionMg;
    this.#zeroLimitMg = zeroPart * options.maxMg;
    this.tareMg = options.state?.tareMg ?? 0;
    this.zeroMg = options.state?.zeroMg ?? 0;
    this.massMg = options.state?.baselineMg;
  }

  /** The mass is computed otherwise from now on: zero and baseline mean nothing any more; the tare is a mass and stays. */
  restart(): void {
    this.zeroMg = 0;
    this.massMg = undefined;
    this.#loadMg = 0;
    this.#refineMg = 0;
  }

  /** Accounts for everything up to `massMg`. */
  settle(massMg: number, atUs: number): void {
    const change = this.massMg === undefined ? 0 : Math.abs(massMg - this.massMg);
    this.#loadMg = Math.max(change, this.#fadingMg(atUs));
    this.#loadAtUs = atUs;
    this.massMg = massMg;
    this.#refineMg = refineDivisions * this.#divisionMg;
    this.#refineUntilUs = atUs + refineS * usPerSecond;
  }

  /** Follows the level of a resting plate for `elapsedUs`, no faster than drift and creep can be. */
  follow(levelMg: number, elapsedUs: number, atUs: number): void {
    if (this.massMg === undefined) return;
    const seconds = elapsedUs / usPerSecond;
    const rate = this.#creepMgPerS + creepPerS * this.#fadingMg(atUs);
    const limit = rate * seconds;
    const gap = levelMg - this.massMg;
    if (Math.abs(gap) <= limit) {
      this.massMg = levelMg;
      return;
    }
    let step = limit;
    if (atUs < this.#refineUntilUs && Math.abs(gap) <= this.#refineMg) {
      this.#refineMg -= Math.abs(gap) - limit;
      step = Math.abs(gap);
    }
    this.massMg += gap > 0 ? step : -step;
  }

  /** Fastest drift that is followed at `atUs`, mg/s. */
  rateMgPerS(atUs: number): number {
    return this.#creepMgPerS + creepPerS * this.#fadingMg(atUs);
  }

  /**
   * Zero tracking (OIML R 76-1, 4.5.7): only where the indication is zero, at ≤ 0.5 d/s, within 4 % of Max in all. The
   * caller says when: at rest, outside sessions.
   */
  trackZero(levelMg: number, elapsedUs: number): void {
    const gross = levelMg - this.zeroMg;
    if (Math.abs(gross) > 0.5 * this.#divisionMg) return;
    const limit = (this.#zeroMgPerS * elapsedUs) / usPerSecond;
    const moved = this.zeroMg + Math.max(-limit, Math.min(limit, gross));
    this.zeroMg = Math.max(-this.#zeroLimitMg, Math.min(this.#zeroLimitMg, moved));
  }

  /** Mass as shown: less zero, less tare. */
  net(massMg: number): number {
    return Math.round(massMg - this.zeroMg - this.tareMg);
  }

  saveState(): BaselineState {
    return {
      tareMg: this.tareMg,
      zeroMg: Math.round(this.zeroMg),
      ...(this.massMg === undefined ? {} : { baselineMg: Math.round(this.massMg) }),
    };
  }

  #fadingMg(atUs: number): number {
    const age = (atUs - this.#loadAtUs) / (creepFadeS * usPerSecond);
    return this.#loadMg / (1 + Math.max(0, age));
  }
}
