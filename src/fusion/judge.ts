import type { Product } from '#catalogue/products.ts';
import type { FusionConfig } from '#config/schema.ts';
import type { Store } from './book.ts';
import { leavesNoMass } from './changes.ts';
import { Dip, weighedApart } from './dip.ts';
import { enumerateCart } from './hypotheses.ts';
import { type Judgement, judgementOf } from './judgement.ts';
import { MassIndex } from './mass-index.ts';
import type { Memory } from './memory.ts';
import { popularityOf } from './popularity.ts';
import { type Judging, posterior } from './posterior.ts';
import { priors } from './priors.ts';
import { enumerateShelf } from './shelf.ts';
import { Sightings } from './sightings.ts';
import type { Change, Explanation, Lot, Part, PendingScan, Ranked, WaitingScan } from './types.ts';

/** What else to assume when a change is judged. */
export interface Assumptions {
  readonly scans: readonly PendingScan[];
  /** Lots that stand for the change itself, and so can't explain it. */
  readonly without: ReadonlySet<string>;
  /** The question that is being answered: scans given with it are about it. */
  readonly question?: string;
  /** Only what was scanned would be decided: where that is out of the question, what else it may be need not be known. */
  readonly scannedOnly?: true;
}

/** Weighs the explanations of a change. Pure: reads the memory, changes nothing. */
export class Judge {
  readonly #memory: Memory;
  readonly #store: Store;
  readonly #config: FusionConfig;
  #index: MassIndex;

  constructor(memory: Memory, store: Store, config: FusionConfig) {
    this.#memory = memory;
    this.#store = store;
    this.#config = config;
    this.#index = this.#makeIndex();
  }

  /** After the catalogue was replaced, or something was learned. */
  reindex(): void {
    this.#index = this.#makeIndex();
  }

