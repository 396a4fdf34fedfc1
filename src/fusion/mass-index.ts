import type { Product } from '#catalogue/products.ts';
import { gateZ, type UnitMass, unitMass, unitsVarMg2 } from './likelihood.ts';

interface Entry {
  readonly product: Product;
  readonly meanMg: number;
  readonly varMg2: number;
  readonly commonMg2: number;
  readonly logPopularity: number;
}
/** Products of similar spread, by mean. The numbers once more in arrays of their own: they are looked through for every set of scans. */
interface Bucket {
  readonly entries: Entry[];
  maxVarMg2: number;
  maxCommonMg2: number;
  means: Float64Array;
  variances: Float64Array;
  commons: Float64Array;
  popularities: Float64Array;
}

/** What the products of about a mass weigh together as explanations of it. */
export interface MassDensity {
  /** log of the sum over products of popularity times the density of that mass, per mg. */
  readonly logSum: number;
  /** The largest of them. */
  readonly logBest: number;
  /** How many products there are within the gate. */
  readonly count: number;
}

/** A product whose `count` units weigh about what was asked. */
export interface MassMatch {
  readonly product: Product;
  readonly meanMg: number;
  readonly varMg2: number;
  readonly commonMg2: number;
  /** How much likelier than the average product it is to be bought, as a logarithm. */
  readonly logPopularity: number;
}

const none = new Float64Array(0);
const noNumbers = { means: none, variances: none, commons: none, popularities: none };

/** First position whose mean is not below `meanMg`. */
function lowerBound(means: Float64Array, meanMg: number): number {
  let low = 0;
  let high = means.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((means[middle] ?? 0) < meanMg) low = middle + 1;
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
      const bucket = buckets.get(key) ?? { entries: [], maxVarMg2: 0, maxCommonMg2: 0, ...noNumbers };
      const { meanMg, varMg2, commonMg2 } = unit;
      bucket.entries.push({ product, meanMg, varMg2, commonMg2, logPopularity: popularityOf(product) });
      bucket.maxVarMg2 = Math.max(bucket.maxVarMg2, varMg2);
      bucket.maxCommonMg2 = Math.max(bucket.maxCommonMg2, commonMg2);
      buckets.set(key, bucket);
    }
    for (const bucket of buckets.values()) {
      bucket.entries.sort((a, b) => a.meanMg - b.meanMg);
      bucket.means = Float64Array.from(bucket.entries, (one) => one.meanMg);
      bucket.variances = Float64Array.from(bucket.entries, (one) => one.varMg2);
      bucket.commons = Float64Array.from(bucket.entries, (one) => one.commonMg2);
      bucket.popularities = Float64Array.from(bucket.entries, (one) => one.logPopularity);
    }
    this.size = size;
    this.#buckets = [...buckets.values()];
    this.#means = Float64Array.from(this.#buckets.flatMap(({ entries }) => entries.map((one) => one.meanMg)));
    this.#means.sort();
  }

  /** Every product of which `count` units weigh `massMg` within the gate, `varMg2` being the variance of the measurement. Exact. */
  *matches(massMg: number, varMg2: number, count: number): Generator<MassMatch> {
    for (const bucket of this.#buckets) {
      const most = { varMg2: bucket.maxVarMg2, commonMg2: bucket.maxCommonMg2 };
      const gate = gateZ * Math.sqrt(varMg2 + unitsVarMg2(most, count));
      const to = (massMg + gate) / count;
      for (let i = lowerBound(bucket.means, (massMg - gate) / count); i < bucket.entries.length; i++) {
        const entry = bucket.entries[i];
        if (entry === undefined || entry.meanMg > to) break;
        const d = massMg - count * entry.meanMg;
        if (d * d <= gateZ * gateZ * (varMg2 + unitsVarMg2(entry, count))) yield entry;
      }
    }
  }

  /** What all products of which `count` units weigh `massMg` within the gate are worth together. HOT PATH. */
  density(massMg: number, varMg2: number, count: number): MassDensity {
    let sum = 0;
    let best = 0;
    let matches = 0;
    // As `unitsVarMg2`, without an object for each product.
    const pairs = count * count - count;
    for (const { means, variances, commons, popularities, maxVarMg2, maxCommonMg2 } of this.#buckets) {
      const gate = gateZ * Math.sqrt(varMg2 + count * maxVarMg2 + pairs * maxCommonMg2);
      const to = (massMg + gate) / count;
      for (let i = lowerBound(means, (massMg - gate) / count); i < means.length; i++) {
        const mean = means[i] ?? 0;
        if (mean > to) break;
        const d = massMg - count * mean;
        const variance = varMg2 + count * (variances[i] ?? 0) + pairs * (commons[i] ?? 0);
        const square = (d * d) / variance;
        if (square > gateZ * gateZ) continue;
        const density = Math.exp((popularities[i] ?? 0) - 0.5 * square) / Math.sqrt(2 * Math.PI * variance);
        sum += density;
        if (density > best) best = density;
        matches++;
      }
    }
    return { logSum: Math.log(sum), logBest: Math.log(best), count: matches };
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
