import test from 'ava';
import fc from 'fast-check';
import type { Product } from '#catalogue/products.ts';
import type { Promotion, Reward } from '#catalogue/promotions.ts';
import { mostSaved, type Unit } from './best.ts';
import { Trolley } from './support.ts';

const piece = (number: number, priceMinor: number, department?: string): Product => {
  const gtin = String(number).padStart(14, '0');
  return {
    key: `gtin:${gtin}`,
    gtin,
    name: `Goods ${number}`,
    sale: 'each',
    priceMinor,
    look: gtin,
    ...(department === undefined ? {} : { department }),
  };
};
const coffee = piece(1, 499, 'coffee');
const cheapCoffee = piece(2, 299, 'coffee');
const cake = piece(3, 250, 'cake');
const cherries: Product = {
  key: 'plu:4045',
  plu: '4045',
  name: 'Cherries',
  sale: 'weight',
  priceMinorPerKg: 799,
  look: 'c',
};

const of = (...products: readonly Product[]) => ({
  products: new Set(products.map(({ key }) => key)),
  departments: new Set<string>(),
});
const department = (name: string) => ({ products: new Set<string>(), departments: new Set([name]) });

/** A trip with these promotions, and what was put in. */
function trip(promotions: readonly Promotion[], products: readonly Product[], today?: string): Trolley {
  const trolley = new Trolley([coffee, cheapCoffee, cake, cherries], { promotions });
  if (today !== undefined) trolley.today = today;
  trolley.basket.open({ by: 'touch' });
  for (const product of products)
    trolley.add(product, 1, product.sale === 'weight' ? { massMg: 500_000 } : {});
  return trolley;
}

const savings = (trolley: Trolley) =>
  trolley.basket.snapshot('', 0)?.lines.map(({ savedMinor = 0 }) => savedMinor);
const names = (trolley: Trolley) =>
  trolley.basket.snapshot('', 0)?.lines.flatMap(({ savings: own = [] }) => own.map(({ name }) => name));

test('A share, an amount and a price of its own are taken off each unit, and never more than it costs', (t) => {
  const percentage: Promotion = {
    id: 'p',
    name: 'P',
    kind: 'percentage',
    scope: of(coffee),
    ratePpm: 155_000,
  };
  t.deepEqual(savings(trip([percentage], [coffee, coffee, cake])), [2 * 77, 0], '77.345 a unit');
  const amount: Promotion = {
    id: 'p',
    name: 'P',
    kind: 'amount',
    scope: department('coffee'),
    amountMinor: 300,
  };
  t.deepEqual(savings(trip([amount], [coffee, cheapCoffee, cake])), [300, 299, 0]);
  const price: Promotion = { id: 'p', name: 'P', kind: 'price', scope: of(cake, coffee), priceMinor: 260 };
  t.deepEqual(savings(trip([price], [coffee, cake])), [239, 0], 'a dearer price is none');
});

test('Three for two makes the cheapest of three free, and shows it on the lines of all three', (t) => {
  const reward = { payFor: 2 };
  const same: Promotion = {
    id: 'p',
    name: 'P',
    kind: 'multi-buy',
    scope: department('coffee'),
    quantity: 3,
    reward,
  };
  t.deepEqual(savings(trip([same], [coffee, coffee, cheapCoffee])), [0, 0], 'of one product');
  t.deepEqual(savings(trip([same], [coffee, coffee, coffee, coffee])), [499]);
  const mixed: Promotion = {
    id: 'p',
    name: 'P',
    kind: 'mix-and-match',
    groups: [{ ...department('coffee'), quantity: 3 }],
    reward,
  };
  // 299 shared by price over 499, 499 and 299.
  t.deepEqual(savings(trip([mixed], [coffee, coffee, cheapCoffee])), [230, 69]);
  // The dearest six are grouped so that the free ones are worth most.
  t.is(
    trip([mixed], [coffee, coffee, coffee, cheapCoffee, cheapCoffee, cheapCoffee]).basket.totals().savedMinor,
    499 + 299,
  );
});

