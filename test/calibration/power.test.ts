import test from 'ava';
import { Procedure } from '#calibration/procedure.ts';
import type { Step } from '#calibration/session.ts';
import { judgeTests } from '#calibration/tests/judge.ts';
import { calibration, refused, withCell } from './refusals.ts';
import { basket, type Lying, options, perfect, SyntheticPlate } from './synthetic-plate.ts';

const minuteUs = 60_000_000;
const leaseUs = 600 * minuteUs;
const top: readonly Lying[] = [{ massMg: 30_000_000 }];
const all = ['a10', 'b10', 'c10'];

function verifying(poweredSinceUs: number | undefined, atUs: number) {
  const plate = new SyntheticPlate(basket, perfect(basket), 0.3);
  const power = poweredSinceUs === undefined ? {} : { poweredSinceUs };
  const begun = {
    ...options(basket),
    purpose: 'verify',
    current: calibration(),
    atUs,
    leaseUs,
    ...power,
  } as const;
  return { plate, procedure: Procedure.begin(begun) };
}

/** Takes a step with what lies there, of cells that creep by so many counts a second. */
function take(
  procedure: Procedure,
  plate: SyntheticPlate,
  step: Omit<Step, 'capture'>,
  atUs: number,
  lying: readonly Lying[] = [],
  driftCountsPerS = 0,
) {
  const capture = withCell(plate.capture(lying), 'fl', { driftCountsPerS });
  return procedure.take({ ...step, plate: 'basket', capture }, atUs);
}

function verdictOf(procedure: Procedure, name: string) {
  const rules = { maxMg: 30_000_000, intervalMg: 5_000, divisionMg: 1_000 };
  const observations = procedure.view().plates.basket?.observations ?? [];
  const found = judgeTests(observations, { plate: rules, regime: 'r76-initial' });
  return found.find((one) => one.test === name);
}

test('a scale that was just switched on is read for its warm-up test, and for nothing else', (t) => {
  const { plate, procedure } = verifying(0, minuteUs);
  const warmUp = { kind: 'test', test: 'warm-up' } as const;
  take(procedure, plate, { kind: 'zero' }, minuteUs);
  refused(t, 'CW-CAL-028', () => procedure.check('verify', { weights: ['a10'] }, minuteUs), /warm-up test/);
  refused(t, 'CW-CAL-028', () => procedure.check('test', { test: 'linearity' }, minuteUs));
  for (const minute of [1, 5, 15, 30]) {
    const atUs = minute * minuteUs + 20_000_000;
    take(procedure, plate, warmUp, atUs);
    const { observation } = take(procedure, plate, { ...warmUp, weights: all }, atUs + 10_000_000, top);
    t.is(observation?.poweredSinceUs, 0);
  }
  t.is(verdictOf(procedure, 'warm-up')?.verdict, 'passed', verdictOf(procedure, 'warm-up')?.missing.join());
  const later = 31 * minuteUs;
  refused(t, 'CW-CAL-028', () => procedure.check('verify', { weights: ['a10'] }, later), /zero again/);
  take(procedure, plate, { kind: 'zero' }, later);
  t.notThrows(() => procedure.check('verify', { weights: ['a10'] }, later));
});

test('an adjustment takes no zero of cold cells', (t) => {
  const procedure = Procedure.begin({ ...options(basket), poweredSinceUs: 0 });
  refused(t, 'CW-CAL-028', () => procedure.check('zero', {}, minuteUs), /another 540 s/);
});

test('cells that warm up may drift where that is what is looked at', (t) => {
  const { plate, procedure } = verifying(0, minuteUs);
  // Of 10 kg on 2 mV/V 429.5 counts are a gram, so this is half an interval d a second.
  const half = 215;
  take(procedure, plate, { kind: 'zero' }, minuteUs, [], half);
  const warmUp = { kind: 'test', test: 'warm-up', weights: all } as const;
  t.notThrows(() => take(procedure, plate, warmUp, 2 * minuteUs, top, half));
  t.is(procedure.capturerOptions('basket', 2 * minuteUs).driftDivisionsPerS, 1);
  t.is(procedure.capturerOptions('basket', 11 * minuteUs).driftDivisionsPerS, 0.25);
  refused(t, 'CW-CAL-022', () => take(procedure, plate, warmUp, 11 * minuteUs, top, half));
  const again = Procedure.restore(JSON.parse(JSON.stringify(procedure.save())), minuteUs, leaseUs);
  t.is(again.view().plates.basket?.steps, 2, 'and stay so in what was saved');
});

test('warm-up stays open where the device does not know since when it is on', (t) => {
  const { plate, procedure } = verifying(undefined, minuteUs);
  take(procedure, plate, { kind: 'zero' }, minuteUs);
  take(procedure, plate, { kind: 'test', test: 'warm-up', weights: all }, 2 * minuteUs, top);
  t.regex(verdictOf(procedure, 'warm-up')?.missing.join() ?? '', /when the scale was switched on/);
});

test('readings of after a power loss come after those of before, though the clock began anew', (t) => {
  const { plate, procedure } = verifying(0, 14_400 * minuteUs);
  const creep = { kind: 'test', test: 'creep', weights: all } as const;
  const start = 14_400 * minuteUs;
  take(procedure, plate, { kind: 'zero' }, start);
  for (const minute of [1, 11]) take(procedure, plate, creep, start + minute * minuteUs, top);
  const nowUs = 3 * minuteUs;
  const saved: unknown = JSON.parse(JSON.stringify(procedure.save()));
  const again = Procedure.restore(saved, nowUs, leaseUs, { poweredSinceUs: 2 * minuteUs });
  const before = again.view().plates.basket?.observations ?? [];
  t.deepEqual(
    before.map(({ atUs }) => atUs),
    [nowUs - 10 * minuteUs, nowUs],
    'differences stay',
  );
  t.true(
    before.every(
      ({ atUs, poweredSinceUs }) => poweredSinceUs === atUs - start - (atUs < nowUs ? 1 : 11) * minuteUs,
    ),
  );
  const warm = 20 * minuteUs;
  take(again, plate, { kind: 'zero' }, warm);
  take(again, plate, creep, warm + minuteUs, [{ massMg: 30_009_000 }]);
  const verdict = verdictOf(again, 'creep');
  t.is(verdict?.verdict, 'incomplete');
  t.regex(verdict?.notes.join() ?? '', /2 readings from before do not count/);
  const linear = { kind: 'test', test: 'linearity', weights: all } as const;
  const { observation } = take(again, plate, linear, warm + 2 * minuteUs, top);
  t.is(observation?.run, 1);
  t.is(verdictOf(again, 'linearity')?.observations.at(-1)?.observation, observation);
  // Once more: each loss of power counts.
  const third = Procedure.restore(JSON.parse(JSON.stringify(again.save())), minuteUs, leaseUs);
  take(third, plate, { kind: 'zero' }, 2 * minuteUs);
  t.is(take(third, plate, linear, 3 * minuteUs, top).observation?.run, 2);
});
