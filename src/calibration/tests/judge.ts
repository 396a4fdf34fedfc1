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

/** Tests that are about time: none of them goes on over a loss of power. */
const timed: readonly TestName[] = ['creep', 'zero-return', 'warm-up'];

function of(test: TestName, observations: readonly TestObservation[]): TestObservation[] {
  return observations.filter((one) => one.test === test);
}

/** A test of times counts its readings since the power was last lost; that there are others is told. */
function judgeOne(
  test: TestName,
  own: readonly TestObservation[],
  all: readonly TestObservation[],
  rules: TestRules,
): TestVerdict {
  if (!timed.includes(test)) return judges[test](own, rules, all);
  const run = Math.max(...own.map((one) => one.run ?? 0));
  const since = (some: readonly TestObservation[]) => some.filter((one) => (one.run ?? 0) === run);
  const kept = since(own);
  const verdict = judges[test](kept, rules, since(all));
  const left = own.length - kept.length;
  if (left === 0) return verdict;
  const what = left === 1 ? '1 reading' : `${left} readings`;
  const note = `The power was lost during the test: ${what} from before do not count.`;
  return { ...verdict, notes: [...verdict.notes, note] };
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
    const verdict = judgeOne(test, own, observations, rules);
    return [remarks.length === 0 ? verdict : { ...verdict, notes: [...verdict.notes, ...remarks] }];
  });
}

/** One word for all tests: failed where one failed, else incomplete where one is, or none was done. */
export function judgeWhole(verdicts: readonly TestVerdict[]): Verdict {
  if (verdicts.some(({ verdict }) => verdict === 'failed')) return 'failed';
  if (verdicts.length === 0 || verdicts.some(({ verdict }) => verdict === 'incomplete')) return 'incomplete';
  return 'passed';
}
