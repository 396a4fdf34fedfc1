import test from 'ava';
import { gravityFactor } from '#calibration/gravity.ts';
import { indicate } from '#calibration/indicate.ts';
import { Procedure } from '#calibration/procedure.ts';
import type { Step } from '#calibration/session.ts';
import { plateSchema } from '#config/board.ts';
import { calibration, fitted, refused, zeroed } from './refusals.ts';
import { basket, load, options, perfect, SyntheticPlate, slot, step, takeLoads } from './synthetic-plate.ts';

const at = 1_000_000;

test('several plates are calibrated in one session, each at its own pace, and committed together', (t) => {
  const plates = [
    new SyntheticPlate(basket, perfect(basket), 0.3),
    new SyntheticPlate(slot, perfect(slot)),
  ] as const;
  const procedure = Procedure.begin(options(basket, slot));
  takeLoads(procedure, plates[0]);
  step(procedure, plates[1], { kind: 'zero' });
  procedure.take({ kind: 'fit', plate: 'basket' }, at);
  t.is(procedure.candidate(), undefined, 'the slot is begun and not fitted');
  load(procedure, plates[0], 'verify', ['c10']);
  refused(t, 'CW-CAL-011', () => procedure.check('commit', { expected: 0, candidate: '' }, at), /plate slot/);
  load(procedure, plates[1], 'load', ['a5']);
  refused(t, 'CW-CAL-012', () => procedure.check('commit', { expected: 0, candidate: '' }, at), /plate slot/);
  procedure.take({ kind: 'fit', plate: 'slot' }, at);
  refused(t, 'CW-CAL-013', () => procedure.check('commit', { expected: 0, candidate: '' }, at), /plate slot/);
  load(procedure, plates[1], 'verify', ['b5']);
  const candidate = procedure.candidate();
  t.deepEqual(Object.keys(candidate?.plates ?? {}), ['basket', 'slot']);
  const result = procedure.take({ kind: 'commit', expected: 0, candidate: candidate?.hash ?? '' }, at);
  t.deepEqual(Object.keys(result.plates ?? {}), ['basket', 'slot']);
  t.is(procedure.state, 'committed');
});

test('a plate that nobody touched stays as it was', (t) => {
  const plate = new SyntheticPlate(slot, perfect(slot));
  const procedure = Procedure.begin(options(basket, slot));
  takeLoads(procedure, plate);
  procedure.take({ kind: 'fit', plate: 'slot' }, at);
  step(procedure, plate, { kind: 'verify', weights: ['b5'] }, [{ massMg: 5_000_000 }]);
  const hash = procedure.candidate()?.hash ?? '';
  const { plates } = procedure.take({ kind: 'commit', expected: 0, candidate: hash }, at);
  t.deepEqual(Object.keys(plates ?? {}), ['slot']);
});

test('undo takes step after step back, as if it had not been', (t) => {
  const plate = new SyntheticPlate(basket, perfect(basket), 0.3);
  const procedure = Procedure.begin(options(basket));
  const seen: string[] = [];
  const note = () => {
    const { undone: _count, ...view } = procedure.view().plates.basket ?? { undone: 0 };
    seen.push(JSON.stringify(view));
  };
  note();
  step(procedure, plate, { kind: 'zero' });
  note();
  for (const ids of [['a10'], ['a10', 'b10']]) {
    load(procedure, plate, 'load', ids);
    note();
  }
  step(procedure, plate, { kind: 'substitute' }, [{ massMg: 20_000_000 }]);
  note();
  step(procedure, plate, { kind: 'zero' });
  note();
  for (const { id } of basket.cells ?? []) {
    load(procedure, plate, 'load', ['a10'], id);
    note();
  }
  procedure.take({ kind: 'fit', plate: 'basket' }, at);
  note();
  load(procedure, plate, 'verify', ['c10']);
  while (seen.length > 0) {
    t.is(procedure.take({ kind: 'undo', plate: 'basket' }, at).kind, 'undo');
    const { undone: _count, ...view } = procedure.view().plates.basket ?? { undone: 0 };
    t.is(JSON.stringify(view), seen.pop() ?? '');
  }
  refused(t, 'CW-CAL-016', () => procedure.take({ kind: 'undo', plate: 'basket' }, at));
});

