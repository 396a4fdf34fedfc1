import test from 'ava';
import { Procedure } from '#calibration/procedure.ts';
import type { StepResult } from '#calibration/session.ts';
import { type PlateEntry, plateSchema } from '#config/board.ts';
import { calibration, refused, withCell, zeroed } from './refusals.ts';
import { basket, load, options, perfect, SyntheticPlate, slot, step, weights } from './synthetic-plate.ts';

const at = 1_000_000;

test('a cell at the end of its range is saturated, at every step that reads', (t) => {
  const { procedure, plate } = zeroed();
  const end = withCell(plate.capture([{ massMg: 10_000_000 }]), 'fr', {
    saturated: true,
    maxCounts: 0x7fffff,
  });
  refused(t, 'CW-CAL-020', () => procedure.take({ kind: 'zero', capture: end }, at), /cell fr/);
  refused(t, 'CW-CAL-020', () => procedure.take({ kind: 'load', weights: ['a10'], capture: end }, at));
});

test('a cell that repeats one number is frozen', (t) => {
  const { procedure, plate } = zeroed();
  const frozen = withCell(plate.capture(), 'fl', { minCounts: 20_000, maxCounts: 20_000, sigmaCounts: 0 });
  refused(t, 'CW-CAL-026', () => procedure.take({ kind: 'zero', capture: frozen }, at), /cell fl/);
});

test('a cell that drifts, is silent, or of another plate says nothing', (t) => {
  const { procedure, plate } = zeroed();
  const drifting = withCell(plate.capture(), 'rl', { driftCountsPerS: 200 });
  refused(
    t,
    'CW-CAL-022',
    () => procedure.take({ kind: 'zero', capture: drifting }, at),
    /cell rl drifts by 0.47 g/,
  );
  const silent = withCell(plate.capture(), 'rl', { samples: 3 });
  refused(t, 'CW-CAL-023', () => procedure.take({ kind: 'zero', capture: silent }, at), /rl/);
  const { rl: _gone, ...others } = plate.capture().cells;
  refused(t, 'CW-CAL-023', () =>
    procedure.take({ kind: 'zero', capture: { ...plate.capture(), cells: others } }, at),
  );
  const foreign = { ...plate.capture(), plate: 'rack' };
  refused(t, 'CW-CAL-029', () => procedure.take({ kind: 'zero', capture: foreign }, at));
});

test('a load that was never put on, or on which zero was taken, changes nothing', (t) => {
  const { procedure, plate } = zeroed();
  refused(
    t,
    'CW-CAL-030',
    () => step(procedure, plate, { kind: 'load', weights: ['a10'] }),
    /put the load on/,
  );
});

test('a first load of less than 1 % of the range sets no span, but may follow a larger one', (t) => {
  const { procedure, plate } = zeroed();
  const small = { kind: 'load', massMg: 150_000 } as const;
  refused(t, 'CW-CAL-031', () => step(procedure, plate, small, [{ massMg: 150_000 }]), /0\.77 %/);
  load(procedure, plate, 'load', ['a10']);
  t.is(step(procedure, plate, small, [{ massMg: 150_000 }]).state, 'points');
});

for (const [what, stated, lying, says] of [
  ['grams for kilograms', 5_000, 5_000_000, /thousand times smaller/],
  ['kilograms for grams', 20_000_000, 20_000, /thousand times larger/],
  ['pounds for kilograms', 10_000_000, 4_535_924, /pounds, not kilograms/],
  ['kilograms for pounds', 4_535_924, 10_000_000, /kilograms, not pounds/],
  ['ounces for grams', 500_000, 14_174_762, /ounces, not grams/],
  ['another weight', 20_000_000, 7_000_000, /feel some 7\.0\d\d kg/],
] as const) {
  test(`${what} is a wrong mass`, (t) => {
    const { procedure, plate } = zeroed();
    const taken = { kind: 'load', massMg: stated } as const;
    refused(t, 'CW-CAL-032', () => step(procedure, plate, taken, [{ massMg: lying }]), says);
  });
}

