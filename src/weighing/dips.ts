import { usPerMs } from '#base/units.ts';
import type { WeighingOutput } from './outputs.ts';

/** A load that had left must have been away for so long: longer than half a swing of a plate that rings (4 Hz and more). */
const spanUs = 100 * usPerMs;
/** Samples kept: 100 ms at 320/s and more. */
const capacity = 64;
const mask = capacity - 1;
/** Fewest samples that a mean is made of; where the rate is low they span more time. */
const fewest = 3;
/** A plate that is only lighter lies still; one that something fell on swings: its samples spread by more than this part of the depth. */
const steadyPart = 0.04;
/** The same where it is hardly lighter, mg. */
const steadyMg = 2_000;

/**
 * How far a plate went below where it had been, between two plateaus: what is taken out before something else is put in leaves
 * nothing of its mass in the difference of the plateaus, but it was away for some tenths of a second.
 */
export class Dips {
  readonly #mg = new Float64Array(capacity);
  readonly #at = new Float64Array(capacity);
  #count = 0;
  /** Lowest steady mean over 100 ms since the plate left its plateau, mg; infinite where there is none. */
  #lowestMg = Number.POSITIVE_INFINITY;
  /** Mass of the plate at the plateau that it is on, as its tracker has it, mg. */
  readonly #levelMg: () => number | undefined;

  constructor(levelMg: () => number | undefined) {
    this.#levelMg = levelMg;
  }

  /** Takes one raw mass of the plate before its tracker does. HOT PATH: about ten additions a sample, and only while it moves. */
  push(atUs: number, mg: number, resting: boolean): void {
    this.#mg[this.#count & mask] = mg;
    this.#at[this.#count & mask] = atUs;
    this.#count++;
    if (resting) {
      this.#lowestMg = Number.POSITIVE_INFINITY;
      return;
    }
    const levelMg = this.#levelMg();
    if (levelMg === undefined || mg > levelMg) return;
    const most = Math.min(this.#count, capacity);
    let sum = 0;
    let squares = 0;
    let n = 0;
    for (; n < most; n++) {
      const i = (this.#count - 1 - n) & mask;
      if (n >= fewest && (this.#at[i] ?? 0) < atUs - spanUs) break;
      const below = levelMg - (this.#mg[i] ?? 0);
      sum += below;
      squares += below * below;
    }
    if (n < fewest) return;
    const depthMg = sum / n;
    const limitMg = Math.max(steadyMg, steadyPart * depthMg);
    if (depthMg <= levelMg - this.#lowestMg || squares / n - depthMg * depthMg > limitMg * limitMg) return;
    this.#lowestMg = levelMg - depthMg;
  }

  /**
   * What the tracker says, a movement with how far it dipped. Nothing is told of one during which the cart moved, or that nobody
   * watched.
   */
  of(output: WeighingOutput): WeighingOutput {
    const levelMg = this.#levelMg();
    if (output.kind !== 'movement' || output.moving || output.whileAway || levelMg === undefined)
      return output;
    // The tracker stands on the new plateau when it tells of a movement.
    const beforeMg = levelMg - output.massMg;
    return { ...output, dipMg: Math.max(0, Math.round(Math.min(beforeMg, levelMg) - this.#lowestMg)) };
  }
}