test('a lease is renewed, and runs out', (t) => {
  const { procedure } = zeroed();
  t.is(procedure.expireUs(), 120_000_000);
  procedure.renew(100_000_000);
  t.is(procedure.expireUs(), 220_000_000);
  t.false(procedure.expire(219_999_999));
  t.true(procedure.expire(220_000_000));
  t.false(procedure.expire(230_000_000), 'it is told once');
  t.is(procedure.state, 'expired');
  refused(t, 'CW-CAL-005', () => procedure.renew(230_000_000));
  // A lease that nobody watched has run out all the same.
  const late = zeroed().procedure;
  refused(t, 'CW-CAL-005', () => late.check('zero', {}, 120_000_001));
  t.is(late.state, 'expired');
});

test('a scale is verified up to Max with weights of a third of it', (t) => {
  // Only class F2 weights of 10 kg in all: the rest is goods.
  const { calibration: format, revision, plates } = calibration();
  const current = { calibration: format, revision, plates };
  const plate = new SyntheticPlate(basket, perfect(basket), 0.3);
  const procedure = Procedure.begin({ ...options(basket), purpose: 'verify', current });
  step(procedure, plate, { kind: 'zero' });
  load(procedure, plate, 'verify', ['a10']);
  // Goods in place of the weights: some grams more, as the scale says.
  const first = 10_004_000;
  let { substitutedMg = 0 } = step(procedure, plate, { kind: 'substitute' }, [{ massMg: first }]);
  t.true(Math.abs(substitutedMg - first) < 500, String(substitutedMg));
  const second = step(procedure, plate, { kind: 'verify', weights: ['a10'] }, [
    { massMg: first + 10_000_000 },
  ]);
  t.is(second.verification?.massMg, substitutedMg + 10_000_000);
  const goods = 19_998_000;
  ({ substitutedMg = 0 } = step(procedure, plate, { kind: 'substitute' }, [{ massMg: goods }]));
  t.true(Math.abs(substitutedMg - goods) < 500, String(substitutedMg));
  const third = step(procedure, plate, { kind: 'verify', massMg: 10_000_000, weights: ['a10'] }, [
    { massMg: goods + 10_000_000 },
  ]);
  t.true(third.verification?.passed ?? false);
  t.true((third.verification?.massMg ?? 0) > 29_990_000);
  // With 300 ppm less at Max it shows.
  const wrong = step(procedure, plate, { kind: 'verify', weights: ['a10'] }, [{ massMg: goods + 9_991_000 }]);
  t.false(wrong.verification?.passed ?? true);
  // Taking everything off ends it.
  step(procedure, plate, { kind: 'zero' });
  t.is(procedure.view().plates.basket?.substitutedMg, 0);
});

test('substitution loads also reach Max in a fit, and the weights below them count as fitted', (t) => {
  const { procedure, plate } = zeroed();
  load(procedure, plate, 'load', ['a10']);
  step(procedure, plate, { kind: 'substitute' }, [{ massMg: 10_003_000 }]);
  const result = step(procedure, plate, { kind: 'load', weights: ['b10'] }, [{ massMg: 20_003_000 }]);
  t.true(Math.abs((result.load?.massMg ?? 0) - 20_003_000) < 500);
  step(procedure, plate, { kind: 'zero' });
  for (const { id } of basket.cells ?? []) load(procedure, plate, 'load', ['b10'], id);
  procedure.take({ kind: 'fit' }, at);
  t.false(load(procedure, plate, 'verify', ['a10']).verification?.independent ?? true);
  t.true(load(procedure, plate, 'verify', ['c10']).verification?.independent ?? false);
});