test('a mass that differs from the former span is refused, unless a reason is given', (t) => {
  const { procedure, plate } = zeroed({ current: calibration({ scale: 1.2 }) });
  const taken = { kind: 'load', weights: ['a10'] } as const;
  refused(t, 'CW-CAL-032', () => load(procedure, plate, 'load', ['a10']), /20\.0 % from the stated/);
  const result = step(procedure, plate, { ...taken, force: 'all cells were replaced' }, [
    { massMg: 10_000_000 },
  ]);
  t.deepEqual(
    result.notices.map(({ code }) => code),
    ['CW-CAL-075'],
  );
  t.regex(result.notices[0]?.message ?? '', /all cells were replaced/);
});

test('weights have to add up, to be there, and to be named once', (t) => {
  const { procedure } = zeroed();
  const check = (massMg: number, ...ids: string[]) => procedure.check('load', { massMg, weights: ids }, at);
  refused(t, 'CW-CAL-033', () => check(20_000_000, 'a10', 'a5'), /add up to 15\.000 kg/);
  refused(t, 'CW-CAL-036', () => check(10_000_000, 'z10'), /a1, b1, a2/);
  refused(t, 'CW-CAL-036', () => check(20_000_000, 'a10', 'a10'), /twice/);
  refused(t, 'CW-CAL-029', () => procedure.check('load', {}, at));
  refused(t, 'CW-CAL-029', () => procedure.check('load', { massMg: 0.5 }, at));
  t.notThrows(() => check(10_000_000, 'a10'));
});

test('a certified mass counts where the nominal one is stated', (t) => {
  const known = [{ id: 'k', massMg: 10_000_120, class: 'M1' as const }];
  const { procedure, plate } = zeroed({ weights: known });
  const result = step(procedure, plate, { kind: 'load', massMg: 10_000_000, weights: ['k'] }, [
    { massMg: 10_000_120 },
  ]);
  t.is(result.load?.massMg, 10_000_120);
});

test('a load above Max, or above what a cell bears, is refused before it is put on', (t) => {
  const { procedure } = zeroed();
  refused(t, 'CW-CAL-034', () => procedure.check('load', { massMg: 30_500_000 }, at), /Max/);
  refused(t, 'CW-CAL-034', () => procedure.check('load', { massMg: 30_000_000_000 }, at), /unit/);
  refused(t, 'CW-CAL-035', () => procedure.check('load', { massMg: 13_000_000, at: 'fl' }, at), /cell fl/);
  t.notThrows(() => procedure.check('load', { massMg: 12_000_000, at: 'fl' }, at));
  refused(
    t,
    'CW-CAL-029',
    () => procedure.check('load', { massMg: 1_000_000, at: 'rear' }, at),
    /centre, fl, fr/,
  );
});

test('a cell that carries more than its capacity is seen in the readings too', (t) => {
  const soft = new SyntheticPlate(basket, perfect(basket), 1);
  const procedure = Procedure.begin(options(basket));
  step(procedure, soft, { kind: 'zero' });
  load(procedure, soft, 'load', ['a10']);
  // By the statics of a rigid plate the cell would bear it.
  refused(
    t,
    'CW-CAL-035',
    () => load(procedure, soft, 'load', ['a10', 'a1'], 'fl'),
    /cell fl carries 11\.6\d\d kg/,
  );
});

test('weights have to be better than a third of what the plate may be wrong', (t) => {
  const own = (letter: 'M1' | 'M3') => [{ id: 'k', massMg: 5_000_000, class: letter }];
  const coarse = zeroed({ weights: own('M3') }).procedure;
  // Class M3 may be 2.5 g wrong at 5 kg; a third of ±5 g is 1.67 g.
  refused(t, 'CW-CAL-042', () => coarse.check('load', { weights: ['k'] }, at), /2\.50 g, more than a third/);
  t.notThrows(() => zeroed({ weights: own('M1') }).procedure.check('load', { weights: ['k'] }, at));
});

test('weights whose class or name is not known are told', (t) => {
  const codes = ({ notices }: StepResult) => notices.map(({ code }) => code);
  const { procedure, plate } = zeroed({ weights: [{ id: 'k', massMg: 10_000_000 }] });
  const ten = [{ massMg: 10_000_000 }];
  t.deepEqual(codes(step(procedure, plate, { kind: 'load', weights: ['k'] }, ten)), ['CW-CAL-071']);
  t.deepEqual(codes(step(procedure, plate, { kind: 'load', massMg: 10_000_000, weights: [] }, ten)), [
    'CW-CAL-070',
  ]);
});

