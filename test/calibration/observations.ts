import { judgeTests } from '#calibration/tests/judge.ts';
import type {
  Regime,
  TestedPlate,
  TestName,
  TestObservation,
  TestVerdict,
} from '#calibration/tests/types.ts';

/** 30 kg, e = 5 g, d = 1 g on four cells, as a cart's basket. */
export const basket: TestedPlate = {
  maxMg: 30_000_000,
  intervalMg: 5_000,
  divisionMg: 1_000,
  cells: ['fl', 'fr', 'rl', 'rr'],
};
export const minuteUs = 60_000_000;

/** Observations one after the other, a minute apart unless told. */
export function series(
  name: TestName,
  rows: readonly (Partial<TestObservation> & { massMg: number; error?: number })[],
): TestObservation[] {
  return rows.map(({ error = 0, ...row }, index) => ({
    test: name,
    at: 'centre',
    direction: 'up',
    indicatedMg: row.massMg + error,
    atUs: (index + 1) * minuteUs,
    weights: [],
    ...row,
  }));
}

/** Judges observations of one test. */
export function judge(
  observations: readonly TestObservation[],
  regime: Regime = 'r76-initial',
  plate = basket,
): TestVerdict {
  const [verdict] = judgeTests(observations, { plate, regime });
  if (verdict === undefined) throw new Error('nothing was judged');
  return verdict;
}
