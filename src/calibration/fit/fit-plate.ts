import { formatMass } from '#base/units.ts';
import type { CellEntry } from '#config/board.ts';
import { CalibrationError } from '../errors.ts';
import {
  coversPlate,
  effectiveSlopes,
  isCentral,
  type KnownLoad,
  netCounts,
  nominalSlopes,
  referenceSlopes,
  rigidModes,
} from '../forces.ts';
import { indicate } from '../indicate.ts';
import type { FitModel, Notice, PlateCalibrationEntry, PlateCandidate, Residual } from '../session.ts';
import type { GuardSettings } from '../settings.ts';
import type { Capture } from '../types.ts';
import { type FitProblem, type FitSolution, fitAlternately } from './alternate.ts';
import { type Curve, levelsOf } from './curve.ts';
import { checkTrim, makeEntry } from './entry.ts';
import { fitTemperature, type TemperaturePoint } from './temperature.ts';
import { checkGeometry, type Geometry, placementGeometry } from './trim.ts';

/** Everything that a plate's fit depends on. */
interface PlateFit {
  readonly cells: readonly CellEntry[];
  readonly maxMg: number;
  readonly former: PlateCalibrationEntry | undefined;
  /** Newest capture of the empty plate: the candidate's zero. */
  readonly zero: Capture;
  readonly loads: readonly KnownLoad[];
  readonly temperatures: readonly TemperaturePoint[];
  readonly mpeMg: (massMg: number) => number;
  readonly settings: GuardSettings;
}

/** Below this part of the permissible error a model counts as good, and a more complicated one is not tried. */
const goodPart = 0.25;
/** Fewest levels in the middle that a model takes; the quadratic one leaves one to be checked by. */
const fewestLevels = { linear: 1, piecewise: 2, quadratic: 3 } as const;
const modelsBySimplicity = ['linear', 'quadratic', 'piecewise'] as const;

/**
 * Makes a candidate from zero, loads and temperature points of one plate. Without loads the empty plate alone is taken
 * over, at the former slopes.
 * @param model where left out, the simplest that leaves a quarter of the permissible errors at most, else the best
 * @param trim where left out, gains are fitted when loads lay over cells
 * @throws CalibrationError CW-CAL-011 without loads or a former calibration, -050 to -056 where the fit is refused, -031
 * where the largest load is too small
 */
export function fitPlate(fit: PlateFit, model?: FitModel, trim?: boolean): PlateCandidate {
  const { cells, former, loads } = fit;
  if (loads.length === 0) return zeroOnly(fit);
  const trims = cells.length > 1 && (trim ?? loads.some(({ at }) => !isCentral(cells, at)));
  if (!trims && cells.length > 1 && !coversPlate(cells, former)) {
    throw new CalibrationError(
      'CW-CAL-050',
      `the rank of the loads' places is 1, of ${cells.length} cells, and no calibration says how they differ: put the same load over each cell in turn`,
    );
  }
  const levels = levelsOf(loads.filter(({ at }) => isCentral(cells, at)).map(({ massMg }) => massMg)).length;
  const problem = makeProblem(fit, trims);
  const geometry = trims
    ? checkGeometry(
        rowsOf(problem),
        cells.map(({ id }) => id),
        rigidModes(cells),
        fit.settings.conditionLimit,
      )
    : placementGeometry(rowsOf(problem), 1);
  const tried = tryModels(fit, problem, model, levels, geometry);
  refuseResidual(tried);
  return { ...tried, warnings: [...tried.warnings, ...reachNotices(fit)] };
}

