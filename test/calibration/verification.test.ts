import test from 'ava';
import { beforeRoundingMg } from '#calibration/tests/errors-of.ts';
import { judgeTests, judgeWhole } from '#calibration/tests/judge.ts';
import { eccentricityLoadMg, maximumPermissibleErrorMg, regimeTitle } from '#calibration/tests/tolerances.ts';
import { regimes, type TestObservation, type TestVerdict } from '#calibration/tests/types.ts';
import { basket, judge, minuteUs, series } from './observations.ts';

const e = basket.intervalMg;

const margins = (verdict: TestVerdict) => verdict.observations.map(({ marginMg }) => Math.round(marginMg));

for (const [regime, rows] of [
  [
    'r76-initial',
    [
      [0, 0.5],
      [500, 0.5],
      [501, 1],
      [2_000, 1],
      [2_001, 1.5],
      [4_001, 1.5],
      [10_000, 1.5],
    ],
  ],
  [
    'r76-in-service',
    [
      [0, 1],
      [500, 1],
      [501, 2],
      [2_000, 2],
      [2_001, 3],
      [10_000, 3],
    ],
  ],
  [
    'hb44-acceptance',
    [
      [0, 0.5],
      [500, 0.5],
      [501, 1],
      [2_000, 1],
      [2_001, 1.5],
      [4_000, 1.5],
      [4_001, 2.5],
      [10_000, 2.5],
    ],
  ],
  [
    'hb44-maintenance',
    [
      [500, 1],
      [501, 2],
      [2_000, 2],
      [2_001, 3],
      [4_000, 3],
      [4_001, 5],
      [10_000, 5],
    ],
  ],
] as const) {
  test(`tolerances of ${regime} change where the table says`, (t) => {
    for (const [load, limit] of rows) {
      t.is(maximumPermissibleErrorMg(load * e, basket, regime), limit * e, `${load} e`);
    }
    t.regex(regimeTitle(regime), /class III/);
  });
}

test('an error of exactly the tolerance passes, a milligram more fails', (t) => {
  for (const regime of regimes) {
    const limit = maximumPermissibleErrorMg(10_000_000, basket, regime);
    for (const [error, passed] of [
      [limit, true],
      [-limit, true],
      [limit + 1, false],
      [-limit - 1, false],
    ] as const) {
      const { observations } = judge(series('linearity', [{ massMg: 10_000_000, error }]), regime);
      t.is(observations[0]?.passed, passed, `${regime} ${error}`);
    }
  }
});

test('rounding is taken out by small weights: P = I + ½ d − ΔL', (t) => {
  const plate = { ...basket, divisionMg: 5_000 };
  // The scale shows 10.000 kg for anything in 9,997.5 … 10,002.5 g; 1.5 g more made it jump.
  const [one] = series('linearity', [{ massMg: 10_000_000, error: 999, extraMg: 1_500 }]);
  if (one === undefined) throw new Error('no observation');
  t.is(beforeRoundingMg(one, plate.divisionMg), 10_001_000);
  t.is(judge([one], 'r76-initial', plate).observations[0]?.errorMg, 1_000);
});

/** Five loads up and down, with errors by load. */
function linearity(up: (mg: number) => number, down = up, zeroError = 0): TestObservation[] {
  const loads = [100_000, 2_500_000, 10_000_000, 20_000_000, 30_000_000];
  return series('linearity', [
    { massMg: 0, error: zeroError },
    ...loads.map((massMg) => ({ massMg, error: up(massMg) })),
    ...loads.toReversed().map((massMg) => ({ massMg, error: down(massMg), direction: 'down' as const })),
    { massMg: 0, error: zeroError, direction: 'down' },
  ]);
}

test('linearity up and down passes within the tolerances, and what the empty plate shows is taken off', (t) => {
  const verdict = judge(linearity(() => 2_400 + 2_000, undefined, 2_000));
  t.is(verdict.verdict, 'passed');
  t.is(verdict.observations.length, 12);
  // 2,400 mg beyond zero where 2,500 are allowed.
  t.is(margins(verdict)[1], 100);
  t.is(judge(linearity((mg) => (mg === 30_000_000 ? 7_501 : 0))).verdict, 'failed');
});

test('linearity with too few loads, without Max or without zero is not whole, and says what is missing', (t) => {
  const verdict = judge(series('linearity', [{ massMg: 1_000_000 }, { massMg: 2_000_000 }]));
  t.is(verdict.verdict, 'incomplete');
  t.deepEqual(verdict.missing, [
    'at least 5 loads up, there are 2',
    'at least 5 loads down, there are 0',
    'a load at or close to Max',
    'a reading of the empty plate before the first load',
  ]);
  t.is(judge(series('linearity', [{ massMg: 1_000_000, error: 9_000 }])).verdict, 'failed');
});

