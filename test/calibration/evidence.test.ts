import test from 'ava';
import { Procedure } from '#calibration/procedure.ts';
import { fitted, refused } from './refusals.ts';
import { basket, load, options, perfect, SyntheticPlate, step, takeLoads } from './synthetic-plate.ts';

const at = 1_000_000;

/** The reading of a mass that lies as told, by `massMg` alone: nobody says which weights it is. */
function unnamed(procedure: Procedure, plate: SyntheticPlate, kind: 'load' | 'verify', massMg: number) {
  return step(procedure, plate, { kind, massMg }, [{ massMg }]);
}

test('weights that nobody named prove nothing, whatever their mass', (t) => {
  const { procedure, plate } = fitted();
  const result = unnamed(procedure, plate, 'verify', 8_000_000);
  t.true(result.verification?.passed);
  t.false(result.verification?.independent ?? true);
  t.deepEqual(
    result.notices.map(({ code }) => code),
    ['CW-CAL-070'],
  );
  const candidate = procedure.candidate()?.hash ?? '';
  refused(t, 'CW-CAL-060', () => procedure.check('commit', { candidate, expected: 0 }, at), /named/);
  load(procedure, plate, 'verify', ['c10']);
  t.notThrows(() => procedure.check('commit', { candidate, expected: 0 }, at));
});

test('where the weights of the fit were not named, none can be shown to be another', (t) => {
  const plate = new SyntheticPlate(basket, perfect(basket), 0.3);
  const procedure = Procedure.begin(options(basket));
  takeLoads(procedure, plate);
  unnamed(procedure, plate, 'load', 12_000_000);
  procedure.take({ kind: 'fit' }, at);
  const result = load(procedure, plate, 'verify', ['c10']);
  t.false(result.verification?.independent ?? true);
  t.deepEqual(
    result.notices.map(({ code }) => code),
    ['CW-CAL-070'],
  );
  const candidate = procedure.candidate()?.hash ?? '';
  refused(t, 'CW-CAL-060', () => procedure.check('commit', { candidate, expected: 0 }, at), /fit.*named/);
});
