import test from 'ava';
import fc from 'fast-check';
import { CellScale, compilePlate } from '#calibration/cell-scale.ts';

const seed = 20_261_123;
const plain = { zeroCounts: 0, milligramsPerCount: 1 };

test('linearity points straighten between and beyond them without a step', (t) => {
  const scale = new CellScale({
    ...plain,
    points: [
      [0, 0],
      [1_000_000, 1_001_000],
      [2_000_000, 2_000_000],
    ],
  });
  t.is(scale.toMg(500_000), 500_500);
  t.is(scale.toMg(1_000_000), 1_001_000);
  t.is(scale.toMg(1_500_000), 1_500_500);
  t.is(scale.toMg(-1_000), -1_001);
  t.is(scale.toMg(3_000_000), 2_999_000);
  fc.assert(
    fc.property(fc.integer({ min: -3_000_000, max: 5_000_000 }), (x) => {
      t.true(Math.abs(scale.toMg(x + 1) - scale.toMg(x) - 1) < 0.01);
    }),
    { seed },
  );
});

test('the slope keeps its sign, and the gain of the trim and of gravity multiply', (t) => {
  const swapped = { zeroCounts: 100, milligramsPerCount: -2 };
  t.is(new CellScale(swapped, 1.5).toMg(50), 150);
  t.is(new CellScale(swapped, 1.5, { gravityFactor: 2 }).toMg(50), 300);
});

test('a quadratic term bends by so many ppm for each kilogram', (t) => {
  const scale = new CellScale({ ...plain, quadraticPpmPerKg: 50 });
  t.is(scale.toMg(1_000_000), 1_000_050);
  t.is(scale.toMg(4_000_000), 4_000_800);
  t.is(scale.toMg(-1_000_000), -999_950);
  t.is(new CellScale({ ...plain, quadraticPpmPerKg: 50, points: [] }).toMg(1_000_000), 1_000_050);
});

test('where there are linearity points they alone straighten', (t) => {
  const points = [
    [0, 0],
    [1_000_000, 1_000_000],
  ] as const;
  t.is(new CellScale({ ...plain, points, quadraticPpmPerKg: 50 }).toMg(500_000), 500_000);
});

test('drift of zero and span is taken out by the temperature at the plate, and only where all of it is known', (t) => {
  const cell = { ...plain, milligramsPerKelvin: 300, spanPpmPerKelvin: -100 };
  const known = { ...cell, referenceMilliCelsius: 20_000 };
  // 10 K warmer: the slope is 0.1 % less, and 3 g of what is left is drift.
  const warm = new CellScale(known, 1, { milliCelsius: 30_000 });
  t.true(Math.abs(warm.toMg(1_000_000) - (999_000 - 3_000)) < 1e-6);
  t.is(new CellScale(known).toMg(1_000_000), 1_000_000);
  t.is(new CellScale(cell, 1, { milliCelsius: 30_000 }).toMg(1_000_000), 1_000_000);
  warm.setTemperature(20_000);
  t.is(warm.toMg(1_000_000), 1_000_000);
  warm.setTemperature(10_000);
  t.true(Math.abs(warm.toMg(1_000_000) - (1_001_000 + 3_000)) < 1e-6);
  warm.setTemperature(undefined);
  t.is(warm.toMg(1_000_000), 1_000_000);
});

test('a plate with a cell that is missing or has no slope names it', (t) => {
  const cells = { a: plain, b: { zeroCounts: Number.NaN, milligramsPerCount: 1 } };
  const { scales, missing } = compilePlate(['a', 'b', 'c'], { cells, cornerGains: { a: 2 } });
  t.deepEqual(missing, ['b', 'c']);
  t.is(scales.get('a')?.toMg(10), 20);
  t.deepEqual(compilePlate(['a'], undefined).missing, ['a']);
});
