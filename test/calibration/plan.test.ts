import test from 'ava';
import fc from 'fast-check';
import { loadText } from '#calibration/mass-text.ts';
import { judgeTests, judgeWhole } from '#calibration/tests/judge.ts';
import { type PlannedStep, planTests } from '#calibration/tests/plan.ts';
import type { TestObservation, TestRules } from '#calibration/tests/types.ts';
import type { Weight } from '#calibration/types.ts';

const rules: TestRules = {
  plate: { maxMg: 30_000_000, intervalMg: 5_000, divisionMg: 5_000, cells: ['fl', 'fr', 'rl', 'rr'] },
  regime: 'r76-initial',
};
const kg = 1_000_000;

const set = (...masses: readonly number[]): Weight[] =>
  masses.map((massMg, index) => ({ id: `${loadText(massMg)} no. ${index + 1}`, massMg, class: 'M1' }));

const full = set(
  10 * kg,
  10 * kg,
  5 * kg,
  2 * kg,
  2 * kg,
  1 * kg,
  500_000,
  200_000,
  200_000,
  100_000,
  5_000,
  2_000,
);

/** What an ideal scale, switched on at 0 of its clock, would read, step by step; waiting where the plan says so. */
function perform(steps: readonly PlannedStep[]): TestObservation[] {
  let atUs = 0;
  let sinceUs = 0;
  let stays = '';
  let poweredSinceUs = 0;
  return steps.flatMap((step): TestObservation[] => {
    atUs += 30_000_000;
    const place = `${step.test} ${step.massMg > 0}`;
    // The scale was off until the test of warm-up begins.
    if (step.test === 'warm-up' && poweredSinceUs === 0) poweredSinceUs = atUs;
    if (step.afterMinutes === 0 || place !== stays) sinceUs = step.test === 'warm-up' ? poweredSinceUs : atUs;
    stays = place;
    if (step.afterMinutes !== undefined) atUs = Math.max(atUs, sinceUs + step.afterMinutes * 60_000_000);
    if (step.kind !== 'reading') return [];
    const { test: name, massMg, at, direction, weights, substitutedMg, tilt } = step;
    const more = tilt === undefined ? {} : { tilt };
    return [
      {
        test: name,
        massMg,
        at,
        direction,
        weights,
        substitutedMg,
        indicatedMg: massMg,
        atUs,
        poweredSinceUs,
        ...more,
      },
    ];
  });
}

test('with a full set of weights the plan makes every test whole', (t) => {
  const plan = planTests({ ...rules, weights: full });
  t.deepEqual(plan.notes, []);
  const verdicts = judgeTests(perform(plan.steps), rules);
  t.deepEqual(
    verdicts.map(({ test: name, verdict, missing }) => [name, verdict, missing]),
    ['linearity', 'eccentricity', 'repeatability', 'discrimination', 'creep', 'zero-return'].map((name) => [
      name,
      'passed',
      [],
    ]),
  );
});

test('linearity has loads at Min, where the tolerance changes, and Max', (t) => {
  const { steps } = planTests({ ...rules, weights: full, tests: ['linearity'] });
  const up = steps.filter(({ direction }) => direction === 'up').map(({ massMg }) => massMg);
  for (const load of [0, 100_000, 2_500_000, 10 * kg, 30 * kg]) t.true(up.includes(load), `${load}`);
  t.deepEqual(
    up,
    [...up].sort((a, b) => a - b),
  );
});

test('with weights of a third of Max the plan substitutes up to Max, and back', (t) => {
  const weights = set(5 * kg, 2 * kg, 2 * kg, 1 * kg);
  const { steps, notes } = planTests({ ...rules, weights, tests: ['linearity'] });
  t.regex(notes.join(), /reach 10 kg of Max 30 kg.*2 times/);
  t.deepEqual(
    steps.filter(({ kind }) => kind !== 'reading').map(({ kind, massMg }) => [kind, massMg]),
    [
      ['substitute', 10 * kg],
      ['substitute', 20 * kg],
      ['restore', 20 * kg],
      ['restore', 10 * kg],
    ],
  );
  t.is(Math.max(...steps.map(({ massMg }) => massMg)), 30 * kg);
  t.is(judgeWhole(judgeTests(perform(steps), rules)), 'passed');
});

