import { formatMass } from '#base/units.ts';
import { CalibrationError } from './errors.ts';
import { withZero } from './fit/entry.ts';
import { fitPlate } from './fit/fit-plate.ts';
import { cellsOf, isCentral, type KnownLoad, netCounts } from './forces.ts';
import { checkCapture } from './guards/capture.ts';
import { checkLoad } from './guards/load.ts';
import { checkZero } from './guards/zero.ts';
import { indicate } from './indicate.ts';
import {
  conditionsOf,
  intervalOf,
  isEmpty,
  lyingLoad,
  mpeOf,
  type PlateRules,
  reference,
  type TotalLoad,
  totalLoad,
  triedEntry,
  zeroOf,
} from './plate-rules.ts';
import { isCold, type LyingLoad, type PlateProgress, stateAfterLoads, type Taken } from './plate-session.ts';
import type { StepArgs, StepKind } from './session.ts';
import { checkTestArguments, takeObservation, takeVerification } from './trials.ts';
import type { Capture } from './types.ts';

/**
 * What would be refused of a step's arguments before anybody waits for readings.
 * @throws CalibrationError CW-CAL-029, -033 to -036, -042, -045
 */
export function checkArguments(
  rules: PlateRules,
  progress: PlateProgress,
  kind: StepKind,
  args: StepArgs,
): void {
  switch (kind) {
    case 'load':
    case 'verify':
      totalLoad(rules, progress, args);
      return;
    case 'temperature':
      if ((args.massMg ?? 0) > 0 || (args.weights?.length ?? 0) > 0) totalLoad(rules, progress, args);
      return;
    case 'test':
      checkTestArguments(rules, progress, args);
      return;
    case 'substitute':
      substitutable(rules, progress);
      return;
    default:
  }
}

/** The progress of a plate after one more step. Pure: the same steps give the same, so sessions are saved as steps. */
export function advancePlate(rules: PlateRules, progress: PlateProgress, taken: Taken): PlateProgress {
  switch (taken.kind) {
    case 'fit':
      return takeFit(rules, progress, taken.args);
    case 'zero':
      return takeZero(rules, progress, taken.args, readings(rules, progress, taken));
    case 'load':
      return takeLoad(rules, progress, taken.args, readings(rules, progress, taken));
    case 'substitute':
      return takeSubstitute(rules, progress, readings(rules, progress, taken));
    case 'temperature':
      return takeTemperature(rules, progress, taken.args, readings(rules, progress, taken));
    case 'verify':
      return takeVerification(rules, progress, taken.args, readings(rules, progress, taken));
    case 'test':
      return takeObservation(rules, progress, taken, readings(rules, progress, taken));
  }
}

/** The readings of a step, once they say something. */
function readings(rules: PlateRules, progress: PlateProgress, taken: Taken): Capture {
  const { kind, capture } = taken;
  if (capture === undefined) {
    throw new CalibrationError('CW-CAL-029', `${kind} takes readings of plate ${rules.plate.id}`);
  }
  const { magnitudes } = reference(rules, progress.loads);
  const { settings } = rules;
  const drift = isCold(taken, settings.warmUpUs)
    ? { driftDivisionsPerS: settings.coldDriftDivisionsPerS }
    : {};
  checkCapture(rules.plate, capture, magnitudes, { ...settings, ...drift });
  return capture;
}

function takeZero(
  rules: PlateRules,
  progress: PlateProgress,
  args: StepArgs,
  capture: Capture,
): PlateProgress {
  const { substituted: _gone, lying: _lifted, warmZero: _warm, ...rest } = progress;
  const { magnitudes, signs } = reference(rules, progress.loads);
  const slopes = magnitudes.map((magnitude, index) => magnitude * (signs?.[index] ?? 1));
  const before = { zero: progress.zero, former: rules.former };
  const notices = checkZero(rules.plate, capture, before, slopes, rules.settings, args.force);
  const next = { ...rest, zero: capture, notices: [...progress.notices, ...notices] };
  if (progress.state === 'armed') return { ...next, state: 'zero' };
  // The candidate's zero is the newest one; loads and verifications stand, each has the zero that it was taken with.
  const { candidate } = progress;
  if (candidate === undefined) return next;
  return { ...next, candidate: { ...candidate, entry: withZero(candidate.entry, capture) } };
}

function takeLoad(
  rules: PlateRules,
  progress: PlateProgress,
  args: StepArgs,
  capture: Capture,
): PlateProgress {
  const stated = totalLoad(rules, progress, args);
  const known = knownLoad(stated, capture, zeroOf(progress));
  const { figures, notices } = checkLoad({
    plate: rules.plate,
    load: known,
    earlier: progress.loads,
    reference: reference(rules, progress.loads),
    settings: rules.settings,
    force: args.force,
  });
  const loads = [...progress.loads, { ...known, figures }];
  return {
    ...progress,
    state: stateAfterLoads(rules.plate, loads),
    loads,
    lying: lyingLoad(stated, capture),
    notices: [...progress.notices, ...stated.notices, ...notices],
  };
}

