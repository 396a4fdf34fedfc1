import test from 'ava';
import type { Product } from '#catalogue/products.ts';
import type { Promotion, Taxes } from '#catalogue/promotions.ts';
import { apples, beans, milk, Trolley, unpricedPears } from './support.ts';

/** 99 and a deposit of 25, at 19 %. */
const bottle: Product = { ...beans, depositMinor: 25, taxCode: 'A' };
/** 129, at 7 %. */
const food: Product = { ...milk, taxCode: 'B' };
/** 199 a kilogram, at 7 %. */
const fruit: Product = { ...apples, taxCode: 'B' };
const pears: Product = { ...unpricedPears, taxCode: 'B' };
const products = [bottle, food, fruit, pears];

const ratePpm = new Map([
  ['A', 190_000],
  ['B', 70_000],
]);
const taxes = (rule: Partial<Taxes> = {}): Taxes => ({
  included: true,
  depositsTaxed: true,
  ratePpm,
  ...rule,
});
const threeForTwo: Promotion = {
  id: 'p',
  name: '3 for 2',
  kind: 'multi-buy',
  scope: { products: new Set([food.key]), departments: new Set() },
  quantity: 3,
  reward: { payFor: 2 },
};

/** Two bottles and three of the food, of which one is free. */
function shopping(rule: Partial<Taxes> = {}): Trolley {
  const trolley = new Trolley(products, { taxes: taxes(rule), promotions: [threeForTwo] });
  trolley.basket.open({ by: 'touch' });
  trolley.add(bottle, 2);
  trolley.add(food, 3);
  return trolley;
}

const taxesOf = (trolley: Trolley) =>
  trolley.basket.totals().taxes.map(({ code, baseMinor, taxMinor }) => [code, baseMinor, taxMinor]);

test('Tax that prices include is told for each rate, of what is paid after savings, deposits with their goods', (t) => {
  const { finalMinor, savedMinor, depositMinor, addedTaxMinor, toPayMinor } = shopping().basket.totals();
  t.deepEqual([finalMinor, savedMinor, depositMinor, addedTaxMinor], [198 + 387, 129, 50, 0]);
  t.is(toPayMinor, 198 + 387 - 129 + 50);
  // 248 · 19 / 119 = 39.60 and 258 · 7 / 107 = 16.88.
  t.deepEqual(taxesOf(shopping()), [
    ['A', 248, 40],
    ['B', 258, 17],
  ]);
});

test('Tax that comes on top is part of what is to be paid', (t) => {
  const trolley = shopping({ included: false });
  // 248 · 0.19 = 47.12 and 258 · 0.07 = 18.06.
  t.deepEqual(taxesOf(trolley), [
    ['A', 248, 47],
    ['B', 258, 18],
  ]);
  t.is(trolley.basket.totals().toPayMinor, 198 + 387 - 129 + 50 + 47 + 18);
});

test('A deposit that is no turnover bears no tax', (t) => {
  t.deepEqual(taxesOf(shopping({ depositsTaxed: false }))[0], ['A', 198, 32]);
  const [line] = shopping({ depositsTaxed: false }).basket.snapshot('', 0)?.lines ?? [];
  t.is(line?.depositMinor, 50, 'and is told on its line');
});

test('A basket that is handed over says how it is taxed, so that a till comes to the same', (t) => {
  for (const rule of [
    { included: false, depositsTaxed: true },
    { included: true, depositsTaxed: false },
  ]) {
    const trolley = shopping(rule);
    trolley.basket.transfer('till-1', undefined);
    const sent = trolley.events.find((event) => event.type === 'basket.transferred');
    t.like(sent?.data, { taxIncluded: rule.included, depositsTaxed: rule.depositsTaxed });
  }
});

test('Tax is rounded once for each rate, and not line by line', (t) => {
  const penny = (number: number): Product => ({
    ...food,
    key: `p${number}`,
    gtin: `${number}`,
    priceMinor: 7,
  });
  const pennies = [1, 2, 3, 4].map(penny);
  const trolley = new Trolley(pennies, { taxes: taxes() });
  trolley.basket.open({ by: 'touch' });
  for (const one of pennies) trolley.add(one);
  // Line by line it would be 4 · round(0.458) = 0.
  t.deepEqual(taxesOf(trolley), [['B', 28, 2]]);
});

