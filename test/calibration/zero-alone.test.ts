import test from 'ava';
import fc from 'fast-check';
import { indicate } from '#calibration/indicate.ts';
import { Procedure } from '#calibration/procedure.ts';
import type { PlateCalibrationEntry } from '#calibration/session.ts';
import { options, perfect, SyntheticPlate, slot, step } from './synthetic-plate.ts';

const seed = 20_261_123;
const load = [{ massMg: 4_000_000 }];

/** A slot whose cell drifts, at temperatures in K from 20 °C. */
function drifting(spanPpmPerKelvin: number, mgPerKelvin: number): SyntheticPlate {
  const plate = new SyntheticPlate(
    slot,
    perfect(slot).map((one) => ({ ...one, spanPpmPerKelvin, mgPerKelvin })),
  );
  plate.noiseCounts = 0;
  return plate;
}

/** The entry that a zero of the empty plate alone makes of a former one, at so many K from 20 °C. */
function zeroAlone(
  plate: SyntheticPlate,
  former: PlateCalibrationEntry,
  kelvin: number,
): PlateCalibrationEntry {
  const current = { calibration: 1 as const, revision: 1, plates: { slot: former } };
  const procedure = Procedure.begin({ ...options(slot), current });
  plate.kelvin = kelvin;
  step(procedure, plate, { kind: 'zero' }, [], 20_000 + 1_000 * kelvin);
  const entry = procedure.take({ kind: 'fit' }, 1_000_000).fitted?.entry;
  if (entry === undefined) throw new Error('it was fitted');
  return entry;
}

/** The load above the empty plate, at so many K from 20 °C, mg. */
function above(plate: SyntheticPlate, entry: PlateCalibrationEntry, kelvin: number): number {
  plate.kelvin = kelvin;
  const milliCelsius = 20_000 + 1_000 * kelvin;
  const read = (capture: ReturnType<SyntheticPlate['capture']>) => indicate(capture, entry, { milliCelsius });
  return read(plate.capture(load, milliCelsius)) - read(plate.capture([], milliCelsius));
}

/** The slot calibrated at 20 °C, with coefficients. */
function former(spanPpmPerKelvin: number, milligramsPerKelvin: number): PlateCalibrationEntry {
  const plate = drifting(spanPpmPerKelvin, milligramsPerKelvin);
  const procedure = Procedure.begin(options(slot));
  step(procedure, plate, { kind: 'zero' }, [], 20_000);
  for (const id of ['a2', 'a5']) {
    const massMg = id === 'a2' ? 2_000_000 : 5_000_000;
    step(procedure, plate, { kind: 'load', weights: [id] }, [{ massMg }], 20_000);
  }
  const entry = procedure.take({ kind: 'fit', model: 'linear' }, 1_000_000).fitted?.entry;
  if (entry === undefined) throw new Error('it was fitted');
  const cells = Object.entries(entry.cells).map(([id, cell]) => {
    return [id, { ...cell, spanPpmPerKelvin: -spanPpmPerKelvin, milligramsPerKelvin }] as const;
  });
  return { ...entry, cells: Object.fromEntries(cells) };
}

test('a zero alone, taken at whatever temperatures one after another, changes what no load weighs at any', (t) => {
  const kelvin = fc.integer({ min: -15, max: 25 });
  fc.assert(
    fc.property(
      fc.integer({ min: -150, max: 150 }),
      fc.integer({ min: -400, max: 400 }),
      fc.array(kelvin, { minLength: 1, maxLength: 6 }),
      kelvin,
      (span, drift, zeros, at) => {
        const plate = drifting(span, drift);
        const first = former(span, drift);
        let entry = first;
        for (const zero of zeros) entry = zeroAlone(plate, entry, zero);
        const moved = above(plate, entry, at) - above(plate, first, at);
        t.true(Math.abs(moved) < 2, `${moved} mg`);
      },
    ),
    { seed, numRuns: 200 },
  );
});

test('a temperature point beside a zero alone is held against the temperature of the calibration before', (t) => {
  const plate = drifting(100, 0);
  const entry = former(100, 0);
  const current = { calibration: 1 as const, revision: 1, plates: { slot: entry } };
  const procedure = Procedure.begin({ ...options(slot), current });
  plate.kelvin = 10;
  step(procedure, plate, { kind: 'zero' }, [], 30_000);
  plate.kelvin = 20;
  step(procedure, plate, { kind: 'temperature' }, [], 40_000);
  step(procedure, plate, { kind: 'temperature', weights: ['a2', 'b2'] }, load, 40_000);
  const fitted = procedure.take({ kind: 'fit' }, 1_000_000).fitted?.entry;
  if (fitted === undefined) return t.fail('it was fitted');
  for (const kelvin of [0, 10, 20]) {
    const off = above(plate, fitted, kelvin) - 4_000_000;
    t.true(Math.abs(off) < 60, `${kelvin} K: ${off} mg`);
  }
});
