import test from 'ava';
import { judgeTests } from '#calibration/tests/judge.ts';
import { basket, judge, minuteUs, series } from './observations.ts';

/** Empty and loaded at these minutes after the power came on, with an error of each load. */
function warmUp(readings: readonly (readonly [minute: number, error: number])[], power = true) {
  const poweredSinceUs = 7 * minuteUs;
  return series(
    'warm-up',
    readings.flatMap(([minute, error]) => {
      const atUs = poweredSinceUs + minute * minuteUs;
      const known = power ? { poweredSinceUs } : {};
      return [
        { massMg: 0, error: 9_000, atUs: atUs - 1_000_000, ...known },
        { massMg: 30_000_000, error: 9_000 + error, atUs, ...known },
      ];
    }),
  );
}

test('warm-up is judged at 0, 5, 15 and 30 minutes from switching on, each less the zero of that minute', (t) => {
  const minutes = (errors: readonly number[]) =>
    warmUp(errors.map((error, index) => [[1, 5, 15, 30][index] ?? 0, error]));
  t.is(judge(minutes([7_000, 3_000, 0, 0])).verdict, 'passed');
  t.is(judge(minutes([7_501, 0, 0, 0])).verdict, 'failed');
  t.deepEqual(judge(minutes([0, 0, 0])).missing, ['a load after 30 minutes']);
});

test('a scale that has been on for long does not pass warm-up, nor one of which nobody knows since when it is on', (t) => {
  const week = 7 * 24 * 60;
  const late = judge(warmUp([0, 5, 15, 30].map((minute) => [week + minute, 0])));
  t.is(late.verdict, 'incomplete');
  t.is(late.missing.length, 4);
  const tooLate = judge(
    warmUp([
      [4.5, 0],
      [5, 0],
      [15, 0],
      [30, 0],
    ]),
  );
  t.deepEqual(tooLate.missing, ['a load right after switching on, within 4 minutes']);
  const unknown = judge(
    warmUp(
      [
        [0, 0],
        [5, 0],
        [15, 0],
        [30, 0],
      ],
      false,
    ),
  );
  t.is(unknown.verdict, 'incomplete');
  t.deepEqual(unknown.missing, ['when the scale was switched on, which the device did not tell']);
});

test('a test of times counts what was read since the power was lost, and says so', (t) => {
  const creep = (minutes: readonly number[], run?: number) =>
    series(
      'creep',
      minutes.map((minute) => ({
        massMg: 30_000_000,
        atUs: minute * minuteUs,
        ...(run === undefined ? {} : { run }),
      })),
    );
  const broken = judge([...creep([0, 10, 15]), ...creep([16, 30], 1)]);
  t.is(broken.verdict, 'incomplete');
  t.deepEqual(broken.notes, ['The power was lost during the test: 3 readings from before do not count.']);
  t.is(judge([...creep([0, 10]), ...creep([20, 35, 50], 1)]).verdict, 'passed');
  const zeroReturn = series('zero-return', [
    { massMg: 0, atUs: 0 },
    { massMg: 0, atUs: 40 * minuteUs, run: 1 },
  ]);
  const back = judgeTests([...zeroReturn, ...creep([1, 15, 31])], { plate: basket, regime: 'r76-initial' });
  t.is(back.find((one) => one.test === 'zero-return')?.verdict, 'incomplete');
  const up = warmUp([
    [1, 0],
    [5, 0],
  ]);
  const again = warmUp([
    [15, 0],
    [30, 0],
  ]).map((one) => ({ ...one, run: 1 }));
  t.is(judge([...up, ...again]).verdict, 'incomplete');
});

test('the error at zero of before a loss of power is none of after', (t) => {
  const zero = { massMg: 0, error: 5_000 };
  const weighing = { massMg: 10_000_000, error: 5_000 };
  const before = series('linearity', [zero, weighing]);
  const after = series('linearity', [weighing]).map((one) => ({ ...one, run: 1, atUs: 9 * minuteUs }));
  const verdict = judge([...before, ...after]);
  t.deepEqual(
    verdict.observations.map(({ errorMg }) => errorMg),
    [5_000, 0, 5_000],
  );
  t.true(verdict.missing.includes('a reading of the empty plate before the first load'));
});