test('hysteresis is reported with its load, sign and part of Max', (t) => {
  // A parabola through 0 and Max, leaning to the light loads.
  const bow = (mg: number) => (3_000 * mg * (30_000_000 - mg) * (40_000_000 - mg)) / 1e22;
  const { figures } = judge(linearity(() => 0, bow));
  t.is(figures.hysteresisAtMg, 10_000_000);
  t.is(Math.round(figures.hysteresisMg ?? 0), Math.round(bow(10_000_000)));
  t.is(figures.hysteresisPpmOfMax, Math.round((bow(10_000_000) / 30_000_000) * 1e6));
  const other = judge(
    linearity(
      () => 0,
      (mg) => -bow(mg),
    ),
  ).figures;
  t.true((other.hysteresisMg ?? 0) < 0);
});

test('a load that was substituted is told in the verdict', (t) => {
  const observations = linearity(() => 0).map((one) =>
    one.massMg > 15_000_000 ? { ...one, substitutedMg: 15_000_000 } : one,
  );
  t.regex(judge(observations).notes.join(), /substitution load/);
});

test('eccentricity takes a third of Max, and with more than four supports one part in N − 1', (t) => {
  t.is(eccentricityLoadMg(basket), 10_000_000);
  t.is(eccentricityLoadMg({ ...basket, cells: ['a', 'b', 'c', 'd', 'e', 'f'] }), 6_000_000);
  t.is(eccentricityLoadMg({ maxMg: 15_000_000, intervalMg: 5_000, divisionMg: 5_000 }), 5_000_000);
});

test('each corner is held against the same tolerance, and each has to be visited', (t) => {
  const corners = (errors: readonly number[]) =>
    series('eccentricity', [
      { massMg: 0 },
      ...errors.map((error, index) => ({ massMg: 10_000_000, error, at: basket.cells?.[index] ?? '' })),
    ]);
  t.is(judge(corners([5_000, -5_000, 0, 100])).verdict, 'passed');
  t.is(judge(corners([5_000, -5_001, 0, 100])).verdict, 'failed');
  const three = judge(corners([0, 0, 0]));
  t.is(three.verdict, 'incomplete');
  t.deepEqual(three.missing, ['a load at rr']);
  const light = corners([0, 0, 0, 0]).map((one) => ({ ...one, massMg: Math.min(one.massMg, 5_000_000) }));
  t.regex(judge(light).missing.join(), /again, with 10000 g/);
});

test('a plate on one cell is tested in its four quarters', (t) => {
  const plate = { ...basket, cells: ['only'] };
  const verdict = judge(
    series('eccentricity', [{ massMg: 10_000_000, at: 'front-left' }]),
    'r76-initial',
    plate,
  );
  t.deepEqual(verdict.missing, ['a load at front-right', 'a load at rear-left', 'a load at rear-right']);
});

test('repeatability is the spread of three weighings, each from the empty plate', (t) => {
  const weighings = (errors: readonly number[]) =>
    series(
      'repeatability',
      errors.flatMap((error) => [{ massMg: 0 }, { massMg: 24_000_000, error }]),
    );
  const good = judge(weighings([0, 7_400, 0]));
  t.is(good.verdict, 'passed');
  t.is(good.figures.spreadMg, 7_400);
  // Each within ±7.5 g, the spread is not.
  t.is(judge(weighings([-4_000, 4_000, 0])).verdict, 'failed');
  t.is(judge(weighings([0, 0])).verdict, 'incomplete');
});

test('the empty plate before each weighing is what counts', (t) => {
  const drifting = series('repeatability', [
    { massMg: 0 },
    { massMg: 24_000_000 },
    { massMg: 0, error: 10_000 },
    { massMg: 24_000_000, error: 10_000 },
    { massMg: 0, error: 20_000 },
    { massMg: 24_000_000, error: 20_000 },
  ]);
  t.is(judge(drifting).figures.spreadMg, 0);
});

test('discrimination needs an answer of one interval to 1.4 of them', (t) => {
  const pairs = (answers: readonly number[]) =>
    series(
      'discrimination',
      answers.flatMap((answer, index) => [
        { massMg: (index + 1) * 1_000_000 },
        { massMg: (index + 1) * 1_000_000 + 1_400, error: answer - 1_400 },
      ]),
    );
  t.is(judge(pairs([1_400, 1_400, 1_001])).verdict, 'passed');
  t.is(judge(pairs([1_400, 1_400, 990])).verdict, 'failed');
  t.is(judge(pairs([1_400])).verdict, 'incomplete');
  t.is(judge(pairs([1_400]), 'r76-in-service').verdict, 'passed');
  // Twice as much added says nothing about 1.4 d.
  t.is(judge(series('discrimination', [{ massMg: 1_000_000 }, { massMg: 1_002_800 }])).verdict, 'incomplete');
});

/** A load that reads `part` of `creepMg` more by `1 − exp(−t/τ)`. */
function creeping(creepMg: number, tauMinutes: number, minutes: readonly number[]): TestObservation[] {
  return series(
    'creep',
    minutes.map((minute) => ({
      massMg: 30_000_000,
      atUs: minute * minuteUs + minuteUs,
      error: creepMg * (1 - Math.exp(-minute / tauMinutes)),
    })),
  );
}