test('A bundle of groups costs its price, and what does not fill one costs its own', (t) => {
  const groups = [
    { ...department('coffee'), quantity: 1 },
    { ...of(cake), quantity: 1 },
  ];
  const bundle: Promotion = {
    id: 'p',
    name: 'Coffee and cake',
    kind: 'mix-and-match',
    groups,
    reward: { priceMinor: 500 },
  };
  const trolley = trip([bundle], [coffee, cheapCoffee, cake]);
  t.is(trolley.basket.totals().savedMinor, 249, 'the dearer coffee');
  t.deepEqual(names(trolley), ['Coffee and cake', 'Coffee and cake']);
  trolley.add(cake);
  t.is(trolley.basket.totals().savedMinor, 249 + 49);
  trolley.remove(coffee);
  t.is(trolley.basket.totals().savedMinor, 49);
});

test('Of promotions that compete for a unit the best way for the shopper counts, and none twice on a unit', (t) => {
  const half: Promotion = { id: 'b', name: 'B', kind: 'percentage', scope: of(coffee), ratePpm: 300_000 };
  const three: Promotion = {
    id: 'a',
    name: 'A',
    kind: 'multi-buy',
    scope: of(coffee),
    quantity: 3,
    reward: { payFor: 2 },
  };
  t.deepEqual(savings(trip([half, three], [coffee, coffee])), [300], 'two for 30 % off');
  t.deepEqual(
    savings(trip([half, three], [coffee, coffee, coffee])),
    [499],
    'three for two is more than 3 · 150',
  );
  t.deepEqual(savings(trip([half, three], [coffee, coffee, coffee, coffee])), [499 + 150]);
});

test('A coupon counts once it is scanned, once; what became of it is told', (t) => {
  const coupon: Promotion = {
    id: 'p',
    name: 'Cake',
    kind: 'amount',
    scope: of(cake),
    amountMinor: 100,
    coupon: '9812345',
  };
  const later: Promotion = { ...coupon, id: 'q', coupon: '77', validFrom: '2027-01-01' };
  const trolley = trip([coupon, later], [cake, cake]);
  const { service } = trolley.basket;
  t.is(trolley.basket.totals().savedMinor, 0);
  t.deepEqual(
    ['9812345', '09812345', '77', 'abc'].map((code) => service.coupon(code).outcome),
    ['accepted', 'repeated', 'not-in-force', 'unknown'],
  );
  t.is(trolley.basket.totals().savedMinor, 100, 'on one cake');
  t.is(trolley.events.filter(({ type }) => type === 'basket.coupon').length, 4);
  t.deepEqual(trolley.restart().basket.snapshot('', 0)?.coupons, [
    { code: '9812345', promotion: 'p', name: 'Cake' },
  ]);
});

test('A loyalty price counts for a known shopper, by weight too, and an estimate stays one', (t) => {
  const card: Promotion = {
    id: 'p',
    name: 'Card',
    kind: 'price',
    scope: of(cherries),
    priceMinorPerKg: 599,
    loyalty: true,
  };
  const trolley = trip([card], [cherries]);
  t.is(trolley.basket.totals().estimateSavedMinor, 0);
  trolley.basket.service.recognize('scan');
  const { estimateMinor, estimateSavedMinor, savedMinor, toPayMinor } = trolley.basket.totals();
  t.deepEqual([estimateMinor, estimateSavedMinor, savedMinor, toPayMinor], [400, 100, 0, 0]);
});

test('Days count where the store is, as of the beginning of the trip; without a clock dated ones wait', (t) => {
  const dated: Promotion = {
    id: 'p',
    name: 'P',
    kind: 'amount',
    scope: of(cake),
    amountMinor: 10,
    validFrom: '2026-11-20',
    validTo: '2026-11-23',
  };
  t.is(trip([dated], [cake], '2026-11-20').basket.totals().savedMinor, 10);
  t.is(trip([dated], [cake], '2026-11-19').basket.totals().savedMinor, 0);
  const night = trip([dated], [cake], '2026-11-23');
  night.today = '2026-11-24';
  night.add(cake);
  t.is(night.basket.totals().savedMinor, 20, 'midnight takes nothing away');
  const unset = new Trolley([cake], { promotions: [dated] });
  unset.today = undefined;
  unset.basket.open({ by: 'touch' });
  unset.add(cake);
  t.is(unset.basket.totals().savedMinor, 0);
  unset.today = '2026-11-20';
  unset.add(cake);
  t.is(unset.basket.totals().savedMinor, 20);
});