test('readings of a test are those of the candidate, before rounding, with all that lay there', (t) => {
  const { procedure, plate } = fitted();
  const taken = { kind: 'test', test: 'discrimination', weights: ['a5'], extraMg: 1_400 } as const;
  const { observation } = step(procedure, plate, taken, [{ massMg: 5_000_400 }]);
  t.is(observation?.massMg, 5_000_000);
  t.is(observation?.extraMg, 1_400);
  t.deepEqual(observation?.weights, ['a5']);
  t.true(Math.abs((observation?.indicatedMg ?? 0) - 5_000_400) < 300, `${observation?.indicatedMg}`);
  t.not((observation?.indicatedMg ?? 0) % 1_000, 0);
  const empty = step(procedure, plate, { kind: 'test', test: 'zero-return', massMg: 0, direction: 'down' });
  t.is(empty.observation?.massMg, 0);
  t.deepEqual(empty.observation?.weights, []);
  refused(t, 'CW-CAL-029', () => step(procedure, plate, { kind: 'test', massMg: 0 }));
  t.is(procedure.view().plates.basket?.observations.length, 2);
  t.is(procedure.view().plates.basket?.state, 'preview', 'tests leave the state as it is');
});

test('zero that is taken again after the fit is that of the candidate, and changes its hash', (t) => {
  const { procedure, plate } = fitted(['c10']);
  const before = procedure.candidate();
  const drifted = new SyntheticPlate(
    basket,
    perfect(basket).map((one) => ({ ...one, zeroCounts: one.zeroCounts + 900 })),
    0.3,
  );
  step(procedure, drifted, { kind: 'zero' });
  const after = procedure.candidate();
  t.not(after?.hash, before?.hash);
  const rise =
    (after?.plates.basket?.entry.cells.fl?.zeroCounts ?? 0) -
    (before?.plates.basket?.entry.cells.fl?.zeroCounts ?? 0);
  t.true(Math.abs(rise - 900) < 30);
  refused(t, 'CW-CAL-014', () =>
    procedure.check('commit', { expected: 0, candidate: before?.hash ?? '' }, at),
  );
  t.notThrows(() => procedure.check('commit', { expected: 0, candidate: after?.hash ?? '' }, at));
  t.is(plate.entry.id, 'basket');
});

test('a complete scale is verified by what it indicates above its zero', (t) => {
  const deli = plateSchema.parse({
    id: 'deli',
    kind: 'shelf',
    maxMg: 6_000_000,
    intervalMg: 2_000,
    scale: 's',
  });
  const procedure = Procedure.begin({ ...options(deli), purpose: 'verify' });
  const take = (step: Omit<Step, 'capture'>, meanMg: number) =>
    procedure.take(
      {
        ...step,
        capture: {
          plate: 'deli',
          fromUs: 0,
          toUs: 1,
          cells: {},
          indication: { meanMg, sigmaMg: 0, samples: 9 },
        },
      },
      at,
    );
  take({ kind: 'zero' }, 2_000);
  const good = take({ kind: 'verify', weights: ['a5'] }, 5_003_000).verification;
  t.deepEqual([good?.indicatedMg, good?.errorMg, good?.mpeMg, good?.passed], [5_001_000, 1_000, 3_000, true]);
  t.false(take({ kind: 'verify', weights: ['a5'] }, 5_008_000).verification?.passed ?? true);
  refused(t, 'CW-CAL-009', () => procedure.check('commit', { expected: 0 }, at));
  const silent = { plate: 'deli', fromUs: 0, toUs: 1, cells: {} };
  refused(t, 'CW-CAL-023', () => procedure.take({ kind: 'zero', capture: silent }, at));
});

test('a calibration from elsewhere is verified with the difference of gravity taken out', (t) => {
  const made = { ...calibration(), gravityUmS2: 9_790_000 };
  const verification = (gravityUmS2: number | undefined, massMg: number) => {
    const plate = new SyntheticPlate(basket, perfect(basket), 0.3);
    const procedure = Procedure.begin({
      ...options(basket),
      purpose: 'verify',
      current: made,
      ...(gravityUmS2 === undefined ? {} : { gravityUmS2 }),
    });
    step(procedure, plate, { kind: 'zero' });
    return step(procedure, plate, { kind: 'verify', weights: ['c10'] }, [{ massMg }]).verification;
  };
  // Where g is 1,000 ppm larger, cells feel 10 g more of 10 kg.
  const felt = 10_000_000 * 1.001;
  t.true(Math.abs(verification(9_799_790, felt)?.errorMg ?? 1e9) < 500);
  t.false(verification(undefined, felt)?.passed ?? true);
});

