import test from 'ava';
import fc from 'fast-check';
import { Learned } from '#fusion/learned.ts';
import { popularityOf } from '#fusion/popularity.ts';
import { Bench, catalogueOf, each } from './harness.ts';
import { crowd } from './shop.ts';

const popular = (name: string, grams: number, popularity: number) => ({
  ...each(name, grams, 4),
  popularity,
});

test('where nothing is known of it, popularity says nothing', (t) => {
  const catalogue = catalogueOf(crowd);
  const log = popularityOf(catalogue, new Learned(catalogue, 180));
  t.true(crowd.every((product) => log(product) === 0));
});

test('popularity is modest whatever the figures: at most 8 times as likely as the average, at least a quarter', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 1_000_000 }), { minLength: 1, maxLength: 60 }),
      fc.array(fc.tuple(fc.nat({ max: 59 }), fc.nat({ max: 100_000 })), { maxLength: 10 }),
      (figures, trips) => {
        const products = figures.map((figure, i) => popular(`p${i}`, 100 + 10 * i, figure));
        const catalogue = catalogueOf(products);
        const learned = new Learned(catalogue, 180);
        for (const [i, units] of trips) learned.endTrip([], new Map([[`gtin:p${i}`, units]]), 0);
        return products.map(popularityOf(catalogue, learned)).every((log) => {
          return log >= Math.log(1 / 4) - 1e-12 && log <= Math.log(8) + 1e-12;
        });
      },
    ),
    { seed: 20261123, numRuns: 500 },
  );
  t.pass();
});

test('what trips leave with becomes likelier little by little', (t) => {
  const catalogue = catalogueOf(crowd);
  const learned = new Learned(catalogue, 180);
  const [one] = crowd;
  if (one === undefined) return t.fail();
  const logs = [1, 2, 3].map(() => {
    learned.endTrip([], new Map([[one.key, 5]]), 0);
    return popularityOf(catalogue, learned)(one);
  });
  t.true((logs[0] ?? 0) > 0 && (logs[1] ?? 0) > (logs[0] ?? 0) && (logs[2] ?? 0) > (logs[1] ?? 0));
});

test('a popular product is not charged where the mass speaks for another, and none by popularity alone', (t) => {
  const config = { unscannedUnknownPrior: 0.02 };
  const shop = [popular('star', 500, 1_000_000), popular('shy', 530, 1)];
  t.deepEqual(new Bench(shop, { config }).move(530).settle().said(), ['item.added 1 shy 530 g']);
  const twins = [popular('star', 500, 1_000_000), popular('shy', 502, 1)];
  t.regex(new Bench(twins, { config }).move(501).settle().said().join(), /^item\.unresolved/);
  t.deepEqual(new Bench(twins, { config }).scan('shy').move(501).said(), ['item.added 1 shy 501 g']);
});

test('of two that weigh about the same, the one bought before comes first among what is asked', (t) => {
  const shop = [each('red', 700, 4), each('blue', 700, 4), ...crowd];
  for (const name of ['red', 'blue']) {
    const bench = new Bench(shop).scan(name).move(700).settle();
    bench.said();
    bench.move(701).settle();
    const asked = bench.emitted[0];
    t.is(asked?.type === 'item.unresolved' ? asked.data.candidates[0]?.name : undefined, name);
  }
});
