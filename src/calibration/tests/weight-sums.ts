import type { Weight } from '../types.ts';

/** Sums beyond this many are not enumerated: finer weights than these tell loads apart no better. */
const mostSums = 8_192;

/** Every load that some of the weights make, and of which: each weight is used once at most. */
class WeightSums {
  /** Sums in mg, rising, and the fewest weights that make each. */
  readonly #sums: readonly (readonly [massMg: number, weights: readonly Weight[]])[];

  constructor(weights: readonly Weight[]) {
    const found = new Map<number, readonly Weight[]>([[0, []]]);
    for (const weight of [...weights].sort((a, b) => b.massMg - a.massMg)) {
      if (weight.massMg <= 0 || found.size * 2 > mostSums) continue;
      for (const [massMg, used] of [...found]) {
        const sum = massMg + weight.massMg;
        const known = found.get(sum);
        if (known === undefined || known.length > used.length + 1) found.set(sum, [...used, weight]);
      }
    }
    this.#sums = [...found].sort(([a], [b]) => a - b);
  }

  /** Load nearest to `massMg` within [`least`, `most`], all in mg; undefined where there is none but 0. */
  nearest(massMg: number, least: number, most: number): Pick<Load, 'massMg' | 'weights'> | undefined {
    let best: Load | undefined;
    for (const [sum, weights] of this.#sums) {
      if (sum <= 0 || sum < least || sum > most) continue;
      if (best === undefined || Math.abs(sum - massMg) < Math.abs(best.massMg - massMg)) {
        best = { massMg: sum, weights, substitutedMg: 0 };
      }
    }
    return best;
  }
}

/** What is to lie on the plate: weights, and what stands in for weights. */
export interface Load {
  /** In all, mg. */
  readonly massMg: number;
  readonly weights: readonly Weight[];
  readonly substitutedMg: number;
}

/** From this part of Max on weights suffice for a test with substitution loads. */
const substitutionPart = 1 / 3;
/** A load from this part of Max on is "close to Max". */
const nearMaxPart = 0.9;

/** The loads that a technician can make on one plate with the weights at hand. */
export class Loads {
  readonly #sums: WeightSums;
  readonly #maxMg: number;
  /** Largest load of weights alone. */
  readonly fullMg: number;
  /** How often the full load may be substituted: 0 where weights alone come close to Max, or are too few. */
  readonly substitutions: number;

  constructor(weights: readonly Weight[], maxMg: number) {
    this.#sums = new WeightSums(weights);
    this.#maxMg = maxMg;
    this.fullMg = this.#sums.nearest(maxMg, 0, maxMg)?.massMg ?? 0;
    const needsMore = this.fullMg < nearMaxPart * maxMg;
    const suffices = this.fullMg >= substitutionPart * maxMg;
    this.substitutions = needsMore && suffices ? Math.ceil(maxMg / this.fullMg) - 1 : 0;
  }

  /** The largest load. */
  top(): Load | undefined {
    return this.near(this.#maxMg);
  }

  /** The load nearest to `massMg`, never above Max; with as little substitution load as will do. */
  near(massMg: number): Load | undefined {
    const level =
      this.fullMg <= 0 ? 0 : Math.min(this.substitutions, Math.max(0, Math.ceil(massMg / this.fullMg) - 1));
    const base = level * this.fullMg;
    const found = this.#sums.nearest(massMg - base, 0, this.#maxMg - base);
    if (found === undefined) return undefined;
    return { massMg: base + found.massMg, weights: found.weights, substitutedMg: base };
  }

  /** Weights alone, nearest to `massMg` within bounds, mg. */
  ofWeights(massMg: number, leastMg: number, mostMg: number): Load | undefined {
    const found = this.#sums.nearest(massMg, leastMg, mostMg);
    return found === undefined ? undefined : { ...found, substitutedMg: 0 };
  }

  /** All weights, on what stands in for `substitutedMg`: where the next substitution is made. */
  full(substitutedMg: number): Load | undefined {
    const found = this.#sums.nearest(this.fullMg, this.fullMg, this.fullMg);
    if (found === undefined || substitutedMg + found.massMg > this.#maxMg) return undefined;
    return { massMg: substitutedMg + found.massMg, weights: found.weights, substitutedMg };
  }
}
