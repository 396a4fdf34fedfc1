import { toPpm } from '#base/units.ts';
import type { Asking } from './asking.ts';
import type { Store } from './book.ts';
import { causesOf, evidenceOf, naming, scanData } from './drafts.ts';
import { FusionError } from './errors.ts';
import type { Judge } from './judge.ts';
import { logBroadDensity, logNormal, logSumExp, logUnknownDensity } from './likelihood.ts';
import type { Memory, PlateMemory } from './memory.ts';
import type { Change, FusionConfig, ItemDraft, Lot, PendingScan } from './types.ts';

type Emit = (draft: ItemDraft, atUs: number) => string;

/** A scale that is out of order for so long is not waited for any longer, µs. */
const graceUs = 2_000_000;
/** After "take something off the rack" was touched, so long for the scan that says what, µs. */
const takingUs = 15_000_000;
/** Of things scanned while nothing was weighed so many are really put in, and something else happens so often. */
const placed = 0.95;
const otherwise = 0.05;
/** What a plate is off by after its scale was out of order (a cell was pushed, or plugged in again), mg. */
const recoverySdMg = 5_000;
/** More such lots are not told apart one by one. */
const mostSubsets = 12;

/**
 * Goods on the word of a scan alone: on a rack that weighs nothing, and in a basket while its scale is out of order. When it
 * weighs again, the mass says which of them are there.
 */
export class Unweighed {
  readonly #memory: Memory;
  readonly #store: Store;
  readonly #config: FusionConfig;
  readonly #judge: Judge;
  readonly #asking: Asking;
  readonly #emit: Emit;
  #takingUntilUs = Number.NEGATIVE_INFINITY;

  constructor(
    memory: Memory,
    tools: { readonly store: Store; readonly judge: Judge; readonly asking: Asking; readonly emit: Emit },
    config: FusionConfig,
  ) {
    this.#memory = memory;
    this.#store = tools.store;
    this.#judge = tools.judge;
    this.#asking = tools.asking;
    this.#emit = tools.emit;
    this.#config = config;
  }

  /** The scale of a plate is out of order, or weighs again and the plate is at rest. */
  setWeighable(plate: string, weighable: boolean, atUs: number): void {
    const memory = this.#memory.plate(plate);
    if (!weighable) {
      memory.blindSinceUs ??= atUs;
      return;
    }
    memory.blindSinceUs = undefined;
    this.reckon(plate, undefined);
  }

