import type { Asking } from './asking.ts';
import type { Book } from './book.ts';
import type { Judge } from './judge.ts';
import type { Memory } from './memory.ts';
import { decided } from './posterior.ts';
import type { Change, FusionConfig, Lot, PendingScan, Question, Ranked } from './types.ts';

/** From a scan to the first touch of the plate by the thing scanned: longer, and it was hardly in the hand, µs. */
const announcesWithinUs = 3_000_000;
/** Who scans a thing after placing it does so at once: what is scanned within this time of its settling is that thing, µs. */
const ownWithinUs = 2_000_000;
/** What was put in last may fit the scan worse than what it was taken for, by so much in squares of its uncertainty. */
const mostWorse = 4;

/** A scan that was just taken for the answer to a question. */
interface Answered {
  readonly question: Question;
  readonly change: Change;
  readonly pending: PendingScan;
  readonly event: string;
  readonly z: number;
  readonly atUs: number;
}

/**
 * Takes a scan back from the question that it seemed to answer: it was the next thing's, which weighs alike and is put in right
 * after it, with no scan of its own. Who answers a question goes on to scan something else before putting it in.
 */
export class Retaking {
  readonly #memory: Memory;
  readonly #judge: Judge;
  readonly #book: Book;
  readonly #asking: Asking;
  readonly #config: FusionConfig;
  readonly #answered = new Map<string, Answered>();

  constructor(memory: Memory, judge: Judge, book: Book, asking: Asking, config: FusionConfig) {
    this.#memory = memory;
    this.#judge = judge;
    this.#book = book;
    this.#asking = asking;
    this.#config = config;
  }

  /** A scan answered a question by itself: one thing, scanned after it was asked about. */
  answered(question: Question, pending: PendingScan): void {
    const { change } = question;
    const { nowUs } = this.#memory;
    const lot = this.#memory.plate(question.plate).lots.at(-1);
    if (change === undefined || pending.scan.manual === true || lot?.count !== 1) return;
    if (lot.product !== pending.scan.product || lot.atUs !== nowUs) return;
    if (pending.scan.atUs - change.settledAtUs < ownWithinUs) return;
    const z = (change.massMg - lot.unitMeanMg) / Math.sqrt(lot.unitVarMg2 + change.varMg2);
    const answer = { question, change, pending, event: lot.event, z, atUs: nowUs };
    this.#answered.set(question.plate, answer);
  }

  /** Whether what was put in now is what the last answer's scan was of. Then the question is asked again. */
  retake(change: Change, scans: readonly PendingScan[]): boolean {
    const answer = this.#answered.get(change.plate);
    if (answer === undefined) return false;
    const sinceUs = change.startedAtUs - answer.atUs;
    if (sinceUs < 0 || sinceUs > announcesWithinUs || scans.some(({ question }) => question === undefined)) {
      return false;
    }
    const lot = this.#memory.plate(change.plate).lots.find(({ event }) => event === answer.event);
    if (lot === undefined) return false;
    const { question: _, ...own } = answer.pending;
    const pending: PendingScan = { ...own };
    const result = this.#judge.weigh(change, { scans: [...scans, pending], without: new Set() });
    const chosen = decided(result, this.#config);
    if (chosen === undefined || !isOf(chosen, pending, answer.z)) return false;
    this.#answered.delete(change.plate);
    this.#askAgain(answer, lot);
    this.#memory.scans.push(pending);
    this.#book.write({ change, chosen, result, settles: [], retaken: true });
    return true;
  }

  #askAgain({ question, change }: Answered, lot: Lot): void {
    this.#book.takeBack(lot, change);
    const scans = this.#memory.scansFor(change.plate).filter((one) => one.question === question.event);
    const without = new Set<string>();
    const again = this.#asking.askChange(change, this.#judge.weigh(change, { scans, without }), scans);
    // The shopper has gone on from it.
    again.passed = true;
  }
}

/** Whether a scan alone explains a change, and not much worse than what it was taken for. */
function isOf({ parts: [part, ...more], z }: Ranked, pending: PendingScan, before: number): boolean {
  if (part === undefined || more.length > 0 || part.count !== 1) return false;
  return part.scans.includes(pending) && z * z <= before * before + mostWorse;
}
