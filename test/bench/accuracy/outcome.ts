import { mgPerKilogram } from '#base/units.ts';
import type { Catalogue, Product } from '#catalogue/products.ts';
import type { Claim, Ledger } from './claims.ts';
import type { Engine } from './engines.ts';
import { judge, type UnitVerdict, type Verdicts } from './score.ts';
import type { Stage, TrueUnit } from './stage.ts';

/** Counts of units by what became of them, and of what was said. Sums over trips and cases are sums of these. */
export interface Counts {
  units: number;
  right: number;
  rightLater: number;
  undone: number;
  asked: number;
  missed: number;
  /** Units of claims that nothing real stands behind, in the end. */
  wrong: number;
  /** The same of what was said first, and units named rightly then. */
  wrongFirst: number;
  rightFirst: number;
  /** Units that anything was asked about. */
  questioned: number;
  /** Goods that the catalogue doesn't have, and of those asked about. */
  unlisted: number;
  unlistedAsked: number;
}

/** A decision as first said: the probability that was given, and whether it was right. */
interface Said {
  readonly ppm: number;
  readonly right: boolean;
}

/**
 * How long the first word about something that moved took, ms: from letting go, and from settling; of a decision from the scan
 * or sighting that it rests on, where that came later.
 */
interface Wait {
  readonly label: string;
  readonly question: boolean;
  readonly releaseMs: number;
  readonly settleMs: number;
}

interface Fault {
  readonly what: 'wrong' | 'missed' | 'asked';
  readonly label: string;
  readonly product: string;
  readonly sign: 1 | -1;
  readonly atUs: number;
  /** What was said in its place, or how it was asked about. */
  readonly said: string;
}

/** All that is kept of one trip. */
export interface Outcome {
  readonly tier: string;
  readonly engine: string;
  readonly seed: number;
  readonly seconds: number;
  readonly cases: Readonly<Record<string, Counts>>;
  readonly questions: number;
  readonly idleQuestions: number;
  /** The goods in the end are those that were said to be there, each product as often: with all answers, and by what was said unasked. */
  readonly exact: boolean;
  readonly exactUnasked: boolean;
  readonly salesMinor: number;
  /** What was bought and not charged, and what was charged and not bought. */
  readonly storeLossMinor: number;
  readonly shopperLossMinor: number;
  readonly waits: readonly Wait[];
  readonly decisionMs: readonly number[];
  readonly said: readonly Said[];
  readonly faults: readonly Fault[];
}

export const noCounts = (): Counts => ({
  units: 0,
  right: 0,
  rightLater: 0,
  undone: 0,
  asked: 0,
  missed: 0,
  wrong: 0,
  wrongFirst: 0,
  rightFirst: 0,
  questioned: 0,
  unlisted: 0,
  unlistedAsked: 0,
});

/** Judges a trip that was played. */
export function outcomeOf(
  names: { readonly tier: string; readonly engine: string; readonly seed: number },
  stage: Stage,
  engine: Engine,
): Outcome {
  const { catalogue } = stage.goods;
  const verdicts = judge(stage.units, engine.ledger);
  const listed = stage.units.filter(({ thing }) => thing.product !== undefined && thing.forSale);
  return {
    ...names,
    seconds: Math.round(stage.nowUs / 1e6),
    cases: countCases(verdicts, stage.units),
    questions: engine.ledger.questions.size,
    idleQuestions: verdicts.idle.length,
    exact: isExact(listed, engine.ledger.final),
    exactUnasked: isExact(listed, engine.ledger.first),
    ...money(listed, engine.ledger.final, catalogue),
    waits: latencies(verdicts, engine.ledger),
    decisionMs: engine.decisionMs,
    said: said(verdicts, engine.ledger),
    faults: faultsOf(verdicts, stage.units),
  };
}

function countCases(verdicts: Verdicts, units: readonly TrueUnit[]): Record<string, Counts> {
  const cases: Record<string, Counts> = {};
  const of = (label: string): Counts => {
    cases[label] ??= noCounts();
    return cases[label];
  };
  const wrongFirst = new Set(verdicts.wrongFirst.map(({ claim }) => claim.id));
  for (const { unit, fate, claim, question } of verdicts.units) {
    const counts = of(unit.label);
    if (unit.thing.product === undefined) {
      counts.unlisted += 1;
      if (question !== undefined) counts.unlistedAsked += 1;
      continue;
    }
    counts.units += 1;
    if (question !== undefined) counts.questioned += 1;
    if (fate === 'right') counts.right += 1;
    else if (fate === 'right-later') counts.rightLater += 1;
    else counts[fate] += 1;
    if (fate === 'right' && claim !== undefined && !wrongFirst.has(claim.id)) counts.rightFirst += 1;
  }
  for (const { claim, count } of verdicts.wrong) of(labelAt(claim, units)).wrong += count;
  for (const { claim, count } of verdicts.wrongFirst) of(labelAt(claim, units)).wrongFirst += count;
  return cases;
}

