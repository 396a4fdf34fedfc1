import type { EventData } from '#events/catalog.ts';
import type { CartEvent } from '#events/event.ts';
import type { TimedTruth } from './replay.ts';

/** How far before the movement's start and after its settling a truth may lie and still be the same happening, µs. */
const beforeUs = 2_500_000;
const afterUs = 1_500_000;
/** A change that was found after a restart began some time while nobody looked, µs. */
const awayUs = 30_000_000;

interface Decision {
  readonly event: CartEvent;
  readonly product: string;
  readonly sign: 1 | -1;
  readonly plate: string;
  readonly startedAtUs: number;
  readonly settledAtUs: number;
  /** The question it settles. */
  readonly settles: string | undefined;
  left: number;
}

interface Question {
  readonly id: string;
  readonly plate: string;
  readonly startedAtUs: number;
  readonly atUs: number;
  /** How far before `startedAtUs` a truth may lie, µs. */
  readonly beforeUs: number;
  /** When its movement had settled, or that of what was put back under it. */
  settledAtUs: number;
}

export type Verdict = 'decided' | 'decided-after-asking' | 'asked' | 'missed';

export interface TruthVerdict {
  readonly atUs: number;
  readonly kind: string;
  readonly product: string;
  readonly plate: string | undefined;
  readonly listed: boolean;
  readonly verdict: Verdict;
  /** From the physical release to the event (or the question), µs. */
  readonly latencyUs?: number;
}

export interface Score {
  /** Units that really moved, of products that the catalogue has. */
  readonly truths: number;
  readonly decided: number;
  readonly decidedAfterAsking: number;
  readonly asked: number;
  readonly missed: number;
  /** Units of products that the catalogue doesn't have; `unlistedAsked` of them became a question, as they should. */
  readonly unlisted: number;
  readonly unlistedAsked: number;
  /** Units of item events that nothing real stands behind: wrong product, wrong direction or wrong count. */
  readonly wrong: number;
  readonly wrongEvents: readonly {
    readonly id: string;
    readonly type: string;
    readonly product: string;
    readonly atUs: number;
  }[];
  /** Questions; `idleQuestions` of them were about nothing that moved. */
  readonly questions: number;
  readonly idleQuestions: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly verdicts: readonly TruthVerdict[];
}

/** Holds what was decided against what really happened, unit by unit. Pure; order of the arguments' elements matters only for ties. */
export function score(truths: readonly TimedTruth[], events: readonly CartEvent[]): Score {
  const decisions: Decision[] = [];
  const questions = new Map<string, Question>();
  for (const event of events) collect(event, decisions, questions);

  const verdicts: TruthVerdict[] = [];
  const askedAbout = new Set<string>();
  const units = truths.flatMap(toUnits);
  // Decisions first over all units, so that a question near by doesn't take a unit that has its own decision.
  const matches = matchDecisions(units, decisions, questions);
  for (const [index, unit] of units.entries()) {
    const decision = matches.get(index);
    const settled = decision?.settles === undefined ? undefined : questions.get(decision.settles);
    const question = decision === undefined ? nearestQuestion(unit, questions) : settled;
    if (question !== undefined) askedAbout.add(question.id);
    const saidAtUs = question?.atUs ?? decision?.event.atUs;
    verdicts.push({
      ...describe(unit),
      verdict: verdictOf(decision !== undefined, question !== undefined),
      ...(saidAtUs === undefined ? {} : { latencyUs: saidAtUs - unit.atUs }),
    });
  }
  return summarize(verdicts, decisions, questions, askedAbout);
}

function verdictOf(decided: boolean, asked: boolean): Verdict {
  if (decided) return asked ? 'decided-after-asking' : 'decided';
  return asked ? 'asked' : 'missed';
}

interface Unit {
  readonly atUs: number;
  readonly kind: string;
  readonly sign: 1 | -1;
  readonly product: string;
  readonly plate: string | undefined;
  readonly listed: boolean;
}

function toUnits({ truth, atUs }: TimedTruth): Unit[] {
  const unit: Unit = {
    atUs,
    kind: truth.kind,
    sign: truth.kind === 'removed' || truth.kind === 'taken' ? -1 : 1,
    // Events carry GTINs of 14 digits; people write them as they are printed.
    product: truth.gtin?.padStart(14, '0') ?? truth.plu ?? '',
    plate: truth.plate,
    listed: truth.listed !== false,
  };
  return Array.from({ length: truth.count }, () => unit);
}

const describe = ({ atUs, kind, product, plate, listed }: Unit) => ({ atUs, kind, product, plate, listed });

function collect(event: CartEvent, decisions: Decision[], questions: Map<string, Question>): void {
  switch (event.type) {
    case 'item.added':
    case 'shelf.returned':
    case 'shelf.misplaced':
      decisions.push(decision(event, event.data, 1));
      break;
    case 'item.removed':
    case 'shelf.taken':
      decisions.push(decision(event, event.data, -1));
      break;
    case 'item.unresolved': {
      const { kind, plate, startedAtUs, settledAtUs } = event.data;
      questions.set(event.id, {
        id: event.id,
        plate,
        startedAtUs,
        settledAtUs,
        atUs: event.atUs,
        beforeUs: kind === 'changed-while-away' ? awayUs : beforeUs,
      });
      break;
    }
    case 'item.resolved': {
      const { settles, outcome, settledAtUs } = event.data;
      const question = questions.get(settles);
      // Goods put in and taken out again under one open question: the question was about all of it, whether all of them
      // left or the rest could then be named.
      const together = outcome === 'put-back' || (event.data.evidence.movements?.length ?? 0) > 1;
      if (question !== undefined && together) question.settledAtUs = settledAtUs;
      collectOutcome(event, event.data, decisions, settles);
      break;
    }
    case 'item.corrected': {
      const { corrects } = event.data;
      const wrong = decisions.filter((one) => one.event.id === corrects);
      for (const one of wrong) one.left = 0;
      // It is about what was there to be decided on since then: a scale that was away shows only afterwards what was put in.
      const startedAtUs = Math.min(event.data.startedAtUs, ...wrong.map((one) => one.startedAtUs));
      collectOutcome(event, { ...event.data, startedAtUs }, decisions);
      break;
    }
    default:
      break;
  }
}

