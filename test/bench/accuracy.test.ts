import test from 'ava';
import type { Asked, Claim } from './accuracy/claims.ts';
import { Ledger } from './accuracy/claims.ts';
import type { ContenderName } from './accuracy/engine-names.ts';
import { figuresOf } from './accuracy/figures.ts';
import { bootstrap, quantile, wilson } from './accuracy/intervals.ts';
import { judge } from './accuracy/score.ts';
import type { Thing, TrueUnit } from './accuracy/stage.ts';
import { drawAct, type TierName, tiers } from './accuracy/tiers.ts';
import { runJob } from './accuracy/worker.ts';

async function play(tier: TierName, engine: ContenderName, trips: number) {
  const outcomes = [];
  for (let seed = 1; seed <= trips; seed++) outcomes.push(await runJob({ tier, engine, seed }));
  return { outcomes, figures: figuresOf(outcomes) };
}

test('cooperative trips are decided right, and the same seed makes the same trip', async (t) => {
  t.timeout(300_000);
  const { outcomes, figures } = await play('cooperative', 'ours', 4);
  t.true(figures.counts.units > 40);
  t.true(figures.f1.value >= 0.98, `F1 ${figures.f1.value}`);
  t.true(figures.wrongCharges.value <= 0.01, `wrong ${figures.wrongCharges.value}`);
  t.true(figures.asked.value <= 0.15, `asked ${figures.asked.value}`);
  t.deepEqual(await runJob({ tier: 'cooperative', engine: 'ours', seed: 1 }), outcomes[0]);
});

test('adversarial trips are beyond the naive baseline, and errors are a third of its at most', async (t) => {
  t.timeout(300_000);
  const ours = (await play('adversarial', 'ours', 3)).figures;
  const naive = (await play('adversarial', 'naive', 3)).figures;
  t.true(ours.f1.value >= 0.85, `F1 ${ours.f1.value}`);
  t.true(naive.f1.value < 0.9, `naive F1 ${naive.f1.value}`);
  t.true(ours.errors.value <= naive.errors.value / 3, `${ours.errors.value} of ${naive.errors.value}`);
});

test('what is taken from a shelf and brought back is told, and nothing else is', async (t) => {
  t.timeout(300_000);
  const { figures } = await play('shelf', 'ours', 2);
  t.true(figures.f1.value >= 0.9, `F1 ${figures.f1.value}`);
  t.true(figures.precision.value >= 0.97, `precision ${figures.precision.value}`);
});

test('at least two acts in five of the adversarial tier mislead', async (t) => {
  const { confusing } = await import('./accuracy/tiers.ts');
  const entries = Object.entries(tiers.adversarial.mix);
  const all = entries.reduce((sum, [, share]) => sum + share, 0);
  const misleading = entries.reduce((sum, [act, share]) => sum + (confusing.has(act) ? share : 0), 0);
  t.true(misleading / all >= 0.4);
  t.is(drawAct({ 'take one': 1, 'take several': 3 }, 0.2), 'take one');
  t.is(drawAct({ 'take one': 1, 'take several': 3 }, 0.3), 'take several');
});

const thing = (id: number, product: string): Thing => ({
  id,
  product: { key: product } as NonNullable<Thing['product']>,
  forSale: true,
  massMg: 100_000,
});
const moved = (of: Thing, sign: 1 | -1, atUs: number): TrueUnit => ({
  thing: of,
  sign,
  plate: 'basket',
  startUs: atUs - 300_000,
  atUs,
  label: 'act',
  astray: false,
});
const claim = (id: string, product: string, sign: 1 | -1, count: number, atUs: number): Claim => ({
  id,
  product,
  sign,
  count,
  plate: 'basket',
  massMg: 100_000,
  probabilityPpm: 990_000,
  startedAtUs: atUs - 300_000,
  settledAtUs: atUs + 400_000,
  atUs: atUs + 400_000,
});

test('a claim takes as many units of its product as it counts, and what is left of it is wrong', (t) => {
  const ledger = new Ledger();
  ledger.claims.push(claim('a', 'milk', 1, 3, 5e6), claim('b', 'milk', -1, 1, 20e6));
  const units = [
    moved(thing(1, 'milk'), 1, 5e6),
    moved(thing(2, 'milk'), 1, 5e6),
    moved(thing(3, 'jam'), -1, 20e6),
  ];
  const verdicts = judge(units, ledger);
  t.deepEqual(
    verdicts.units.map(({ fate }) => fate),
    ['right', 'right', 'missed'],
  );
  t.deepEqual(
    verdicts.wrong.map(({ claim: { id }, count }) => `${id} ${count}`),
    ['a 1', 'b 1'],
  );
});

test('a claim is not of what moved at another time, and a question is not an answer', (t) => {
  const ledger = new Ledger();
  ledger.claims.push(claim('a', 'milk', 1, 1, 30e6));
  const asked: Asked = {
    id: 'q',
    plate: 'basket',
    kind: 'ambiguous',
    ask: 'scan-it',
    massMg: 100_000,
    startedAtUs: 4.7e6,
    settledAtUs: 5.4e6,
    atUs: 6.2e6,
    candidates: [],
  };
  ledger.questions.set('q', asked);
  const verdicts = judge([moved(thing(1, 'milk'), 1, 5e6)], ledger);
  t.deepEqual(
    verdicts.units.map(({ fate, question }) => `${fate} ${question?.id}`),
    ['asked q'],
  );
  t.is(verdicts.wrong.length, 1);
});

test('intervals are those of the literature', (t) => {
  // Newcombe (1998), table I, method 3: 81 of 263 and 0 of 20.
  const some = wilson(81, 263);
  t.is(some.low.toFixed(4), '0.2553');
  t.is(some.high.toFixed(4), '0.3662');
  const none = wilson(0, 20);
  t.is(none.low, 0);
  t.is(none.high.toFixed(4), '0.1611');
  t.is(quantile([1, 2, 3, 4], 0.5), 2.5);
  const items = Array.from({ length: 200 }, (_, at) => at % 2);
  const half = bootstrap(items, (all) => all.reduce((sum, one) => sum + one, 0) / all.length);
  t.is(half.value, 0.5);
  // The standard error of a share of 0.5 among 200 is 0.0354.
  t.true(half.low > 0.41 && half.low < 0.45 && half.high > 0.55 && half.high < 0.59);
});