/** Fits the asked model, or the simplest good one. */
function tryModels(
  fit: PlateFit,
  problem: FitProblem,
  model: FitModel | undefined,
  levels: number,
  geometry: Geometry,
): PlateCandidate {
  if (model !== undefined) {
    if (levels < fewestLevels[model]) {
      throw new CalibrationError(
        'CW-CAL-054',
        `${model} takes ${fewestLevels[model]} different loads in the middle, there are ${levels}; add loads or fit linear`,
      );
    }
    return candidateOf(fit, fitAlternately({ ...problem, model }), problem, geometry);
  }
  const kept = formerCurve(fit);
  if (levels < 2 && kept !== undefined) {
    const solution = fitAlternately({ ...problem, model: 'keep', curve: kept });
    return candidateOf(fit, solution, problem, geometry);
  }
  let best: PlateCandidate | undefined;
  let refused: unknown;
  for (const one of modelsBySimplicity) {
    // Piecewise always fits its own points: it needs a third level to be worth more than a line.
    if (levels < (one === 'linear' ? 1 : 3)) continue;
    try {
      const tried = candidateOf(fit, fitAlternately({ ...problem, model: one }), problem, geometry);
      if (worstPart(tried) <= goodPart) return tried;
      if (best === undefined || worstPart(tried) < worstPart(best)) best = tried;
    } catch (error) {
      refused ??= error;
    }
  }
  if (best === undefined) throw refused;
  return best;
}

function makeProblem(fit: PlateFit, trim: boolean): FitProblem {
  const { cells, former, settings } = fit;
  const { signs } = referenceSlopes(cells, former, fit.loads, settings);
  const known = coversPlate(cells, former) ? former : undefined;
  const nominal = nominalSlopes(cells, settings);
  const base = cells.map(({ id }, index) => {
    const size = Math.abs(known?.cells[id]?.milligramsPerCount ?? nominal[index] ?? 0);
    return size * (signs?.[index] ?? 1);
  });
  return {
    loads: fit.loads.map((load) => ({
      massMg: load.massMg,
      at: isCentral(cells, load.at) ? 'centre' : load.at,
      net: netCounts(cells, load.capture, load.zero),
      weight: 1 / fit.mpeMg(load.massMg),
    })),
    base,
    prior: cells.map(({ id }) => known?.cornerGains?.[id] ?? 1),
    capacitiesMg: cells.map(({ capacityMg }) => capacityMg),
    trim,
    model: 'linear',
    isCentral: ({ at }) => at === 'centre',
  };
}

/** What each cell shows of each load at the slopes to begin with, mg: for the geometry of their places. */
function rowsOf({ loads, base }: FitProblem) {
  return loads.map(({ massMg, at, net, weight }) => ({
    massMg,
    at,
    weight,
    loads: net.map((counts, cell) => counts * (base[cell] ?? 0)),
  }));
}

/** The linearity of the calibration before, as long as every cell has one. */
function formerCurve({ cells, former }: PlateFit): Curve | undefined {
  if (!coversPlate(cells, former)) return undefined;
  const own = cells.map(({ id }) => former.cells[id]);
  if (own.every((cell) => (cell?.points?.length ?? 0) >= 2)) {
    return { model: 'piecewise', cells: own.map((cell) => ({ points: cell?.points ?? [] })) };
  }
  if (own.every((cell) => cell?.quadraticPpmPerKg !== undefined)) {
    return {
      model: 'quadratic',
      cells: own.map((cell) => ({ quadraticPpmPerKg: cell?.quadraticPpmPerKg ?? 0 })),
    };
  }
  return undefined;
}

