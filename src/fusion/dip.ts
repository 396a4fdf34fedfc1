import { logNormal, logSumExp } from './likelihood.ts';
import { dipPriors } from './priors.ts';
import type { Change, Explanation, Lot, Part } from './types.ts';

/** Below this, and below this part of what the plateaus differ by, a dip is a hand that presses and lets go, mg. */
const leastMg = 5_000;
const leastPart = 0.04;
/** Standard uncertainty of a dip: it is read off in a tenth of a second, mg and in parts of the dip. */
const sdMg = 2_000;
const sdPart = 0.015;
/** A dip agrees with what was taken out within so many times its uncertainty. */
const agreesZ = 3;

/** How far the plate went below both plateaus in a change, mg: 0 where it did not; undefined where that isn't known. */
function dipOf({ dipMg, massMg }: Change): number | undefined {
  if (dipMg === undefined) return undefined;
  return dipMg >= Math.max(leastMg, leastPart * Math.abs(massMg)) ? dipMg : 0;
}

/** Whether a plate was seen to become lighter, and heavier again, by more than its plateaus differ. */
export function dipped(change: Change): boolean {
  return (dipOf(change) ?? 0) > 0;
}

interface Taken {
  readonly massMg: number;
  readonly varMg2: number;
}

/** What parts take out together; undefined where nothing is taken out, or nothing put in. */
function takenOut(parts: readonly Part[]): Taken | undefined {
  let massMg = 0;
  let varMg2 = 0;
  let into = false;
  for (const part of parts) {
    if (part.sign > 0) into = true;
    else {
      massMg += part.meanMg;
      varMg2 += part.varMg2;
    }
  }
  return into && massMg > 0 ? { massMg, varMg2 } : undefined;
}

/** What a clean exchange (all out, then all in) lets the plate go below both plateaus, mg: the lesser of what goes and what comes. */
const expectedMg = ({ massMg }: Taken, change: Change) => massMg + Math.min(0, change.massMg);

/**
 * Whether both halves of an exchange were weighed: the plate dipped by just what is said to have been taken out, so that what
 * was put in is known as well as if it had come alone.
 */
export function weighedApart(change: Change, parts: readonly Part[]): boolean {
  const dipMg = dipOf(change) ?? 0;
  const taken = takenOut(parts);
  if (dipMg === 0 || taken === undefined) return false;
  const off = dipMg - expectedMg(taken, change);
  return off * off <= agreesZ * agreesZ * (varianceOf(dipMg) + taken.varMg2);
}

const varianceOf = (dipMg: number) => sdMg * sdMg + (sdPart * dipMg) ** 2;

/**
 * What a dip says of explanations, as factors on them: an exchange dips by what is taken out first; whatever else happened does
 * only where something that lay there was lifted and set down again meanwhile, which dips by its mass.
 */
export class Dip {
  readonly #change: Change;
  readonly #dipMg: number | undefined;
  /** log density of a dip where something inside is lifted and set down again, relative to any dip. */
  readonly #logLifted: number;
  /** log of any dip's density: evenly up to all that lies there. */
  readonly #logAny: number;

  constructor(change: Change, lots: readonly Lot[]) {
    this.#change = change;
    const dipMg = dipOf(change);
    this.#dipMg = dipMg;
    const inside = lots.filter(({ massMg }) => massMg > 0);
    const totalMg = inside.reduce((sum, { massMg }) => sum + massMg, 0);
    this.#logAny = -Math.log(Math.max(totalMg, dipMg ?? 0, 1));
    this.#logLifted = this.#lifted(inside);
  }

  #lifted(inside: readonly Lot[]): number {
    const dipMg = this.#dipMg ?? 0;
    if (dipMg === 0) return 0;
    const { oneThing } = dipPriors;
    const each = Math.log(oneThing / Math.max(1, inside.length)) - this.#logAny;
    const things = inside.map(
      ({ massMg, varMg2 }) => each + logNormal(dipMg, massMg, varianceOf(dipMg) + varMg2),
    );
    return logSumExp([...things, Math.log(1 - oneThing)]);
  }

  /** log of how much likelier the dip is under an explanation than a dip of any size; of no dip, log of how likely that is. */
  logFactor({ kind, parts }: Explanation): number {
    const dipMg = this.#dipMg;
    if (dipMg === undefined) return 0;
    const taken = takenOut(parts);
    if (dipMg === 0) return taken === undefined ? 0 : Math.log(dipPriors.exchangeWithout);
    if (kind === 'mixed') return this.#logLifted + Math.log(dipPriors.cleanExchange);
    if (taken === undefined) {
      const lifted = kind === 'nothing' ? dipPriors.liftedAlone : dipPriors.liftedBeside;
      return this.#logLifted + Math.log(lifted);
    }
    return this.#exchanged(taken, dipMg);
  }

  #exchanged(taken: Taken, dipMg: number): number {
    const { cleanExchange, exchangeWithout, liftedBeside } = dipPriors;
    const mostMg = expectedMg(taken, this.#change);
    const clean = logNormal(dipMg, mostMg, varianceOf(dipMg) + taken.varMg2) - this.#logAny;
    // Of two hands one is still lifting when the other lets go: it dips by less.
    const overlapping = dipMg < mostMg ? -Math.log(mostMg) - this.#logAny : Number.NEGATIVE_INFINITY;
    const overlap = 1 - cleanExchange - exchangeWithout;
    return logSumExp([
      clean + Math.log(cleanExchange),
      overlapping + Math.log(overlap),
      this.#logLifted + Math.log(liftedBeside),
    ]);
  }

  /** The most that `logFactor` can be. */
  get mostLogFactor(): number {
    const dipMg = this.#dipMg ?? 0;
    if (dipMg === 0) return 0;
    const peak = logNormal(0, 0, varianceOf(dipMg)) - this.#logAny;
    return Math.max(0, this.#logLifted, logSumExp([peak, -Math.log(dipMg) - this.#logAny, this.#logLifted]));
  }
}