const everyFive = [0, 5, 10, 15, 20, 25, 30];

test('creep is the largest difference in 30 minutes, and that of the second half has a limit of its own', (t) => {
  const early = judge(creeping(2_400, 4, everyFive));
  t.is(early.verdict, 'passed');
  t.is(Math.round(early.figures.creepMg ?? 0), Math.round(2_400 * (1 - Math.exp(-30 / 4))));
  // Half an e in all, but too much of it late.
  const late = judge(creeping(4_000, 30, everyFive));
  t.true(Math.abs(late.figures.creepMg ?? 0) < 0.52 * e);
  const expected = 4_000 * (Math.exp(-0.5) - Math.exp(-1));
  t.true(Math.abs((late.figures.lateCreepMg ?? 0) - expected) < 1);
  t.true(Math.abs(late.figures.lateCreepMg ?? 0) < 0.2 * e);
  t.is(judge(creeping(-6_000, 60, everyFive)).verdict, 'failed');
  t.is(judge(creeping(-6_000, 8, everyFive)).verdict, 'failed');
});

test('creep needs the whole half hour and a reading in its middle', (t) => {
  t.deepEqual(judge(creeping(100, 4, [0, 5, 15, 20])).missing, [
    'readings until 30 minutes after the load was put down',
  ]);
  t.deepEqual(judge(creeping(100, 4, [0, 5, 30])).missing, [
    'a reading about 15 minutes after the load was put down',
  ]);
});

test('who creeps too much in half an hour may pass by four hours within the tolerance of the load', (t) => {
  const minutes = [...everyFive, 60, 120, 180, 240];
  t.is(judge(creeping(7_000, 30, minutes)).verdict, 'passed');
  t.is(judge(creeping(8_000, 30, minutes)).verdict, 'failed');
  t.is(judge(creeping(7_000, 30, everyFive)).verdict, 'failed');
});

test('a temperature that changed during the creep test is told', (t) => {
  const warming = creeping(100, 4, everyFive).map((one, index) => ({
    ...one,
    milliCelsius: 20_000 + 500 * index,
  }));
  t.regex(judge(warming).notes.join(), /temperature changed by 3\.0 °C/);
  t.deepEqual(judge(creeping(100, 4, everyFive)).notes, []);
});

test('zero return is the empty plate after half an hour under load less before', (t) => {
  const after = (error: number, minutes = 30) => [
    ...series('zero-return', [{ massMg: 0, error: 300, atUs: 1 }]),
    ...creeping(0, 4, [0, minutes / 2, minutes]),
    ...series('zero-return', [{ massMg: 0, error, atUs: (minutes + 2) * minuteUs, direction: 'down' }]),
  ];
  const find = (observations: TestObservation[]) => {
    const verdicts = judgeTests(observations, { plate: basket, regime: 'r76-initial' });
    return verdicts.find((one) => one.test === 'zero-return');
  };
  t.is(find(after(2_800))?.verdict, 'passed');
  t.is(find(after(2_800))?.figures.zeroReturnMg, 2_500);
  t.is(find(after(2_801))?.verdict, 'failed');
  t.deepEqual(find(after(0, 10))?.missing, ['30 minutes under the load']);
});

test('tilt is held against level: 2 e empty, the tolerance loaded, in four directions', (t) => {
  const tilted = (empty: number, loaded: number) =>
    series('tilt', [
      { massMg: 0 },
      { massMg: 30_000_000 },
      ...(['forward', 'backward', 'left', 'right'] as const).flatMap((tilt) => [
        { massMg: 0, error: empty, tilt },
        { massMg: 30_000_000, error: empty + loaded, tilt },
      ]),
    ]);
  t.is(judge(tilted(10_000, 7_500)).verdict, 'passed');
  t.is(judge(tilted(10_001, 0)).verdict, 'failed');
  t.is(judge(tilted(0, -7_501)).verdict, 'failed');
  t.is(judge(tilted(0, 0).slice(0, 4)).verdict, 'incomplete');
});

test('the whole fails where a test fails, is open where one is, and passes where all do', (t) => {
  const rules = { plate: basket, regime: 'r76-initial' } as const;
  const good = linearity(() => 0);
  t.is(judgeWhole(judgeTests(good, rules)), 'passed');
  const open = series('eccentricity', [{ massMg: 10_000_000, at: 'fl' }]);
  t.is(judgeWhole(judgeTests([...good, ...open], rules)), 'incomplete');
  t.is(judgeWhole(judgeTests([...open, ...linearity(() => 8_000)], rules)), 'failed');
  t.is(judgeWhole([]), 'incomplete');
});

test('a plate of more intervals than class III has is judged, and the report says so', (t) => {
  const plate = { ...basket, intervalMg: 1_000 };
  t.regex(
    judge(
      linearity(() => 0),
      'r76-initial',
      plate,
    ).notes.join(),
    /30000 e; class III ends at 10,000 e/,
  );
});
