import { usPerMs } from '#base/units.ts';
import type { FusionConfig } from '#config/schema.ts';
import type { Asking } from './asking.ts';
import type { Book } from './book.ts';
import { combine, leavesNoMass } from './changes.ts';
import { Coupling } from './coupling.ts';
import { dipped } from './dip.ts';
import { plausiblyJoint } from './joint.ts';
import type { Judge } from './judge.ts';
import { cameDown } from './leaning.ts';
import type { Memory, PlateMemory } from './memory.ts';
import type { ListedScan } from './observations.ts';
import { lotOf, Picking } from './picking.ts';
import { awaitsSighting, decided, type Judging, type Posterior, restsOnMassAlone } from './posterior.ts';
import { unsupportedStrictness } from './priors.ts';
import { Retaking } from './retaking.ts';
import type { Change, Part, PendingScan, Question, Ranked } from './types.ts';

/** How many earlier changes a new one is tried together with. */
const jointDepth = 4;
/** Probability of "nothing happened" from which a movement needs no word. */
const quietFrom = 0.5;
/** Probability of a swap that a scan or a camera suggests from which it is asked about instead. */
const suggestedSwapFrom = 0.1;
/** The same from which it is worth waiting for a camera's word. */
const swapToWatchFrom = 0.02;
/** After a plate came to rest without a movement, scans that had waited for it are tried on open questions, µs. */
const retryAfterUs = 50_000;
/** So long after a question a pick that fits any mass is its answer: longer, and the shopper left it alone. */
const answeredWithinUs = 10_000_000;

/** What a hand may still hold part of is asked about so many times later: lowering something with care takes some seconds. */
const heldFactor = 2;
/** So much of what was scanned has come at least, and at most, where a hand may hold the rest. */
const leastHeld = 0.1;
const mostHeld = 0.9;

const nothingWithout: ReadonlySet<string> = new Set();

/** Whether everything put in was scanned or picked. */
function scanned(parts: readonly Part[]): boolean {
  const into = parts.filter((part) => part.sign > 0);
  return into.length > 0 && into.every((part) => part.scans.length > 0);
}

/** Decides when to decide: at once, together with an earlier change, when a scan comes, or at the deadline. */
export class Settling {
  readonly #memory: Memory;
  readonly #judge: Judge;
  readonly #book: Book;
  readonly #asking: Asking;
  readonly #config: FusionConfig;
  readonly #coupling: Coupling;
  readonly #picking: Picking;
  readonly #retaking: Retaking;

  constructor(memory: Memory, judge: Judge, book: Book, asking: Asking, config: FusionConfig) {
    this.#memory = memory;
    this.#judge = judge;
    this.#book = book;
    this.#asking = asking;
    this.#config = config;
    this.#coupling = new Coupling(memory);
    const trySettle = (question: Question, pending: PendingScan) => this.#trySettle(question, pending);
    this.#retaking = new Retaking(memory, judge, book, asking, config);
    this.#picking = new Picking(memory, judge, book, config, trySettle);
  }

