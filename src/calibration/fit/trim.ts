import { CalibrationError } from '../errors.ts';
import { decompose, dot, leastSquares, type Matrix } from './matrix.ts';

/** A load as the fits see it: what each cell indicates of it, mg, straightened, before its gain. */
export interface FitRow {
  readonly massMg: number;
  readonly loads: readonly number[];
  /** Where it lay: `centre` or a cell. */
  readonly at: string;
  /** Weight in the squares: 1 / maximum permissible error. */
  readonly weight: number;
}

/** Singular values below this part of the largest are not told from noise: what they would say is left as it was. */
const unexcitedPart = 1 / 50;

/** What the places of the loads say of the gains. */
export interface Geometry {
  /** Gains, or combinations of them, that the loads determine. */
  readonly rank: number;
  /** Condition number of the modes that a rigid plate has: its sum, and its tilts. */
  readonly condition: number;
}

/**
 * Singular values of the mean share of each place that loads lay at, falling, and the combinations of gains that belong to
 * those which the loads determine. Masses don't enter, so that a heavy load and a light one at the same place are one.
 */
function placementModes(rows: readonly FitRow[]): {
  readonly values: readonly number[];
  readonly excited: readonly (readonly number[])[];
} {
  const places = new Map<string, FitRow[]>();
  for (const row of rows) places.set(row.at, [...(places.get(row.at) ?? []), row]);
  const shares = [...places.values()].map((own) => {
    const mass = own.reduce((sum, row) => sum + row.massMg, 0);
    return (own[0]?.loads ?? []).map(
      (_load, cell) => own.reduce((sum, row) => sum + (row.loads[cell] ?? 0), 0) / mass,
    );
  });
  const { s, v } = decompose(shares);
  const values = s.slice(0, shares.length);
  const least = unexcitedPart * (values[0] ?? 0);
  return { values, excited: v.filter((_mode, k) => (values[k] ?? 0) > least) };
}

/**
 * Rank and condition of the places that loads lay at.
 * @param modes of a rigid plate: 1 of one cell, 2 of cells in a row, 3 of others
 */
export function placementGeometry(rows: readonly FitRow[], modes: number): Geometry {
  const { values, excited } = placementModes(rows);
  const last = values[modes - 1] ?? 0;
  const condition = last <= 0 ? Number.POSITIVE_INFINITY : (values[0] ?? 0) / last;
  return { rank: excited.length, condition };
}

/**
 * Gains g of min Σ w²·(Σ gᵢ·loadᵢ − mass)², moved away from `prior` only along what the places of the loads determine: a
 * stiff plate never twists, so its loads say nothing of the gains' twist, which then has no effect either.
 * Shapes: `rows` of N loads, `prior` of N.
 */
export function solveGains(rows: readonly FitRow[], prior: readonly number[]): number[] {
  const { excited } = placementModes(rows);
  const a: Matrix = rows.map(({ loads, weight }) => excited.map((mode) => weight * dot(loads, mode)));
  const b = rows.map(({ loads, weight, massMg }) => (massMg - dot(loads, prior)) * weight);
  const along = leastSquares(a, b);
  return prior.map((gain, cell) =>
    along.reduce((sum, step, k) => sum + step * (excited[k]?.[cell] ?? 0), gain),
  );
}

/**
 * Refuses what can't say how the cells differ.
 * @param cells ids, in the order of the loads
 * @throws CalibrationError CW-CAL-050 unless a load lay over each cell and the rigid modes are all seen, -051 where
 * they are seen too weakly
 */
export function checkGeometry(
  rows: readonly FitRow[],
  cells: readonly string[],
  modes: number,
  conditionLimit: number,
): Geometry {
  const geometry = placementGeometry(rows, modes);
  const bare = cells.filter((id) => cells.length > 1 && !rows.some(({ at }) => at === id));
  if (bare.length > 0 || geometry.rank < modes) {
    const what = bare.length > 0 ? `no load lay over ${bare.join(', ')}` : 'the loads all lie alike';
    throw new CalibrationError(
      'CW-CAL-050',
      `the rank of the loads' places is ${geometry.rank}, of ${cells.length} cells: ${what}. Put the same load over each cell in turn`,
      { details: { ...geometry, bare } },
    );
  }
  if (geometry.condition > conditionLimit) {
    throw new CalibrationError(
      'CW-CAL-051',
      `the condition number of the loads' places is ${geometry.condition.toFixed(1)}, above ${conditionLimit}: put the loads further out, over the cells`,
      { details: { ...geometry } },
    );
  }
  return geometry;
}
