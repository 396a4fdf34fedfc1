import { toPpm } from '#base/units.ts';
import type { Judged, Store } from './book.ts';
import { leavesNoMass } from './changes.ts';
import { dipped } from './dip.ts';
import { alternatives, causesOf, evidenceOf, scanCandidate } from './drafts.ts';
import type { Learned } from './learned.ts';
import type { Memory } from './memory.ts';
import type { Judging, Posterior } from './posterior.ts';
import { maximumQuestions } from './priors.ts';
import type {
  Ask,
  Change,
  ItemDraft,
  Lot,
  Part,
  PendingScan,
  Question,
  QuestionKind,
  Ranked,
} from './types.ts';

type Emit = (draft: ItemDraft, atUs: number) => string;

/** A question counts as one of several known things, not of an unknown one, up to this probability of unknown. */
const ambiguousBelow = 0.1;
/** Probability of an exchange from which the question is about one. */
const exchangeFrom = 0.2;

interface Wording {
  readonly kind: QuestionKind;
  readonly ask: Ask;
}

function isNamedExchange(parts: readonly Part[]): boolean {
  const named = parts.some((part) => part.sign > 0 && (part.scans.length > 0 || part.entry === 'look'));
  return named && parts.some((part) => part.sign < 0);
}

/** Whether it is likelier, if anything, that one thing was exchanged for another than that one was put in or taken out alone. */
function isMostlyExchange({ ranked }: Posterior): boolean {
  let exchanges = 0;
  let others = 0;
  for (const { kind, parts, probability } of ranked) {
    const isExchange = parts.some((part) => part.sign > 0) && parts.some((part) => part.sign < 0);
    if (isExchange || kind === 'mixed') exchanges += probability;
    else if (kind !== 'nothing') others += probability;
  }
  return exchanges > others;
}

/** Whether the two best explanations are one scanned thing of a known mass each, and leave little to others. */
function isOneOfSeveral({ ranked: [first, second] }: Posterior): boolean {
  if (first === undefined || second === undefined) return false;
  const isOne = ({ parts: [part, ...more] }: Ranked) =>
    more.length === 0 && part !== undefined && part.scans.length > 0 && !part.broad;
  return isOne(first) && isOne(second) && first.probability + second.probability >= 1 - ambiguousBelow;
}

/** What a change that could not be decided is called, and what the shopper is asked to do about it. */
export function wording(
  change: Change,
  result: Posterior,
  context: {
    readonly scans: number;
    readonly shelf: boolean;
    readonly inside: number;
    readonly unlisted: boolean;
  },
): Wording {
  const best = result.ranked.find((one) => one.kind === 'items');
  const several = (best?.parts.length ?? 0) > 1 || context.scans > 1;
  const unknown = result.unknown + result.nothing >= ambiguousBelow;
  const putIn = change.massMg > 0;
  if (change.whileAway) {
    return { kind: 'changed-while-away', ask: context.shelf ? 'call-staff' : putIn ? 'scan-it' : 'choose' };
  }
  // What the catalogue doesn't have no further scan can name.
  if (context.unlisted && putIn) return { kind: several ? 'mixed' : 'unknown-added', ask: 'call-staff' };
  // It became lighter before it became heavier: something went out, whatever came.
  if (dipped(change) && isMostlyExchange(result)) {
    return { kind: 'mixed', ask: context.shelf ? 'call-staff' : 'choose' };
  }
  // Little mass and a scanned thing: one may have been exchanged for another.
  const exchanged = best !== undefined && best.parts.length > 1 && best.probability >= exchangeFrom;
  if (exchanged && isNamedExchange(best.parts)) {
    return { kind: 'mixed', ask: context.shelf ? 'call-staff' : 'choose' };
  }
  // Of several things that were scanned one was put in.
  if (best !== undefined && putIn && !unknown && isOneOfSeveral(result) && !context.shelf) {
    return { kind: 'ambiguous', ask: 'choose' };
  }
  if (best !== undefined && several && (!unknown || context.scans > 1)) {
    return { kind: 'mixed', ask: context.shelf ? 'call-staff' : putIn ? 'take-it-out' : 'choose' };
  }
  if (putIn) {
    return { kind: unknown ? 'unknown-added' : 'ambiguous', ask: context.shelf ? 'call-staff' : 'scan-it' };
  }
  const kind = unknown || best === undefined ? 'unknown-removed' : 'ambiguous';
  if (context.shelf) return { kind, ask: 'call-staff' };
  return { kind, ask: kind === 'ambiguous' ? 'choose' : context.inside > 0 ? 'put-it-back' : 'call-staff' };
}

/** Puts questions: emits them and remembers what they are about. */
export class Asking {
  readonly #memory: Memory;
  readonly #learned: Learned;
  readonly #emit: Emit;
  readonly #judged: Judged;

  constructor(memory: Memory, learned: Learned, emit: Emit, judged: Judged) {
    this.#memory = memory;
    this.#learned = learned;
    this.#emit = emit;
    this.#judged = judged;
  }

