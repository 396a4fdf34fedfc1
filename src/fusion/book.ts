import type { Catalogue, Planogram } from '#catalogue/products.ts';
import { leavesNoMass } from './changes.ts';
import { causesOf, closingData, evidenceOf, itemData, naming, scanData, supporting } from './drafts.ts';
import type { Learned } from './learned.ts';
import { shareMass } from './lots.ts';
import type { Memory, PlateMemory } from './memory.ts';
import type { Judging } from './posterior.ts';
import type {
  Change,
  Evidence,
  ItemDraft,
  Lot,
  Outcome,
  Part,
  PendingScan,
  Question,
  Ranked,
} from './types.ts';

type Emit = (draft: ItemDraft, atUs: number) => string;
/** Hears what an event was judged by, right after it was made. */
export type Judged = (event: string, change: Change, result: Judging, chosen?: Ranked) => void;

/** What the book needs to know of the store. */
export interface Store {
  catalogue: Catalogue;
  planogram: Planogram | undefined;
  readonly learned: Learned;
}

/** A weighing that teaches has a standard uncertainty of no more than 5 g, or 2 % of the mass. */
const teachSigmaMg = 5_000;
const teachRelativeSigma = 0.02;

/** One decided explanation, ready to be written. */
export interface Verdict {
  readonly change: Change;
  readonly chosen: Ranked;
  readonly result: Judging;
  /** Questions about the very movements that are now explained. */
  readonly settles: readonly Question[];
  /** The event without a scan that this corrects. */
  readonly corrects?: string;
  /** Its scan was taken for something else before: too doubtful to teach what a unit weighs. */
  readonly retaken?: true;
}

/** The change with the time of the earlier ones that it is explained with. */
function spanning(change: Change, earlier: readonly Change[]): Change {
  const startedAtUs = earlier.reduce((first, one) => Math.min(first, one.startedAtUs), change.startedAtUs);
  return startedAtUs === change.startedAtUs ? change : { ...change, startedAtUs };
}

/** Writes decisions: changes contents, uses up scans, closes questions, emits the drafts. Decides nothing. */
export class Book {
  readonly #memory: Memory;
  readonly #store: Store;
  readonly #emit: Emit;
  readonly #holdUs: () => number;
  readonly #judged: Judged;

  constructor(memory: Memory, store: Store, emit: Emit, holdUs: () => number, judged: Judged) {
    this.#memory = memory;
    this.#store = store;
    this.#emit = emit;
    this.#holdUs = holdUs;
    this.#judged = judged;
  }

  /** Writes a decided explanation. Of several questions about the same movements the first is answered, the rest are closed. */
  write(verdict: Verdict): void {
    const { change, chosen, settles } = verdict;
    const plate = this.#memory.plate(change.plate);
    for (const question of settles) this.#forgetLot(plate, question.lot);
    const parts = [...chosen.parts].sort((a, b) => a.sign - b.sign);
    const shares = shareMass(Math.round(change.massMg), parts);
    const scans = parts.flatMap((part) => part.scans);
    const earlier = this.#undone(parts);
    const looks = supporting(this.#memory.looksFor(change), parts);
    const evidence = evidenceOf([...earlier, change], scans, looks);
    this.#memory.scans = this.#memory.scans.filter((pending) => !scans.includes(pending));
    // The part that answers the question: what the movement's sign says happened.
    const named = parts.filter((part) => part.product !== undefined);
    const main = named.find((part) => part.sign === (change.massMg >= 0 ? 1 : -1)) ?? named[0];
    const answered = main === undefined ? undefined : settles[0];
    for (const [i, part] of parts.entries()) {
      const answers = part === main ? answered : undefined;
      // A thing put in now, beside one taken back, may have come in with that one.
      const since = part.sign > 0 || part.product === undefined ? earlier : [];
      this.#writePart(verdict, plate, part, shares[i] ?? 0, { evidence, since }, answers);
    }
    for (const question of this.#moot(scans, settles)) {
      this.close(question, 'not-an-item', chosen.probability, evidence);
      this.#release(question.event);
    }
    for (const question of settles) {
      if (question !== answered) this.close(question, 'not-an-item', chosen.probability, evidence);
      // What was placed is explained without them: they are as good as before.
      for (const pending of this.#memory.scans) {
        if (pending.question === question.event) delete pending.doubted;
      }
      this.#release(question.event);
      this.#memory.questions.delete(question.event);
    }
  }

  /** Changes that were asked about and that are now explained with this one: an unnamed thing of theirs leaves, or comes back. */
  #undone(parts: readonly Part[]): Change[] {
    return parts.flatMap(({ product, lot }) => {
      if (product !== undefined || lot?.question === undefined) return [];
      return this.#memory.questions.get(lot.question)?.change ?? [];
    });
  }