  /** A movement has settled. */
  settle(change: Change): void {
    const plate = this.#memory.plate(change.plate);
    if (this.#isShelf(change)) this.#coupling.settled(change);
    const earlier = leavesNoMass(change) ? [] : this.#changesAsked(change.plate);
    if (!this.#settleNow(change)) {
      const waits = this.#isHeld(change) ? heldFactor : 1;
      const deadlineUs = change.settledAtUs + waits * this.#config.decideWithinMs * usPerMs;
      plate.windows.push({ change, deadlineUs: Math.max(deadlineUs, this.#memory.nowUs) });
      for (const question of earlier) question.passed = true;
      return;
    }
    for (const question of earlier) question.passed = true;
    this.#passBy(change);
    this.retryQuestions(change.plate);
  }

  /** What came weighs less than what had just been scanned: perhaps a hand holds part of it, and it is still on its way down. */
  #isHeld(change: Change): boolean {
    if (change.massMg <= 0 || this.#isShelf(change) || dipped(change)) return false;
    return announcing(this.#memory.scansFor(change.plate), change).some((pending) => {
      const part = change.massMg / (this.#judge.expectedMg(pending) ?? 0);
      return part > leastHeld && part < mostHeld;
    });
  }

  /** A change is explained or asked about: scans that could have been of it, and were not, were passed by. */
  #passBy(change: Change): void {
    for (const pending of [...this.#memory.scansFor(change.plate), ...this.#memory.unlistedFor(change)]) {
      if (pending.scan.atUs <= change.startedAtUs) pending.passed = true;
    }
  }

  #settleNow(change: Change): boolean {
    const scans = this.#memory.scansFor(change.plate);
    const result = this.#judge.weigh(change, { scans, without: nothingWithout });
    if (change.whileAway) {
      if (!isQuiet(result, suggestedSwapFrom)) this.#asking.askChange(change, result, []);
      return true;
    }
    return (
      this.#decide(change, result, false) ||
      isQuiet(result, swapToWatchFrom) ||
      this.#retaking.retake(change, scans) ||
      this.#jointly(change, scans)
    );
  }

  /** The best explanation if it passes. */
  #acceptable(change: Change, result: Posterior, question?: string): Ranked | undefined {
    const parts = result.ranked[0]?.parts ?? [];
    const strict = !this.#isShelf(change) && restsOnMassAlone(change, parts, question);
    return decided(result, this.#config, strict ? unsupportedStrictness : 1);
  }

  #isShelf(change: Change): boolean {
    return this.#memory.plate(change.plate).options.kind === 'shelf';
  }

  /** Writes the best explanation if it passes; one that rests on mass alone only when there is no more time for a scan. */
  #decide(change: Change, result: Judging, final: boolean): boolean {
    const chosen = this.#acceptable(change, result);
    if (chosen === undefined) return false;
    const waits = this.#isShelf(change)
      ? awaitsSighting(chosen.parts)
      : restsOnMassAlone(change, chosen.parts);
    if (waits && !final) return false;
    this.#book.write({ change, chosen, result, settles: [] });
    return true;
  }

  /** Explains a change together with an earlier one that is still open: one thing in two steps, or two things one scan apart. */
  #jointly(change: Change, scans: readonly PendingScan[]): boolean {
    const plate = this.#memory.plate(change.plate);
    for (const window of plate.windows.toReversed().slice(0, jointDepth)) {
      if (window.change === change) continue;
      const both = combine([window.change, change]);
      const result = this.#judge.weigh(both, { scans, without: nothingWithout });
      const undone = isQuiet(result, suggestedSwapFrom) && change.massMg * window.change.massMg < 0;
      if (!undone && !this.#writeScanned(both, result, [])) continue;
      plate.windows = plate.windows.filter((other) => other !== window);
      return true;
    }
    if (scans.length === 0) return false;
    for (const question of this.#changesAsked(change.plate)) {
      if (question.change === undefined || question.passed === true || leavesNoMass(question.change))
        continue;
      const both = combine([question.change, change]);
      const result = this.#judge.weigh(both, {
        scans,
        without: lotOf(question),
        question: question.event,
        scannedOnly: true,
      });
      const isOne = plausiblyJoint(question.change, change, result, this.#config.maximumZ);
      if (!isOne && !cameDown(question, change, result)) continue;
      if (this.#writeScanned(both, result, [question])) return true;
    }
    return false;
  }

  /** Open questions about changes of a plate, the latest first; none about what was tared. */
  #changesAsked(plate: string): Question[] {
    return [...this.#memory.questions.values()]
      .filter(({ plate: of, change, tared }) => of === plate && change !== undefined && tared !== true)
      .reverse()
      .slice(0, jointDepth * 2);
  }

  #writeScanned(
    change: Change,
    result: Judging,
    settles: readonly Question[],
    needed?: PendingScan,
    corrects?: string,
  ): boolean {
    const chosen = this.#acceptable(change, result, settles[0]?.event);
    if (chosen === undefined || !scanned(chosen.parts)) return false;
    if (needed !== undefined && !chosen.parts.some((part) => part.scans.includes(needed))) return false;
    this.#book.write({ change, chosen, result, settles, ...(corrects === undefined ? {} : { corrects }) });
    return true;
  }

  /** New evidence: windows that can be decided now are. */
  retryWindows(): void {
    for (const plate of this.#memory.plates.values()) {
      for (const window of plate.windows.toReversed()) this.#retryWindow(plate, window.change);
    }
  }

  #retryWindow(plate: PlateMemory, change: Change): boolean {
    if (!plate.windows.some((window) => window.change === change)) return false;
    if (!this.#settleNow(change)) return false;
    plate.windows = plate.windows.filter((window) => window.change !== change);
    this.#passBy(change);
    return true;
  }

