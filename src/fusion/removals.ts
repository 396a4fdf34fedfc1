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

/** Part of a set that the search puts together: its lots are `first` … `last` in the order of lots. */
interface Share extends RemovalSet {
  readonly first: number;
  readonly last: number;
  /** Its prior beside that of any set of so many lots. */
  readonly weight: number;
}

/** Sets of one size, sorted by mass, with the sum of the prior weights of those before each. */
interface Half {
  readonly sets: readonly Share[];
  readonly weightBefore: Float64Array;
}

/** Sets of one size that is not listed. */
export interface DeepSets {
  /** log of the most that they weigh together: their priors times the largest density of a mass of that variance. */
  readonly logBound: number;
  /** Undefined where they are too many to be put together. */
  readonly sets: (() => Iterable<RemovalSet>) | undefined;
}

/**
 * Sets of up to `maximumItems` lots (with counts) that may have been taken out, by mass. Only what is inside can be
 * taken out, so this is exact. Sizes of which there are no more than 12,000 sets are listed. Of larger ones only those that weigh
 * what was measured are put together, from two halves that are sorted by mass; where even those are too many, `logBound` says how
 * much they weigh together at most.
 */
export class RemovalSets {
  readonly singles: readonly RemovalSet[];
  readonly #listed: readonly Share[];
  readonly #listedVarMg2: number;
  readonly #ones: Half;
  /** Undefined where even the pairs are too many. */
  readonly #twos: Half | undefined;
  readonly #deep: readonly number[];
  readonly #kinds: number;
  readonly #largestVarMg2: number;
  readonly #limit: number;

  /** @param limit most sets of one size that are listed, or tried together */
  constructor(
    lots: readonly Lot[],
    catalogue: Catalogue,
    maximumItems: number,
    limit: number = maximumRemovalSets,
  ) {
    const inside = lots.filter((lot) => lot.massMg > 0 && lot.count > 0);
    const choices = choicesOf(inside, catalogue);
    this.#kinds = inside.length;
    this.#limit = limit;
    const listed: Share[] = [];
    const deep: number[] = [];
    for (let size = 1; size <= Math.min(maximumItems, inside.length); size++) {
      if (size > 1 && setsOf(choices, size) > limit) deep.push(size);
      else collect(choices, size, 0, emptySet, logShare(size, inside.length), listed);
    }
    const ofSize = (size: number) => listed.filter((set) => set.parts.length === size);
    this.singles = ofSize(1);
    this.#deep = deep;
    const halves = (size: number) => halfOf(ofSize(size), logShare(size, inside.length));
    this.#ones = deep.length === 0 ? noHalf : halves(1);
    this.#twos = deep.length === 0 || deep.includes(2) ? undefined : halves(2);
    this.#listed = listed.sort(byMass);
    this.#listedVarMg2 = listed.reduce((largest, set) => Math.max(largest, set.varMg2), 0);
    this.#largestVarMg2 = this.singles.reduce((largest, set) => Math.max(largest, set.varMg2), 0);
  }