test('a commit says at which gravity it was made', (t) => {
  const plate = new SyntheticPlate(slot, perfect(slot));
  const procedure = Procedure.begin({ ...options(slot), gravityUmS2: 9_812_000 });
  takeLoads(procedure, plate);
  procedure.take({ kind: 'fit' }, at);
  load(procedure, plate, 'verify', ['b5']);
  const hash = procedure.candidate()?.hash ?? '';
  t.is(procedure.take({ kind: 'commit', expected: 0, candidate: hash }, at).gravityUmS2, 9_812_000);
});

test('goods that were made as heavy as fitted weights prove nothing either', (t) => {
  const { procedure, plate } = fitted();
  load(procedure, plate, 'verify', ['a10']);
  step(procedure, plate, { kind: 'substitute' }, [{ massMg: 10_001_000 }]);
  const above = step(procedure, plate, { kind: 'verify', weights: ['c10'] }, [{ massMg: 20_001_000 }]);
  t.true(above.verification?.passed ?? false);
  t.false(above.verification?.independent ?? true);
  refused(t, 'CW-CAL-060', () =>
    procedure.check('commit', { expected: 0, candidate: procedure.candidate()?.hash ?? '' }, at),
  );
  // As heavy as a weight that was not fitted with, they do.
  step(procedure, plate, { kind: 'zero' });
  load(procedure, plate, 'verify', ['b5', 'b2']);
  step(procedure, plate, { kind: 'substitute' }, [{ massMg: 7_001_000 }]);
  const other = step(procedure, plate, { kind: 'verify', weights: ['c10'] }, [{ massMg: 17_001_000 }]);
  t.true(other.verification?.independent ?? false);
});

test('plates that stay in force keep their gravity, and new ones are stated for it', (t) => {
  const [miami, denver] = [9_790_000, 9_796_400];
  const plate = new SyntheticPlate(slot, perfect(slot));
  const other = calibration().plates.basket;
  const begun = (plates: Readonly<Record<string, typeof other>>) =>
    Procedure.begin({
      ...options(slot),
      current: { calibration: 1, revision: 4, plates, gravityUmS2: miami },
      gravityUmS2: denver,
    });
  const commit = (procedure: Procedure) => {
    takeLoads(procedure, plate);
    procedure.take({ kind: 'fit', model: 'linear' }, at);
    load(procedure, plate, 'verify', ['b5']);
    const hash = procedure.candidate()?.hash ?? '';
    return procedure.take({ kind: 'commit', expected: 4, candidate: hash }, at);
  };
  // What weighing makes of a load there: the entry's own indication times g of calibration over g of use.
  const weighed = ({ plates, gravityUmS2 }: ReturnType<typeof commit>) =>
    indicate(plate.capture([{ massMg: 5_000_000 }]), plates?.slot, {
      gravityFactor: gravityFactor(gravityUmS2, denver),
    });
  const beside = commit(begun({ basket: other }));
  t.is(beside.gravityUmS2, miami);
  t.true(Math.abs(weighed(beside) - 5_000_000) < 200, `${weighed(beside)}`);
  const alone = commit(begun({}));
  t.is(alone.gravityUmS2, denver);
  t.true(Math.abs(weighed(alone) - 5_000_000) < 200, `${weighed(alone)}`);
  // Zero alone, of the only plate: its slopes are still those of where they were made.
  const { plates = {} } = alone;
  const moved = Procedure.begin({
    ...options(slot),
    current: { calibration: 1, revision: 5, plates, gravityUmS2: denver },
    gravityUmS2: miami,
  });
  step(moved, plate, { kind: 'zero' });
  moved.take({ kind: 'fit' }, at);
  const felt = 5_000_000 * (miami / denver);
  const checked = step(moved, plate, { kind: 'verify', weights: ['b5'] }, [{ massMg: felt }]);
  t.true(Math.abs(checked.verification?.errorMg ?? 1e9) < 200, `${checked.verification?.errorMg}`);
  const hash = moved.candidate()?.hash ?? '';
  const renewed = moved.take({ kind: 'commit', expected: 5, candidate: hash }, at);
  t.is(renewed.gravityUmS2, miami);
  const read = indicate(plate.capture([{ massMg: felt }]), renewed.plates?.slot);
  t.true(Math.abs(read - 5_000_000) < 200, `${read}`);
});