function collectOutcome(
  event: CartEvent,
  data: EventData<'item.added'> & { readonly outcome: string },
  decisions: Decision[],
  settles?: string,
): void {
  if (data.outcome === 'added') decisions.push(decision(event, data, 1, settles));
  if (data.outcome === 'removed') decisions.push(decision(event, data, -1, settles));
}

function decision(event: CartEvent, data: EventData<'item.added'>, sign: 1 | -1, settles?: string): Decision {
  return {
    event,
    product: data.gtin ?? data.plu ?? '',
    sign,
    plate: data.plate,
    startedAtUs: data.startedAtUs,
    settledAtUs: data.settledAtUs,
    settles,
    left: data.count,
  };
}

/** 0 inside [from, to], else how far outside. */
const outside = (atUs: number, from: number, to: number) => Math.max(0, from - atUs, atUs - to);

interface Distance {
  /** How far outside the movement itself. */
  readonly outsideUs: number;
  readonly centreUs: number;
}

/** How far a unit is from a decision or a question; undefined where it can't be about that unit. */
function distanceTo(unit: Unit, said: Decision | Question): Distance | undefined {
  const { plate, startedAtUs, settledAtUs } = said;
  if (unit.plate !== undefined && plate !== unit.plate) return undefined;
  const fromUs = startedAtUs - ('beforeUs' in said ? said.beforeUs : beforeUs);
  if (outside(unit.atUs, fromUs, settledAtUs + afterUs) > 0) return undefined;
  return {
    outsideUs: outside(unit.atUs, startedAtUs, settledAtUs),
    centreUs: Math.abs(unit.atUs - (startedAtUs + settledAtUs) / 2),
  };
}

const nearer = (a: Distance, b: Distance) => a.outsideUs - b.outsideUs || a.centreUs - b.centreUs;

/** Gives units to decisions, the nearest pairs first, and counts what each decision has left. Answers by index of unit. */
function matchDecisions(
  units: readonly Unit[],
  decisions: readonly Decision[],
  questions: ReadonlyMap<string, Question>,
): ReadonlyMap<number, Decision> {
  const pairs: { index: number; decision: Decision; distance: Distance }[] = [];
  for (const [index, unit] of units.entries()) {
    for (const decision of decisions) {
      if (decision.product !== unit.product || decision.sign !== unit.sign) continue;
      const question = decision.settles === undefined ? undefined : questions.get(decision.settles);
      const distance = distanceTo(unit, question ?? decision);
      if (distance !== undefined) pairs.push({ index, decision, distance });
    }
  }
  pairs.sort((a, b) => nearer(a.distance, b.distance));
  const matches = new Map<number, Decision>();
  for (const { index, decision } of pairs) {
    if (decision.left === 0 || matches.has(index)) continue;
    decision.left -= 1;
    matches.set(index, decision);
  }
  return matches;
}

function nearestQuestion(unit: Unit, questions: ReadonlyMap<string, Question>): Question | undefined {
  let best: { question: Question; distance: Distance } | undefined;
  for (const question of questions.values()) {
    const distance = distanceTo(unit, question);
    if (distance === undefined || (best !== undefined && nearer(distance, best.distance) >= 0)) continue;
    best = { question, distance };
  }
  return best?.question;
}

function summarize(
  verdicts: readonly TruthVerdict[],
  decisions: readonly Decision[],
  questions: ReadonlyMap<string, Question>,
  askedAbout: ReadonlySet<string>,
): Score {
  const listed = verdicts.filter((verdict) => verdict.listed);
  const count = (verdict: Verdict) => listed.filter((one) => one.verdict === verdict).length;
  const unlisted = verdicts.filter((verdict) => !verdict.listed);
  const wrongDecisions = decisions.filter((one) => one.left > 0);
  const wrong = wrongDecisions.reduce((sum, one) => sum + one.left, 0);
  const right = count('decided') + count('decided-after-asking');
  const precision = right + wrong === 0 ? 1 : right / (right + wrong);
  const recall = listed.length === 0 ? 1 : right / listed.length;
  return {
    truths: listed.length,
    decided: count('decided'),
    decidedAfterAsking: count('decided-after-asking'),
    asked: count('asked'),
    missed: count('missed'),
    unlisted: unlisted.length,
    unlistedAsked: unlisted.filter((one) => one.verdict === 'asked').length,
    wrong,
    wrongEvents: wrongDecisions.map(({ event, product }) => ({
      id: event.id,
      type: event.type,
      product,
      atUs: event.atUs,
    })),
    questions: questions.size,
    idleQuestions: [...questions.keys()].filter((id) => !askedAbout.has(id)).length,
    precision,
    recall,
    f1: precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall),
    verdicts,
  };
}
