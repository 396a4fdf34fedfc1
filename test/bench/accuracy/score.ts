import { usPerSecond } from '#base/units.ts';
import type { Asked, Claim, Ledger } from './claims.ts';
import type { TrueUnit } from './stage.ts';

/** How far before a movement's start and after its settling a unit may have moved and still be what a claim is about, µs. */
const beforeUs = 2_500_000;
const afterUs = 1_500_000;
const awayUs = 30 * usPerSecond;
/** What was scanned is put in so long after it at the latest, where nothing is weighed, µs. */
const unweighedUs = 15 * usPerSecond;
/** Lifting a thing and setting it down again takes less than this, µs. */
const inOneGoUs = 2_000_000;

/** What became of one unit that really moved. */
type Fate =
  /** Named rightly, unasked. */
  | 'right'
  /** Named rightly after a question or by a correction. */
  | 'right-later'
  /** Put in and taken out again under a question, or only moved about: nothing is left to name. */
  | 'undone'
  /** Asked about and never named. */
  | 'asked'
  | 'missed';

export interface UnitVerdict {
  readonly unit: TrueUnit;
  readonly fate: Fate;
  /** The claim that names it, or the question about it. */
  readonly claim?: Claim;
  /** None for what was only moved about. */
  readonly question?: Asked;
}

export interface Verdicts {
  readonly units: readonly UnitVerdict[];
  /** Claims with units that nothing real stands behind: in the end, and as first said. */
  readonly wrong: readonly { readonly claim: Claim; readonly count: number }[];
  readonly wrongFirst: readonly { readonly claim: Claim; readonly count: number }[];
  /** Units of listed goods that were named rightly at the first word. */
  readonly rightFirst: number;
  /** Questions about nothing that moved. */
  readonly idle: readonly Asked[];
}

interface Span {
  readonly plate: string;
  readonly startedAtUs: number;
  readonly settledAtUs: number;
}

/** A span with the time before it that belongs to it. */
interface Reach extends Span {
  readonly fromUs: number;
}

const outside = (atUs: number, from: number, to: number) => Math.max(0, from - atUs, atUs - to);

/** What a claim is about: the movement, or all that its question was about. A scan with nothing weighed says what, not when. */
function reachOf(claim: Claim, ledger: Ledger): Reach {
  const question = claim.settles === undefined ? undefined : ledger.questions.get(claim.settles);
  const away = question?.kind === 'changed-while-away';
  const startedAtUs = Math.min(claim.startedAtUs, question?.startedAtUs ?? claim.startedAtUs);
  const settledAtUs =
    Math.max(claim.settledAtUs, question?.settledAtUs ?? claim.settledAtUs) +
    (claim.massMg === 0 && question === undefined ? unweighedUs : 0);
  return { plate: claim.plate, startedAtUs, settledAtUs, fromUs: startedAtUs - (away ? awayUs : beforeUs) };
}

function reachOfQuestion(question: Asked): Reach {
  const { plate, startedAtUs, kind, settled } = question;
  const together = settled?.outcome === 'put-back' || settled?.outcome === 'not-an-item';
  const settledAtUs =
    together && settled ? Math.max(question.settledAtUs, settled.untilUs) : question.settledAtUs;
  const fromUs = startedAtUs - (kind === 'changed-while-away' ? awayUs : beforeUs);
  return { plate, startedAtUs, settledAtUs, fromUs };
}

/** How far a unit is from something said; undefined where it can't be about it. */
function distance(unit: TrueUnit, reach: Reach): number | undefined {
  if (unit.plate !== reach.plate) return undefined;
  if (unit.atUs < reach.fromUs || unit.atUs > reach.settledAtUs + afterUs) return undefined;
  const { startedAtUs, settledAtUs } = reach;
  // Outside of the movement by seconds counts before its middle does.
  return (
    1e6 * outside(unit.atUs, startedAtUs, settledAtUs) + Math.abs(unit.atUs - (startedAtUs + settledAtUs) / 2)
  );
}

