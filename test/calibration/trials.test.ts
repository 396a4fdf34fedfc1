import test from 'ava';
import { Procedure } from '#calibration/procedure.ts';
import type { Step, StepResult } from '#calibration/session.ts';
import { quarters } from '#calibration/tests/tolerances.ts';
import { calibration, fitted, refused, withCell } from './refusals.ts';
import { basket, type Lying, options, perfect, SyntheticPlate, slot, step } from './synthetic-plate.ts';

const at = 1_000_000;
const codes = ({ notices }: StepResult) => notices.map(({ code }) => code);

/** A verification of the basket in force, whose zero was taken. */
function verifying() {
  const plate = new SyntheticPlate(basket, perfect(basket), 0.3);
  const procedure = Procedure.begin({ ...options(basket), purpose: 'verify', current: calibration() });
  step(procedure, plate, { kind: 'zero' });
  return { procedure, plate };
}

const ten = (place: Lying['at']): Lying[] => [
  { massMg: 10_000_000, ...(place === undefined ? {} : { at: place }) },
];
const tests: readonly Omit<Step, 'capture'>[] = [
  { kind: 'verify', weights: ['c10'] },
  { kind: 'test', test: 'eccentricity', weights: ['c10'] },
];

for (const trial of tests) {
  test(`a ${trial.kind} is of the place that is told, or is refused`, (t) => {
    const { procedure, plate } = verifying();
    const take = (told: string, place: Lying['at'], force?: string) =>
      step(procedure, plate, { ...trial, at: told, ...(force === undefined ? {} : { force }) }, ten(place));
    refused(t, 'CW-CAL-037', () => take('fl', 'centre'), /should lie over fl/);
    refused(t, 'CW-CAL-037', () => take('fl', 'rr'), /near rr/);
    refused(t, 'CW-CAL-037', () => take('centre', 'fr'), /in the middle/);
    t.notThrows(() => take('centre', 'centre'));
    for (const { id } of basket.cells ?? []) t.deepEqual(codes(take(id, id)), []);
    // By hand nobody hits the very spot.
    t.notThrows(() => take('fl', [-170, 260]));
    const forced = take('fl', 'centre', 'the bottle crate leaves no other place');
    t.deepEqual(codes(forced), ['CW-CAL-075']);
    t.regex(forced.notices[0]?.message ?? '', /bottle crate/);
    refused(t, 'CW-CAL-029', () => procedure.check(trial.kind, { ...trial, at: 'nowhere' }, at), /no place/);
  });
}

test('a test takes no load above Max or above what a cell bears, but for the small weights of discrimination', (t) => {
  const { procedure } = verifying();
  const check = (test: 'linearity' | 'discrimination', massMg: number, place = 'centre') =>
    procedure.check('test', { test, massMg, at: place }, at);
  refused(t, 'CW-CAL-034', () => check('linearity', 30_001_400));
  refused(t, 'CW-CAL-035', () => check('linearity', 29_000_000, 'fl'));
  t.notThrows(() => check('linearity', 30_000_000));
  t.notThrows(() => check('discrimination', 30_001_400));
  refused(t, 'CW-CAL-034', () => check('discrimination', 30_005_000));
});

test('a plate on one cell has quarters, whose place its cell can not tell', (t) => {
  const plate = new SyntheticPlate(slot, perfect(slot));
  const procedure = Procedure.begin(options(slot));
  step(procedure, plate, { kind: 'zero' });
  step(procedure, plate, { kind: 'load', weights: ['a5'] }, [{ massMg: 5_000_000 }]);
  procedure.take({ kind: 'fit' }, at);
  for (const place of quarters) {
    const taken = { kind: 'test', test: 'eccentricity', weights: ['a2'], at: place } as const;
    t.is(step(procedure, plate, taken, [{ massMg: 2_000_000 }]).observation?.at, place);
  }
  const odd = { test: 'eccentricity', weights: ['a2'], at: 'fl' } as const;
  refused(t, 'CW-CAL-029', () => procedure.check('test', odd, at));
});

test('small weights are at most one and a half intervals, and told where they contradict the reading', (t) => {
  const { procedure, plate } = verifying();
  const extra = (extraMg: number) =>
    step(procedure, plate, { kind: 'test', test: 'linearity', weights: ['c10'], extraMg }, ten('centre'));
  refused(t, 'CW-CAL-029', () => extra(1_501), /1\.5 g/);
  refused(t, 'CW-CAL-029', () => extra(10_000_000_000));
  refused(t, 'CW-CAL-029', () => extra(-1));
  // The scale reads 10 kg to some tenths of a gram: half an interval is right, none or two are not.
  t.deepEqual(codes(extra(500)), []);
  t.deepEqual(codes(extra(1_400)), ['CW-CAL-079']);
});

test('a scale that is dead or grossly wrong gets its failing verification, with a reason', (t) => {
  const { procedure, plate } = verifying();
  const verify = (lying: Lying[], force?: string) =>
    step(
      procedure,
      plate,
      { kind: 'verify', weights: ['c10'], ...(force === undefined ? {} : { force }) },
      lying,
    );
  refused(t, 'CW-CAL-030', () => verify([]), /force/);
  refused(t, 'CW-CAL-032', () => verify([{ massMg: 4_535_924 }]), /force/);
  const dead = verify([], 'the weight lies there, the plate is jammed');
  t.false(dead.verification?.passed ?? true);
  t.deepEqual(codes(dead), ['CW-CAL-075']);
  t.regex(dead.notices[0]?.message ?? '', /jammed/);
  t.false(verify([{ massMg: 4_535_924 }], 'it is').verification?.passed ?? true);
  t.is(procedure.view().plates.basket?.verifications.length, 2);
});

test('a dead cell fails a verification in the middle, and is no excuse to refuse it', (t) => {
  const { procedure, plate } = verifying();
  const zero = plate.capture();
  const capture = withCell(plate.capture(ten('centre')), 'rr', {
    meanCounts: zero.cells.rr?.meanCounts ?? 0,
  });
  const result = procedure.take({ kind: 'verify', weights: ['c10'], capture }, at);
  t.false(result.verification?.passed ?? true);
});

test('a failed verification that was forced keeps a fit from being committed', (t) => {
  const { procedure, plate } = fitted();
  step(procedure, plate, { kind: 'verify', weights: ['c10'], force: 'jammed' }, []);
  const candidate = procedure.candidate()?.hash ?? '';
  refused(t, 'CW-CAL-017', () => procedure.check('commit', { candidate, expected: 0 }, at));
});
