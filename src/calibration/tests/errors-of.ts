import { maximumPermissibleErrorMg } from './tolerances.ts';
import type {
  JudgedObservation,
  TestFigures,
  TestName,
  TestObservation,
  TestRules,
  TestVerdict,
} from './types.ts';

/** Small weights (ΔL) are one interval at most by what they are for; half of one more is for their own grain, d. */
export const mostExtraDivisions = 1.5;

/** Loads up to this many e count as zero (R 76-1, A.4.4.3: "zero or a load close to zero, e.g. 10 e"). */
const nearZeroIntervals = 10;

/**
 * Indication before rounding, mg: P = I + ½ d − ΔL where small weights were added until the shown value went up by one
 * interval (R 76-1, A.4.4.3, which writes e because d = e there); the unrounded mean otherwise.
 */
export function beforeRoundingMg(observation: TestObservation, divisionMg: number): number {
  const { indicatedMg, extraMg } = observation;
  if (extraMg === undefined) return indicatedMg;
  const shown = Math.round(indicatedMg / divisionMg) * divisionMg;
  return shown + divisionMg / 2 - extraMg;
}

/** E = P − L, mg. */
export function errorMg(observation: TestObservation, rules: TestRules): number {
  return beforeRoundingMg(observation, rules.plate.divisionMg) - observation.massMg;
}

export function isNearZero(observation: TestObservation, rules: TestRules): boolean {
  return observation.massMg <= nearZeroIntervals * rules.plate.intervalMg;
}

/** Whether no loss of power lies between two readings: after one zero has been taken anew. */
export function isSameRun(one: TestObservation, other: TestObservation): boolean {
  return (one.run ?? 0) === (other.run ?? 0);
}

/** The error at zero, E₀, that counts for an observation: of the last one near zero before it; 0 where there is none. */
export function zeroErrorMg(
  observation: TestObservation,
  observations: readonly TestObservation[],
  rules: TestRules,
): number {
  let zero: TestObservation | undefined;
  for (const other of observations) {
    if (other.atUs >= observation.atUs || !isNearZero(other, rules)) continue;
    if (!isSameRun(other, observation)) continue;
    if ((other.tilt ?? 'level') !== (observation.tilt ?? 'level')) continue;
    if (zero === undefined || other.atUs > zero.atUs) zero = other;
  }
  return zero === undefined ? 0 : errorMg(zero, rules);
}

/** Holds an error against its limit; equal to it passes. `slackMg` keeps sums of floats from failing by a millionth. */
export function judged(
  observation: TestObservation,
  error: number,
  limitMg: number,
  about?: string,
): JudgedObservation {
  const slackMg = 1e-6 * Math.max(1, limitMg);
  const marginMg = limitMg - Math.abs(error);
  return {
    observation,
    ...(about === undefined ? {} : { about }),
    errorMg: error,
    limitMg,
    marginMg,
    passed: marginMg >= -slackMg,
  };
}

/** Holds an observation's corrected error, E − E₀, against the maximum permissible error of its load. */
export function judgedByLoad(
  observation: TestObservation,
  zeroError: number,
  rules: TestRules,
): JudgedObservation {
  const limit = maximumPermissibleErrorMg(observation.massMg, rules.plate, rules.regime);
  return judged(observation, errorMg(observation, rules) - zeroError, limit);
}

/** In order of time. */
export function inTime(observations: readonly TestObservation[]): TestObservation[] {
  return [...observations].sort((a, b) => a.atUs - b.atUs);
}

/** Failed where anything failed, else incomplete where something is missing. */
export function conclude(
  test: TestName,
  observations: readonly JudgedObservation[],
  missing: readonly string[],
  figures: TestFigures = {},
  notes: readonly string[] = [],
): TestVerdict {
  const failed = observations.some(({ passed }) => !passed);
  const verdict = failed
    ? 'failed'
    : missing.length > 0 || observations.length === 0
      ? 'incomplete'
      : 'passed';
  const worst = observations.reduce<JudgedObservation | undefined>(
    (found, one) => (found === undefined || Math.abs(one.errorMg) > Math.abs(found.errorMg) ? one : found),
    undefined,
  );
  return {
    test,
    verdict,
    observations,
    figures: { ...(worst === undefined ? {} : { worstErrorMg: worst.errorMg }), ...figures },
    missing,
    notes,
  };
}
