import test from 'ava';
import { gravityFactor, localGravityUmS2 } from '#calibration/gravity.ts';
import { indicate, indicateCells } from '#calibration/indicate.ts';
import { defaultSettings, nominalSlope } from '#calibration/settings.ts';
import { type WeightClass, weightClasses } from '#calibration/types.ts';
import { weightErrorMg } from '#calibration/weights.ts';
import { basket, perfect, SyntheticPlate } from './synthetic-plate.ts';

test('weights may be as wrong as table 1 of OIML R 111-1 says', (t) => {
  const error = (massMg: number, letter?: WeightClass) =>
    weightErrorMg({ id: 'w', massMg, ...(letter === undefined ? {} : { class: letter }) });
  t.deepEqual(
    weightClasses.map((one) => error(1_000_000, one)),
    [1.6, 5, 16, 50, 160, 500],
  );
  t.deepEqual([error(5_000_000, 'M1'), error(10_000_000, 'M2'), error(20_000_000, 'F1')], [250, 1_600, 100]);
  // What its certificate says may be a little above the nominal mass.
  t.is(error(5_000_180, 'M1'), 250);
  t.is(error(3_000_000, 'M1'), 250, 'the limit of the next larger nominal mass');
  t.is(error(5_000_000), undefined);
  t.is(error(200_000_000, 'M1'), undefined);
});

test('gravity differs by 655 ppm between Miami and Denver', (t) => {
  const miami = localGravityUmS2({ latitudeMicroDegrees: 25_761_700, heightM: 2 });
  const denver = localGravityUmS2({ latitudeMicroDegrees: 39_739_200, heightM: 1_609 });
  const part = 1e6 * (gravityFactor(denver, miami) - 1);
  t.true(Math.abs(part - 655) < 5, String(part));
  t.is(localGravityUmS2({ latitudeMicroDegrees: 0, heightM: 0 }), 9_780_327);
  t.is(
    localGravityUmS2({ latitudeMicroDegrees: -45_000_000, heightM: 0 }),
    localGravityUmS2({ latitudeMicroDegrees: 45_000_000, heightM: 0 }),
  );
  t.is(gravityFactor(undefined, miami), 1);
  t.is(gravityFactor(miami, undefined), 1);
});

test('a cell of 10 kg and 2 mV/V gives 429.5 counts a gram', (t) => {
  const [cell] = basket.cells ?? [];
  if (cell === undefined) return t.fail('it has cells');
  t.true(Math.abs(1_000 / nominalSlope(cell, defaultSettings) - 429.5) < 0.01);
});

test('what a plate indicates is the sum of its cells, from zero, and needs all of them', (t) => {
  const plate = new SyntheticPlate(basket, perfect(basket));
  plate.noiseCounts = 0;
  const [cell] = basket.cells ?? [];
  const slope = cell === undefined ? 1 : nominalSlope(cell, defaultSettings);
  const dead = 650_000;
  const cells = Object.fromEntries(
    (basket.cells ?? []).map(({ id }, index) => [
      id,
      { zeroCounts: 20_000 + 7_000 * index + dead / slope, milligramsPerCount: slope },
    ]),
  );
  const entry = { cells };
  const capture = plate.capture([{ massMg: 8_000_000 }]);
  t.true(Math.abs(indicate(capture, entry) - 8_000_000) < 1e-3);
  t.true(Math.abs((indicateCells(capture, entry).rr ?? 0) - 2_000_000) < 1e-3);
  t.true(Math.abs(indicate(capture, entry, {}, plate.capture([{ massMg: 3_000_000 }])) - 5_000_000) < 1e-3);
  t.true(Math.abs(indicate(capture, entry, { gravityFactor: 1.001 }) - 8_008_000) < 1e-3);
  const { rr: _gone, ...others } = capture.cells;
  t.throws(() => indicate({ ...capture, cells: others }, entry), { code: 'CW-CAL-023' });
  t.throws(() => indicate(capture, undefined), { code: 'CW-CAL-012' });
});
