import { toPpm, usPerMs } from '#base/units.ts';
import type { FusionConfig } from '#config/schema.ts';
import type { Book } from './book.ts';
import { leavesNoMass } from './changes.ts';
import type { Judge } from './judge.ts';
import type { Memory } from './memory.ts';
import type { ListedScan } from './observations.ts';
import { maximumScans, priors } from './priors.ts';
import type { Change, PendingScan, Question, Ranked } from './types.ts';

/** A scan that repeats what was asked about is taken for an answer from this probability on, before it. */
const scannedAgainFromPpm = 100_000;
/** A pick is taken for an answer from this probability on, before it. */
const pickedFromPpm = 1_000;
/** What fits a pick is taken for it where it is so many times likelier than whatever else fits it. */
const clearlyLikelier = 9;

const nothingWithout: ReadonlySet<string> = new Set();

/** The unnamed thing of a question, which its answer names. */
export function lotOf(question: Question): ReadonlySet<string> {
  return question.lot === undefined ? nothingWithout : new Set([question.lot]);
}

/** What a shopper says a question is about: a pick on the display, or the same code once more. */
export class Picking {
  readonly #memory: Memory;
  readonly #judge: Judge;
  readonly #book: Book;
  readonly #config: FusionConfig;
  readonly #trySettle: (question: Question, pending: PendingScan) => boolean;

  /** @param trySettle settles a question with all that was scanned, `pending` among it; false where that explains nothing */
  constructor(
    memory: Memory,
    judge: Judge,
    book: Book,
    config: FusionConfig,
    trySettle: (question: Question, pending: PendingScan) => boolean,
  ) {
    this.#memory = memory;
    this.#judge = judge;
    this.#book = book;
    this.#config = config;
    this.#trySettle = trySettle;
  }

