import test from 'ava';
import { fitAlternately } from '#calibration/fit/alternate.ts';
import { Procedure } from '#calibration/procedure.ts';
import { calibration, fitted, refused, zeroed } from './refusals.ts';
import { basket, load, options, perfect, SyntheticPlate, slot, step, takeLoads } from './synthetic-plate.ts';

const at = 1_000_000;

test('a commit names the candidate that was shown and the revision that was expected', (t) => {
  const { procedure } = fitted(['c10']);
  const hash = procedure.candidate()?.hash ?? '';
  const commit = (candidate: string | undefined, expected: number, inForce?: number) =>
    procedure.check(
      'commit',
      {
        ...(candidate === undefined ? {} : { candidate }),
        expected,
        ...(inForce === undefined ? {} : { inForce }),
      },
      at,
    );
  refused(t, 'CW-CAL-014', () => commit('0'.repeat(64), 0));
  refused(t, 'CW-CAL-014', () => commit(undefined, 0));
  refused(t, 'CW-CAL-015', () => commit(hash, 1), /revision 0 is in force/);
  refused(t, 'CW-CAL-015', () => commit(hash, 0, 1), /revision 1 is in force/);
  t.notThrows(() => commit(hash, 0, 0));
  t.regex(hash, /^[0-9a-f]{64}$/);
});

test('nothing is committed that was not verified with other weights, well, and far enough', (t) => {
  const commit = ({ procedure }: { procedure: Procedure }) =>
    procedure.check('commit', { candidate: procedure.candidate()?.hash ?? '', expected: 0 }, at);
  refused(t, 'CW-CAL-013', () => commit(fitted()));
  refused(t, 'CW-CAL-060', () => commit(fitted(['a10'])), /other weights/);
  refused(t, 'CW-CAL-060', () => commit(fitted(['a10', 'c10'])));
  refused(t, 'CW-CAL-061', () => commit(fitted(['b1'])), /at least 5\.600 kg/);
  t.notThrows(() => commit(fitted(['b5', 'b1'])));
  const wrong = fitted();
  step(wrong.procedure, wrong.plate, { kind: 'verify', weights: ['c10'] }, [{ massMg: 10_006_000 }]);
  t.false(wrong.procedure.view().plates.basket?.verifications[0]?.passed ?? true);
  refused(t, 'CW-CAL-017', () => commit(wrong), /wrong by (5|6)\.\d\d g/);
  // Taken again after the wrong one was taken back, it is good; what was taken back is counted.
  wrong.procedure.take({ kind: 'undo', plate: 'basket' }, at);
  load(wrong.procedure, wrong.plate, 'verify', ['c10']);
  t.notThrows(() => commit(wrong));
  t.is(wrong.procedure.view().plates.basket?.undone, 1);
});

test('a load far from the fit is refused, and named', (t) => {
  const plate = new SyntheticPlate(slot, perfect(slot));
  const procedure = Procedure.begin(options(slot));
  step(procedure, plate, { kind: 'zero' });
  load(procedure, plate, 'load', ['a2', 'b2']);
  // 8 g are 0.8 % of 1 kg: no guard of a single load sees them, the fit does (±1 g at 1 kg).
  step(procedure, plate, { kind: 'load', weights: ['a1'] }, [{ massMg: 1_008_000 }]);
  refused(
    t,
    'CW-CAL-052',
    () => procedure.take({ kind: 'fit', model: 'linear' }, at),
    /the load of 1\.000 kg at centre is [67]\.\d\d g/,
  );
});

test('loads in the middle alone say nothing of several cells', (t) => {
  const { procedure, plate } = zeroed();
  for (const ids of [['a5'], ['a10'], ['a10', 'b10']]) load(procedure, plate, 'load', ids);
  refused(
    t,
    'CW-CAL-050',
    () => procedure.take({ kind: 'fit' }, at),
    /rank of the loads' places is 1, of 4 cells/,
  );
  refused(
    t,
    'CW-CAL-050',
    () => procedure.take({ kind: 'fit', trim: true }, at),
    /no load lay over fl, fr, rl, rr/,
  );
  for (const id of ['fl', 'fr', 'rl']) load(procedure, plate, 'load', ['a10'], id);
  refused(t, 'CW-CAL-050', () => procedure.take({ kind: 'fit' }, at), /no load lay over rr/);
  // Gains that were once trimmed keep their proportions: one factor is enough then.
  const again = zeroed({ current: calibration() });
  load(again.procedure, again.plate, 'load', ['a10']);
  t.is(again.procedure.take({ kind: 'fit' }, at).state, 'preview');
});

test('loads that do not lie far enough out give no trim', (t) => {
  const { procedure, plate } = zeroed({ settings: { cellPart: 0.97 } });
  load(procedure, plate, 'load', ['a10']);
  for (const { id, positionMm } of basket.cells ?? []) {
    const near = [{ massMg: 10_000_000, at: [positionMm[0] * 0.08, positionMm[1] * 0.08] as const }];
    step(procedure, plate, { kind: 'load', weights: ['a10'], at: id }, near);
  }
  refused(t, 'CW-CAL-051', () => procedure.take({ kind: 'fit' }, at), /condition number .* 1\d\.\d/);
});

