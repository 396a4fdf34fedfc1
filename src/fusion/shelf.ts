import type { Planogram, Product } from '#catalogue/products.ts';
import type { FusionConfig } from '#config/schema.ts';
import type { Shop } from './additions.ts';
import type { Enumerated } from './hypotheses.ts';
import { logBroadDensity, logNormal, logUnknownDensity, type UnitMass, unitsVarMg2 } from './likelihood.ts';
import { disturbanceSdMg, priors, shelfMaximumUnits, shelfPriors } from './priors.ts';
import { RemovalSets } from './removals.ts';
import type { Sightings } from './sightings.ts';
import type { Change, Entry, Explanation, Hypothesis, Lot, Part, Take } from './types.ts';
import { debtPart } from './unscanned.ts';

/** Everything that may explain a change of a shelf's plate. */
export interface ShelfContext extends Shop {
  readonly planogram: Planogram | undefined;
  readonly config: FusionConfig;
  readonly change: Change;
  /** Things known to be on the plate although they don't belong there. */
  readonly lots: readonly Lot[];
  readonly takes: readonly Take[];
  readonly sightings: Sightings;
  /** log of what else is known of an explanation than its prior and its mass. */
  readonly logFactor: (explanation: Explanation) => number;
}

interface Option {
  readonly part: Part;
  readonly logPrior: number;
}

/** `count` units of a product by its catalogue mass. */
function productPart(product: Product, unit: UnitMass, sign: 1 | -1, count: number, entry: Entry): Part {
  return {
    sign,
    product,
    count,
    meanMg: unit.meanMg * count,
    varMg2: unitsVarMg2(unit, count),
    unitMeanMg: unit.meanMg,
    unitVarMg2: unit.varMg2,
    broad: unit.broad,
    scans: [],
    entry,
  };
}

/** `count` of the units that were taken, by the mass they were seen to have. */
function takenPart(product: Product, unit: UnitMass, take: Take, count: number, entry: Entry): Part {
  const share = count / take.count;
  return {
    ...productPart(product, unit, 1, count, entry),
    meanMg: take.massMg * share,
    varMg2: take.varMg2 * share * share + (count < take.count ? count * unit.varMg2 : 0),
    broad: false,
  };
}

/** Every number of units of a product, each further one less likely; goods by weight have no number. */
function* counts(unit: UnitMass, limit: number): Generator<readonly [count: number, logPrior: number]> {
  const most = unit.broad ? 1 : limit;
  for (let count = 1; count <= most; count++) yield [count, (count - 1) * Math.log(shelfPriors.furtherUnit)];
}

function takenOptions(context: ShelfContext, own: readonly Product[]): Option[] {
  const options: Option[] = [];
  for (const product of own) {
    const unit = context.learned.unitMass(product);
    for (const [count, log] of counts(unit, shelfMaximumUnits)) {
      const part = productPart(product, unit, -1, count, 'planogram');
      options.push({ part, logPrior: Math.log(shelfPriors.taken / own.length) + log });
    }
  }
  const lots = new RemovalSets(context.lots, context.catalogue, 1);
  for (const set of lots.singles) {
    const part = set.parts[0];
    if (part !== undefined) options.push({ part, logPrior: Math.log(shelfPriors.taken) + set.logPrior });
  }
  return options;
}

/** What may be put on the plate: its own goods, goods taken a while ago from anywhere, goods of other plates. */
function returnedOptions(context: ShelfContext, own: readonly Product[]): Option[] {
  const { takes, catalogue, learned, planogram, sightings, config, change } = context;
  const options: Option[] = [];
  for (const product of own) {
    const unit = context.learned.unitMass(product);
    for (const [count, log] of counts(unit, shelfMaximumUnits)) {
      const part = productPart(product, unit, 1, count, 'planogram');
      const restocked = shelfPriors.restocked * shelfPriors.furtherRestocked ** (count - 1);
      const weight = shelfPriors.returned * Math.exp(log) + restocked;
      options.push({ part, logPrior: Math.log(weight / own.length) });
    }
  }
  const belongs = new Set(own.map((product) => product.key));
  for (const take of takes) {
    const product = catalogue.byKey.get(take.product);
    if (product === undefined) continue;
    const home = belongs.has(product.key);
    const weight = home ? shelfPriors.returnedAfterTake : shelfPriors.misplacedAfterTake;
    const entry = sightings.supports(product) ? 'look' : 'planogram';
    for (let count = 1; count <= take.count; count++) {
      const log = Math.log(weight / takes.length) + (count - 1) * Math.log(shelfPriors.furtherUnit);
      options.push({
        part: takenPart(product, learned.unitMass(product), take, count, entry),
        logPrior: log,
      });
    }
  }
  const strangers = [...(planogram?.byProduct.keys() ?? [])].filter((key) => !belongs.has(key));
  for (const key of strangers) {
    const product = catalogue.byKey.get(key);
    const unit = product === undefined ? undefined : learned.unitMass(product);
    if (product === undefined || unit === undefined || unit.broad) continue;
    const entry = sightings.supports(product) ? 'look' : 'weight';
    const logPrior = Math.log((shelfPriors.misplaced * (1 - config.unknownPrior)) / strangers.length);
    options.push({ part: productPart(product, unit, 1, 1, entry), logPrior });
  }
  for (const lot of context.lots) {
    if (lot.massMg < 0 && change.massMg > 0) {
      options.push({ part: debtPart(lot), logPrior: Math.log(shelfPriors.returned) });
    }
  }
  return options;
}