  /** Questions about an exchange that their scan suggested: it was placed in another movement, so none took place. */
  #moot(scans: readonly PendingScan[], settles: readonly Question[]): Question[] {
    const asked = new Set(scans.map((pending) => this.#memory.questions.get(pending.question ?? '')));
    return [...asked].filter((question): question is Question => {
      if (question?.change === undefined || settles.includes(question)) return false;
      return leavesNoMass(question.change);
    });
  }

  #writePart(
    verdict: Verdict,
    plate: PlateMemory,
    part: Part,
    massMg: number,
    { evidence, since }: { readonly evidence: Evidence; readonly since: readonly Change[] },
    answers: Question | undefined,
  ): void {
    const { change, chosen, result } = verdict;
    const corrects = verdict.corrects ?? this.#fromRack(part);
    const data = itemData(spanning(change, since), part, massMg, chosen, result, evidence);
    const settled = verdict.settles.map((question) => question.event);
    const unnamed = part.product === undefined && part.lot !== undefined;
    if (unnamed) {
      this.#forgetLot(plate, part.lot?.id);
      const id = this.#putBack(part, { ...data, evidence }, causesOf(evidence, settled));
      if (id !== undefined) this.#judged(id, change, result, chosen);
      return;
    }
    // A scan that was asked about is now placed: its question is what this answers.
    const asked = part.scans
      .map((pending) => this.#memory.questions.get(pending.question ?? ''))
      .filter((question) => question !== undefined && question.change === undefined);
    const answered = answers ?? asked[0];
    const causes = causesOf(evidence, [
      ...settled,
      ...asked.flatMap((question) => question?.event ?? []),
      ...(corrects === undefined ? [] : [corrects]),
    ]);
    const outcome = part.sign > 0 ? 'added' : 'removed';
    const atUs = this.#memory.nowUs;
    let id: string;
    if (answered !== undefined) {
      const resolved = { ...data, settles: answered.event, outcome } as const;
      id = this.#emit({ type: 'item.resolved', data: resolved, causes }, atUs);
    } else if (corrects !== undefined) {
      const corrected = { ...data, corrects, outcome } as const;
      id = this.#emit({ type: 'item.corrected', data: corrected, causes }, atUs);
    } else id = this.#emit(this.#plainDraft(plate, part, data, causes), atUs);
    this.#judged(id, change, result, chosen);
    for (const question of asked) {
      if (question === undefined) continue;
      if (question !== answered) this.close(question, 'withdrawn', chosen.probability, evidence);
      this.#memory.questions.delete(question.event);
    }
    if (part.sign > 0) this.#putIn(plate, part, massMg, id, verdict);
    else this.#takeOut(plate, part, massMg, id, change);
  }

  /** A bulky thing was taken for one on a rack, and lies in the basket: the event that said so. */
  #fromRack(part: Part): string | undefined {
    const kept = part.scans.flatMap((pending) => pending.kept ?? []);
    for (const plate of this.#memory.plates.values()) {
      const lot = plate.lots.find(({ id }) => kept.includes(id));
      if (lot === undefined) continue;
      this.#forgetLot(plate, lot.id);
      return lot.event;
    }
    return undefined;
  }