  #makeIndex(): MassIndex {
    const { catalogue, learned } = this.#store;
    const massOf = (product: Product) => learned.unitMass(product);
    return new MassIndex(catalogue.products, massOf, popularityOf(catalogue, learned));
  }

  /** What everything that a scan names weighs, mg; undefined where any plausible mass fits. */
  expectedMg(pending: PendingScan): number | undefined {
    const product = this.#store.catalogue.byKey.get(pending.scan.product);
    const unit = product === undefined ? undefined : this.#store.learned.unitMass(product, pending.scan);
    return unit === undefined || unit.broad ? undefined : unit.meanMg * (pending.scan.count ?? 1);
  }

  /** Unlisted things scanned that may be the change; what was scanned after it was asked about is another thing. */
  #unlisted(change: Change, question: string | undefined): WaitingScan[] {
    const waiting = this.#memory.unlistedFor(change);
    return question === undefined ? waiting : waiting.filter(({ scan }) => scan.atUs <= change.settledAtUs);
  }

  /** Every explanation of a change with its posterior probability. */
  weigh(change: Change, assumptions: Assumptions): Judging {
    const { catalogue, planogram, learned } = this.#store;
    const config = this.#config;
    const { scans, question } = assumptions;
    const { lots: all } = this.#memory.plate(change.plate);
    const lots = all.filter((lot: Lot) => !assumptions.without.has(lot.id));
    const unlisted = this.#unlisted(change, question);
    const waiting = [...scans, ...unlisted];
    const { sightings, dip, logFactor } = this.#factors(change, lots, question);
    const shared = { catalogue, learned, config, change, lots, sightings, logFactor };
    const { found, logRest } =
      this.#isShelf(change) && scans.length === 0
        ? enumerateShelf({ ...shared, planogram, takes: this.#memory.takes })
        : enumerateCart({
            ...shared,
            index: this.#index,
            mostLogFactor: sightings.mostLogFactor + dip.mostLogFactor,
            scans,
            scannedOnly: assumptions.scannedOnly,
            placedPrior: (pending) => placedPrior(pending, change, waiting, question),
            unlistedOdds: unlisted.reduce(
              (odds, one) => (odds + 1) / (1 - placedPrior(one, change, waiting, question)) - 1,
              0,
            ),
          });
    return { ...posterior(found, logRest), scans, unlisted, question };
  }

  /** Puts down what was weighed for an event. */
  judgement(event: string, change: Change, result: Judging, chosen: Ranked | undefined): Judgement {
    const { scans, unlisted, question } = result;
    const { catalogue, learned } = this.#store;
    const waiting = [...scans, ...unlisted];
    const { lots } = this.#memory.plate(change.plate);
    const { sightings, dip, logFactor } = this.#factors(change, lots, question);
    const weighed = {
      change,
      result,
      scans,
      unlisted,
      question,
      looks: this.#memory.looksFor(change),
      shelf: this.#isShelf(change),
      placedPrior: (pending: WaitingScan) => placedPrior(pending, change, waiting, question),
      logSeen: (one: Explanation) => sightings.logFactor(one),
      logDipped: (one: Explanation) => dip.logFactor(one),
      logFactor,
    };
    return judgementOf(event, weighed, chosen, { learned, byKey: catalogue.byKey, config: this.#config });
  }

  #isShelf(change: Change): boolean {
    return this.#memory.plate(change.plate).options.kind === 'shelf';
  }

  /** What cameras saw, how the plate dipped, and that scans came late, as factors. */
  #factors(change: Change, lots: readonly Lot[], question: string | undefined) {
    const { unknownPrior, unscannedUnknownPrior, sightingWeight } = this.#config;
    const unknown = this.#isShelf(change) ? unknownPrior : unscannedUnknownPrior;
    const looks = this.#memory.looksFor(change);
    const sightings = new Sightings(looks, this.#store.catalogue, sightingWeight, unknown);
    const dip = new Dip(change, this.#isShelf(change) ? [] : lots);
    const late = question !== undefined && !leavesNoMass(change);
    const logFactor = (one: Explanation) =>
      sightings.logFactor(one) +
      dip.logFactor(one) +
      (late && one.kind === 'items' ? logDiscount(one.parts, change) : 0);
    return { sightings, dip, logFactor };
  }
}

/** Whether a scan stands for the change before another came: one that nothing has passed by, or that waits with the question. */
function speaksFor(other: WaitingScan, pending: WaitingScan, question: string | undefined): boolean {
  if (other.scan.atUs >= pending.scan.atUs || other.overtaken !== undefined) return false;
  return other.question === question || (other.question === undefined && other.doubted !== true);
}

function placedPrior(
  pending: WaitingScan,
  change: Change,
  scans: readonly WaitingScan[],
  question: string | undefined,
): number {
  const own = pending.question !== undefined && pending.question === question;
  if (pending.scan.manual === true && own) return priors.pickedPlaced;
  if (own) return priors.ownScan;
  if (pending.overtaken !== undefined) return priors.overtakenScanPlaced ** pending.overtaken;
  if (pending.question !== undefined || pending.doubted === true) return priors.oldScanPlaced;
  if (pending.scan.atUs <= change.startedAtUs) return priors.scanPlaced;
  if (pending.scan.atUs <= change.settledAtUs) return priors.scanDuring;
  const announced = scans.some((other) => speaksFor(other, pending, question));
  return announced ? priors.scanDuring : priors.lateScan;
}

/**
 * After the fact, one thing scanned once is the likely explanation, or one beside what was scanned before; several, more
 * than were scanned, or an exchange, are much rarer.
 */
function logDiscount(parts: readonly Part[], change: Change): number {
  const put = parts.filter((part) => part.sign > 0 && part.scans.length > 0);
  if (put.length === 0) return 0;
  const late = put.filter((part) => part.scans.some((pending) => pending.scan.atUs > change.startedAtUs));
  let further = Math.max(0, late.length - 1);
  for (const part of put) {
    const units = part.scans.reduce((sum, pending) => sum + (pending.scan.count ?? 1), 0);
    further += Math.max(0, part.count - units);
  }
  const picked = put.some((part) => part.entry === 'manual');
  const isUnseen = !picked && put.length < parts.length && !weighedApart(change, parts);
  const exchange = isUnseen ? Math.log(priors.lateExchange) : 0;
  return exchange + further * Math.log(priors.lateFurther);
}