test('a load that does not lie where it is said to is found by its centre of force', (t) => {
  const { procedure, plate } = zeroed();
  const off = { kind: 'load', weights: ['a10'] } as const;
  const lying = (...place: [number, number]) => [{ massMg: 10_000_000, at: place }];
  refused(t, 'CW-CAL-037', () => step(procedure, plate, off, lying(90, 0)), /near f?r?r/);
  step(procedure, plate, off, lying(40, -60));
  const corner = { ...off, at: 'rr' };
  refused(t, 'CW-CAL-037', () => step(procedure, plate, corner, lying(60, -60)), /over rr/);
  refused(t, 'CW-CAL-037', () => step(procedure, plate, corner, lying(-220, -330)), /near rl/);
  t.is(step(procedure, plate, corner, lying(150, -250)).state, 'corners');
});

test('two cells that were swapped show under a load over one of them', (t) => {
  const { procedure, plate } = zeroed();
  load(procedure, plate, 'load', ['a10']);
  const capture = plate.capture([{ massMg: 10_000_000, at: 'fl' }]);
  const zero = plate.capture();
  const moved = (from: string, to: string) => {
    const rise = (capture.cells[from]?.meanCounts ?? 0) - (zero.cells[from]?.meanCounts ?? 0);
    return { meanCounts: (zero.cells[to]?.meanCounts ?? 0) + rise };
  };
  const swapped = withCell(withCell(capture, 'fl', moved('rr', 'fl')), 'rr', moved('fl', 'rr'));
  refused(
    t,
    'CW-CAL-037',
    () => procedure.take({ kind: 'load', weights: ['a10'], at: 'fl', capture: swapped }, at),
    /two cells are swapped/,
  );
});

test('a dead cell is named', (t) => {
  const truths = perfect(basket).map((truth, index) =>
    index === 1 ? { ...truth, sensitivity: 0.001 } : truth,
  );
  const plate = new SyntheticPlate(basket, truths);
  // A board that was calibrated before: the balance of zero alone does not give the dead cell away.
  const procedure = Procedure.begin(options(basket));
  step(procedure, plate, { kind: 'zero' });
  refused(t, 'CW-CAL-037', () => load(procedure, plate, 'load', ['a10']), /cell fr feels \d g .* dead/);
});

test('a load that the frame carries a part of does not fit those before', (t) => {
  const { procedure, plate } = zeroed();
  load(procedure, plate, 'load', ['a10']);
  plate.touches = 0.03;
  refused(t, 'CW-CAL-039', () => load(procedure, plate, 'load', ['a10', 'b10']), /-3\.0 %/);
  plate.touches = 0.12;
  refused(t, 'CW-CAL-039', () => load(procedure, plate, 'load', ['a10'], 'fl'));
  refused(t, 'CW-CAL-038', () => load(procedure, plate, 'load', ['a10', 'a1']), /gives less/);
  plate.touches = 0;
  t.is(load(procedure, plate, 'load', ['a10', 'b10']).state, 'points');
});

test('a load over a cell tells nothing before one in the middle has told how the cells are wired', (t) => {
  const { procedure, plate } = zeroed();
  refused(t, 'CW-CAL-044', () => load(procedure, plate, 'load', ['a10'], 'fl'));
  // A calibration tells it too.
  const again = zeroed({ current: calibration() });
  t.is(load(again.procedure, again.plate, 'load', ['a10'], 'fl').state, 'corners');
});

test('a loaded zero is seen by the calibration before, by the zero before, and by the dead load', (t) => {
  const lying = [{ massMg: 1_000_000 }];
  const heavy = [{ massMg: 6_000_000 }];
  const { procedure, plate } = zeroed();
  refused(t, 'CW-CAL-027', () => step(procedure, plate, { kind: 'zero' }, lying), /zero before/);
  const after = Procedure.begin({ ...options(basket), current: calibration() });
  refused(
    t,
    'CW-CAL-027',
    () => step(after, plate, { kind: 'zero' }, lying),
    /1000 g from the zero of the calibration/,
  );
  const first = Procedure.begin(options(basket));
  refused(t, 'CW-CAL-027', () => step(first, plate, { kind: 'zero' }, heavy), /empty plate/);
  const forced = step(first, plate, { kind: 'zero', force: 'a new rack stands on it' }, heavy);
  t.deepEqual(
    forced.notices.map(({ code }) => code),
    ['CW-CAL-074'],
  );
  t.regex(forced.notices[0]?.message ?? '', /a new rack stands on it/);
});

