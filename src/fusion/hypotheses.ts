import type { FusionConfig } from '#config/schema.ts';
import { type AdditionSet, additionSets, type Shop } from './additions.ts';
import { dipped } from './dip.ts';
import { broadFromMg, LogSum, logBroad, logNormal, logUnknownDensity, unitsVarMg2 } from './likelihood.ts';
import type { MassIndex, MassMatch } from './mass-index.ts';
import {
  disturbanceSdMg,
  maximumPairs,
  maximumRemovalSets,
  maximumSwaps,
  priors,
  setDownSdMg,
} from './priors.ts';
import { type RemovalSet, RemovalSets } from './removals.ts';
import type { Sightings } from './sightings.ts';
import type { Change, Explanation, Hypothesis, Lot, Part, PendingScan } from './types.ts';
import { debtPart, unscannedPart } from './unscanned.ts';

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
  /** log of what else is known of an explanation than its prior and its mass: what cameras saw, that scans came late. */
  readonly logFactor: (explanation: Explanation) => number;
  /** The most that `logFactor` can be. */
  readonly mostLogFactor: number;
  /**
   * Only an explanation in which all that was put in was scanned would be decided: where what is weighed so far leaves none of
   * them even half, the rest isn't weighed.
   */
  readonly scannedOnly?: boolean | undefined;
  /** How far to go; left out, as far as decisions need it. */
  readonly limits?: Limits;
}

/** Where the enumeration stops listing. */
export interface Limits {
  /**
   * Explanations this far below the best so far (in log weight) are not listed, but summed up. What is e^(−14) of another can
   * neither be decided nor come second.
   */
  readonly gap: number;
  /**
   * Of those that are worth it, explanations this far below are counted with the rest after all, by their exact weight: of
   * pairs and swaps there may be tens of thousands, of which none can be decided. Left out, none is.
   */
  readonly faint?: number;
  /** Sets of many things taken out that together are at most so far below the best are not looked for one by one. */
  readonly deepGap: number;
  /** Pairs of products nobody scanned, beyond which they are counted. */
  readonly pairs: number;
  /** Sets of things taken out of one size, beyond which only those of the right mass are looked for, or bounded. */
  readonly removals: number;
}

const usualLimits: Limits = {
  gap: 14,
  faint: 9,
  deepGap: 9,
  pairs: maximumPairs,
  removals: maximumRemovalSets,
};

export interface Enumerated {
  readonly found: readonly Hypothesis[];
  /** log of what all explanations that are not listed weigh together, at most. */
  readonly logRest: number;
}

const logOf = (weight: number) => Math.log(weight);

/** Builds the hypotheses of one change; each method adds one family of explanations. */
class Enumeration {
  readonly #found: Hypothesis[] = [];
  readonly #context: CartContext;
  readonly #limits: Limits;
  readonly #removals: RemovalSets;
  readonly #delta: number;
  readonly #var: number;
  readonly #singles = new Map<MassMatch, Part>();
  /** Products that lie in the cart already, each once. */
  readonly #inside: readonly MassMatch[];
  /** A thing that nobody can name, alone; several things, not all of which can be named. */
  readonly #unknownSum = new LogSum();
  readonly #mixedSum = new LogSum();
  readonly #restSum = new LogSum();
  #best = Number.NEGATIVE_INFINITY;

