import type { FusionConfig } from '#config/schema.ts';
import { type AdditionSet, additionSets, type Shop } from './additions.ts';
import { broadFromMg, logBroadDensity, logNormal, logSumExp, logUnknownDensity } from './likelihood.ts';
import type { MassIndex, MassMatch } from './mass-index.ts';
import { disturbanceSdMg, maximumPairs, maximumSwaps, priors } from './priors.ts';
import { RemovalSets } from './removals.ts';
import type { Sightings } from './sightings.ts';
import type { Change, Hypothesis, Lot, Part, PendingScan } from './types.ts';

/** Everything that may explain a change of a cart's plate. */
export interface CartContext extends Shop {
  readonly index: MassIndex;
  readonly config: FusionConfig;
  readonly change: Change;
  readonly scans: readonly PendingScan[];
  readonly placedPrior: (scan: PendingScan) => number;
  /** Odds that something scanned that the catalogue doesn't have was put in now; 0 where no such thing was scanned. */
  readonly unlistedOdds: number;
  readonly lots: readonly Lot[];
  readonly sightings: Sightings;
}

const logOf = (weight: number) => Math.log(weight);

/**
 * Explanations this far below the best so far (in log weight) are not kept: the posterior leaves out what is 22 below, and
 * what is known of late scans moves any of them by less than 18. Where a camera has a say, all are kept.
 */
const hopeless = 40;

/** One thing put in without a scan, another taken out. */
interface Swap {
  readonly parts: readonly Part[];
  readonly logLikely: number;
  readonly logLikelihood: number;
}

/** Builds the hypotheses of one change; each method adds one family of explanations. */
class Enumeration {
  readonly found: Hypothesis[] = [];
  readonly #context: CartContext;
  readonly #removals: RemovalSets;
  readonly #delta: number;
  readonly #var: number;
  readonly #singles = new Map<MassMatch, Part>();
  readonly #hopeless: number;
  /** Products that lie in the cart. */
  readonly #inside: ReadonlySet<string>;
  #best = Number.NEGATIVE_INFINITY;