  /** The window whose time is up next is decided or asked about. False if none is due. */
  closeWindow(dueUs: number): boolean {
    let plate: PlateMemory | undefined;
    let first: PlateMemory['windows'][number] | undefined;
    let firstUs = Number.POSITIVE_INFINITY;
    for (const candidate of this.#memory.plates.values()) {
      for (const window of candidate.windows) {
        const deadlineUs = this.#memory.windowDeadlineUs(candidate, window);
        if (deadlineUs > dueUs || deadlineUs >= firstUs) continue;
        plate = candidate;
        first = window;
        firstUs = deadlineUs;
      }
    }
    if (plate === undefined || first === undefined) return false;
    const { change } = first;
    plate.windows = plate.windows.filter((window) => window !== first);
    const scans = this.#memory.scansFor(change.plate);
    const result = this.#judge.weigh(change, { scans, without: nothingWithout });
    const quiet = isQuiet(result, suggestedSwapFrom);
    const settled =
      this.#decide(change, result, true) || quiet || this.#coupled(change) || this.#jointly(change, scans);
    if (!settled) this.#asking.askChange(change, result, asked(scans, change, result));
    this.#passBy(change);
    this.retryQuestions(change.plate);
    return true;
  }

  /** A shelf's change that its own goods don't explain: is it of a neighbour's, or less by what went over to one? */
  #coupled(change: Change): boolean {
    if (!this.#isShelf(change)) return false;
    if (this.#coupling.carries(change)) return true;
    const whole = this.#coupling.whole(change);
    if (whole === undefined) return false;
    return this.#decide(whole, this.#judge.weigh(whole, { scans: [], without: nothingWithout }), true);
  }

  /** A plate came to rest; if no movement comes of it, scans that waited are tried on open questions soon. */
  rested(plate: PlateMemory): void {
    plate.retryAtUs = this.#memory.nowUs + retryAfterUs;
  }

  /** Tries the waiting scans on a plate's open questions. While something is happening there they may be about that. */
  retryQuestions(plateId: string): void {
    const plate = this.#memory.plate(plateId);
    if (plate.openSinceUs !== undefined || plate.windows.length > 0) return;
    for (const question of this.#changesAsked(plateId)) {
      if (unasked(this.#memory.scansFor(plateId)).length === 0) return;
      if (question.passed === true || question.askedAtUs === this.#memory.nowUs) continue;
      this.#trySettle(question);
    }
  }

  #trySettle(question: Question, needed?: PendingScan): boolean {
    const { change } = question;
    if (change === undefined || (change.massMg <= 0 && !dipped(change))) return false;
    const scans = this.#memory.scansFor(question.plate);
    const result = this.#judge.weigh(change, {
      scans,
      without: lotOf(question),
      question: question.event,
      scannedOnly: true,
    });
    return this.#writeScanned(change, result, [question], needed);
  }

  /** A new scan: is it about something that waits, about an open question, about a thing already taken for that product? */
  useScan(pending: PendingScan): void {
    const used = () => !this.#memory.scans.includes(pending);
    const plates = pending.plates.map((id) => this.#memory.plate(id));
    for (const plate of plates) {
      for (const window of plate.windows.toReversed()) {
        this.#retryWindow(plate, window.change);
        if (used()) return;
      }
    }
    if (plates.some((plate) => plate.openSinceUs !== undefined || plate.windows.length > 0)) return;
    // Loose produce that is picked fits any mass: it answers what was asked just now, else it is of the next thing, unless
    // none comes.
    const isBroad = pending.scan.manual === true && this.#judge.expectedMg(pending) === undefined;
    const askedSinceUs = isBroad ? this.#memory.nowUs - answeredWithinUs : Number.NEGATIVE_INFINITY;
    for (const plate of plates) {
      for (const question of this.#changesAsked(plate.options.id)) {
        if (question.passed === true || question.askedAtUs < askedSinceUs) continue;
        // What was scanned has a code, loose produce has none: it is the next thing.
        if (isBroad && this.#wasScanned(question)) continue;
        if (this.#trySettle(question, pending)) {
          this.#retaking.answered(question, pending);
          return;
        }
        if (this.#picking.scannedAgain(question, pending)) return;
      }
      if (!isBroad && this.#settlePair(plate.options.id, pending)) return;
    }
    if (isBroad) return;
    const sinceUs = this.#memory.nowUs - this.#config.scanHoldMs * usPerMs;
    if (this.#book.confirm(pending.scan.product, pending, sinceUs)) return;
    for (const plate of plates) if (this.#correct(plate, pending, sinceUs)) return;
  }

  /** Whether a code was read for what a question is about. */
  #wasScanned({ event }: Question): boolean {
    return this.#memory.scans.some(({ question, scan }) => question === event && scan.manual !== true);
  }

  /** A code that the catalogue doesn't have is scanned. At rest, it is of the unknown thing that was just asked about, if there is one. */
  namesNothing(plates: readonly string[]): boolean {
    const busy = ({ openSinceUs, windows }: PlateMemory) => openSinceUs !== undefined || windows.length > 0;
    if (plates.some((id) => busy(this.#memory.plate(id)))) return false;
    const question = plates
      .flatMap((id) => this.#changesAsked(id))
      .find(({ kind, ask, passed }) => kind === 'unknown-added' && ask === 'scan-it' && passed !== true);
    if (question === undefined) return false;
    this.#asking.callStaff(question);
    return true;
  }

  /** Nothing was placed for a scan in time: is it about something of before that the shopper had gone on from? */
  useLapsed(pending: PendingScan): boolean {
    for (const id of pending.plates) {
      for (const question of this.#changesAsked(id)) {
        if (question.change !== undefined && question.change.startedAtUs > pending.scan.atUs) continue;
        if (this.#trySettle(question, pending)) return true;
      }
    }
    return false;
  }

  /**
   * Two open questions that are one thing, put in in two steps. Never one put in and partly taken out again: that a scan
   * names just the difference of two masses is a coincidence too often.
   */
  #settlePair(plate: string, pending: PendingScan): boolean {
    const open = this.#changesAsked(plate).slice(0, jointDepth);
    const scans = this.#memory.scansFor(plate);
    for (const [i, later] of open.entries()) {
      for (const earlier of open.slice(i + 1)) {
        if (earlier.change === undefined || later.change === undefined) continue;
        if (earlier.passed === true || later.passed === true) continue;
        if (earlier.change.massMg < 0 || later.change.massMg < 0) continue;
        const both = combine([earlier.change, later.change]);
        const without = new Set([...lotOf(earlier), ...lotOf(later)]);
        const result = this.#judge.weigh(both, { scans, without, question: later.event, scannedOnly: true });
        if (!plausiblyJoint(earlier.change, later.change, result, this.#config.maximumZ)) continue;
        if (this.#writeScanned(both, result, [earlier, later], pending)) return true;
      }
    }
    return false;
  }

  /** What was decided without a scan turns out to be something else: the scan names it and the mass agrees. */
  #correct(plate: PlateMemory, pending: PendingScan, sinceUs: number): boolean {
    for (const lot of plate.lots.toReversed()) {
      const { change } = lot;
      if (change === undefined || lot.atUs < sinceUs || lot.massMg !== Math.round(change.massMg)) continue;
      const scans = this.#memory.scansFor(plate.options.id);
      const result = this.#judge.weigh(change, {
        scans,
        without: new Set([lot.id]),
        question: lot.event,
        scannedOnly: true,
      });
      if (!this.#writeScanned(change, result, [], pending, lot.event)) continue;
      plate.lots = plate.lots.filter((other) => other !== lot);
      return true;
    }
    return false;
  }

  /** Gives up a scan: its own question, if there is one, is answered `withdrawn`. */
  withdraw(pending: PendingScan): void {
    this.#memory.scans = this.#memory.scans.filter((other) => other !== pending);
    const question = this.#memory.questions.get(pending.question ?? '');
    if (question !== undefined && question.change === undefined) this.#book.withdraw(pending, question);
  }

  /** Applies a shopper's pick to a question. False if the mass contradicts it; then nothing has changed. */
  identify(question: Question, scan: ListedScan): boolean {
    return this.#picking.identify(question, scan);
  }
}

function unasked(scans: readonly PendingScan[]): PendingScan[] {
  return scans.filter((pending) => pending.question === undefined);
}

/** Scans that nobody was asked about, that came before the change began and none has overtaken: they may have announced it. */
function announcing(scans: readonly PendingScan[], change: Change): PendingScan[] {
  return unasked(scans).filter(
    ({ scan, overtaken }) => scan.atUs <= change.startedAtUs && overtaken === undefined,
  );
}

/** Scans that wait with the question about a change: those that announced what was put in, or what was exchanged. */
function asked(scans: readonly PendingScan[], change: Change, { ranked }: Posterior): PendingScan[] {
  const waiting = announcing(scans, change);
  if (change.massMg > 0) return waiting;
  const best = ranked.find(({ kind }) => kind === 'items');
  return waiting.filter((pending) => best?.parts.some((part) => part.scans.includes(pending)) === true);
}

/** Nothing happened, and neither a scan nor a camera suggests with `swapFrom` that one thing was exchanged for another. */
function isQuiet(result: Posterior, swapFrom: number): boolean {
  let swaps = 0;
  for (const one of result.ranked) {
    const named = one.parts.some((part) => part.sign > 0 && (part.scans.length > 0 || part.entry === 'look'));
    if (named && one.parts.some((part) => part.sign < 0)) swaps += one.probability;
  }
  return result.nothing >= quietFrom && swaps < swapFrom;
}
