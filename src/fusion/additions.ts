import type { Catalogue } from '#catalogue/products.ts';
import type { Learned } from './learned.ts';
import { unitsVarMg2 } from './likelihood.ts';
import { priors } from './priors.ts';
import type { Part, PendingScan } from './types.ts';

/** Scans that are placed together in this movement; the rest of the pending ones are not. */
export interface AdditionSet {
  readonly parts: readonly Part[];
  readonly meanMg: number;
  readonly varMg2: number;
  /** One part fits any plausible mass. */
  readonly broad: boolean;
  readonly logPrior: number;
  /** There are more units than scans. Whatever else happened beside that is too much of a coincidence. */
  readonly twins: boolean;
}

/** What is known of products. */
export interface Shop {
  readonly catalogue: Catalogue;
  readonly learned: Learned;
}

interface Group {
  /** The likeliest to be placed first. */
  readonly scans: readonly PendingScan[];
  /** Probability that exactly so many of them are placed, by number. */
  readonly placed: readonly number[];
}

/**
 * Scans of one product are interchangeable unless a label gave them a price or mass of their own: so many of them are placed,
 * and those are the freshest.
 */
function groupScans(scans: readonly PendingScan[], placedPrior: (scan: PendingScan) => number): Group[] {
  const groups = new Map<string, PendingScan[]>();
  for (const pending of scans) {
    const { scan } = pending;
    const own = scan.massMg !== undefined || scan.priceMinor !== undefined || scan.count !== undefined;
    const key = `${scan.product}${own ? ` ${scan.event}` : ''}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [pending]);
    else group.push(pending);
  }
  return [...groups.values()].map((group) => {
    const ranked = group.map((pending) => ({ pending, prior: placedPrior(pending) }));
    ranked.sort((a, b) => b.prior - a.prior);
    return {
      scans: ranked.map(({ pending }) => pending),
      placed: numberPlaced(ranked.map(({ prior }) => prior)),
    };
  });
}

/** Probabilities of 0, 1, … successes in independent trials (Poisson's binomial distribution, by adding one trial at a time). */
function numberPlaced(priors: readonly number[]): number[] {
  let counts = [1];
  for (const p of priors) {
    counts = [...counts, 0].map((none, k) => none * (1 - p) + (counts[k - 1] ?? 0) * p);
  }
  return counts;
}

/** The part that `placed` scans of one group make. */
function partOf(
  { catalogue, learned }: Shop,
  placed: readonly PendingScan[],
  extra: number,
): Part | undefined {
  const first = placed[0]?.scan;
  const product = first === undefined ? undefined : catalogue.byKey.get(first.product);
  if (first === undefined || product === undefined) return undefined;
  const unit = learned.unitMass(product, first);
  // A label's mass is that of everything it was printed for, whatever count it carries.
  const labelled = !unit.broad && first.massMg !== undefined && product.sale === 'weight';
  const scanned = placed.reduce((sum, pending) => sum + (pending.scan.count ?? 1), 0);
  const count = scanned + extra;
  const units = labelled ? placed.length : count;
  return {
    sign: 1,
    product,
    count: product.sale === 'weight' && !labelled ? placed.length : count,
    meanMg: unit.meanMg * units,
    varMg2: unitsVarMg2(unit, units),
    unitMeanMg: unit.meanMg,
    unitVarMg2: labelled ? 0 : unit.varMg2,
    broad: unit.broad,
    scans: placed,
    entry: first.manual === true ? 'manual' : 'scan',
  };
}

/** Whether one scan may stand for several units: a plain code of a product of known mass. */
function mayHaveTwins(part: Part): boolean {
  const scan = part.scans[0]?.scan;
  if (part.scans.some((pending) => pending.doubted === true)) return false;
  return (
    !part.broad &&
    scan?.priceMinor === undefined &&
    scan?.massMg === undefined &&
    part.product?.sale === 'each'
  );
}

/** Adds one or two unscanned units of a scanned product. */
function withTwins(shop: Shop, set: AdditionSet): AdditionSet[] {
  const sets: AdditionSet[] = [];
  const prior = set.parts.length > 1 ? priors.extraUnitBeside : priors.extraUnit;
  for (const [i, part] of set.parts.entries()) {
    if (!mayHaveTwins(part)) continue;
    for (let extra = 1; extra <= 2; extra++) {
      const more = partOf(shop, part.scans, extra);
      if (more === undefined) continue;
      sets.push({
        ...set,
        parts: set.parts.with(i, more),
        meanMg: set.meanMg - part.meanMg + more.meanMg,
        varMg2: set.varMg2 - part.varMg2 + more.varMg2,
        logPrior: set.logPrior + extra * Math.log(prior),
        twins: true,
      });
    }
  }
  return sets;
}

/** What was scanned long ago rarely goes in beside what was scanned since. */
function besideFresh(set: AdditionSet): AdditionSet {
  const overtaken = set.parts.filter(({ scans }) => scans.every((pending) => (pending.overtaken ?? 0) > 0));
  if (overtaken.length === 0 || overtaken.length === set.parts.length) return set;
  return { ...set, logPrior: set.logPrior + overtaken.length * Math.log(priors.overtakenBeside) };
}

/**
 * Every way the pending scans may have been placed in one movement: none of them first, then sets of up to
 * `maximumItems` products with counts, each with the prior that exactly these were placed. At most one part may be of
 * any plausible mass: two such masses can't be told apart, so nothing explains them.
 */
export function additionSets(
  shop: Shop,
  scans: readonly PendingScan[],
  maximumItems: number,
  placedPrior: (scan: PendingScan) => number,
): AdditionSet[] {
  let sets: AdditionSet[] = [{ parts: [], meanMg: 0, varMg2: 0, broad: false, logPrior: 0, twins: false }];
  for (const group of groupScans(scans, placedPrior)) {
    const next: AdditionSet[] = [];
    const n = group.scans.length;
    for (const set of sets) {
      for (let j = 0; j <= n; j++) {
        const logPrior = set.logPrior + Math.log(group.placed[j] ?? 0);
        if (j === 0) {
          next.push({ ...set, logPrior });
          continue;
        }
        const part = partOf(shop, group.scans.slice(0, j), 0);
        if (part === undefined || set.parts.length >= maximumItems || (part.broad && (set.broad || j > 1))) {
          continue;
        }
        next.push({
          parts: [...set.parts, part],
          meanMg: set.meanMg + (part.broad ? 0 : part.meanMg),
          varMg2: set.varMg2 + part.varMg2,
          broad: set.broad || part.broad,
          logPrior,
          twins: false,
        });
      }
    }
    sets = next;
  }
  return sets.map(besideFresh).flatMap((set) => [set, ...withTwins(shop, set)]);
}
