import { CalibrationError } from '../errors.ts';
import type { FitModel } from '../session.ts';
import {
  type Curve,
  type CurveRow,
  fitPiecewise,
  fitQuadratic,
  straightCurve,
  straightener,
} from './curve.ts';
import { dot } from './matrix.ts';
import { type FitRow, solveGains } from './trim.ts';

/** A load and the counts that it changed each cell by. */
interface NetLoad {
  readonly massMg: number;
  readonly at: string;
  readonly net: readonly number[];
  readonly weight: number;
}

export interface FitProblem {
  readonly loads: readonly NetLoad[];
  /** Slopes to begin with, signed, mg a count. */
  readonly base: readonly number[];
  /** Gains to begin with. */
  readonly prior: readonly number[];
  readonly capacitiesMg: readonly number[];
  readonly trim: boolean;
  /** `keep`: the curve that is there, at new slopes. */
  readonly model: FitModel | 'keep';
  readonly curve?: Curve;
  /** Whether a load says how the cells bend: in the middle, or anywhere on a single cell. */
  readonly isCentral: (load: { readonly at: string }) => boolean;
}

export interface FitSolution {
  /** Signed, mg a count. */
  readonly slopes: readonly number[];
  /** Their mean is 1 where they were fitted. */
  readonly gains: readonly number[];
  readonly curve: Curve;
  readonly iterations: number;
}

const mostIterations = 200;
/** Both have converged when no load's indication moves by more than this part of it. */
const converged = 1e-10;

/**
 * Trim, span and linearity in turn until none of them changes: with the curve given, the gains are a linear least squares
 * problem, and the other way round. One round is enough where the curve is straight.
 * @throws CalibrationError CW-CAL-056 where they don't come together, -055 where the curve bends too far
 */
export function fitAlternately(problem: FitProblem): FitSolution {
  const { loads, base, trim } = problem;
  let gains = problem.prior;
  let curve = problem.curve ?? straightCurve(base.length);
  let span = spanFactor(straightRows(indicatedRows(loads, base, 1), curve), gains);
  let before = loads.map(() => 0);
  for (let round = 1; round <= mostIterations; round++) {
    if (trim) {
      const solved = solveGains(straightRows(indicatedRows(loads, base, span), curve), gains);
      // The mean gain stays 1; what the gains have in common is the span's.
      const common = solved.reduce((sum, gain) => sum + gain, 0) / solved.length;
      gains = solved.map((gain) => gain / common);
      span *= common;
    }
    // The curve comes last: what the two can't agree on stays with the corners, which may be less exact.
    const fitted = fitCurve(problem, indicatedRows(loads, base, span), gains, curve);
    curve = fitted.curve;
    span *= fitted.factor;
    const slopes = base.map((slope) => slope * span);
    if (!trim && problem.model !== 'keep') return { slopes, gains, curve, iterations: round };
    const now = straightRows(indicatedRows(loads, base, span), curve).map((row) => dot(row.loads, gains));
    const moved = Math.max(...now.map((mg, k) => Math.abs(mg - (before[k] ?? 0)) / Math.abs(mg)));
    before = now;
    if (moved < converged) return { slopes, gains, curve, iterations: round };
  }
  throw new CalibrationError(
    'CW-CAL-056',
    `trim and linearity still change after ${mostIterations} rounds; undo the loads and take them again`,
  );
}

function fitCurve(
  problem: FitProblem,
  rows: readonly CurveRow[],
  gains: readonly number[],
  curve: Curve,
): { readonly factor: number; readonly curve: Curve } {
  switch (problem.model) {
    case 'quadratic':
      return fitQuadratic(rows, gains, problem.capacitiesMg);
    case 'piecewise': {
      const central = rows.filter(problem.isCentral);
      const factor = spanFactor(straightRows(central, straightCurve(gains.length)), gains);
      const corrected = central.map((row) => ({ ...row, indicated: row.indicated.map((mg) => mg * factor) }));
      return { factor, curve: fitPiecewise(corrected, gains) };
    }
    case 'linear':
    case 'keep':
      return { factor: spanFactor(straightRows(rows, curve), gains), curve };
  }
}

/** One factor on all slopes: Σ w²·m·I / Σ w²·I², the least squares line through zero. */
function spanFactor(rows: readonly FitRow[], gains: readonly number[]): number {
  let above = 0;
  let below = 0;
  for (const { massMg, loads, weight } of rows) {
    const indicated = dot(loads, gains);
    above += weight ** 2 * massMg * indicated;
    below += weight ** 2 * indicated ** 2;
  }
  return above / below;
}

function indicatedRows(loads: readonly NetLoad[], base: readonly number[], span: number): CurveRow[] {
  return loads.map(({ massMg, at, weight, net }) => ({
    massMg,
    at,
    weight,
    indicated: net.map((counts, cell) => counts * (base[cell] ?? 0) * span),
  }));
}

function straightRows(rows: readonly CurveRow[], curve: Curve): FitRow[] {
  const straighten = straightener(curve);
  return rows.map(({ massMg, at, weight, indicated }) => ({
    massMg,
    at,
    weight,
    loads: indicated.map((mg, cell) => straighten(cell, mg)),
  }));
}