  /** A scan for which nothing will be weighed. True where it is dealt with. */
  takes(pending: PendingScan): boolean {
    const product = this.#store.catalogue.byKey.get(pending.scan.product);
    if (product === undefined) return false;
    const plates = pending.plates.map((id) => this.#memory.plate(id));
    const rack = plates.find(({ options }) => options.kind === 'unweighed');
    if (this.#memory.nowUs <= this.#takingUntilUs && this.#takeOut(product.key, 1, pending)) {
      this.#takingUntilUs = Number.NEGATIVE_INFINITY;
      return true;
    }
    if (rack !== undefined && plates.every(({ options }) => options.kind === 'unweighed')) {
      this.#keep(pending, rack);
      return true;
    }
    if (rack !== undefined && product.bulky === true) {
      // It may be put into the basket all the same: then it is corrected.
      pending.kept = this.#keep(pending, rack).id;
      return false;
    }
    const blind = this.#blindFor(pending);
    if (blind === undefined || this.#memory.nowUs < (blind.blindSinceUs ?? 0) + graceUs) return false;
    this.#keep(pending, blind);
    return true;
  }

  /** The plate that a scan is about, where every one that it may be about is out of order. */
  #blindFor(pending: PendingScan): PlateMemory | undefined {
    const weighed = pending.plates
      .map((id) => this.#memory.plate(id))
      .filter(({ options }) => options.kind === 'cart');
    return weighed.every(({ blindSinceUs }) => blindSinceUs !== undefined) ? weighed[0] : undefined;
  }

  #waiting(): { readonly pending: PendingScan; readonly plate: PlateMemory; readonly dueUs: number }[] {
    return this.#memory.scans.flatMap((pending) => {
      if (pending.question !== undefined || pending.kept !== undefined) return [];
      const plate = this.#blindFor(pending);
      return plate === undefined ? [] : [{ pending, plate, dueUs: (plate.blindSinceUs ?? 0) + graceUs }];
    });
  }

  /** When a scan is no longer kept waiting for a scale that is out of order, µs; infinite where none is. */
  get dueUs(): number {
    // Asked at every turn of the clock: most of the time no scale is out of order.
    for (const { blindSinceUs } of this.#memory.plates.values()) {
      if (blindSinceUs !== undefined) return Math.min(...this.#waiting().map(({ dueUs }) => dueUs));
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Takes what is due at its word. */
  fire(dueUs: number): boolean {
    const due = this.#waiting().find((one) => one.dueUs <= dueUs);
    if (due === undefined) return false;
    this.#memory.scans = this.#memory.scans.filter((other) => other !== due.pending);
    this.#keep(due.pending, due.plate);
    return true;
  }

  #keep(pending: PendingScan, plate: PlateMemory): Lot {
    const { scan } = pending;
    const product = this.#store.catalogue.byKey.get(scan.product);
    const data = scanData(pending, product, plate.options.id);
    const event = this.#emit(
      { type: 'item.added', data, causes: causesOf(data.evidence) },
      this.#memory.nowUs,
    );
    return this.#lay(pending, plate, event);
  }

  #lay({ scan }: PendingScan, plate: PlateMemory, event: string): Lot {
    const product = this.#store.catalogue.byKey.get(scan.product);
    const unit = product === undefined ? undefined : this.#store.learned.unitMass(product, scan);
    const onScale = plate.options.kind === 'cart' && unit !== undefined;
    const count = scan.count ?? 1;
    const lot: Lot = {
      id: this.#memory.lotId(),
      product: scan.product,
      count,
      massMg: onScale ? Math.round(unit.meanMg * count) : 0,
      varMg2: onScale ? unit.varMg2 * count : 0,
      unitMeanMg: onScale ? unit.meanMg : 0,
      unitVarMg2: onScale && !unit.broad ? unit.varMg2 : 0,
      event,
      entry: scan.manual === true ? 'manual' : 'scan',
      atUs: this.#memory.nowUs,
      unweighed: scan.priceMinor === undefined ? {} : { priceMinor: scan.priceMinor },
    };
    plate.lots.push(lot);
    return lot;
  }

  /** What was scanned, and asked about as nothing was put in, lies on a rack. Throws CW-FUS-003 and -006. */
  place(args: { readonly event: string; readonly plate: string }, atUs: number): string {
    const { questions, scans } = this.#memory;
    this.#memory.nowUs = Math.max(this.#memory.nowUs, atUs);
    const question = questions.get(args.event);
    const pending = scans.find((one) => one.question === args.event);
    if (question === undefined || question.change !== undefined || pending === undefined) {
      throw new FusionError(
        'CW-FUS-003',
        `No scan that waits for its thing is asked about by ${args.event}.`,
      );
    }
    const plate = this.#memory.plate(args.plate);
    if (plate.options.kind !== 'unweighed') {
      const message = `Plate ${args.plate} is weighed: put the thing there.`;
      throw new FusionError('CW-FUS-006', message);
    }
    const product = this.#store.catalogue.byKey.get(pending.scan.product);
    const data = scanData(pending, product, args.plate);
    const causes = causesOf(data.evidence, [args.event]);
    const resolved = { ...data, settles: args.event, outcome: 'added' } as const;
    const event = this.#emit({ type: 'item.resolved', data: resolved, causes }, this.#memory.nowUs);
    questions.delete(args.event);
    this.#memory.scans = scans.filter((other) => other !== pending);
    this.#lay(pending, plate, event);
    return product?.name ?? '';
  }

  /**
   * Something is taken off a rack: a product that the shopper names, or (`undefined`) the one scanned next. Throws CW-FUS-006
   * where nothing like it is there.
   */
  remove(product: string | undefined, count: number, atUs: number): void {
    this.#memory.nowUs = Math.max(this.#memory.nowUs, atUs);
    if (product === undefined) this.#takingUntilUs = this.#memory.nowUs + takingUs;
    else if (!this.#takeOut(product, count, undefined)) {
      const name = this.#store.catalogue.byKey.get(product)?.name ?? product;
      throw new FusionError(
        'CW-FUS-006',
        `There are no ${count} × ${name} on a rack; see the basket's lines.`,
      );
    }
  }

  #takeOut(product: string, count: number, scan: PendingScan | undefined): boolean {
    for (const plate of this.#memory.plates.values()) {
      const lot = plate.lots.findLast(
        (one) => one.product === product && one.unweighed !== undefined && one.count >= count,
      );
      if (lot === undefined || plate.options.kind === 'shelf') continue;
      lot.count -= count;
      lot.massMg -= Math.round(lot.unitMeanMg * count);
      if (lot.count === 0) plate.lots = plate.lots.filter((other) => other !== lot);
      const evidence = scan === undefined ? {} : evidenceOf([], [scan], []);
      const data = { ...this.#about(lot, plate, count), massMg: 0, evidence };
      const entry = scan === undefined ? ('manual' as const) : ('scan' as const);
      const causes = causesOf(evidence, [lot.event]);
      this.#emit({ type: 'item.removed', data: { ...data, entry }, causes }, this.#memory.nowUs);
      return true;
    }
    return false;
  }

  #about(lot: Lot, plate: PlateMemory, count: number) {
    const nowUs = Math.max(0, Math.round(this.#memory.nowUs));
    return {
      ...naming(this.#store.catalogue.byKey.get(lot.product ?? '')),
      count,
      probabilityPpm: toPpm(1),
      alternatives: [],
      plate: plate.options.id,
      startedAtUs: nowUs,
      settledAtUs: nowUs,
      entry: lot.entry,
    };
  }

  /**
   * A plate weighs again: which of the things scanned meanwhile does the change of its mass say are there? True where there
   * were any, so that the change is dealt with.
   */
  reckon(plateId: string, change: Change | undefined): boolean {
    const plate = this.#memory.plate(plateId);
    if (plate.options.kind !== 'cart') return false;
    const lots = plate.lots.filter((lot) => lot.unweighed !== undefined);
    if (lots.length === 0) return false;
    const nowUs = this.#memory.nowUs;
    const whole: Change = change ?? {
      plate: plateId,
      massMg: 0,
      varMg2: recoverySdMg ** 2,
      startedAtUs: lots.reduce((first, { atUs }) => Math.min(first, atUs), nowUs),
      settledAtUs: nowUs,
      whileAway: true,
      movements: [],
    };
    const best = this.#likeliest(lots, whole);
    if (toPpm(best.probability) >= this.#config.decideProbabilityPpm) this.#confirm(plate, lots, whole, best);
    else this.#askRest(plate, lots, whole);
    return true;
  }

  /** The set of lots that explains the change best, as bits, with its probability among all sets and something else. */
  #likeliest(lots: readonly Lot[], { massMg, varMg2 }: Change): Likeliest {
    const all = 2 ** Math.min(lots.length, mostSubsets) - 1;
    const logWeights: number[] = [];
    for (let set = 0; set <= all; set++) logWeights.push(logOfSet(lots, set, massMg, varMg2));
    const sum = lots.reduce((total, lot) => total + lot.massMg, 0);
    const logRest = Math.log(otherwise) + logUnknownDensity(massMg - sum);
    const total = logSumExp([...logWeights, logRest]);
    const set = logWeights.indexOf(Math.max(...logWeights));
    return { set, probability: Math.exp((logWeights[set] ?? Number.NEGATIVE_INFINITY) - total) };
  }

  #confirm(plate: PlateMemory, lots: readonly Lot[], change: Change, { set, probability }: Likeliest): void {
    const evidence = evidenceOf([change], [], []);
    const there = lots.filter((_, index) => isIn(set, index));
    const expected = there.reduce((sum, lot) => sum + lot.massMg, 0);
    const variance = Math.max(
      1,
      there.reduce((sum, lot) => sum + spreadOf(lot), 0),
    );
    for (const lot of lots) {
      const { unweighed, ...weighed } = lot;
      const isThere = there.includes(lot);
      // What is over or missing is shared by how little is known of each.
      const massMg = isThere
        ? Math.round(lot.massMg + ((change.massMg - expected) * spreadOf(lot)) / variance)
        : 0;
      const data = {
        ...this.#about(lot, plate, lot.count),
        massMg,
        evidence,
        probabilityPpm: toPpm(probability),
        corrects: lot.event,
        outcome: isThere ? ('added' as const) : ('nothing' as const),
        ...(isThere && unweighed?.priceMinor !== undefined ? { priceMinor: unweighed.priceMinor } : {}),
      };
      const causes = causesOf(evidence, [lot.event]);
      const event = this.#emit({ type: 'item.corrected', data, causes }, this.#memory.nowUs);
      const after: Lot[] = isThere
        ? [{ ...weighed, event, massMg, varMg2: Math.max(change.varMg2, spreadOf(lot)) }]
        : [];
      plate.lots = plate.lots.flatMap((other) => (other === lot ? after : [other]));
    }
  }

  /** The lines stay as they were scanned; what their masses leave open is asked about. */
  #askRest(plate: PlateMemory, lots: readonly Lot[], change: Change): void {
    const expected = lots.reduce((sum, lot) => sum + lot.massMg, 0);
    const spread = lots.reduce((sum, lot) => sum + spreadOf(lot), 0);
    for (const lot of lots) delete lot.unweighed;
    const rest = {
      ...change,
      massMg: change.massMg - expected,
      varMg2: change.varMg2 + spread,
      whileAway: true,
    };
    const scans = this.#memory.scansFor(plate.options.id);
    this.#asking.askChange(rest, this.#judge.weigh(rest, { scans, without: new Set() }), []);
  }
}

interface Likeliest {
  readonly set: number;
  readonly probability: number;
}

/** Of more lots than are told apart the further ones are taken to be there. */
const isIn = (set: number, index: number) => index >= mostSubsets || (set & (1 << index)) !== 0;

/** Variance of the mass of a lot's units; of goods that fit any plausible mass nearly nothing is known. */
const spreadOf = ({ unitVarMg2, count, massMg }: Lot) => (unitVarMg2 > 0 ? unitVarMg2 * count : massMg ** 2);

function logOfSet(lots: readonly Lot[], set: number, massMg: number, varMg2: number): number {
  let log = 0;
  let rest = massMg;
  let variance = varMg2 + recoverySdMg ** 2;
  let broadMg: number | undefined;
  for (const [index, lot] of lots.entries()) {
    const there = isIn(set, index);
    log += Math.log(there ? placed : 1 - placed);
    if (!there) continue;
    if (lot.unitVarMg2 > 0) {
      rest -= lot.massMg;
      variance += lot.unitVarMg2 * lot.count;
    } else broadMg = (broadMg ?? 0) + lot.massMg;
  }
  return log + (broadMg === undefined ? logNormal(rest, 0, variance) : logBroadDensity(rest, broadMg));
}
