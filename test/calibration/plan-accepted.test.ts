import test from 'ava';
import { planCalibration } from '#calibration/plan.ts';
import { Procedure } from '#calibration/procedure.ts';
import type { Weight } from '#calibration/types.ts';
import type { PlateEntry } from '#config/board.ts';
import { basket, options, perfect, SyntheticPlate, slot } from './synthetic-plate.ts';

const kilograms = (...masses: readonly number[]): Weight[] =>
  masses.map((kg, index) => ({ id: `w${index}`, massMg: Math.round(kg * 1_000_000), class: 'F2' }));

/** Does what the plan says, to the letter. */
function follow(plate: PlateEntry, weights: readonly Weight[]): Procedure {
  const scale = new SyntheticPlate(plate, perfect(plate), 0.3);
  const procedure = Procedure.begin({ ...options(plate), weights });
  for (const { step, massMg, at, direction, weights: ids } of planCalibration(plate, weights).steps) {
    const lying = massMg === 0 ? [] : [{ massMg, at }];
    const captured = step === 'fit' || step === 'commit' ? {} : { capture: scale.capture(lying) };
    const stated = massMg === 0 ? {} : { massMg, weights: ids };
    const commit = step === 'commit' ? { candidate: procedure.candidate()?.hash ?? '', expected: 0 } : {};
    procedure.take(
      { kind: step, plate: plate.id, at, direction, ...stated, ...captured, ...commit },
      1_000_000,
    );
  }
  return procedure;
}

for (const [plate, ...masses] of [
  [basket, 5, 10],
  [basket, 10, 10, 10],
  [basket, 5, 5, 5],
  [basket, 20, 10, 5],
  [basket, 10, 5, 2, 2, 1],
  [slot, 2, 1],
  [slot, 1, 2, 2, 5],
] as const) {
  test(`with weights of ${masses.join(', ')} kg the plan for the ${plate.id} ends in a commit`, (t) => {
    t.is(follow(plate, kilograms(...masses)).state, 'committed');
  });
}

test('a plan without weights for the check says so before, and ends in a refusal', (t) => {
  const weights = kilograms(5);
  t.regex(planCalibration(slot, weights).notes.join(' '), /no other weights/);
  t.throws(() => follow(slot, weights), { code: 'CW-CAL-013' });
});
