import type { Product } from '#catalogue/products.ts';
import { gateZ, type UnitMass, unitMass } from './likelihood.ts';

interface Entry {
  readonly product: Product;
  readonly meanMg: number;
  readonly varMg2: number;
  readonly logPopularity: number;
}
interface Bucket {
  readonly entries: Entry[];
  maxVarMg2: number;
}

/** A product whose `count` units weigh about what was asked. */
export interface MassMatch {
  readonly product: Product;
  readonly meanMg: number;
  readonly varMg2: number;
  /** How much likelier than the average product it is to be bought, as a logarithm. */
  readonly logPopularity: number;
}

/** First position whose mean is not below `meanMg`. */
function lowerBound(entries: readonly Entry[], meanMg: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.meanMg ?? 0) < meanMg) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The products that mass can tell apart, by mass. They are kept in classes of similar spread, each sorted by mean, so
 * that one product of wide spread doesn't widen the search among all others. Produce isn't in it.
 */
export class MassIndex {
  readonly size: number;
  readonly #buckets: readonly Bucket[];
  /** All means, ascending. */
  readonly #means: Float64Array;

  /**
   * @param massOf what one unit of a product weighs
   * @param popularityOf how much likelier than the average product it is to be bought, as a logarithm
   */
  constructor(
    products: readonly Product[],
    massOf: (product: Product) => UnitMass = unitMass,
    popularityOf: (product: Product) => number = () => 0,
  ) {
    const buckets = new Map<number, Bucket>();
    let size = 0;
    for (const product of products) {
      const unit = massOf(product);
      if (unit.broad) continue;
      size++;
      const key = Math.ceil(Math.log2(Math.max(1, unit.varMg2)));
      const bucket = buckets.get(key) ?? { entries: [], maxVarMg2: 0 };
      const { meanMg, varMg2 } = unit;
      bucket.entries.push({ product, meanMg, varMg2, logPopularity: popularityOf(product) });
      bucket.maxVarMg2 = Math.max(bucket.maxVarMg2, unit.varMg2);
      buckets.set(key, bucket);
    }
    for (const bucket of buckets.values()) bucket.entries.sort((a, b) => a.meanMg - b.meanMg);
    this.size = size;
    this.#buckets = [...buckets.values()];
    this.#means = Float64Array.from(this.#buckets.flatMap(({ entries }) => entries.map((one) => one.meanMg)));
    this.#means.sort();
  }

  /** Every product of which `count` units weigh `massMg` within the gate, `varMg2` being the variance of the measurement. Exact. */
  *matches(massMg: number, varMg2: number, count: number): Generator<MassMatch> {
    for (const bucket of this.#buckets) {
      const gate = gateZ * Math.sqrt(varMg2 + count * bucket.maxVarMg2);
      const to = (massMg + gate) / count;
      for (let i = lowerBound(bucket.entries, (massMg - gate) / count); i < bucket.entries.length; i++) {
        const entry = bucket.entries[i];
        if (entry === undefined || entry.meanMg > to) break;
        const d = massMg - count * entry.meanMg;
        if (d * d <= gateZ * gateZ * (varMg2 + count * entry.varMg2)) yield entry;
      }
    }
  }

  /** Every product, class by class. */
  *all(): Generator<MassMatch> {
    for (const { entries } of this.#buckets) yield* entries;
  }

  /**
   * How many unordered pairs of products (a product with itself included) have means that sum to within
   * ± `halfWidthMg` of `massMg`. One pass: as the first grows, the window of partners moves down.
   */
  countPairs(massMg: number, halfWidthMg: number): number {
    const means = this.#means;
    let ordered = 0;
    let twins = 0;
    let above = means.length;
    let below = means.length;
    for (const mean of means) {
      while (above > 0 && (means[above - 1] ?? 0) > massMg + halfWidthMg - mean) above--;
      while (below > 0 && (means[below - 1] ?? 0) >= massMg - halfWidthMg - mean) below--;
      ordered += above - below;
      if (Math.abs(massMg - 2 * mean) <= halfWidthMg) twins++;
    }
    return (ordered + twins) / 2;
  }
}