test('cold cells are not read until they have warmed up', (t) => {
  const procedure = Procedure.begin({ ...options(basket), poweredSinceUs: -500_000_000 });
  refused(t, 'CW-CAL-028', () => procedure.check('zero', { plate: 'basket' }, 1_000_000), /another 99 s/);
  t.notThrows(() => procedure.check('zero', { plate: 'basket' }, 100_000_000));
  const quick = Procedure.begin({ ...options(basket), poweredSinceUs: 0, settings: { warmUpUs: 0 } });
  t.notThrows(() => quick.check('zero', { plate: 'basket' }, 1));
});

test('a complete scale can be verified only, and what is not weighed not at all', (t) => {
  const deli = plateSchema.parse({
    id: 'deli',
    kind: 'shelf',
    maxMg: 6_000_000,
    intervalMg: 2_000,
    scale: 's',
  });
  const rack = plateSchema.parse({ id: 'rack', kind: 'unweighed' });
  const without = (plate: PlateEntry): PlateEntry => {
    const { intervalMg: _e, ...rest } = plate;
    return rest;
  };
  refused(t, 'CW-CAL-006', () => Procedure.begin(options(deli)), /verification/);
  refused(t, 'CW-CAL-007', () => Procedure.begin(options(rack)));
  refused(t, 'CW-CAL-007', () => Procedure.begin(options(without(basket))), /intervalMg/);
  refused(t, 'CW-CAL-008', () => Procedure.begin(options()));
  refused(t, 'CW-CAL-008', () => Procedure.begin(options(basket, basket)));
  refused(t, 'CW-CAL-012', () => Procedure.begin({ ...options(basket), purpose: 'verify' }));
  t.notThrows(() => Procedure.begin({ ...options(deli), purpose: 'verify' }));
});

test('a step names a plate of the session', (t) => {
  const procedure = Procedure.begin(options(basket, slot));
  refused(t, 'CW-CAL-002', () => procedure.check('zero', { plate: 'rack' }, at), /basket, slot/);
  refused(t, 'CW-CAL-029', () => procedure.check('zero', {}, at), /basket, slot/);
  t.notThrows(() => procedure.check('zero', { plate: 'slot' }, at));
});

test('a temperature point takes a sensor, some kelvin, and the empty plate first', (t) => {
  const { procedure, plate } = zeroed();
  const warm = { kind: 'temperature' } as const;
  refused(t, 'CW-CAL-045', () => step(procedure, plate, warm, [], 30_000), /with zero/);
  step(procedure, plate, { kind: 'zero' }, [], 20_000);
  refused(t, 'CW-CAL-045', () => step(procedure, plate, warm, []), /with this reading/);
  refused(t, 'CW-CAL-046', () => step(procedure, plate, warm, [], 23_000), /3\.0 K/);
  const loaded = { ...warm, weights: ['a10'] };
  refused(
    t,
    'CW-CAL-045',
    () => step(procedure, plate, loaded, [{ massMg: 10_000_000 }], 30_000),
    /empty plate/,
  );
  t.notThrows(() => step(procedure, plate, warm, [], 30_000));
  t.notThrows(() => step(procedure, plate, loaded, [{ massMg: 10_000_000 }], 30_000));
});

test('what replaces weights has to be as heavy as they are', (t) => {
  const { procedure, plate } = zeroed();
  load(procedure, plate, 'load', ['a10']);
  const goods = (massMg: number) => () => step(procedure, plate, { kind: 'substitute' }, [{ massMg }]);
  refused(t, 'CW-CAL-041', goods(10_060_000), /60 g heavier .*take some off/);
  refused(t, 'CW-CAL-041', goods(9_960_000), /40 g lighter .*add some/);
  t.true(Math.abs((goods(10_012_000)().substitutedMg ?? 0) - 10_012_000) < 300);
});

test('a session has an end, whatever a script does', (t) => {
  const { procedure, plate } = zeroed();
  const capture = plate.capture();
  const again = () => procedure.take({ kind: 'zero', capture }, at);
  for (let taken = 1; taken < 500; taken++) again();
  refused(t, 'CW-CAL-047', again);
  t.is(weights.length, 9);
});