/** Gives units to claims of the same product and direction, the nearest first; a claim of two units takes two. */
function match(units: readonly TrueUnit[], claims: readonly Claim[], ledger: Ledger) {
  const pairs: { unit: TrueUnit; claim: Claim; far: number }[] = [];
  for (const claim of claims) {
    const reach = reachOf(claim, ledger);
    for (const unit of units) {
      if (unit.sign !== claim.sign || unit.thing.product?.key !== claim.product) continue;
      const far = distance(unit, reach);
      if (far !== undefined) pairs.push({ unit, claim, far });
    }
  }
  pairs.sort((a, b) => a.far - b.far);
  const left = new Map(claims.map((claim) => [claim, claim.count]));
  const found = new Map<TrueUnit, Claim>();
  for (const { unit, claim } of pairs) {
    const rest = left.get(claim) ?? 0;
    if (rest === 0 || found.has(unit)) continue;
    left.set(claim, rest - 1);
    found.set(unit, claim);
  }
  const wrong = [...left].filter(([, count]) => count > 0).map(([claim, count]) => ({ claim, count }));
  return { found, wrong };
}

/**
 * Holds what was said against what really happened, unit by unit: product, direction and count. Goods that the catalogue
 * doesn't have can't be named; of those it only counts whether they were asked about.
 */
export function judge(units: readonly TrueUnit[], ledger: Ledger): Verdicts {
  const goods = units.filter(({ thing }) => thing.forSale);
  const { found, wrong } = match(goods, ledger.final, ledger);
  const first = match(goods, ledger.first, ledger);
  const questions = [...ledger.questions.values()];
  const undone = new Map<TrueUnit, Asked | undefined>();
  for (const unit of movedAbout(goods, (one) => found.has(one))) undone.set(unit, undefined);
  for (const question of questions) {
    for (const unit of undoneBy(question, goods, (one) => found.has(one) || undone.has(one))) {
      undone.set(unit, question);
    }
  }
  const touched = new Set<Asked>();
  const verdicts = goods.map((unit): UnitVerdict => {
    const claim = found.get(unit);
    if (claim !== undefined) {
      const unasked = claim.settles === undefined && claim.corrects === undefined;
      const question = claim.settles === undefined ? undefined : ledger.questions.get(claim.settles);
      return { unit, claim, fate: unasked ? 'right' : 'right-later', ...(question ? { question } : {}) };
    }
    if (undone.has(unit)) {
      const settledBy = undone.get(unit);
      return { unit, fate: 'undone', ...(settledBy === undefined ? {} : { question: settledBy }) };
    }
    const question = nearest(unit, questions);
    return question === undefined ? { unit, fate: 'missed' } : { unit, fate: 'asked', question };
  });
  for (const unit of units) {
    for (const question of questions) {
      if (distance(unit, reachOfQuestion(question)) !== undefined) touched.add(question);
    }
  }
  return {
    units: verdicts,
    wrong,
    wrongFirst: first.wrong,
    rightFirst: first.found.size,
    idle: questions.filter((question) => !touched.has(question)),
  };
}

/** A thing lifted and set down again on its plate in one go: nothing was taken, and nothing has to be said. */
function movedAbout(units: readonly TrueUnit[], taken: (unit: TrueUnit) => boolean): TrueUnit[] {
  return units.filter(
    (unit) =>
      !taken(unit) &&
      units.some(
        (other) =>
          other.thing === unit.thing &&
          other.plate === unit.plate &&
          !taken(other) &&
          Math.abs(other.atUs - unit.atUs) < inOneGoUs &&
          (unit.sign < 0
            ? other.atUs > unit.atUs && other.sign > 0
            : other.atUs < unit.atUs && other.sign < 0),
      ),
  );
}

/** Units that came and went again under one question, so that nothing is left to name: of each product as many in as out. */
function undoneBy(
  question: Asked,
  units: readonly TrueUnit[],
  taken: (unit: TrueUnit) => boolean,
): TrueUnit[] {
  const outcome = question.settled?.outcome;
  if (outcome !== 'put-back' && outcome !== 'not-an-item') return [];
  const reach = reachOfQuestion(question);
  const near = units.filter((unit) => !taken(unit) && distance(unit, reach) !== undefined);
  return near.filter((unit) => near.some((other) => other.thing === unit.thing && other.sign === -unit.sign));
}

function nearest(unit: TrueUnit, questions: readonly Asked[]): Asked | undefined {
  let best: { question: Asked; far: number } | undefined;
  for (const question of questions) {
    const far = distance(unit, reachOfQuestion(question));
    if (far !== undefined && (best === undefined || far < best.far)) best = { question, far };
  }
  return best?.question;
}
