import { CellScale } from '../cell-scale.ts';
import { CalibrationError } from '../errors.ts';
import type { FitModel } from '../session.ts';
import { dot, leastSquares } from './matrix.ts';

/** How the indicated loads of cells are straightened: fields of a calibration's cells, in the order of the cells. */
export interface Curve {
  readonly model: FitModel;
  readonly cells: readonly CurveCell[];
}

interface CurveCell {
  readonly points?: readonly (readonly [number, number])[];
  readonly quadraticPpmPerKg?: number;
}

/** A load with what each cell indicates at the present slopes, mg, before straightening. */
export interface CurveRow {
  readonly massMg: number;
  readonly indicated: readonly number[];
  readonly at: string;
  readonly weight: number;
}

/** A sound cell deviates from a straight line by some 0.02–0.05 % of its capacity; this much is a mechanical fault. */
const largestBend = 0.02;
/** Loads this near to each other (of the larger one) are one level. */
const sameLevel = 0.01;

/** A curve compiled: what cell `index` carries where it indicates `mg`. */
export function straightener(curve: Curve): (index: number, mg: number) => number {
  const scales = curve.cells.map((cell) => new CellScale({ zeroCounts: 0, milligramsPerCount: 1, ...cell }));
  return (index, mg) => scales[index]?.straighten(mg) ?? mg;
}

/** No curve at all. */
export function straightCurve(cells: number): Curve {
  return { model: 'linear', cells: Array.from({ length: cells }, () => ({})) };
}

/** Distinct masses, mg, rising: loads that differ by less than 1 % are one level. */
export function levelsOf(masses: readonly number[]): number[][] {
  const levels: number[][] = [];
  for (const mass of [...masses].sort((a, b) => a - b)) {
    const last = levels.at(-1);
    if (last !== undefined && mass - (last[0] ?? 0) <= sameLevel * mass) last.push(mass);
    else levels.push([mass]);
  }
  return levels;
}

/**
 * Factor on every slope, and the one quadratic term that goes with it, by least squares: the cells are taken to bend alike
 * by their capacities, since loads in the middle tell their sum only.
 * @returns `factor` on the slopes and the curve at the slopes so corrected
 */
export function fitQuadratic(
  rows: readonly CurveRow[],
  gains: readonly number[],
  capacitiesMg: readonly number[],
): { readonly factor: number; readonly curve: Curve } {
  const a = rows.map(({ indicated, weight }) => {
    const bent = indicated.map((mg, cell) => (mg * mg) / (capacitiesMg[cell] ?? 1));
    return [weight * dot(gains, indicated), weight * dot(gains, bent)];
  });
  const [factor = 1, bend = 0] = leastSquares(
    a,
    rows.map(({ massMg, weight }) => massMg * weight),
  );
  const relative = bend / factor ** 2;
  if (!(Math.abs(relative) <= largestBend)) throw bends(relative);
  const cells = capacitiesMg.map((capacity) => ({ quadraticPpmPerKg: (relative * 1e12) / capacity }));
  return { factor, curve: { model: 'quadratic', cells } };
}

/**
 * Linearity points of each cell from loads in the middle: each cell has its share of the indicated sum, and is corrected
 * in the same proportion, so that the sum is exact at every level (mean of up and down).
 */
export function fitPiecewise(rows: readonly CurveRow[], gains: readonly number[]): Curve {
  const levels = levelsOf(rows.map(({ massMg }) => massMg)).map((masses) =>
    rows.filter(({ massMg }) => masses.includes(massMg)),
  );
  const points: [number, number][][] = gains.map(() => [[0, 0]]);
  let before = { sum: 0, mass: 0 };
  for (const level of levels) {
    const mass = mean(level.map(({ massMg }) => massMg));
    const indicated = gains.map((_gain, cell) => mean(level.map((row) => row.indicated[cell] ?? 0)));
    const sum = dot(gains, indicated);
    const slope = (mass - before.mass) / (sum - before.sum);
    if (!(Math.abs(slope - 1) <= largestBend)) throw bends(slope - 1);
    before = { sum, mass };
    indicated.forEach((mg, cell) => {
      points[cell]?.push([mg, (mg * mass) / sum]);
    });
  }
  for (const own of points) {
    const falls = own.some(([x, y], index) => {
      const [x0, y0] = own[index - 1] ?? [-1, -1];
      return x <= x0 || y <= y0;
    });
    if (falls) {
      throw new CalibrationError(
        'CW-CAL-055',
        'a cell carries less under a larger load in the middle; put every load on the same place',
      );
    }
  }
  return { model: 'piecewise', cells: points.map((own) => ({ points: own })) };
}

function bends(part: number): CalibrationError {
  const percent = (100 * part).toFixed(1);
  return new CalibrationError(
    'CW-CAL-055',
    `the fit bends by ${percent} %, more than ${100 * largestBend} %: a load was wrong, or the plate touches something`,
    { details: { bendPpm: Math.round(part * 1e6) } },
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
