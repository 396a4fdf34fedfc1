import test from 'ava';
import { Procedure } from '#calibration/procedure.ts';
import { makeReport } from '#calibration/report/make.ts';
import { calibration, fitted, refused } from './refusals.ts';
import { basket, load, options, perfect, SyntheticPlate, step, takeLoads } from './synthetic-plate.ts';

const at = 1_000_000;

const reportFacts = {
  store: 'store-1',
  device: 'cart-1',
  atMs: 0,
  timeQuality: 'synced',
  software: 'cartwright/0',
  calibration: { revision: 1 },
} as const;

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

for (const regime of ['r76-in-service', 'hb44-maintenance'] as const) {
  test(`an adjustment is judged as that of a new scale where scales are verified by ${regime}`, (t) => {
    const { plate } = fitted();
    const procedure = Procedure.begin({ ...options(basket), regime });
    takeLoads(procedure, plate);
    procedure.take({ kind: 'fit' }, at);
    // 10 kg is 2,000 e: one e, 5 g, for a new scale, two for one in service.
    const lying = [{ massMg: 10_007_500 }];
    const { verification } = step(procedure, plate, { kind: 'verify', weights: ['c10'] }, lying);
    t.is(verification?.mpeMg, 5_000);
    t.false(verification?.passed ?? true);
    t.true(
      procedure
        .view()
        .plates.basket?.candidate?.residuals.every(
          ({ massMg, mpeMg }) => mpeMg <= (massMg > 20_000_000 ? 12_500 : 7_500),
        ),
    );
    const current = calibration();
    const check = Procedure.begin({ ...options(basket), regime, purpose: 'verify', current });
    step(check, plate, { kind: 'zero' });
    const judged = step(check, plate, { kind: 'verify', weights: ['c10'] }, lying).verification;
    t.is(judged?.mpeMg, 10_000);
    t.true(judged?.passed);
    const facts = { ...reportFacts, regime, plates: [basket] };
    t.is(
      makeReport(procedure.view(), facts).regime,
      regime.startsWith('r76') ? 'r76-initial' : 'hb44-acceptance',
    );
    t.is(makeReport(check.view(), facts).regime, regime);
  });
}

test('the candidate that a commit names is one of a place: its hash holds gravity too', (t) => {
  const { plate } = fitted();
  const hashAt = (gravityUmS2: number) => {
    const procedure = Procedure.begin({ ...options(basket), gravityUmS2 });
    plate.noiseCounts = 0;
    takeLoads(procedure, plate);
    procedure.take({ kind: 'fit' }, at);
    return procedure.candidate()?.hash;
  };
  t.is(hashAt(9_810_000), hashAt(9_810_000));
  t.not(hashAt(9_810_000), hashAt(9_800_000));
});

test('a session takes no two weights of one name', (t) => {
  const two = [
    { id: 'a', massMg: 1_000_000 },
    { id: 'a', massMg: 2_000_000 },
  ];
  refused(t, 'CW-CAL-036', () => Procedure.begin({ ...options(basket), weights: two }), /a was named twice/);
});
