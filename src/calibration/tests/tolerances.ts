import type { Regime, TestedPlate } from './types.ts';

/** Up to a load of `upTo` intervals, ± `mpe` intervals. */
interface Step {
  readonly upTo: number;
  readonly mpe: number;
}

/** OIML R 76-1:2006, 3.5.1, table 6, class III: checked against a reprint of the table. */
const r76: readonly Step[] = [
  { upTo: 500, mpe: 0.5 },
  { upTo: 2_000, mpe: 1 },
  { upTo: Number.POSITIVE_INFINITY, mpe: 1.5 },
];
/**
 * NIST Handbook 44, 2.20, table 6, class III, acceptance (half of maintenance): checked against the diagram in a maker's
 * handbook of weigh modules, the maintenance column (±1, ±2, ±3, ±5 d) against a published discussion of that table.
 */
const hb44: readonly Step[] = [
  { upTo: 500, mpe: 0.5 },
  { upTo: 2_000, mpe: 1 },
  { upTo: 4_000, mpe: 1.5 },
  { upTo: Number.POSITIVE_INFINITY, mpe: 2.5 },
];

interface Tolerances {
  readonly title: string;
  readonly steps: readonly Step[];
  /** In service: twice the initial ones (R 76-1, 3.5.2; Handbook 44, table 6). */
  readonly factor: 1 | 2;
}

const tolerances: Readonly<Record<Regime, Tolerances>> = {
  'r76-initial': { title: 'OIML R 76-1, class III, initial verification', steps: r76, factor: 1 },
  'r76-in-service': { title: 'OIML R 76-1, class III, in service', steps: r76, factor: 2 },
  'hb44-acceptance': { title: 'NIST Handbook 44, class III, acceptance', steps: hb44, factor: 1 },
  'hb44-maintenance': { title: 'NIST Handbook 44, class III, maintenance', steps: hb44, factor: 2 },
};

/** What an adjustment is judged by where scales are verified by `regime`: the tolerances of a new scale. */
export function adjustmentRegime(regime: Regime): Regime {
  if (regime === 'r76-in-service') return 'r76-initial';
  return regime === 'hb44-maintenance' ? 'hb44-acceptance' : regime;
}

/** What a regime is called in a report. */
export function regimeTitle(regime: Regime): string {
  return tolerances[regime].title;
}

/**
 * Maximum permissible error of a load, mg. `massMg` and the plate's `intervalMg` (e) in mg; a load of exactly 500 e
 * still has the tolerance of the step below.
 */
export function maximumPermissibleErrorMg(
  massMg: number,
  plate: Pick<TestedPlate, 'intervalMg'>,
  regime: Regime,
): number {
  const { steps, factor } = tolerances[regime];
  const intervals = Math.abs(massMg) / plate.intervalMg;
  const step = steps.find(({ upTo }) => intervals <= upTo);
  return (step?.mpe ?? 0) * factor * plate.intervalMg;
}

/** Loads at which the tolerance changes, mg: where a test of linearity should have a load. */
export function toleranceChangesMg(plate: Pick<TestedPlate, 'intervalMg'>, regime: Regime): number[] {
  return tolerances[regime].steps
    .map(({ upTo }) => upTo * plate.intervalMg)
    .filter((massMg) => Number.isFinite(massMg));
}

/** Min of class III: 20 e (R 76-1, 3.2, table 3), mg. */
export function minimumCapacityMg(plate: Pick<TestedPlate, 'intervalMg'>): number {
  return 20 * plate.intervalMg;
}

/**
 * The load of the eccentricity test, mg: a third of Max; on more than four supports 1/(N − 1) of it (R 76-1, 3.6.2.1 and
 * 3.6.2.2; not found in public text, taken from the project's reference). Handbook 44's shift test also takes a third.
 */
export function eccentricityLoadMg(plate: TestedPlate): number {
  const supports = plate.cells?.length ?? 1;
  return plate.maxMg / (supports > 4 ? supports - 1 : 3);
}

/** Four quarters of a plate that fewer than three cells carry: there are no corners over cells. */
export const quarters = ['front-left', 'front-right', 'rear-left', 'rear-right'] as const;

/** Where the load of the eccentricity test has to lie, in turn. */
export function eccentricPlacements(plate: TestedPlate): readonly string[] {
  const cells = plate.cells ?? [];
  return cells.length >= 3 ? cells : quarters;
}

/** Class III ends at 10,000 e: what is wrong with a plate of more, or of too few, intervals. */
export function classRemarks(plate: TestedPlate): string[] {
  const intervals = plate.maxMg / plate.intervalMg;
  const fewest = plate.intervalMg >= 5_000 ? 500 : 100;
  if (intervals > 10_000) {
    return [`Max is ${Math.round(intervals)} e; class III ends at 10,000 e, so no class covers this plate.`];
  }
  if (intervals < fewest) {
    return [`Max is ${Math.round(intervals)} e; class III with this e begins at ${fewest} e.`];
  }
  return [];
}