  constructor(context: CartContext) {
    this.#context = context;
    this.#limits = context.limits ?? usualLimits;
    this.#delta = context.change.massMg;
    this.#inside = insideOf(context);
    this.#var = Math.max(1, context.change.varMg2);
    // A gain can't be a loss alone: then at least one part is something put in.
    const most = context.config.maximumItems - (this.#delta > 6 * Math.sqrt(this.#var) ? 1 : 0);
    const { lots, catalogue } = context;
    this.#removals = new RemovalSets(lots, catalogue, Math.max(1, most), this.#limits.removals);
  }

  run(): Enumerated {
    const { scans, config, placedPrior } = this.#context;
    const sets = additionSets(this.#context, scans, config.maximumItems, placedPrior);
    // What fits best comes first, so that the rest is known to be hopeless.
    for (const set of sets) this.#placed(set);
    for (const set of sets) {
      if (set.twins) continue;
      this.#beside(set);
      this.#unknown(set);
      this.#withRemovals(set);
    }
    if (this.#context.scannedOnly === true && this.#isLost()) return this.#ended();
    this.#produce();
    const unplaced = scans.reduce((sum, scan) => sum + logOf(1 - placedPrior(scan)), 0);
    this.#unscannedPairs(unplaced);
    this.#unscannedSwaps(unplaced);
    this.#putBacks(unplaced);
    this.#nothing(unplaced);
    return this.#ended();
  }

  #ended(): Enumerated {
    this.#sum('unknown', this.#unknownSum);
    this.#sum('mixed', this.#mixedSum);
    return { found: this.#found, logRest: this.#restSum.value };
  }

  /** Whether all that was weighed so far outweighs every outcome in which only scanned things were put in. */
  #isLost(): boolean {
    const scanned = new LogSum();
    const others = new LogSum();
    for (const { parts, logWeight } of this.#found) {
      const isScanned = parts.every((part) => part.sign < 0 || part.scans.length > 0);
      (isScanned ? scanned : others).add(logWeight);
    }
    for (const [kind, sum] of [['unknown', this.#unknownSum] as const, ['mixed', this.#mixedSum] as const]) {
      others.add(sum.value + this.#context.logFactor({ kind, parts: [] }));
    }
    return others.value > scanned.value;
  }

  #sum(kind: 'unknown' | 'mixed', sum: LogSum): void {
    const logFactor = this.#context.logFactor({ kind, parts: [] });
    const logWeight = sum.value + logFactor;
    if (Number.isFinite(logWeight)) {
      this.#found.push({ kind, parts: [], logWeight, expectedMg: this.#delta, z: 0 });
    }
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

  /**
   * Whether an explanation, or the best of several that weigh `logTogether`, is not worth being listed, by its log weight before
   * `logFactor`; then it goes to the rest. HOT PATH.
   */
  #isHopeless(logWeight: number, logTogether = logWeight): boolean {
    const { mostLogFactor } = this.#context;
    if (logWeight + mostLogFactor >= this.#best - this.#limits.gap) return false;
    this.#restSum.add(logTogether + mostLogFactor);
    return true;
  }

  /** The same, by prior and mass: the parts need not be made. */
  #isFar(logPrior: number, expectedMg: number, varMg2: number): boolean {
    return this.#isHopeless(logPrior + logNormal(this.#delta, expectedMg, this.#var + varMg2));
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
        : logBroad(parts, this.#delta - expected, usual);
    const plain = logPrior + logLikelihood;
    if (!Number.isFinite(plain) || this.#isHopeless(plain)) return;
    const logWeight = plain + this.#context.logFactor({ kind: 'items', parts });
    if (logWeight < this.#best - (this.#limits.faint ?? this.#limits.gap)) {
      this.#restSum.add(logWeight);
      return;
    }
    this.#best = Math.max(this.#best, logWeight);
    this.#found.push({
      kind: 'items',
      parts,
      logWeight,
      expectedMg: Math.round(broad ? this.#delta : expected),
      z: broad ? 0 : (this.#delta - expected) / Math.sqrt(variance),
    });
  }

  /** Exactly the scanned things were put in. */
  #placed(set: AdditionSet): void {
    if (set.parts.length > 0) this.#push(set.parts, set.logPrior);
  }

  /** One thing nobody scanned is put in, alone or beside scanned ones; its prior is spread over the catalogue. */
  #beside(set: AdditionSet): void {
    const { config, index } = this.#context;
    if (set.broad || set.parts.length >= config.maximumItems) return;
    const rest = this.#delta - set.meanMg;
    if (rest <= 0) return;
    const weight = set.parts.length === 0 ? priors.unscanned : priors.unscannedBeside;
    const each = weight * (1 - config.unscannedUnknownPrior) * this.#share();
    const variance = this.#var + set.varMg2;
    for (let count = 1; count <= 3; count++) {
      const logPrior = set.logPrior + logOf(each * priors.furtherUnit ** (count - 1));
      const all = index.density(rest, variance, count);
      if (!this.#isHopeless(logPrior + all.logBest, logPrior + all.logSum)) {
        for (const match of index.matches(rest, variance, count)) {
          this.#besideOne(set, match, count, logPrior + match.logPopularity);
        }
      }
      const again = logPrior + logOf(priors.boughtAlready - 1);
      for (const match of this.#inside) this.#besideOne(set, match, count, again + match.logPopularity);
    }
  }

  #besideOne(set: AdditionSet, match: MassMatch, count: number, logPrior: number): void {
    if (this.#isFar(logPrior, set.meanMg + count * match.meanMg, set.varMg2 + unitsVarMg2(match, count)))
      return;
    // A second unit of a scanned product is `extraUnit`'s case.
    if (set.parts.some((part) => part.product === match.product)) return;
    this.#push([...set.parts, unscannedPart(match, count, this.#context.sightings)], logPrior);
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
    const sum = set.parts.length === 0 ? this.#unknownSum : this.#mixedSum;
    sum.add(set.logPrior + logOf(weight + scanned) + logUnknownDensity(rest));
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

  #removeBeside(set: Omit<AdditionSet, 'twins'>, room: number): void {
    const massMg = set.meanMg - this.#delta;
    const variance = this.#var + set.varMg2;
    for (const removal of this.#removals.matches(massMg, variance, room)) this.#exchange(set, removal);
    for (const { logBound, sets } of this.#removals.deeper(massMg, variance, room)) {
      const log = set.logPrior + logBound + this.#context.mostLogFactor;
      if (sets === undefined || log < this.#best - this.#limits.deepGap) this.#restSum.add(log);
      else for (const removal of sets()) this.#exchange(set, removal);
    }
  }

  #exchange(set: Omit<AdditionSet, 'twins'>, removal: RemovalSet): void {
    const exchange = set.parts.length === 0 ? 1 : (priors.exchanged[removal.parts.length] ?? 0);
    const logPrior = set.logPrior + removal.logPrior + logOf(exchange);
    if (this.#isFar(logPrior, set.meanMg - removal.meanMg, set.varMg2 + removal.varMg2)) return;
    // Putting in what is taken out is nothing at all.
    if (removal.parts.some((out) => set.parts.some((into) => into.product === out.product))) return;
    this.#push([...set.parts, ...removal.parts], logPrior);
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
    if (fitting > this.#limits.pairs) {
      this.#mixedSum.add(logPair + logOf(fitting / (total * 2 * halfWidth)));
      return;
    }
    const each = logPair - logOf(total);
    for (const first of index.all()) {
      if (first.meanMg > this.#delta) continue;
      for (const second of index.matches(this.#delta - first.meanMg, this.#var + first.varMg2, 1)) {
        if (second.product.key <= first.product.key) continue;
        const logPrior = each + first.logPopularity + second.logPopularity;
        if (this.#isFar(logPrior, first.meanMg + second.meanMg, first.varMg2 + second.varMg2)) continue;
        this.#push([this.#unscanned(first), this.#unscanned(second)], logPrior);
      }
    }
  }

  /** One thing comes out while another goes in without a scan: possible, so it counts against every single explanation. More than 500 of them count as one: none could be decided. */
  #unscannedSwaps(unplaced: number): void {
    const { index, config, unlistedOdds, change } = this.#context;
    const isNothing = Math.abs(this.#delta) < 5 * Math.sqrt(this.#var + disturbanceSdMg ** 2);
    if (isNothing && !dipped(change)) return;
    const { singles } = this.#removals;
    const logPrior = unplaced + logOf(priors.unscannedSwap / Math.max(1, singles.length));
    const known = logPrior + logOf((1 - config.unscannedUnknownPrior) * this.#share());
    const unknown: number = logPrior + logOf(config.unscannedUnknownPrior);
    const sum = new LogSum();
    let count = 0;
    for (const removal of singles) {
      const rest = this.#delta + removal.meanMg;
      if (rest <= 0) continue;
      this.#mixedSum.add(unknown + logUnknownDensity(rest));
      if (unlistedOdds > 0 && this.#isThing(rest, removal.varMg2)) {
        const exchange = unplaced + removal.logPrior + logOf(unlistedOdds * (priors.exchanged[1] ?? 0));
        this.#mixedSum.add(exchange + logUnknownDensity(rest));
      }
      const all = index.density(rest, this.#var + removal.varMg2, 1);
      sum.add(all.logSum);
      count += all.count;
    }
    if (count > maximumSwaps) this.#mixedSum.add(known + sum.value);
    else for (const removal of singles) this.#swap(removal, known);
  }

  #swap(removal: RemovalSet, logPrior: number): void {
    const { index } = this.#context;
    const rest = this.#delta + removal.meanMg;
    if (rest <= 0) return;
    for (const match of index.matches(rest, this.#var + removal.varMg2, 1)) {
      if (removal.parts[0]?.product === match.product) continue;
      this.#push([this.#unscanned(match), ...removal.parts], logPrior + match.logPopularity);
    }
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
    // What was lifted and set down again weighs what it did; what leans or is pushed need not.
    const sdMg = dipped(this.#context.change) ? setDownSdMg : disturbanceSdMg;
    const variance = this.#var + sdMg ** 2;
    const logFactor = this.#context.logFactor({ kind: 'nothing', parts: [] });
    this.#found.push({
      kind: 'nothing',
      parts: [],
      logWeight: unplaced + logOf(priors.nothing) + logNormal(this.#delta, 0, variance) + logFactor,
      expectedMg: 0,
      z: this.#delta / Math.sqrt(variance),
    });
  }
}

/** Products of known mass that lie in the cart. */
function insideOf({ lots, catalogue, learned }: CartContext): MassMatch[] {
  const products = new Set(lots.flatMap(({ product }) => catalogue.byKey.get(product ?? '') ?? []));
  return [...products].flatMap((product) => {
    const { broad, ...unit } = learned.unitMass(product);
    return broad ? [] : [{ product, ...unit, logPopularity: 0 }];
  });
}

/** Every explanation of a change of a cart's plate, with its unnormalized log weight. */
export function enumerateCart(context: CartContext): Enumerated {
  return new Enumeration(context).run();
}