  /**
   * What was asked about is scanned again: the shopper's answer that it is just that, so it counts as much as a pick. The mass
   * was only unlikely for it; what the mass contradicts stays asked about.
   */
  scannedAgain(question: Question, pending: PendingScan): boolean {
    const { scan } = pending;
    const { change, event } = question;
    const asked = this.#memory.scans.some(
      (other) => other !== pending && other.question === event && other.scan.product === scan.product,
    );
    if (!asked || change === undefined || change.massMg <= 0) return false;
    const scans = this.#memory.scansFor(question.plate).filter((other) => other !== pending);
    const result = this.#judge.weigh(change, { scans, without: lotOf(question), question: event });
    const fits = result.ranked.find(
      ({ kind, parts, z }) =>
        kind === 'items' &&
        Math.abs(z) <= this.#config.maximumZ &&
        parts.every((part) => part.sign > 0 && part.scans.length > 0) &&
        parts.some((part) => part.product?.key === scan.product && part.scans.length === part.count),
    );
    if (fits === undefined || toPpm(fits.probability) < scannedAgainFromPpm) return false;
    this.#memory.scans = scans;
    this.#book.write({ change, chosen: picked(fits), result, settles: [question] });
    return true;
  }

  /**
   * Applies a shopper's pick to a question. False if the mass contradicts it; then nothing has changed. A pick of one of
   * several things, or of one of two that were exchanged, waits with the question for the others.
   */
  identify(question: Question, scan: ListedScan): boolean {
    const { change, event, plate } = question;
    if (change === undefined) return false;
    // What came is still to be named: the mass then says whether this is what went.
    if (this.#wentOut(question, change, scan)) return true;
    const pending: PendingScan = {
      scan,
      plates: [plate],
      holdUntilUs: this.#memory.nowUs + this.#config.scanHoldMs * usPerMs,
      question: event,
    };
    if (change.massMg > 0) {
      const scanned = this.#memory.scans.find(
        (other) => other.question === event && other.scan.product === scan.product,
      );
      this.#memory.scans.push(pending);
      if (this.#trySettle(question, pending)) {
        // It had been scanned for the question as well: that scan is of nothing else.
        if (scanned !== undefined) this.#forget(scanned);
        return true;
      }
      if (question.kind === 'mixed' && this.#waits(pending, change.massMg)) return true;
      this.#forget(pending);
    }
    const found = this.#fitting(question, change, scan);
    if (found.length > 0) return this.#take(question, change, scan, found);
    // It came while something else, that nobody named yet, went out: only where the plate gained nothing to speak of.
    if (change.massMg > 0 && !leavesNoMass(change)) return false;
    this.#memory.scans.push(pending);
    const exchanges = this.#fitting(question, change, scan);
    const isTaken = exchanges.length > 0 && this.#take(question, change, scan, exchanges);
    const isHeld = this.#memory.scans.includes(pending);
    if (isTaken && (!isHeld || this.#memory.scans.length <= maximumScans)) return true;
    this.#forget(pending);
    return false;
  }

  /**
   * Whether a pick names what went out in an exchange, rather than what came: a thing that lies inside, that alone would be none of
   * what changed, and that is likelier to have gone than to have come.
   */
  #wentOut(question: Question, change: Change, { product }: ListedScan): boolean {
    if (question.kind !== 'mixed' || question.ask !== 'choose') return false;
    const { lots } = this.#memory.plate(question.plate);
    if (!lots.some((lot) => lot.product === product)) return false;
    const scans = this.#memory.scansFor(question.plate);
    const result = this.#judge.weigh(change, { scans, without: lotOf(question), question: question.event });
    let went = 0;
    let came = 0;
    for (const { parts, probability } of result.ranked) {
      const named = parts.filter((part) => part.product?.key === product);
      const isUnnamed = parts.some((part) => part.sign > 0 && part.scans.length === 0);
      if (named.some((part) => part.sign > 0)) came += probability;
      else if (named.length > 0 && isUnnamed) went += probability;
    }
    return went > came;
  }

  /**
   * Whether a pick, which is among the scans, waits for others of its question: all that were picked for it weigh less than
   * the change, `massMg`, and there is room for it.
   */
  #waits(pending: PendingScan, massMg: number): boolean {
    const { scans } = this.#memory;
    if (scans.length > maximumScans || this.#judge.expectedMg(pending) === undefined) return false;
    const picks = scans.filter(({ question, scan }) => question === pending.question && scan.manual === true);
    return picks.reduce((sumMg, pick) => sumMg + (this.#judge.expectedMg(pick) ?? 0), 0) < massMg;
  }

  #forget(pending: PendingScan): void {
    this.#memory.scans = this.#memory.scans.filter((other) => other !== pending);
  }

  /** Explanations that name what was picked, and nothing as put in that was neither scanned nor picked; the likeliest first. */
  #fitting(question: Question, change: Change, scan: ListedScan): Fitting[] {
    const scans = this.#memory.scansFor(question.plate);
    const result = this.#judge.weigh(change, { scans, without: lotOf(question), question: question.event });
    const found = result.ranked
      .filter(
        (one) =>
          one.kind === 'items' &&
          toPpm(one.probability) >= pickedFromPpm &&
          one.parts.every((part) => part.sign < 0 || part.scans.length > 0) &&
          names(one, scan),
      )
      .map((one) => ({ one, result }));
    // What the mass contradicts is likelier than whatever it allows: nothing but chance makes that fit.
    return Math.abs(found[0]?.one.z ?? 0) <= this.#config.maximumZ ? found : [];
  }

  /** Writes what fits best; where something else fits nearly as well, the next pick tells. */
  #take(question: Question, change: Change, scan: ListedScan, fitting: readonly Fitting[]): boolean {
    const [best, next] = fitting;
    if (best === undefined) return false;
    if (next !== undefined && next.one.probability * clearlyLikelier > best.one.probability) return true;
    const parts = best.one.parts.map((part) =>
      part.product?.key === scan.product ? { ...part, entry: 'manual' as const } : part,
    );
    const chosen = { ...picked(best.one), parts };
    this.#book.write({ change, chosen, result: best.result, settles: [question] });
    return true;
  }
}

interface Fitting {
  readonly one: Ranked;
  readonly result: ReturnType<Judge['weigh']>;
}

/** An explanation that the shopper picked: the pick is right 97 times in 100; Bayes with what the mass said before it. */
function picked(one: Ranked): Ranked {
  const right = priors.pickedPlaced * one.probability;
  return { ...one, probability: right / (right + (1 - priors.pickedPlaced) * (1 - one.probability)) };
}

function names(hypothesis: Ranked, scan: ListedScan): boolean {
  return hypothesis.parts.some(
    (part) => part.product?.key === scan.product && (scan.count === undefined || scan.count === part.count),
  );
}