test('What is taken off the whole basket comes after everything else and is shared by what is left', (t) => {
  const amount: Promotion = { id: 'a', name: 'A', kind: 'amount', scope: of(cake), amountMinor: 50 };
  const whole: Promotion = {
    id: 'z',
    name: 'Z',
    kind: 'basket',
    reward: { amountMinor: 100 },
    minimumMinor: 690,
  };
  t.is(trip([amount, whole], [coffee]).basket.totals().savedMinor, 0, '499 is not enough');
  t.deepEqual(savings(trip([amount, whole], [coffee, cake])), [71, 50 + 29]);
  const free: Promotion = { ...whole, minimumMinor: 0, reward: { amountMinor: 10_000 } };
  t.is(trip([free], [coffee, cake]).basket.totals().toPayMinor, 0, 'never below nothing');
});

const shelf: readonly Product[] = [
  piece(11, 100, 'a'),
  piece(12, 101, 'a'),
  piece(13, 250, 'b'),
  piece(14, 399, 'b'),
  piece(15, 1, 'b'),
];
const scope = fc
  .record({ product: fc.nat({ max: 4 }), department: fc.constantFrom('a', 'b', undefined) })
  .map(({ product, department: name }) =>
    name === undefined
      ? of(shelf[product] ?? coffee)
      : { ...of(shelf[product] ?? coffee), departments: new Set([name]) },
  );
const reward: fc.Arbitrary<Reward> = fc.oneof(
  fc.constant({ payFor: 1 }),
  fc.record({ priceMinor: fc.integer({ min: 0, max: 600 }) }),
  fc.record({ ratePpm: fc.integer({ min: 1, max: 1_000_000 }) }),
  fc.record({ amountMinor: fc.integer({ min: 1, max: 400 }) }),
);
const limit = fc.constantFrom(undefined, undefined, undefined, 1, 2);
const body = fc.oneof(
  fc.record({
    kind: fc.constant('percentage' as const),
    scope,
    ratePpm: fc.integer({ min: 1, max: 1_000_000 }),
  }),
  fc.record({ kind: fc.constant('amount' as const), scope, amountMinor: fc.integer({ min: 1, max: 400 }) }),
  fc.record({ kind: fc.constant('price' as const), scope, priceMinor: fc.integer({ min: 0, max: 400 }) }),
  fc.record({ kind: fc.constant('multi-buy' as const), scope, quantity: fc.constantFrom(2, 3), reward }),
  fc.record({
    kind: fc.constant('mix-and-match' as const),
    groups: fc
      .array(fc.record({ scope, quantity: fc.constantFrom(1, 2) }), { minLength: 1, maxLength: 2 })
      .map((groups) => groups.map(({ scope: own, quantity }) => ({ ...own, quantity })))
      .filter((groups) => groups.reduce((sum, { quantity }) => sum + quantity, 0) > 1),
    reward,
  }),
);
const offers: fc.Arbitrary<readonly Promotion[]> = fc
  .array(fc.record({ body, limit }), { minLength: 1, maxLength: 3 })
  .map((list) =>
    list.map(({ body: own, limit: most }, index) => ({
      id: `p${index}`,
      name: `Offer ${index}`,
      ...own,
      ...(most === undefined ? {} : { limit: most }),
    })),
  );
const picks = (maxLength: number) => fc.array(fc.nat({ max: shelf.length - 1 }), { maxLength });
const runs = (share: number) =>
  Math.max(150, Math.round(Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000) / share));

