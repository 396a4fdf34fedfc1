import test from 'ava';
import { plateSchema } from '#config/board.ts';
import type { Movement, WeighingFault, WeighingOutput } from '#weighing/outputs.ts';
import { Weigher, type WeighingState } from '#weighing/weigher.ts';
import { defaults } from './bench-plate.ts';

function certified(state?: WeighingState) {
  const outputs: WeighingOutput[] = [];
  const weigher = new Weigher({
    plates: [
      plateSchema.parse({
        id: 'deli',
        kind: 'shelf',
        maxMg: 15_000_000,
        intervalMg: 5_000,
        scale: 'deli-scale',
      }),
    ],
    calibration: undefined,
    config: defaults,
    sink: (output) => outputs.push(output),
    ...(state === undefined ? {} : { state }),
  });
  let atUs = 0;
  const say = (massMg: number, certificateId?: string, status = 'stable gross kg', stable = true) => {
    for (let turn = 0; turn < 4; turn++) {
      atUs += 200_000;
      const certificate = certificateId === undefined ? {} : { certificateId };
      weigher.scale({ kind: 'scale', source: 'deli-scale', atUs, massMg, stable, status, ...certificate });
    }
  };
  const movements = () => outputs.filter((output): output is Movement => output.kind === 'movement');
  const faults = () => outputs.filter((output): output is WeighingFault => output.kind === 'fault');
  const fault = (cleared: boolean) =>
    weigher.fault('deli-scale', { fault: 'saturated', code: 'CW-DRV-015', message: 'over', cleared }, atUs);
  return { weigher, say, movements, faults, fault };
}

test('a movement between two indications of a certified scale bears its certificate', (t) => {
  const { say, movements } = certified();
  say(0, 'T8214/B5');
  say(415_000, 'T8214/B5');
  say(715_000, 'T8214/B5');
  t.deepEqual(
    movements().map(({ massMg, certificateId, indicated }) => [massMg, certificateId, indicated]),
    [
      [415_000, 'T8214/B5', true],
      [300_000, 'T8214/B5', undefined],
    ],
    'the second is a difference of two indications',
  );
});

test('a movement bears no certificate where one of its plateaus was not indicated under it', (t) => {
  const changed = certified();
  changed.say(0);
  changed.say(415_000, 'T8214/B5');
  changed.say(715_000, 'T8214/B6');
  t.deepEqual(
    changed.movements().map(({ certificateId }) => certificateId),
    [undefined, undefined],
  );
  const before = certified();
  before.say(0, 'T8214/B5');
  const after = certified(before.weigher.saveState());
  after.say(415_000, 'T8214/B5');
  t.deepEqual(
    after.movements().map(({ whileAway, certificateId }) => [whileAway, certificateId]),
    [[true, undefined]],
    'what it indicated before a restart is not known to have been under it',
  );
});

test('what a scale reports as a fault itself is not reported a second time by its status', (t) => {
  const { say, fault, faults, weigher } = certified();
  say(0);
  fault(false);
  say(0, undefined, 'over held', false);
  t.deepEqual(faults(), []);
  t.is(weigher.status('deli').grossMg, undefined);
  fault(true);
  say(0);
  t.deepEqual(faults(), []);
  t.is(weigher.status('deli').grossMg, 0);
});

test('the first word of a status is the condition, and one that is no fault weighs', (t) => {
  const { say, faults, movements } = certified();
  say(0, undefined, 'zero gross kg');
  say(415_000, undefined, 'stable net negative lb');
  t.is(movements().length, 1);
  say(415_000, undefined, 'over net kg', false);
  say(415_000, undefined, 'stable gross kg');
  t.deepEqual(
    faults().map(({ code, cleared, message }) => [code, cleared, message]),
    [
      ['CW-WGH-010', false, 'Scale deli-scale reports over; see its manual.'],
      ['CW-WGH-010', true, 'Scale deli-scale weighs again.'],
    ],
  );
});
