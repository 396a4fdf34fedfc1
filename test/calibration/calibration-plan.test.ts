import test from 'ava';
import fc from 'fast-check';
import { planCalibration } from '#calibration/plan.ts';
import type { PlateEntry } from '#config/board.ts';

const cells = [
  { id: 'fl', positionMm: [-220, 330], capacityMg: 10_000_000 },
  { id: 'fr', positionMm: [220, 330], capacityMg: 10_000_000 },
  { id: 'rl', positionMm: [-220, -330], capacityMg: 10_000_000 },
  { id: 'rr', positionMm: [220, -330], capacityMg: 10_000_000 },
] as const;
const basket: PlateEntry = {
  id: 'basket',
  kind: 'cart',
  maxMg: 30_000_000,
  intervalMg: 5_000,
  deadLoadMg: 4_000_000,
  cells: cells.map(({ id, positionMm: [x, y], capacityMg }) => ({ id, positionMm: [x, y], capacityMg })),
  cameras: [],
  scanners: [],
};
const weight = (id: string, kg: number) => ({ id, massMg: kg * 1_000_000 });

test('A plan begins with the empty plate, loads the span, then each corner, fits, and checks with weights that were not fitted with', (t) => {
  const weights = [weight('a', 5), weight('b', 10), weight('c', 15), weight('d', 8)];
  const { steps, notes } = planCalibration(basket, weights);
  t.is(steps[0]?.step, 'zero');
  t.deepEqual(
    steps.filter(({ step, at }) => step === 'load' && at !== 'centre').map(({ at }) => at),
    ['fl', 'fr', 'rl', 'rr'],
  );
  const order = steps.map(({ step }) => step);
  t.true(order.lastIndexOf('load') < order.indexOf('fit'));
  t.true(order.indexOf('fit') < order.indexOf('verify'));
  t.is(order.at(-1), 'commit');
  t.deepEqual(notes, []);
  const fitted = new Set(steps.filter(({ step }) => step === 'load').flatMap(({ weights: ids }) => ids));
  const checks = steps.filter(({ step }) => step === 'verify');
  t.deepEqual(
    checks.map(({ massMg }) => massMg),
    [8_000_000],
  );
  for (const { weights: ids } of checks) t.false(ids.some((id) => fitted.has(id)));
});

test('Where the weights do not reach Max, the technician hears of it before he begins', (t) => {
  const { notes } = planCalibration(basket, [weight('a', 5), weight('b', 10)]);
  t.regex(notes.join(' '), /reach 33 % of Max/);
});

test('With one weight alone the plan says that one is missing for the check', (t) => {
  const { notes } = planCalibration(basket, [weight('a', 30)]);
  t.regex(notes.join(' '), /no other weights for the check/);
});

test('Of two weights of one mass one is fitted with and the other checks', (t) => {
  const { steps, notes } = planCalibration(basket, [weight('a', 10), weight('b', 10)]);
  const of = (kind: string) => steps.filter(({ step }) => step === kind).flatMap(({ weights: ids }) => ids);
  t.is(of('verify').length, 1);
  t.deepEqual([...new Set([...of('load'), ...of('verify')])].sort(), ['a', 'b']);
  t.false(notes.some((note) => note.includes('no other weights')));
});

test('Weights that the plate does not bear are left out, and where none is left that is said', (t) => {
  const error = t.throws(() => planCalibration(basket, [weight('a', 31)]));
  t.is((error as { code?: string }).code, 'CW-CAL-170');
});

test('No plan overloads a plate or a cell, names a weight twice or one that is not there, or measures a corner with nothing', (t) => {
  const given = fc.uniqueArray(fc.integer({ min: 10_000, max: 30_000_000 }), { minLength: 1, maxLength: 14 });
  fc.assert(
    fc.property(given, (masses) => {
      const weights = masses.map((massMg, index) => ({ id: `w${index}`, massMg }));
      const { steps } = planCalibration(basket, weights);
      for (const { massMg, weights: ids, at, step } of steps) {
        t.is(new Set(ids).size, ids.length);
        const sum = ids.reduce(
          (total, id) => total + (weights.find((one) => one.id === id)?.massMg ?? Number.NaN),
          0,
        );
        t.is(sum, massMg);
        // A cell bears 9 kg beside its dead load; below a stiff plate that is three quarters of what lies over it.
        t.true(massMg <= (at === 'centre' ? 30_000_000 : 12_000_000));
        if (step === 'load' || step === 'verify') t.true(massMg > 0);
      }
      const span = steps
        .filter(({ step, at }) => step === 'load' && at === 'centre')
        .map(({ massMg }) => massMg);
      t.deepEqual(
        span,
        [...span].sort((a, b) => a - b),
      );
    }),
    { seed: 7, numRuns: 300 },
  );
});