  constructor(context: CartContext) {
    this.#context = context;
    this.#delta = context.change.massMg;
    this.#inside = new Set(context.lots.flatMap(({ product }) => product ?? []));
    this.#hopeless = !context.sightings.seen ? hopeless : Number.POSITIVE_INFINITY;
    this.#var = Math.max(1, context.change.varMg2);
    // A gain can't be a loss alone: then at least one part is something put in.
    const most = context.config.maximumItems - (this.#delta > 6 * Math.sqrt(this.#var) ? 1 : 0);
    this.#removals = new RemovalSets(context.lots, context.catalogue, Math.max(1, most));
  }

  run(): Hypothesis[] {
    const { scans, config, placedPrior } = this.#context;
    for (const set of additionSets(this.#context, scans, config.maximumItems, placedPrior)) {
      this.#placed(set);
      this.#beside(set);
      this.#unknown(set);
      this.#withRemovals(set);
    }
    this.#produce();
    const unplaced = scans.reduce((sum, scan) => sum + logOf(1 - placedPrior(scan)), 0);
    this.#unscannedPairs(unplaced);
    this.#unscannedSwaps(unplaced);
    this.#putBacks(unplaced);
    this.#nothing(unplaced);
    return this.found;
  }

  /** One unit that nobody scanned: the same part in all the hypotheses that it is in. */
  #unscanned(match: MassMatch): Part {
    let part = this.#singles.get(match);
    if (part === undefined) {
      part = unscannedPart(match, 1, this.#context.sightings);
      this.#singles.set(match, part);
    }
    return part;
  }

  #push(parts: readonly Part[], logPrior: number): void {
    let expected = 0;
    let variance = this.#var;
    let usual: number | undefined;
    for (const part of parts) {
      if (part.broad) usual = part.meanMg;
      else expected += part.sign * part.meanMg;
      variance += part.varMg2;
    }
    const broad = usual !== undefined;
    const logLikelihood =
      usual === undefined
        ? logNormal(this.#delta, expected, variance)
        : logBroadDensity(this.#delta - expected, usual);
    const logWeight = logPrior + logLikelihood;
    if (!Number.isFinite(logWeight) || logWeight < this.#best - this.#hopeless) return;
    this.#best = Math.max(this.#best, logWeight);
    this.found.push({
      kind: 'items',
      parts,
      logWeight,
      expectedMg: Math.round(broad ? this.#delta : expected),
      z: broad ? 0 : (this.#delta - expected) / Math.sqrt(variance),
    });
  }

  #pushUnknown(logWeight: number): void {
    this.found.push({ kind: 'unknown', parts: [], logWeight, expectedMg: this.#delta, z: 0 });
  }

  /** Exactly the scanned things were put in. */
  #placed(set: AdditionSet): void {
    if (set.parts.length > 0) this.#push(set.parts, set.logPrior);
  }

  /** One thing nobody scanned is put in, alone or beside scanned ones; its prior is spread over the catalogue. */
  #beside(set: AdditionSet): void {
    const { config, index, sightings } = this.#context;
    if (set.broad || set.parts.length >= config.maximumItems) return;
    const rest = this.#delta - set.meanMg;
    if (rest <= 0) return;
    const weight = set.parts.length === 0 ? priors.unscanned : priors.unscannedBeside;
    const each = weight * (1 - config.unscannedUnknownPrior) * this.#share();
    for (let count = 1; count <= 3; count++) {
      const logPrior = set.logPrior + logOf(each * priors.furtherUnit ** (count - 1));
      for (const match of index.matches(rest, this.#var + set.varMg2, count)) {
        // A second unit of a scanned product is `extraUnit`'s case.
        if (set.parts.some((part) => part.product === match.product)) continue;
        this.#push([...set.parts, unscannedPart(match, count, sightings)], logPrior + this.#likely(match));
      }
    }
  }

  /** Produce that nobody scanned: mass can't name it, a camera can. */
  #produce(): void {
    const { catalogue, learned, index, scans, sightings, placedPrior } = this.#context;
    if (this.#delta <= 0) return;
    const kinds = Math.max(1, catalogue.products.length - index.size);
    const unplaced = scans.reduce((sum, scan) => sum + logOf(1 - placedPrior(scan)), 0);
    for (const product of sightings.suggestions()) {
      const unit = learned.unitMass(product);
      if (!unit.broad) continue;
      const match = { product, ...unit, logPopularity: 0 };
      const part = { ...unscannedPart(match, 1, sightings), broad: true };
      this.#push([part], unplaced + logOf(priors.unscannedProduce / kinds));
    }
  }

  /** How much likelier than the average product it is to be put in without a scan: bought often, or in this trip before. */
  #likely(match: MassMatch): number {
    return match.logPopularity + (this.#inside.has(match.product.key) ? logOf(priors.boughtAlready) : 0);
  }

  /** A product's share of the prior of unscanned things. */
  #share(): number {
    return 1 / Math.max(1, this.#context.catalogue.products.length);
  }

  /** Something the catalogue doesn't have, alone or beside scanned things, put in or taken out. */
  #unknown(set: AdditionSet): void {
    const { unknownPrior, unscannedUnknownPrior } = this.#context.config;
    // Goods of any plausible mass leave no remainder to explain.
    if (set.broad) return;
    const rest = this.#delta - set.meanMg;
    const put = set.parts.length === 0 ? priors.unscanned : priors.unscannedBeside;
    const weight = rest > 0 ? put * unscannedUnknownPrior : (priors.removed[1] ?? 0) * unknownPrior;
    const scanned = this.#isThing(rest, set.varMg2) ? this.#context.unlistedOdds : 0;
    this.#pushUnknown(set.logPrior + logOf(weight + scanned) + logUnknownDensity(rest));
  }

  /** Whether a mass is more than what the masses beside it leave by chance: a thing that was scanned weighs something. */
  #isThing(massMg: number, varMg2: number): boolean {
    return massMg >= broadFromMg && massMg * massMg > 9 * (this.#var + varMg2);
  }

  /** Things inside are taken out, alone or while scanned (or recognized) things go in. */
  #withRemovals(set: AdditionSet): void {
    const { config, learned, sightings, lots } = this.#context;
    if (set.broad) return;
    const room = config.maximumItems - set.parts.length;
    if (room <= 0) return;
    this.#removeBeside(set, room);
    if (set.parts.length > 0) return;
    for (const product of sightings.suggestions()) {
      const unit = learned.unitMass(product);
      if (unit.broad || lots.some((lot) => lot.product === product.key)) continue;
      const part = unscannedPart({ product, ...unit, logPopularity: 0 }, 1, sightings);
      const logPrior = set.logPrior + logOf(priors.unscannedSwap * 0.5 * this.#share() * lots.length);
      this.#removeBeside(
        { parts: [part], meanMg: unit.meanMg, varMg2: unit.varMg2, broad: false, logPrior },
        1,
      );
    }
  }

  #removeBeside(set: AdditionSet, room: number): void {
    for (const removal of this.#removals.matches(set.meanMg - this.#delta, this.#var + set.varMg2, room)) {
      // Putting in what is taken out is nothing at all.
      if (removal.parts.some((out) => set.parts.some((into) => into.product === out.product))) continue;
      const exchange = set.parts.length === 0 ? 1 : (priors.exchanged[removal.parts.length] ?? 0);
      this.#push([...set.parts, ...removal.parts], set.logPrior + removal.logPrior + logOf(exchange));
    }
  }

  /**
   * Two different things nobody scanned. Where more than 4,000 pairs fit, they are counted, not listed: together
   * they have the density count / (number of pairs · width), and none of them could be decided.
   */
  #unscannedPairs(unplaced: number): void {
    const { index, config } = this.#context;
    if (this.#delta <= 0 || config.maximumItems < 2 || index.size < 2) return;
    const total = (index.size * (index.size + 1)) / 2;
    const logPair = unplaced + logOf(priors.unscannedPair * (1 - config.unscannedUnknownPrior));
    const halfWidth = Math.max(5_000, 4 * Math.sqrt(this.#var));
    const fitting = index.countPairs(this.#delta, halfWidth);
    if (fitting > maximumPairs) {
      this.#pushUnknown(logPair + logOf(fitting / (total * 2 * halfWidth)));
      return;
    }
    const each = logPair - logOf(total);
    for (const first of index.all()) {
      if (first.meanMg > this.#delta) continue;
      for (const second of index.matches(this.#delta - first.meanMg, this.#var + first.varMg2, 1)) {
        if (second.product.key <= first.product.key) continue;
        const logPrior = each + this.#likely(first) + this.#likely(second);
        this.#push([this.#unscanned(first), this.#unscanned(second)], logPrior);
      }
    }
  }

  /** One thing comes out while another goes in without a scan: possible, so it counts against every single explanation. More than 500 of them count as one: none could be decided. */
  #unscannedSwaps(unplaced: number): void {
    const { index, config, unlistedOdds } = this.#context;
    if (Math.abs(this.#delta) < 5 * Math.sqrt(this.#var + disturbanceSdMg ** 2)) return;
    const { singles } = this.#removals;
    const logPrior = unplaced + logOf(priors.unscannedSwap / Math.max(1, singles.length));
    const known = logPrior + logOf((1 - config.unscannedUnknownPrior) * this.#share());
    const unknown: number = logPrior + logOf(config.unscannedUnknownPrior);
    const swaps: Swap[] = [];
    for (const removal of singles) {
      const rest = this.#delta + removal.meanMg;
      if (rest <= 0) continue;
      this.#pushUnknown(unknown + logUnknownDensity(rest));
      const variance = this.#var + removal.varMg2;
      if (unlistedOdds > 0 && this.#isThing(rest, removal.varMg2)) {
        const exchange = unplaced + removal.logPrior + logOf(unlistedOdds * (priors.exchanged[1] ?? 0));
        this.#pushUnknown(exchange + logUnknownDensity(rest));
      }
      for (const match of index.matches(rest, variance, 1)) {
        if (removal.parts[0]?.product === match.product) continue;
        const logLikelihood = logNormal(rest, match.meanMg, variance + match.varMg2);
        const parts = [this.#unscanned(match), ...removal.parts];
        swaps.push({ parts, logLikely: this.#likely(match), logLikelihood });
      }
    }
    if (swaps.length > maximumSwaps) {
      this.#pushUnknown(known + logSumExp(swaps.map((swap) => swap.logLikely + swap.logLikelihood)));
    } else for (const { parts, logLikely } of swaps) this.#push(parts, known + logLikely);
  }

  /** What was taken out unnamed comes back: its own measured mass says so. */
  #putBacks(unplaced: number): void {
    for (const lot of this.#context.lots) {
      if (lot.massMg >= 0) continue;
      this.#push([debtPart(lot)], unplaced + logOf(priors.putBack));
    }
  }

  /** Something happened and left nothing. */
  #nothing(unplaced: number): void {
    const variance = this.#var + disturbanceSdMg ** 2;
    this.found.push({
      kind: 'nothing',
      parts: [],
      logWeight: unplaced + logOf(priors.nothing) + logNormal(this.#delta, 0, variance),
      expectedMg: 0,
      z: this.#delta / Math.sqrt(variance),
    });
  }
}

/** A part for a thing that was put in without a scan. */
export function unscannedPart(match: MassMatch, count: number, sightings: Sightings): Part {
  return {
    sign: 1,
    product: match.product,
    count,
    meanMg: match.meanMg * count,
    varMg2: match.varMg2 * count,
    unitMeanMg: match.meanMg,
    unitVarMg2: match.varMg2,
    broad: false,
    scans: [],
    entry: sightings.supports(match.product) ? 'look' : 'weight',
  };
}

/** A part for the return of an unnamed thing that was taken out. */
export function debtPart(lot: Lot): Part {
  return {
    sign: 1,
    product: undefined,
    count: lot.count,
    meanMg: -lot.massMg,
    varMg2: lot.varMg2,
    unitMeanMg: -lot.massMg,
    unitVarMg2: 0,
    broad: false,
    scans: [],
    lot,
    entry: 'weight',
  };
}

/** Every explanation of a change of a cart's plate, with its unnormalized log weight. */
export function enumerateCart(context: CartContext): Hypothesis[] {
  return new Enumeration(context).run();
}