test('What is taken out takes its deposit, saving and tax along', (t) => {
  const trolley = shopping();
  trolley.remove(food);
  trolley.remove(bottle, 2);
  const { toPayMinor, depositMinor, savedMinor } = trolley.basket.totals();
  t.deepEqual([toPayMinor, depositMinor, savedMinor], [258, 0, 0]);
  t.deepEqual(taxesOf(trolley), [['B', 258, 17]]);
  t.deepEqual(trolley.lines().at(-1)?.savings, undefined, 'the line that lost its saving is told');
});

test('A line keeps the rate at which it was made when taxes change, and both rates are told', (t) => {
  const trolley = shopping();
  const changed = new Map([...ratePpm, ['B', 50_000] as const]);
  trolley.restart(products, { taxes: taxes({ ratePpm: changed }) });
  trolley.add(food);
  t.deepEqual(
    trolley.basket.totals().taxes.map((one) => [one.code, one.ratePpm, one.baseMinor]),
    [
      ['A', 190_000, 248],
      ['B', 50_000, 129],
      ['B', 70_000, 258],
    ],
  );
});

test('Goods by weight are an estimate on our own scale, final on a certified one, by label or by the till', (t) => {
  const trolley = new Trolley(products, { taxes: taxes() });
  trolley.basket.open({ by: 'touch' });
  trolley.add(fruit, 1, { massMg: 500_000 });
  trolley.add(fruit, 1, { massMg: 1_000_000, certificateId: 'T8214' });
  trolley.add(fruit, 1, { massMg: 750_000, priceMinor: 149 });
  trolley.add(pears, 1, { massMg: 400_000 });
  t.deepEqual(
    trolley.basket.snapshot('', 0)?.lines.map((line) => [line.priceStatus, line.priceMinor, line.massMg]),
    [
      ['estimate', 100, 500_000],
      ['final', 199, 1_000_000],
      ['final', 149, 750_000],
      ['at-till', 0, 400_000],
    ],
  );
  const before = trolley.basket.totals();
  t.deepEqual(
    [before.toPayMinor, before.probableMinor, before.estimateMinor, before.atTill],
    [348, 448, 100, 1],
  );
  t.deepEqual(taxesOf(trolley), [['B', 348, 23]], 'an estimate is taxed when it is final');
  trolley.nowUs = 5_000_000;
  const { checkout, revision, unpriced } = trolley.basket.checkout.begin(false);
  t.deepEqual(unpriced, [1, 4]);
  const lines = [
    { line: 1, priceMinor: 98, massMg: 493_000, certificateId: 'T1' },
    { line: 4, priceMinor: 120 },
  ];
  const { totals } = trolley.basket.checkout.price({ checkout, revision, lines });
  t.deepEqual(
    [totals.toPayMinor, totals.probableMinor, totals.estimateMinor, totals.atTill],
    [566, 566, 0, 0],
  );
  t.deepEqual(taxesOf(trolley), [['B', 566, 37]]);
});

test('A saving on an estimate is an estimate, and final with the price that the till gives', (t) => {
  const tenth: Promotion = {
    id: 'p',
    name: '10 %',
    kind: 'percentage',
    scope: { products: new Set([fruit.key]), departments: new Set() },
    ratePpm: 100_000,
  };
  const trolley = new Trolley(products, { promotions: [tenth], taxes: taxes() });
  trolley.basket.open({ by: 'touch' });
  trolley.add(fruit, 1, { massMg: 500_000 });
  const { savedMinor, estimateSavedMinor, toPayMinor, probableMinor } = trolley.basket.totals();
  t.deepEqual([savedMinor, estimateSavedMinor, toPayMinor, probableMinor], [0, 10, 0, 90]);
  trolley.nowUs = 5_000_000;
  const { checkout, revision } = trolley.basket.checkout.begin(false);
  const { totals } = trolley.basket.checkout.price({
    checkout,
    revision,
    lines: [{ line: 1, priceMinor: 120 }],
  });
  t.deepEqual([totals.savedMinor, totals.estimateSavedMinor, totals.toPayMinor], [12, 0, 108]);
  t.deepEqual(trolley.basket.snapshot('', 0)?.lines[0]?.savings, [
    { promotion: 'p', name: '10 %', savedMinor: 12 },
  ]);
});