  /** Listed sets of at most `maximum` kinds that weigh `massMg` within the gate, `varMg2` being everything else's variance. */
  *matches(massMg: number, varMg2: number, maximum: number): Generator<RemovalSet> {
    const sets = this.#listed;
    const gate = gateZ * Math.sqrt(varMg2 + this.#listedVarMg2);
    for (let i = positionOf(sets, massMg - gate); i < sets.length; i++) {
      const set = sets[i];
      if (set === undefined || set.meanMg > massMg + gate) return;
      if (set.parts.length <= maximum && fits(set, massMg, varMg2)) yield set;
    }
  }

  /** Sets of sizes that are not listed, and weigh about `massMg`: at most how much they weigh as explanations, and which they are. */
  *deeper(massMg: number, varMg2: number, maximum: number): Generator<DeepSets> {
    for (const size of this.#deep) {
      if (size > maximum) return;
      const { count, weight } = this.#tries(size, massMg, varMg2);
      if (weight === 0) continue;
      const peak = -0.5 * Math.log(2 * Math.PI * Math.max(1, varMg2));
      yield {
        logBound: Math.log(weight) + logShare(size, this.#kinds) + peak,
        sets: count > this.#limit ? undefined : () => this.#joined(size, massMg, varMg2),
      };
    }
  }

  /** Pairs of halves that weigh about right, by walking both at once: the heavier one is, the lighter is the other. */
  #tries(size: number, massMg: number, varMg2: number): { readonly count: number; readonly weight: number } {
    const twos = this.#twos;
    // No halves to count with: as if every set weighed what was measured.
    if (twos === undefined) return { count: Number.POSITIVE_INFINITY, weight: sumOf(this.#ones) ** size };
    const gate = this.#gate(size, varMg2);
    const { sets, weightBefore } = size === 3 ? this.#ones : twos;
    let count = 0;
    let weight = 0;
    let from = sets.length;
    let to = sets.length;
    for (const half of twos.sets) {
      const rest = massMg - half.meanMg;
      while (to > 0 && (sets[to - 1]?.meanMg ?? 0) > rest + gate) to--;
      while (from > 0 && (sets[from - 1]?.meanMg ?? 0) >= rest - gate) from--;
      if (to === 0) break;
      count += to - from;
      weight += ((weightBefore[to] ?? 0) - (weightBefore[from] ?? 0)) * half.weight;
    }
    // Each set of three is found by three splits, each of four by six.
    return { count, weight: Math.max(0, weight) / (size === 3 ? 3 : 6) };
  }

  #gate(size: number, varMg2: number): number {
    return gateZ * Math.sqrt(varMg2 + size * this.#largestVarMg2);
  }

  /** Sets of three or four kinds, each put together of a pair and the rest behind it in the order of lots. */
  *#joined(size: number, massMg: number, varMg2: number): Generator<RemovalSet> {
    const rests = (size === 3 ? this.#ones : this.#twos)?.sets ?? [];
    const gate = this.#gate(size, varMg2);
    const log = logShare(size, this.#kinds);
    for (const half of this.#twos?.sets ?? []) {
      const restMg = massMg - half.meanMg;
      for (let i = positionOf(rests, restMg - gate); i < rests.length; i++) {
        const rest = rests[i];
        if (rest === undefined || rest.meanMg > restMg + gate) break;
        if (rest.first <= half.last) continue;
        const d = restMg - rest.meanMg;
        const variance = half.varMg2 + rest.varMg2;
        if (d * d > gateZ * gateZ * (varMg2 + variance)) continue;
        yield {
          parts: [...half.parts, ...rest.parts],
          meanMg: half.meanMg + rest.meanMg,
          varMg2: variance,
          logPrior: log + Math.log(half.weight * rest.weight),
        };
      }
    }
  }
}

const byMass = (a: Share, b: Share) => a.meanMg - b.meanMg;

function halfOf(sets: readonly Share[], logShared: number): Half {
  const sorted = sets.map((set) => ({ ...set, weight: Math.exp(set.logPrior - logShared) })).sort(byMass);
  const weightBefore = new Float64Array(sorted.length + 1);
  for (const [i, { weight }] of sorted.entries()) weightBefore[i + 1] = (weightBefore[i] ?? 0) + weight;
  return { sets: sorted, weightBefore };
}

function sumOf({ weightBefore }: Half): number {
  return weightBefore[weightBefore.length - 1] ?? 0;
}

const noHalf: Half = { sets: [], weightBefore: new Float64Array(1) };
const emptySet: Share = { parts: [], meanMg: 0, varMg2: 0, logPrior: 0, weight: 1, first: -1, last: -1 };

/** log prior of one certain set of `size` of `kinds` lots. */
function logShare(size: number, kinds: number): number {
  return Math.log((priors.removed[size] ?? 0) / binomial(kinds, size));
}

function fits(set: RemovalSet, massMg: number, varMg2: number): boolean {
  const d = massMg - set.meanMg;
  return d * d <= gateZ * gateZ * (varMg2 + set.varMg2);
}

/** How many of the sorted sets weigh less than `massMg`. */
function positionOf(sorted: readonly RemovalSet[], massMg: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle]?.meanMg ?? 0) < massMg) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many sets of `size` lots with counts there are: the elementary symmetric sum of the numbers of choices. */
function setsOf(choices: readonly (readonly Choice[])[], size: number): number {
  const sums = [1, ...Array.from({ length: size }, () => 0)];
  for (const { length } of choices) {
    for (let k = size; k >= 1; k--) sums[k] = (sums[k] ?? 0) + (sums[k - 1] ?? 0) * length;
  }
  return sums[size] ?? 0;
}

/** Every way to add `missing` more lots to a set, from the lot `from` on. */
function collect(
  choices: readonly (readonly Choice[])[],
  missing: number,
  from: number,
  set: Share,
  logPrior: number,
  into: Share[],
): void {
  if (missing === 0) {
    into.push({ ...set, logPrior });
    return;
  }
  for (let i = from; i <= choices.length - missing; i++) {
    for (const { part, weight } of choices[i] ?? []) {
      const more: Share = {
        parts: [...set.parts, part],
        meanMg: set.meanMg + part.meanMg,
        varMg2: set.varMg2 + part.varMg2,
        logPrior: 0,
        weight: set.weight * weight,
        first: set.first < 0 ? i : set.first,
        last: i,
      };
      collect(choices, missing - 1, i + 1, more, logPrior + Math.log(weight), into);
    }
  }
}