/** OIML R 76-1, 3.7.3: other material of the same indication takes the place of the weights, which go on top again. */
function takeSubstitute(rules: PlateRules, progress: PlateProgress, capture: Capture): PlateProgress {
  const lying = substitutable(rules, progress);
  const differsMg = difference(rules, progress, lying.capture, capture);
  const mostMg = rules.settings.substituteIntervals * intervalOf(rules);
  if (!(Math.abs(differsMg) <= mostMg)) {
    const what = differsMg > 0 ? 'heavier' : 'lighter';
    throw new CalibrationError(
      'CW-CAL-041',
      `what lies there now is ${formatMass(Math.abs(differsMg))} ${what} than the weights were, more than ${formatMass(mostMg)}: ${differsMg > 0 ? 'take some off' : 'add some'}`,
      { details: { differsMg: Math.round(differsMg) } },
    );
  }
  const { massMg, errorMg, weights } = lying;
  const substituted = { massMg: Math.round(massMg + differsMg), errorMg, weights };
  const { lying: _gone, ...rest } = progress;
  return { ...rest, substituted };
}

/** How much heavier one capture is than another, mg: by the candidate, else by the slopes that the loads make. */
function difference(rules: PlateRules, progress: PlateProgress, from: Capture, to: Capture): number {
  const entry = triedEntry(rules, progress);
  if (entry !== undefined || cellsOf(rules.plate).length === 0) {
    const conditions = conditionsOf(rules, progress);
    return indicate(to, entry, conditions, from);
  }
  const cells = cellsOf(rules.plate);
  const { magnitudes, signs } = reference(rules, progress.loads);
  const sum = (net: readonly number[]) =>
    net.reduce((total, counts, i) => total + counts * (signs?.[i] ?? 1) * (magnitudes[i] ?? 0), 0);
  const largest = [...progress.loads].sort((a, b) => b.massMg - a.massMg)[0];
  const span =
    largest === undefined ? 1 : sum(netCounts(cells, largest.capture, largest.zero)) / largest.massMg;
  return sum(netCounts(cells, to, from)) / span;
}

function takeTemperature(
  rules: PlateRules,
  progress: PlateProgress,
  args: StepArgs,
  capture: Capture,
): PlateProgress {
  const base = zeroOf(progress);
  if (capture.milliCelsius === undefined || base.milliCelsius === undefined) {
    throw new CalibrationError(
      'CW-CAL-045',
      `the temperature at plate ${rules.plate.id} was not measured with ${base.milliCelsius === undefined ? 'zero' : 'this reading'}: name a sensor for the plate in the board, see that it works, and take zero again`,
    );
  }
  const kelvin = (capture.milliCelsius - base.milliCelsius) / 1000;
  const least = rules.settings.temperatureKelvin;
  if (Math.abs(kelvin) < least) {
    throw new CalibrationError(
      'CW-CAL-046',
      `it is ${Math.abs(kelvin).toFixed(1)} K from the temperature of zero; a temperature point takes at least ${least} K`,
      { details: { kelvin } },
    );
  }
  if (isEmpty(args)) {
    const point = { kind: 'empty', capture, zero: base } as const;
    return { ...progress, temperatures: [...progress.temperatures, point], warmZero: capture };
  }
  const empty = progress.warmZero;
  const apart = Math.abs((empty?.milliCelsius ?? Number.POSITIVE_INFINITY) - capture.milliCelsius) / 1000;
  if (empty === undefined || apart > least / 2) {
    throw new CalibrationError(
      'CW-CAL-045',
      'take a temperature point of the empty plate at this temperature first',
    );
  }
  const stated = totalLoad(rules, progress, args);
  const point = { kind: 'loaded', load: knownLoad(stated, capture, empty) } as const;
  return {
    ...progress,
    temperatures: [...progress.temperatures, point],
    notices: [...progress.notices, ...stated.notices],
  };
}

function takeFit(rules: PlateRules, progress: PlateProgress, args: StepArgs): PlateProgress {
  const candidate = fitPlate(fitOf(rules, progress), args.model, args.trim);
  return { ...progress, state: 'preview', candidate, verifications: [], observations: [] };
}

function fitOf(rules: PlateRules, progress: PlateProgress): Parameters<typeof fitPlate>[0] {
  return {
    cells: cellsOf(rules.plate),
    maxMg: rules.plate.maxMg ?? 0,
    former: rules.former,
    zero: zeroOf(progress),
    loads: progress.loads,
    temperatures: progress.temperatures,
    mpeMg: (massMg) => mpeOf(rules, massMg),
    settings: rules.settings,
  };
}

function knownLoad(stated: TotalLoad, capture: Capture, zero: Capture): KnownLoad {
  const { totalMg, at, direction, weights } = stated;
  return { massMg: totalMg, at, direction, weights, capture, zero };
}

function substitutable(rules: PlateRules, { lying }: PlateProgress): LyingLoad {
  if (lying !== undefined && isCentral(cellsOf(rules.plate), lying.at)) return lying;
  throw new CalibrationError(
    'CW-CAL-040',
    'there is no known load in the middle that could be substituted: put weights there first',
  );
}
