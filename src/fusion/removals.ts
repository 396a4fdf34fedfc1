import type { Catalogue } from '#catalogue/products.ts';
import { gateZ } from './likelihood.ts';
import { divisible, unitsMass } from './lots.ts';
import { maximumRemovalSets, priors } from './priors.ts';
import type { Lot, Part } from './types.ts';

/** Some units taken out together, with what they weigh. */
export interface RemovalSet {
  readonly parts: readonly Part[];
  readonly meanMg: number;
  readonly varMg2: number;
  readonly logPrior: number;
}

interface Choice {
  readonly part: Part;
  readonly weight: number;
}

/** Every number of units of every lot, weighed by its own measurement. */
function choicesOf(lots: readonly Lot[], catalogue: Catalogue): Choice[][] {
  return lots.map((lot) => {
    const product = lot.product === undefined ? undefined : catalogue.byKey.get(lot.product);
    const choices: Choice[] = [];
    for (let k = 1; k <= lot.count; k++) {
      if (k < lot.count && !divisible(lot)) continue;
      const mass = unitsMass(lot, k);
      choices.push({
        weight: priors.furtherUnit ** (k - 1) * (lot.question === undefined ? 1 : priors.askedRemoved),
        part: {
          sign: -1,
          product,
          count: k,
          meanMg: mass.meanMg,
          varMg2: mass.varMg2,
          unitMeanMg: lot.unitMeanMg,
          unitVarMg2: lot.unitVarMg2,
          broad: false,
          scans: [],
          lot,
          entry: 'weight',
        },
      });
    }
    return choices;
  });
}

/** Number of ways to choose `size` of `n`. */
function binomial(n: number, size: number): number {
  let result = 1;
  for (let i = 0; i < size; i++) result = (result * (n - i)) / (i + 1);
  return result;
}

/**
 * Sets of up to `maximumItems` lots (with counts) that may have been taken out, by mass. Only what is inside can be
 * taken out, so this is exact but for one bound: sets of a size of which there are more than 12,000 are left
 * out; a larger set carries at most the prior of that size (0.5 % for two, 0.1 % for three kinds at once).
 */
export class RemovalSets {
  readonly singles: readonly RemovalSet[];
  readonly #sorted: readonly RemovalSet[];
  readonly #maxVarMg2: number;

  constructor(lots: readonly Lot[], catalogue: Catalogue, maximumItems: number) {
    const inside = lots.filter((lot) => lot.massMg > 0 && lot.count > 0);
    const choices = choicesOf(inside, catalogue);
    const sets: RemovalSet[] = [];
    for (let size = 1; size <= Math.min(maximumItems, inside.length); size++) {
      if (size > 1 && setsOf(choices, size) > maximumRemovalSets) break;
      const logSize = Math.log((priors.removed[size] ?? 0) / binomial(inside.length, size));
      collect(choices, size, 0, [], 0, 0, logSize, sets);
    }
    this.singles = sets.filter((set) => set.parts.length === 1);
    this.#sorted = sets.sort((a, b) => a.meanMg - b.meanMg);
    this.#maxVarMg2 = sets.reduce((largest, set) => Math.max(largest, set.varMg2), 0);
  }

  /** Sets of at most `maximum` kinds that weigh `massMg` within the gate, `varMg2` being everything else's variance. */
  *matches(massMg: number, varMg2: number, maximum: number): Generator<RemovalSet> {
    const gate = gateZ * Math.sqrt(varMg2 + this.#maxVarMg2);
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle]?.meanMg ?? 0) < massMg - gate) low = middle + 1;
      else high = middle;
    }
    for (let i = low; i < this.#sorted.length; i++) {
      const set = this.#sorted[i];
      if (set === undefined || set.meanMg > massMg + gate) break;
      const d = massMg - set.meanMg;
      if (set.parts.length <= maximum && d * d <= gateZ * gateZ * (varMg2 + set.varMg2)) yield set;
    }
  }
}

/** How many sets of `size` lots with counts there are: the elementary symmetric sum of the numbers of choices. */
function setsOf(choices: readonly (readonly Choice[])[], size: number): number {
  const sums = [1, ...Array.from({ length: size }, () => 0)];
  for (const { length } of choices) {
    for (let k = size; k >= 1; k--) sums[k] = (sums[k] ?? 0) + (sums[k - 1] ?? 0) * length;
  }
  return sums[size] ?? 0;
}

function collect(
  choices: readonly (readonly Choice[])[],
  size: number,
  from: number,
  chosen: readonly Part[],
  meanMg: number,
  varMg2: number,
  logPrior: number,
  into: RemovalSet[],
): void {
  if (chosen.length === size) {
    into.push({ parts: chosen, meanMg, varMg2, logPrior });
    return;
  }
  for (let i = from; i <= choices.length - (size - chosen.length); i++) {
    for (const { part, weight } of choices[i] ?? []) {
      const mean = meanMg + part.meanMg;
      const variance = varMg2 + part.varMg2;
      collect(choices, size, i + 1, [...chosen, part], mean, variance, logPrior + Math.log(weight), into);
    }
  }
}
