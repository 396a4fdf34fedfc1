import type { PlateEntry } from '#config/board.ts';
import { divisionOf } from '../guards/capture.ts';
import type { PlateView, SessionView } from '../session.ts';
import { judgeTests } from '../tests/judge.ts';
import { adjustmentRegime } from '../tests/tolerances.ts';
import type { Regime } from '../tests/types.ts';
import type { CalibrationReport, ReportedFit, ReportedPlate } from './model.ts';

/** What a report says beside the session itself. */
export type ReportFacts = Pick<
  CalibrationReport,
  'store' | 'device' | 'board' | 'atMs' | 'timeQuality' | 'software' | 'hardware' | 'gravityUmS2'
> & {
  readonly regime: Regime;
  readonly calibration: CalibrationReport['calibration'];
  /** The board's plates. */
  readonly plates: readonly PlateEntry[];
};

/**
 * The report of a session as far as it has come: what was fitted and checked, and the tests, judged: those of an adjustment
 * by the tolerances of a new scale.
 */
export function makeReport(view: SessionView, facts: ReportFacts): CalibrationReport {
  const { plates, ...rest } = facts;
  const regime = view.purpose === 'calibrate' ? adjustmentRegime(facts.regime) : facts.regime;
  return {
    report: 1,
    ...rest,
    regime,
    purpose: view.purpose,
    session: view.session,
    by: view.by,
    weights: view.weights,
    ...(view.environment === undefined ? {} : { environment: view.environment }),
    plates: plates.flatMap((plate) => {
      const done = view.plates[plate.id];
      return done === undefined ? [] : [plateOf(plate, done, view.candidate ?? '', regime)];
    }),
  };
}

function plateOf(plate: PlateEntry, done: PlateView, hash: string, regime: Regime): ReportedPlate {
  const { id, kind, maxMg = 0, intervalMg = 0, deadLoadMg, cells = [] } = plate;
  const divisionMg = divisionOf(plate);
  const tested = { maxMg, intervalMg, divisionMg };
  const rules = {
    plate: cells.length === 0 ? tested : { ...tested, cells: cells.map((cell) => cell.id) },
    regime,
  };
  return {
    ...{ id, kind, maxMg, intervalMg, divisionMg, deadLoadMg },
    cells: cells.map((cell) => ({ id: cell.id, positionMm: cell.positionMm, capacityMg: cell.capacityMg })),
    ...(done.candidate === undefined ? {} : { fit: fitOf(done.candidate, hash) }),
    checks: done.verifications,
    tests: done.observations.length === 0 ? [] : judgeTests(done.observations, rules),
    ...(done.notices.length === 0 ? {} : { notices: done.notices }),
    ...(done.undone === 0 ? {} : { undone: done.undone }),
    ...measuredOf(done),
  };
}

/** Over all readings that came with a temperature. */
function measuredOf({ zero, loads, observations }: PlateView): Pick<ReportedPlate, 'measured'> {
  const all = [zero, ...loads, ...observations].flatMap((one) => one?.milliCelsius ?? []);
  if (all.length === 0) return {};
  return { measured: { leastMilliCelsius: Math.min(...all), mostMilliCelsius: Math.max(...all) } };
}

function fitOf(
  { model, rank, condition, residuals, gainPpm, warnings }: NonNullable<PlateView['candidate']>,
  hash: string,
): ReportedFit {
  return { hash, model, rank, condition, residuals, gainPpm, warnings };
}