function filled(promotions: readonly Promotion[], chosen: readonly number[], steps = 1_000): Trolley {
  const trolley = new Trolley(shelf, { promotions }, { promotionSteps: steps });
  trolley.basket.open({ by: 'touch' });
  for (const index of chosen) {
    const product = shelf[index];
    if (product !== undefined) trolley.add(product);
  }
  return trolley;
}

/** Savings by product: what does not depend on the numbers of lines. */
const byProduct = (trolley: Trolley) =>
  Object.fromEntries(
    (trolley.basket.snapshot('', 0)?.lines ?? [])
      .map(({ gtin, count, savings: own }) => [gtin, { count, own }])
      .sort(),
  );

const unitsOf = (chosen: readonly number[]): Unit[] =>
  chosen.flatMap((index) => {
    const product = shelf[index];
    if (product === undefined) return [];
    return [{ product: product.key, department: product.department, priceMinor: product.priceMinor ?? 0 }];
  });

test('Savings are never negative and never more than the goods cost, however few steps the search has', (t) => {
  fc.assert(
    fc.property(offers, picks(30), fc.constantFrom(0, 5, 1_000), (promotions, chosen, steps) => {
      for (const line of filled(promotions, chosen, steps).lines()) {
        for (const { savedMinor } of line.savings ?? [])
          if (savedMinor <= 0) throw new Error('nothing saved');
        if ((line.savedMinor ?? 0) > line.priceMinor) throw new Error(`line ${line.line} is below nothing`);
      }
    }),
    { numRuns: runs(80), seed: 20260201 },
  );
  t.pass();
});

test('Goods cost the same in whatever order they were put in, and what is taken out again leaves no trace', (t) => {
  fc.assert(
    fc.property(offers, picks(14), picks(6), fc.nat(), (promotions, chosen, extra, turn) => {
      const [straight, turned] = [filled(promotions, chosen), filled(promotions, rotated(chosen, turn))];
      const expected = JSON.stringify(byProduct(straight));
      if (JSON.stringify(byProduct(turned)) !== expected) throw new Error('the order counts');
      for (const index of extra) straight.add(shelf[index] ?? coffee);
      for (const index of extra.toReversed()) straight.remove(shelf[index] ?? coffee);
      if (JSON.stringify(byProduct(straight)) !== expected) throw new Error('a removal leaves something');
    }),
    { numRuns: runs(80), seed: 20260202 },
  );
  t.pass();
});

const rotated = <T>(list: readonly T[], by: number) => {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
};

test('No way to share a few goods among promotions saves more', (t) => {
  let compared = 0;
  fc.assert(
    fc.property(offers, picks(6), (promotions, chosen) => {
      const found = filled(promotions, chosen).basket.totals().savedMinor;
      const best = mostSaved(unitsOf(chosen), promotions);
      compared += 1;
      if (found !== best) throw new Error(`${found} saved, ${best} could be`);
    }),
    { numRuns: runs(80), seed: 20260203 },
  );
  t.true(compared > 0);
});

test('A basket of two hundred things under twenty competing promotions is decided within its steps', (t) => {
  const wide = Array.from({ length: 40 }, (_, index) => piece(100 + index, 99 + 37 * index, `d${index % 5}`));
  const promotions: Promotion[] = Array.from({ length: 20 }, (_, index) => ({
    id: `p${String(index).padStart(2, '0')}`,
    name: `Offer ${index}`,
    kind: 'mix-and-match',
    groups: [
      { ...department(`d${index % 5}`), quantity: 2 },
      { ...department(`d${(index + 1) % 5}`), quantity: 1 },
    ],
    reward: { ratePpm: 100_000 + 10_000 * index },
  }));
  const trolley = new Trolley(wide, { promotions });
  trolley.basket.open({ by: 'touch' });
  for (const product of wide) trolley.add(product, 5);
  const greedy = new Trolley(wide, { promotions }, { promotionSteps: 0 });
  greedy.basket.open({ by: 'touch' });
  for (const product of wide) greedy.add(product, 5);
  t.true(trolley.basket.totals().savedMinor >= greedy.basket.totals().savedMinor);
  t.true(greedy.basket.totals().savedMinor > 0);
});
