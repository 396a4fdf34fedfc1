import { judgeDiscrimination, judgeEccentricity, judgeLinearity, judgeRepeatability } from './loads.ts';
import { judgeTilt } from './tilting.ts';
import { judgeCreep, judgeWarmUp, judgeZeroReturn } from './times.ts';
import { classRemarks } from './tolerances.ts';
import {
  type TestName,
  type TestObservation,
  type TestRules,
  type TestVerdict,
  testNames,
  type Verdict,
} from './types.ts';

type Judge = (
  observations: readonly TestObservation[],
  rules: TestRules,
  all: readonly TestObservation[],
) => TestVerdict;

const judges: Readonly<Record<TestName, Judge>> = {
  linearity: judgeLinearity,
  eccentricity: judgeEccentricity,
  repeatability: judgeRepeatability,
  discrimination: judgeDiscrimination,
  creep: judgeCreep,
  'zero-return': (observations, rules, all) => judgeZeroReturn(observations, of('creep', all), rules),
  'warm-up': judgeWarmUp,
  tilt: judgeTilt,
};

function of(test: TestName, observations: readonly TestObservation[]): TestObservation[] {
  return observations.filter((one) => one.test === test);
}

/**
 * Judges each test that has observations, in the order of `testNames`. Masses in mg, times monotonic µs; observations of
 * one plate, in any order.
 */
export function judgeTests(observations: readonly TestObservation[], rules: TestRules): TestVerdict[] {
  const remarks = classRemarks(rules.plate);
  return testNames.flatMap((test) => {
    const own = of(test, observations);
    if (own.length === 0) return [];
    const verdict = judges[test](own, rules, observations);
    return [remarks.length === 0 ? verdict : { ...verdict, notes: [...verdict.notes, ...remarks] }];
  });
}

/** One word for all tests: failed where one failed, else incomplete where one is, or none was done. */
export function judgeWhole(verdicts: readonly TestVerdict[]): Verdict {
  if (verdicts.some(({ verdict }) => verdict === 'failed')) return 'failed';
  if (verdicts.length === 0 || verdicts.some(({ verdict }) => verdict === 'incomplete')) return 'incomplete';
  return 'passed';
}