function hypothesis(change: Change, parts: readonly Part[], logPrior: number): Hypothesis | undefined {
  let expected = 0;
  let variance = Math.max(1, change.varMg2);
  let broad: Part | undefined;
  for (const part of parts) {
    if (part.broad) {
      if (broad !== undefined) return undefined;
      broad = part;
    } else expected += part.sign * part.meanMg;
    variance += part.varMg2;
  }
  const rest = change.massMg - expected;
  const log =
    broad === undefined
      ? logNormal(change.massMg, expected, variance)
      : logBroadDensity(rest * broad.sign, broad.meanMg);
  if (!Number.isFinite(log)) return undefined;
  return {
    kind: 'items',
    parts,
    logWeight: logPrior + log,
    expectedMg: Math.round(broad === undefined ? expected : change.massMg),
    z: broad === undefined ? rest / Math.sqrt(variance) : 0,
  };
}

/** Pairs of options that may happen in one movement: two kinds taken, or one exchanged for another. */
function* pairs(
  taken: readonly Option[],
  returned: readonly Option[],
): Generator<readonly [Option, Option, number]> {
  for (const [i, one] of taken.entries()) {
    for (const other of taken.slice(i + 1)) {
      if (one.part.product === other.part.product) continue;
      yield [one, other, Math.log(shelfPriors.takenTwoKinds)];
    }
    for (const other of returned) {
      if (one.part.product === other.part.product) continue;
      yield [one, other, Math.log(shelfPriors.swapped)];
    }
  }
}

/**
 * Every explanation of a change of a shelf's plate. Its contents are not known unit by unit, but the planogram says
 * what belongs there; what was taken lately is what comes back.
 */
export function enumerateShelf(context: ShelfContext): Enumerated {
  const { change, planogram, catalogue, config } = context;
  const own = (planogram?.byPlate.get(change.plate) ?? []).flatMap((key) => catalogue.byKey.get(key) ?? []);
  const taken = takenOptions(context, own);
  const returned = returnedOptions(context, own);
  const found: Hypothesis[] = [];
  const add = (parts: readonly Part[], logPrior: number) => {
    const made = hypothesis(change, parts, logPrior);
    if (made !== undefined) found.push(made);
  };
  for (const option of [...taken, ...returned]) add([option.part], option.logPrior);
  const disturbance = change.varMg2 + disturbanceSdMg ** 2;
  // A swap that leaves no mass is only looked for where a camera saw something.
  const noticed = change.massMg ** 2 > 25 * disturbance || context.sightings.seen;
  if (config.maximumItems >= 2 && noticed) {
    const few = (option: Option) => option.part.count <= 3 && option.part.entry !== 'weight';
    const out = taken.filter((option) => option.part.count <= 3);
    for (const [one, other, log] of pairs(out, returned.filter(few))) {
      add([one.part, other.part], one.logPrior + other.logPrior + log);
    }
  }
  const unknown = change.massMg > 0 ? shelfPriors.unknownAdded : shelfPriors.unknownRemoved;
  found.push({
    kind: 'unknown',
    parts: [],
    logWeight: Math.log(unknown) + logUnknownDensity(change.massMg),
    expectedMg: change.massMg,
    z: 0,
  });
  found.push({
    kind: 'nothing',
    parts: [],
    logWeight: Math.log(priors.nothing) + logNormal(change.massMg, 0, disturbance),
    expectedMg: 0,
    z: change.massMg / Math.sqrt(disturbance),
  });
  const logWeight = (one: Hypothesis) => one.logWeight + context.logFactor(one);
  return {
    found: found.map((one) => ({ ...one, logWeight: logWeight(one) })),
    logRest: Number.NEGATIVE_INFINITY,
  };
}