function candidateOf(
  fit: PlateFit,
  solution: FitSolution,
  problem: FitProblem,
  geometry: Geometry,
): PlateCandidate {
  const { cells, former, settings } = fit;
  const plain = makeEntry(cells, solution, fit.zero, problem.trim, former);
  const warnings: Notice[] = problem.trim ? checkTrim(cells, plain, settings) : [];
  const unseen = cells.length - geometry.rank;
  if (problem.trim && unseen > 0) {
    warnings.push({
      code: 'CW-CAL-076',
      message: `of ${cells.length} gains the loads determine ${geometry.rank} combinations; the plate is too stiff to show the rest, which stay as they were and have no effect`,
    });
  }
  const { entry, notices } = fitTemperature(fit, plain);
  const before = coversPlate(cells, former)
    ? effectiveSlopes(cells, former)
    : nominalSlopes(cells, settings).map((slope, index) => slope * Math.sign(problem.base[index] ?? 1));
  const now = effectiveSlopes(cells, entry);
  return {
    entry,
    model: solution.curve.model,
    trimmed: problem.trim,
    rank: geometry.rank,
    condition: geometry.condition,
    iterations: solution.iterations,
    residuals: residualsOf(fit, entry),
    gainPpm: Object.fromEntries(cells.map(({ id }, index) => [id, changePpm(now[index], before[index])])),
    warnings: [...warnings, ...notices],
  };
}

/** Never −0, which JSON does not have. */
function changePpm(now = Number.NaN, before = Number.NaN): number {
  return Math.round(1e6 * (now / before - 1)) + 0;
}

/** Zero alone: the empty plate moved, the cells did not change. */
function zeroOnly(fit: PlateFit): PlateCandidate {
  const { cells, former } = fit;
  if (!coversPlate(cells, former)) {
    throw new CalibrationError(
      'CW-CAL-011',
      'no load was taken, and no calibration says what the cells weigh: put a known load in the middle',
    );
  }
  const kept = Object.fromEntries(
    cells.map(({ id }) => {
      const cell = former.cells[id];
      return [id, { ...cell, zeroCounts: fit.zero.cells[id]?.meanCounts ?? Number.NaN }];
    }),
  ) as PlateCalibrationEntry['cells'];
  const { entry, notices } = fitTemperature(fit, { ...former, cells: kept });
  return {
    entry,
    model: 'zero',
    trimmed: false,
    rank: 0,
    condition: 1,
    iterations: 0,
    residuals: [],
    gainPpm: Object.fromEntries(cells.map(({ id }) => [id, 0])),
    warnings: notices,
  };
}

/** How far every load is from the candidate, each from its own zero. */
function residualsOf(fit: PlateFit, entry: PlateCalibrationEntry): Residual[] {
  return fit.loads.map(({ massMg, at, direction, weights, capture, zero }) => {
    const indicatedMg = indicate(capture, entry, {}, zero);
    const errorMg = indicatedMg - massMg;
    return { massMg, at, direction, indicatedMg, errorMg, mpeMg: fit.mpeMg(massMg), weights };
  });
}

function worstPart({ residuals }: PlateCandidate): number {
  return Math.max(...residuals.map(({ errorMg, mpeMg }) => Math.abs(errorMg) / mpeMg));
}

function refuseResidual(candidate: PlateCandidate): void {
  const worst = candidate.residuals.reduce<Residual | undefined>(
    (found, one) =>
      found === undefined || Math.abs(one.errorMg) / one.mpeMg > Math.abs(found.errorMg) / found.mpeMg
        ? one
        : found,
    undefined,
  );
  if (worst === undefined || Math.abs(worst.errorMg) <= worst.mpeMg) return;
  const grams = (mg: number) => (mg / 1000).toFixed(2);
  throw new CalibrationError(
    'CW-CAL-052',
    `the load of ${formatMass(worst.massMg)} at ${worst.at} is ${grams(worst.errorMg)} g from the ${candidate.model} fit, more than ±${grams(worst.mpeMg)} g: undo it and take it again, try another model, or look whether the plate touches something`,
    { details: { residuals: candidate.residuals } },
  );
}

/** A fit is used up to Max: what it was never shown it can only guess. */
function reachNotices({ loads, maxMg }: PlateFit): Notice[] {
  const largest = Math.max(...loads.map(({ massMg }) => massMg));
  if (largest >= maxMg / 3) return [];
  return [
    {
      code: 'CW-CAL-072',
      message: `the largest load is ${formatMass(largest)}, less than a third of Max (${formatMass(maxMg)}): what lies above is extrapolated`,
    },
  ];
}
