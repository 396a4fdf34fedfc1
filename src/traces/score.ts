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
  readonly massMg: number;
  readonly plate: string;
  readonly startedAtUs: number;
  readonly settledAtUs: number;
  readonly atUs: number;
  /** How far before `startedAtUs` what it asks about may have begun, µs. */
  readonly beforeUs: number;
  outcome: string | undefined;
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
  const unmatched: { unit: Unit; index: number }[] = [];
  const units = truths.flatMap(toUnits);
  // Exact matches first over all units, so that a question near by doesn't take a unit that has its own decision.
  units.forEach((unit, index) => {
    const decision = bestDecision(unit, decisions, questions);
    if (decision === undefined) {
      unmatched.push({ unit, index });
      return;
    }
    decision.left -= 1;
    const question = decision.settles === undefined ? undefined : questions.get(decision.settles);
    if (question !== undefined) askedAbout.add(question.id);
    verdicts[index] = {
      ...describe(unit),
      verdict: question === undefined ? 'decided' : 'decided-after-asking',
      latencyUs: (question?.atUs ?? decision.event.atUs) - unit.atUs,
    };
  });
  for (const { unit, index } of unmatched) {
    const question = nearestQuestion(unit, questions);
    if (question !== undefined) askedAbout.add(question.id);
    verdicts[index] = {
      ...describe(unit),
      verdict: question === undefined ? 'missed' : 'asked',
      ...(question === undefined ? {} : { latencyUs: question.atUs - unit.atUs }),
    };
  }
  return summarize(verdicts, decisions, questions, askedAbout);
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
    product: truth.gtin ?? truth.plu ?? '',
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
      const { kind, massMg, plate, startedAtUs, settledAtUs } = event.data;
      const question = {
        id: event.id,
        massMg,
        plate,
        startedAtUs,
        settledAtUs,
        atUs: event.atUs,
        beforeUs: kind === 'changed-while-away' ? awayUs : beforeUs,
        outcome: undefined,
      };
      questions.set(event.id, question);
      break;
    }
    case 'item.resolved': {
      const question = questions.get(event.data.settles);
      if (question !== undefined) question.outcome = event.data.outcome;
      if (event.data.outcome === 'added') decisions.push(decision(event, event.data, 1, event.data.settles));
      if (event.data.outcome === 'removed')
        decisions.push(decision(event, event.data, -1, event.data.settles));
      break;
    }
    default:
      break;
  }
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

function bestDecision(
  unit: Unit,
  decisions: readonly Decision[],
  questions: ReadonlyMap<string, Question>,
): Decision | undefined {
  let best: Decision | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of decisions) {
    if (candidate.left === 0 || candidate.product !== unit.product || candidate.sign !== unit.sign) continue;
    if (unit.plate !== undefined && candidate.plate !== unit.plate) continue;
    const question = candidate.settles === undefined ? undefined : questions.get(candidate.settles);
    const { startedAtUs, settledAtUs } = question ?? candidate;
    const distance = outside(
      unit.atUs,
      startedAtUs - (question?.beforeUs ?? beforeUs),
      settledAtUs + afterUs,
    );
    const center = Math.abs(unit.atUs - (startedAtUs + settledAtUs) / 2);
    if (distance === 0 && center < bestDistance) {
      best = candidate;
      bestDistance = center;
    }
  }
  return best;
}

function nearestQuestion(unit: Unit, questions: ReadonlyMap<string, Question>): Question | undefined {
  let best: Question | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const question of questions.values()) {
    if (unit.plate !== undefined && question.plate !== unit.plate) continue;
    const distance = outside(
      unit.atUs,
      question.startedAtUs - question.beforeUs,
      question.settledAtUs + afterUs,
    );
    const center = Math.abs(unit.atUs - (question.startedAtUs + question.settledAtUs) / 2);
    if (distance === 0 && center < bestDistance) {
      best = question;
      bestDistance = center;
    }
  }
  if (best !== undefined) return best;
  // Goods put in and taken out again under one open question: the question was about them.
  for (const question of questions.values()) {
    if (question.outcome === 'put-back' && unit.atUs >= question.startedAtUs - beforeUs) best = question;
  }
  return best;
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