  /** Asks about a change; the thing stays on the plate as an unnamed lot until the question is settled. */
  askChange(change: Change, result: Judging, scans: readonly PendingScan[]): Question {
    const memory = this.#memory;
    const plate = memory.plate(change.plate);
    const shelf = plate.options.kind === 'shelf';
    const unlisted = shelf || change.massMg <= 0 || change.whileAway ? [] : memory.unlistedFor(change);
    const isUnlisted = unlisted.length > 0 && result.unknown >= ambiguousBelow;
    const inside = plate.lots.length;
    const words = wording(change, result, { scans: scans.length, shelf, inside, unlisted: isUnlisted });
    const evidence = evidenceOf([change], [...scans, ...unlisted], memory.looksFor(change));
    // One scan, one thing: the first scanned was this one, another may be the next.
    if (isUnlisted) memory.unlisted = memory.unlisted.filter((waiting) => waiting !== unlisted[0]);
    const candidates = alternatives(result.ranked);
    const event = this.#emit(
      {
        type: 'item.unresolved',
        data: {
          ...words,
          massMg: Math.round(change.massMg),
          unknownPpm: toPpm(result.unknown + result.nothing),
          candidates,
          evidence,
          plate: change.plate,
          startedAtUs: Math.max(0, Math.round(change.startedAtUs)),
          settledAtUs: Math.max(0, Math.round(change.settledAtUs)),
        },
        causes: causesOf(evidence),
      },
      memory.nowUs,
    );
    this.#judged(event, change, result);
    // An exchange, or nothing: there is no thing of this mass that could be taken out again.
    const lot = leavesNoMass(change) ? undefined : this.#unnamed(change, event);
    this.#contradict(change, scans);
    if (lot !== undefined) plate.lots.push(lot);
    for (const pending of scans) {
      pending.question ??= event;
      if (lot !== undefined) pending.doubted = true;
    }
    const question: Question = {
      event,
      ...words,
      plate: change.plate,
      change,
      ...(lot === undefined ? {} : { lot: lot.id }),
      candidates,
      askedAtUs: memory.nowUs,
    };
    this.#remember(question);
    return question;
  }

  /** One thing under one scan that weighed something else: what was learned of its mass may be wrong. */
  #contradict(change: Change, scans: readonly PendingScan[]): void {
    const [pending] = scans;
    if (pending === undefined || change.movements.length !== 1) return;
    const { product } = pending.scan;
    // Scanned anew because it was asked about.
    if (scans.some((other) => other.scan.product !== product)) return;
    this.#learned.contradict({ product, massMg: change.massMg, varMg2: change.varMg2 });
  }

  /** The thing asked about was now scanned, and the catalogue doesn't have it: only staff can help. */
  callStaff(question: Question): void {
    this.#memory.questions.set(question.event, { ...question, ask: 'call-staff' });
  }

  #unnamed(change: Change, event: string): Lot {
    return {
      id: this.#memory.lotId(),
      product: undefined,
      count: 1,
      massMg: Math.round(change.massMg),
      varMg2: change.varMg2,
      unitMeanMg: Math.abs(change.massMg),
      unitVarMg2: 0,
      event,
      entry: 'weight',
      question: event,
      atUs: this.#memory.nowUs,
    };
  }

  /** Asks about a scan that nothing was placed for. */
  askScan(pending: PendingScan, { catalogue, learned }: Store, withdrawAfterUs: number): void {
    const memory = this.#memory;
    const plate = pending.plates[0] ?? '';
    const evidence = evidenceOf([], [pending], []);
    const candidates = [scanCandidate(pending, catalogue.byKey.get(pending.scan.product), learned)];
    const event = this.#emit(
      {
        type: 'item.unresolved',
        data: {
          kind: 'scanned-not-placed',
          ask: 'place-it',
          massMg: 0,
          unknownPpm: 0,
          candidates,
          evidence,
          plate,
          startedAtUs: Math.max(0, Math.round(pending.scan.atUs)),
          settledAtUs: Math.max(0, Math.round(memory.nowUs)),
        },
        causes: causesOf(evidence),
      },
      memory.nowUs,
    );
    pending.question = event;
    this.#remember({
      event,
      kind: 'scanned-not-placed',
      ask: 'place-it',
      plate,
      candidates,
      askedAtUs: memory.nowUs,
      withdrawAtUs: memory.nowUs + withdrawAfterUs,
    });
  }

  /** A bounded list: of too many, the oldest can no longer be settled (its thing stays as an unnamed lot). */
  #remember(question: Question): void {
    const { questions } = this.#memory;
    questions.set(question.event, question);
    for (const [event, oldest] of questions) {
      if (questions.size <= maximumQuestions) break;
      questions.delete(event);
      this.#memory.scans = this.#memory.scans.filter((pending) => pending.question !== event);
      for (const lot of this.#memory.plate(oldest.plate).lots)
        if (lot.question === event) delete lot.question;
    }
  }
}