test('a cell that differs by more than 7 % is a mechanical fault, by more than 3 % it is told', (t) => {
  const fitWith = (sensitivity: number) => {
    const truths = perfect(basket).map((truth, index) => (index === 2 ? { ...truth, sensitivity } : truth));
    const plate = new SyntheticPlate(basket, truths, 0.3);
    const procedure = Procedure.begin(options(basket));
    takeLoads(procedure, plate);
    return procedure.take({ kind: 'fit' }, at);
  };
  refused(t, 'CW-CAL-053', () => fitWith(0.9), /cell rl differs from the others by 8\.\d %/);
  t.true(fitWith(0.95).notices.some(({ code }) => code === 'CW-CAL-073'));
  t.false(fitWith(0.98).notices.some(({ code }) => code === 'CW-CAL-073'));
});

test('a model takes as many loads as it has to be judged by', (t) => {
  const { procedure, plate } = zeroed({ current: calibration() });
  load(procedure, plate, 'load', ['a10']);
  refused(
    t,
    'CW-CAL-054',
    () => procedure.take({ kind: 'fit', model: 'piecewise' }, at),
    /2 different loads/,
  );
  load(procedure, plate, 'load', ['a10', 'b10']);
  t.notThrows(() => procedure.take({ kind: 'fit', model: 'piecewise' }, at));
  refused(
    t,
    'CW-CAL-054',
    () => procedure.take({ kind: 'fit', model: 'quadratic' }, at),
    /3 different loads/,
  );
});

test('a fit that bends more than a sound cell is refused', (t) => {
  const bent = perfect(slot).map((truth) => ({ ...truth, bow: 0.02 }));
  const plate = new SyntheticPlate(slot, bent);
  const procedure = Procedure.begin({ ...options(slot), settings: { loadPart: 0.5 } });
  takeLoads(procedure, plate);
  refused(t, 'CW-CAL-055', () => procedure.take({ kind: 'fit', model: 'quadratic' }, at), /bends/);
  refused(t, 'CW-CAL-055', () => procedure.take({ kind: 'fit', model: 'piecewise' }, at), /bends/);
});

test('what a fit can not show is told with it', (t) => {
  const codes = (notices: readonly { readonly code: string }[]) => notices.map(({ code }) => code);
  // A load of less than a third of Max.
  const plate = new SyntheticPlate(slot, perfect(slot));
  const procedure = Procedure.begin(options(slot));
  step(procedure, plate, { kind: 'zero' });
  load(procedure, plate, 'load', ['a1']);
  t.deepEqual(codes(procedure.take({ kind: 'fit' }, at).notices), ['CW-CAL-072']);
  // A verification with what was fitted with, alone and beside others.
  t.deepEqual(codes(load(procedure, plate, 'verify', ['a1']).notices), ['CW-CAL-078']);
  t.deepEqual(codes(load(procedure, plate, 'verify', ['a1', 'a2']).notices), ['CW-CAL-078']);
  t.deepEqual(codes(load(procedure, plate, 'verify', ['a2']).notices), []);
});

test('coefficients of drift stay without effect where the temperature of zero is not known', (t) => {
  const { calibration: format, revision, plates } = calibration();
  const cells = Object.fromEntries(
    Object.entries(plates.basket.cells).map(([id, cell]) => [
      id,
      { ...cell, milligramsPerKelvin: 120, spanPpmPerKelvin: 20, referenceMilliCelsius: 20_000 },
    ]),
  );
  const current = { calibration: format, revision, plates: { basket: { ...plates.basket, cells } } };
  const { procedure, plate } = zeroed({ current });
  const { fitted: without } = procedure.take({ kind: 'fit' }, at);
  t.deepEqual(
    without?.warnings.map(({ code }) => code),
    ['CW-CAL-077'],
  );
  t.is(without?.entry.cells.fl?.referenceMilliCelsius, undefined);
  t.is(without?.entry.cells.fl?.milligramsPerKelvin, 120);
  // With a temperature they serve on, from there.
  step(procedure, plate, { kind: 'zero' }, [], 24_000);
  const { fitted: known } = procedure.take({ kind: 'fit' }, at);
  t.deepEqual(known?.warnings, []);
  t.is(known?.entry.cells.fl?.referenceMilliCelsius, 24_000);
});

test('a fit that does not converge is refused', (t) => {
  const nothing = { massMg: 1_000_000, at: 'centre', net: [0, 0], weight: 1 };
  const problem = {
    loads: [nothing, { ...nothing, at: 'l' }],
    base: [2, 2],
    prior: [1, 1],
    capacitiesMg: [1e7, 1e7],
    trim: true,
    model: 'linear' as const,
    isCentral: () => true,
  };
  t.throws(() => fitAlternately(problem), { code: 'CW-CAL-056' });
});

test('a verification without the load, or in another unit, is refused; one that is wrong is kept', (t) => {
  const { procedure, plate } = fitted();
  const verify = (weights: string[], massMg: number) =>
    step(procedure, plate, { kind: 'verify', weights }, massMg === 0 ? [] : [{ massMg }]);
  refused(t, 'CW-CAL-030', () => verify(['c10'], 0), /put the load on/);
  refused(t, 'CW-CAL-032', () => verify(['c10'], 4_535_924), /pounds, not kilograms/);
  t.is(procedure.view().plates.basket?.verifications.length, 0);
  t.false(verify(['c10'], 9_000_000).verification?.passed ?? true);
});