  #plainDraft(
    plate: PlateMemory,
    part: Part,
    data: ReturnType<typeof itemData>,
    causes: readonly string[],
  ): ItemDraft {
    const key = part.product?.key ?? '';
    if (plate.options.kind !== 'shelf') {
      return { type: part.sign > 0 ? 'item.added' : 'item.removed', data, causes };
    }
    if (part.sign < 0) return { type: 'shelf.taken', data, causes };
    const belongsOn = this.#store.planogram?.byProduct.get(key) ?? [];
    if (belongsOn.includes(plate.options.id)) return { type: 'shelf.returned', data, causes };
    return { type: 'shelf.misplaced', data: { ...data, belongsOn }, causes };
  }

  /** An unnamed thing left again (or came back): that answers the question about it, if it still stands. */
  #putBack(part: Part, data: ReturnType<typeof itemData>, causes: readonly string[]): string | undefined {
    const id = part.lot?.question;
    if (id === undefined || !this.#memory.questions.has(id)) return undefined;
    const resolved = { ...data, settles: id, outcome: 'put-back' } as const;
    const draft = { type: 'item.resolved', data: resolved, causes: [...causes, id] } as const;
    const event = this.#emit(draft, this.#memory.nowUs);
    this.#release(id);
    this.#memory.questions.delete(id);
    return event;
  }

  #putIn(plate: PlateMemory, part: Part, massMg: number, event: string, verdict: Verdict): void {
    const { change } = verdict;
    const shelf = plate.options.kind === 'shelf';
    if (shelf) this.#useTake(part);
    const home = this.#store.planogram?.byPlate.get(plate.options.id)?.includes(part.product?.key ?? '');
    // A shelf's own goods are not counted one by one.
    if (shelf && home === true) return;
    const residual = part.varMg2 * (change.varMg2 / Math.max(1, part.varMg2 + change.varMg2));
    const alone = massMg === Math.round(change.massMg);
    plate.lots.push({
      id: this.#memory.lotId(),
      product: part.product?.key,
      count: part.count,
      massMg,
      // Alone it was measured; beside others the split is only as good as the masses expected.
      varMg2: alone ? change.varMg2 : Math.max(change.varMg2, residual, part.varMg2 * 0.5),
      unitMeanMg: part.unitMeanMg,
      unitVarMg2: part.broad ? 0 : part.unitVarMg2,
      event,
      entry: part.entry,
      atUs: this.#memory.nowUs,
      ...(part.entry === 'weight' || part.entry === 'look' ? { change } : {}),
      ...(this.#teaches(verdict, part) ? { teaches: true as const } : {}),
    });
  }

  /**
   * Whether a line may teach what a unit weighs: one thing, scanned once and before it was asked about, weighed alone and
   * well, and no camera saw another product.
   */
  #teaches({ change, chosen, settles, corrects, retaken }: Verdict, part: Part): boolean {
    const [pending, ...more] = part.scans;
    if (chosen.parts.length !== 1 || part.count !== 1 || part.entry !== 'scan') return false;
    if (part.product?.sale !== 'each' || pending === undefined || more.length > 0) return false;
    if (settles.length > 0 || corrects !== undefined || retaken === true || pending.question !== undefined)
      return false;
    if (change.movements.length !== 1 || change.whileAway) return false;
    const worstMg = Math.max(teachSigmaMg, teachRelativeSigma * change.massMg);
    if (change.varMg2 > worstMg * worstMg) return false;
    const seen = this.#memory.looksFor(change).flatMap(({ things }) => things);
    return seen.every(({ change: way, candidates: [best] }) => {
      if (way === 'went' || best === undefined || best.look === part.product?.look) return true;
      return best.probabilityPpm < 500_000;
    });
  }

  #takeOut(plate: PlateMemory, part: Part, massMg: number, event: string, change: Change): void {
    const { lot } = part;
    if (lot !== undefined) {
      lot.count -= part.count;
      lot.massMg += massMg;
      lot.varMg2 += change.varMg2;
      if (lot.count <= 0) this.#forgetLot(plate, lot.id);
    }
    if (plate.options.kind !== 'shelf' || part.product === undefined) return;
    this.#memory.takes.push({
      plate: plate.options.id,
      product: part.product.key,
      event,
      atUs: this.#memory.nowUs,
      count: part.count,
      massMg: -massMg,
      varMg2: change.varMg2,
    });
  }

  /** A return uses up the latest take of the product, so that it isn't expected back twice. */
  #useTake(part: Part): void {
    let left = part.count;
    const { takes } = this.#memory;
    for (let i = takes.length - 1; i >= 0 && left > 0; i--) {
      const take = takes[i];
      if (take === undefined || take.product !== part.product?.key) continue;
      const used = Math.min(left, take.count);
      take.massMg -= (take.massMg * used) / take.count;
      take.count -= used;
      left -= used;
    }
    this.#memory.takes = takes.filter((take) => take.count > 0);
  }

  #forgetLot(plate: PlateMemory, id: string | undefined): void {
    if (id !== undefined) plate.lots = plate.lots.filter((lot) => lot.id !== id);
  }

  /** Scans that waited with a question wait on their own again. */
  #release(question: string): void {
    for (const pending of this.#memory.scans) {
      if (pending.question !== question) continue;
      delete pending.question;
      pending.holdUntilUs = this.#memory.nowUs + this.#holdUs();
    }
  }

  /** Takes back what a lot was decided to be: it was not what was put in. */
  takeBack(lot: Lot, change: Change): void {
    const plate = this.#memory.plate(change.plate);
    const evidence = evidenceOf([change], [], []);
    const product = this.#store.catalogue.byKey.get(lot.product ?? '');
    const data = {
      ...closingData(change, evidence, 1),
      ...naming(product),
      count: lot.count,
      massMg: 0,
      corrects: lot.event,
      outcome: 'nothing',
    } as const;
    this.#emit({ type: 'item.corrected', data, causes: causesOf(evidence, [lot.event]) }, this.#memory.nowUs);
    this.#forgetLot(plate, lot.id);
  }

  /** Closes a question without an item. The unnamed thing, if any, stays where it is. */
  close(question: Question, outcome: Outcome, probability: number, evidence: Evidence): void {
    const nowUs = this.#memory.nowUs;
    const change: Change = question.change ?? {
      plate: question.plate,
      massMg: 0,
      varMg2: 0,
      startedAtUs: question.askedAtUs,
      settledAtUs: nowUs,
      whileAway: false,
      movements: [],
    };
    const data = closingData(change, evidence, probability);
    const resolved = { ...data, settles: question.event, outcome } as const;
    const causes = causesOf(evidence, [question.event]);
    this.#emit({ type: 'item.resolved', data: resolved, causes }, nowUs);
    this.#memory.questions.delete(question.event);
    for (const plate of this.#memory.plates.values()) {
      for (const lot of plate.lots) if (lot.question === question.event) delete lot.question;
    }
  }

  /** Answers a question about a scan that nothing was placed for: it was given up. */
  withdraw(pending: PendingScan, question: Question): void {
    const product = this.#store.catalogue.byKey.get(pending.scan.product);
    const data = scanData(pending, product, question.plate);
    const resolved = { ...data, settles: question.event, outcome: 'withdrawn' } as const;
    const causes = causesOf(data.evidence, [question.event]);
    this.#memory.questions.delete(question.event);
    this.#emit({ type: 'item.resolved', data: resolved, causes }, this.#memory.nowUs);
  }

  /** Closes a question by a person's word, and lets the scans that waited with it wait on their own. */
  dismiss(question: Question, outcome: Outcome): void {
    this.close(
      question,
      outcome,
      1,
      question.change === undefined ? {} : evidenceOf([question.change], [], []),
    );
    this.#release(question.event);
  }

  /** A scan confirms what was decided without one: same product, so it is the same thing. */
  confirm(product: string, pending: PendingScan, sinceUs: number): boolean {
    for (const id of pending.plates) {
      const lots = this.#memory.plate(id).lots;
      const lot = lots.findLast(
        (one: Lot) => one.product === product && one.change !== undefined && one.atUs >= sinceUs,
      );
      if (lot === undefined) continue;
      delete lot.change;
      lot.entry = 'scan';
      this.#memory.scans = this.#memory.scans.filter((other) => other !== pending);
      return true;
    }
    return false;
  }
}