test('what weights do not reach is no matter where only corners are tested', (t) => {
  t.deepEqual(planTests({ ...rules, weights: set(10 * kg), tests: ['eccentricity'] }).notes, []);
});

test('with less than a third of Max the plan says what stays untested', (t) => {
  const { steps, notes } = planTests({
    ...rules,
    weights: set(5 * kg),
    tests: ['linearity', 'eccentricity'],
  });
  t.regex(notes.join(), /less than a third/);
  t.regex(notes.join(), /the weights make 1 loads; five are needed/);
  t.regex(notes.join(), /eccentricity: needs about 10 kg/);
  t.true(steps.every(({ massMg }) => massMg <= 5 * kg));
  t.regex(planTests({ ...rules, weights: [] }).notes.join(), /linearity: there are no weights/);
});

test('warm-up and tilt are planned when they are asked for', (t) => {
  const tests = ['warm-up', 'tilt', 'zero-return'] as const;
  const { steps } = planTests({ ...rules, weights: full, tests });
  const verdicts = judgeTests(perform(steps), rules);
  t.deepEqual(
    verdicts.map(({ test: name, verdict }) => [name, verdict]),
    [
      ['zero-return', 'passed'],
      ['warm-up', 'passed'],
      ['tilt', 'passed'],
    ],
  );
});

test('each step says in a sentence what to do', (t) => {
  const { steps } = planTests({ ...rules, weights: set(10 * kg, 10 * kg, 10 * kg) });
  const corner = steps.find(({ at }) => at === 'fr');
  t.is(corner?.text, '10 kg over fr: 10 kg no. 1 (10 kg).');
  t.true(steps.every(({ text }) => text.endsWith('.') && !text.includes('undefined')));
  t.true(steps.some(({ text }) => text === 'At 15 minutes: leave the load alone and take a reading.'));
});

test('whatever weights there are: no load above Max, no weight twice, loads rise and fall, sums are right', (t) => {
  const weight = fc.integer({ min: 1, max: 20_000 }).map((grams) => grams * 1_000);
  const plates = fc.record({
    maxMg: fc.integer({ min: 3_000_000, max: 60_000_000 }),
    intervalMg: fc.constantFrom(1_000, 2_000, 5_000, 10_000),
    cells: fc.constantFrom(['a'], ['a', 'b', 'c', 'd'], ['a', 'b', 'c', 'd', 'e', 'f']),
  });
  fc.assert(
    fc.property(fc.array(weight, { maxLength: 12 }), plates, (masses, plate) => {
      const weights = set(...masses);
      const options = {
        plate: { ...plate, divisionMg: plate.intervalMg },
        regime: 'hb44-acceptance',
      } as const;
      const { steps } = planTests({ ...options, weights });
      const mass = new Map(weights.map(({ id, massMg }) => [id, massMg]));
      let before = 0;
      for (const step of steps) {
        const slack = step.test === 'discrimination' ? 1.5 * plate.intervalMg : 0;
        if (step.massMg > plate.maxMg + slack) return false;
        if (new Set(step.weights).size !== step.weights.length) return false;
        const sum = step.weights.reduce((total, id) => total + (mass.get(id) ?? Number.NaN), 0);
        if (sum + step.substitutedMg !== step.massMg) return false;
        if (step.test !== 'linearity') continue;
        if (step.direction === 'up' ? step.massMg < before : step.massMg > before) return false;
        before = step.massMg;
      }
      return true;
    }),
    { seed: 1, numRuns: 300 },
  );
  t.pass();
});
