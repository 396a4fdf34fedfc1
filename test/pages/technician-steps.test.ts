import test from 'ava';
import { planCalibration } from '#calibration/plan.ts';
import { canInsist, checkOf, planIn, sessionIn, zeroPlan } from '#pages/technician/client/calibration.ts';

test('Zero alone is planned in the page as a device plans it', (t) => {
  const plate = { id: 'basket', kind: 'platform', maxMg: 15_000_000, cells: [] } as unknown as Parameters<
    typeof planCalibration
  >[0];
  t.deepEqual(zeroPlan, planIn({ ...planCalibration(plate, [], 'zero') }));
});

test('Only zeros and loads that are refused for what they weigh may be insisted on', (t) => {
  const steps = ['zero', 'load', 'verify', 'test', 'fit', 'commit'];
  const codes = ['CW-CAL-027', 'CW-CAL-030', 'CW-CAL-032', 'no-answer'];
  const may = steps.flatMap((step) =>
    codes.filter((code) => canInsist(step, code)).map((code) => `${step} ${code}`),
  );
  t.deepEqual(may, ['zero CW-CAL-027', 'zero CW-CAL-032', 'load CW-CAL-027', 'load CW-CAL-032']);
});

test('What was not checked, or failed a check, is not offered to be put in force; zero alone needs no check', (t) => {
  const check = (model: string, passed: readonly boolean[]) => {
    const verifications = passed.map((one) => ({ massMg: 1, passed: one }));
    const plates = { basket: { candidate: { model }, verifications } };
    const plate = sessionIn({ session: { session: 's1', plates } })?.plates.basket;
    return plate === undefined ? undefined : checkOf(plate);
  };
  t.is(check('zero', []), 'passed');
  t.is(check('linear', []), 'missing');
  t.is(check('linear', [true]), 'passed');
  t.is(check('linear', [true, false]), 'failed');
});