/** The act that something said belongs to: that of the unit nearest in time. */
function labelAt(claim: Claim, units: readonly TrueUnit[]): string {
  let best: TrueUnit | undefined;
  const far = (unit: TrueUnit) =>
    Math.abs(unit.atUs - claim.settledAtUs) + (unit.plate === claim.plate ? 0 : 1e9);
  for (const unit of units) if (best === undefined || far(unit) < far(best)) best = unit;
  return best?.label ?? 'nothing moved';
}

function isExact(units: readonly TrueUnit[], claims: readonly Claim[]): boolean {
  const counts = new Map<string, number>();
  const add = (product: string, count: number) => counts.set(product, (counts.get(product) ?? 0) + count);
  for (const { thing, sign } of units) add(thing.product?.key ?? '', sign);
  for (const { product, sign, count } of claims) add(product, -sign * count);
  return [...counts.values()].every((count) => count === 0);
}

function money(units: readonly TrueUnit[], claims: readonly Claim[], catalogue: Catalogue) {
  const owed = new Map<string, number>();
  const charged = new Map<string, number>();
  const add = (map: Map<string, number>, key: string, minor: number) =>
    map.set(key, (map.get(key) ?? 0) + minor);
  // On a shelf what is taken is bought.
  const shelf = units.some(({ plate }) => plate.startsWith('s'));
  for (const { thing, sign } of units) {
    const { product, labelMinor, massMg } = thing;
    if (product === undefined) continue;
    add(owed, product.key, (shelf ? -1 : 1) * sign * (labelMinor ?? priceOf(product, massMg, 1)));
  }
  for (const { product: key, sign, count, massMg, priceMinor } of claims) {
    const product = catalogue.byKey.get(key);
    if (product === undefined) continue;
    add(charged, key, (shelf ? -1 : 1) * sign * (priceMinor ?? priceOf(product, Math.abs(massMg), count)));
  }
  let salesMinor = 0;
  let storeLossMinor = 0;
  let shopperLossMinor = 0;
  for (const key of new Set([...owed.keys(), ...charged.keys()])) {
    const right = owed.get(key) ?? 0;
    const paid = charged.get(key) ?? 0;
    salesMinor += Math.max(0, right);
    storeLossMinor += Math.max(0, right - paid);
    shopperLossMinor += Math.max(0, paid - right);
  }
  return { salesMinor, storeLossMinor, shopperLossMinor };
}

function priceOf(product: Product, massMg: number, count: number): number {
  if (product.sale === 'each') return count * (product.priceMinor ?? 0);
  return Math.round(((product.priceMinorPerKg ?? 0) * massMg) / mgPerKilogram);
}

/** Each first word about something that moved, by what it was about last. */
function latencies({ units }: Verdicts, ledger: Ledger): Wait[] {
  const words = new Map<string, Wait & { readonly releasedUs: number }>();
  for (const { unit, claim, question } of units) {
    const word = question ?? claim;
    if (word === undefined || claim?.corrects !== undefined) continue;
    // About a scan, not about a movement.
    if (question !== undefined && question.kind === 'scanned-not-placed') continue;
    // It was asked before that moved.
    if (question !== undefined && unit.atUs > question.settledAtUs) continue;
    const known = words.get(word.id);
    if (known !== undefined && known.releasedUs >= unit.atUs) continue;
    const heardUs = question === undefined ? (claim?.evidenceUs ?? 0) : 0;
    words.set(word.id, {
      label: unit.label,
      question: question !== undefined && ledger.questions.has(word.id),
      releasedUs: unit.atUs,
      releaseMs: (word.atUs - Math.max(unit.atUs, heardUs)) / 1_000,
      settleMs: (word.atUs - Math.max(word.settledAtUs, heardUs)) / 1_000,
    });
  }
  return [...words.values()].map(({ releasedUs: _, ...wait }) => wait);
}

function said({ wrongFirst }: Verdicts, ledger: Ledger): Said[] {
  const wrong = new Set(wrongFirst.map(({ claim }) => claim.id));
  return ledger.first.map(({ id, probabilityPpm }) => ({ ppm: probabilityPpm, right: !wrong.has(id) }));
}

function faultsOf({ units, wrong }: Verdicts, moved: readonly TrueUnit[]): Fault[] {
  const lost = units.flatMap(({ unit, fate, question }: UnitVerdict): Fault[] => {
    if (fate !== 'missed' && fate !== 'asked') return [];
    if (unit.thing.product === undefined) return [];
    const { label, sign, atUs } = unit;
    const told = question === undefined ? 'nothing' : `asked as ${question.kind}, ${question.ask}`;
    return [{ what: fate, label, product: unit.thing.product.key, sign, atUs, said: told }];
  });
  const charged = wrong.map(({ claim, count }): Fault => {
    const about = moved.filter(
      ({ plate, atUs }) => plate === claim.plate && Math.abs(atUs - claim.settledAtUs) < 3e6,
    );
    const real = about.map(({ thing, sign }) => `${sign > 0 ? '+' : '-'}${thing.product?.key ?? 'unlisted'}`);
    return {
      what: 'wrong',
      label: labelAt(claim, moved),
      product: claim.product,
      sign: claim.sign,
      atUs: claim.atUs,
      said: `${count} too many at ${claim.probabilityPpm} ppm; really ${real.join(' ') || 'nothing'}`,
    };
  });
  return [...charged, ...lost];
}
