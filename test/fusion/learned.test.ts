import test from 'ava';
import fc from 'fast-check';
import { createRandom } from '#base/random.ts';
import { Learned, mostLearned, type Weighing } from '#fusion/learned.ts';
import { agreeing, emptyWeighings, observed, packageSd, predicted } from '#fusion/unit-mass.ts';
import { Bench, catalogueOf, each } from './harness.ts';
import { crowd } from './shop.ts';

const day = 86_400_000;
const today = Date.UTC(2026, 10, 23);
const key = 'gtin:jam';
const jam = each('jam', 700, 9);
/** A product that the catalogue has no mass for. */
const { grossMg: _, ...unweighed } = each('honey', 0);
const shop = [jam, unweighed, each('milk', 1030, 6), ...crowd];
const catalogue = catalogueOf(shop);

const jars = (...grams: number[]): Weighing[] =>
  grams.map((mass) => ({ product: key, massMg: mass * 1_000, varMg2: 1e6 }));
const taught = (list: readonly number[], learned = new Learned(catalogue, 180)) => {
  for (const mass of list) learned.endTrip(jars(mass), new Map([[key, 1]]), today);
  return learned;
};

/** One trip with these things, each scanned and then placed alone. */
function trip(bench: Bench, ...things: readonly (readonly [name: string, grams: number])[]): Bench {
  bench.fusion.beginSession();
  for (const [name, grams] of things) bench.scan(name).move(grams);
  bench.settle();
  bench.fusion.endSession(bench.nowUs, today);
  bench.move(-things.reduce((sum, [, grams]) => sum + grams, 0)).settle();
  return bench;
}

test('without a weighing a unit weighs exactly what the catalogue says', (t) => {
  const { meanMg, varMg2 } = predicted(emptyWeighings, { mean: 700_000, sd: 9_000 });
  t.is(meanMg, 700_000);
  t.true(Math.abs(Math.sqrt(varMg2) - 9_000) < 1e-6);
});

test('weighings move the mean from the catalogue to what they say, and narrow the spread to that of units', (t) => {
  const random = createRandom(1);
  let weighings = emptyWeighings;
  for (let i = 0; i < 60; i++) {
    weighings = observed(weighings, 709_000 + 2_000 * random.gaussian() + 1_000 * random.gaussian(), 1e6);
  }
  const { meanMg, varMg2 } = predicted(weighings, { mean: 700_000, sd: 9_000 });
  t.true(Math.abs(meanMg - 709_000) < 1_000, `${meanMg}`);
  // Units spread by 2 g; the noise of weighing (1 g) is not taken for theirs.
  t.true(Math.sqrt(varMg2) > 1_800 && Math.sqrt(varMg2) < 3_500, `${Math.sqrt(varMg2)}`);
});

test('what is predicted covers what comes as often as it says', (t) => {
  const random = createRandom(7);
  let within = 0;
  const products = 400;
  for (let i = 0; i < products; i++) {
    // As the model has it: half of the catalogue's variance is doubt about the mean, half the spread of units.
    const spread = Math.sqrt(0.5) * 9_000;
    const mean = 700_000 + spread * random.gaussian();
    let weighings = emptyWeighings;
    for (let k = 0; k < 5; k++) weighings = observed(weighings, mean + spread * random.gaussian(), 0);
    const unit = predicted(weighings, { mean: 700_000, sd: 9_000 });
    const next = mean + spread * random.gaussian();
    if (Math.abs(next - unit.meanMg) <= 1.96 * Math.sqrt(unit.varMg2)) within += 1;
  }
  t.true(within / products > 0.92 && within / products < 0.98, `${within / products}`);
});

test('a learned mass stays between what the catalogue says and what was weighed, and is never surer than its weighings', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 675, max: 725 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 20 }),
      (grams, sdG) => {
        let weighings = emptyWeighings;
        for (const one of grams) weighings = observed(weighings, one * 1_000, 1e6);
        const unit = predicted(weighings, { mean: 700_000, sd: sdG * 1_000 });
        const mean = (grams.reduce((sum, one) => sum + one, 0) / grams.length) * 1_000;
        const between =
          unit.meanMg >= Math.min(mean, 700_000) - 1e-6 && unit.meanMg <= Math.max(mean, 700_000) + 1e-6;
        // Every further weighing is as sure as a prior worth 6 and their number allow.
        const least = (sdG * 1_000) ** 2 / (4 + grams.length);
        return between && unit.varMg2 >= least;
      },
    ),
    { seed: 20261123 },
  );
  t.pass();
});

test('packages spread as the directive tolerates', (t) => {
  t.is(Math.round(packageSd(250_000)), 4_592);
  t.is(Math.round(packageSd(750_000)), 7_653);
});

test('a few weighings agree where most are of one thing, and not where they are of several', (t) => {
  t.is(agreeing([500_000, 502_000, 498_000]), undefined);
  t.deepEqual(agreeing([500_000, 502_000, 498_000, 501_000]), [500_000, 502_000, 498_000, 501_000]);
  t.deepEqual(
    agreeing([500_000, 502_000, 1_030_000, 498_000, 501_000]),
    [500_000, 502_000, 498_000, 501_000],
  );
  t.is(agreeing([500_000, 502_000, 1_030_000, 1_030_000]), undefined);
  t.is(agreeing([300_000, 400_000, 500_000, 600_000, 700_000]), undefined);
});

test('a trip teaches the mass of what lay under its own scan, with where it comes from', (t) => {
  const bench = new Bench(shop);
  trip(bench, ['jam', 709], ['milk', 1031]);
  trip(bench, ['jam', 711]);
  const { mass } = bench.fusion.massesLearned().find(({ product }) => product === key) ?? {};
  t.is(mass?.n, 2);
  t.is(mass?.total, 2);
  t.is(mass?.meanMg, 710_000);
  t.is(mass?.version, 'test');
  t.is(mass?.sinceMs, today);
  t.deepEqual(mass?.listed, { mean: 700_000, sd: 9_000 });
});

test('a product without a mass is known by it after a few trips, so that another thing under its scan is asked about', (t) => {
  const bench = new Bench(shop);
  bench.fusion.beginSession();
  t.deepEqual(bench.scan('honey').move(333).settle().said(), ['item.added 1 honey 333 g']);
  bench.fusion.endSession(bench.nowUs, today);
  bench.move(-333).settle();
  for (const mass of [329, 332, 331, 330]) trip(bench, ['honey', mass]);
  bench.said();
  bench.fusion.beginSession();
  t.deepEqual(bench.scan('honey').move(331).settle().said(), ['item.added 1 honey 331 g']);
  t.regex(bench.scan('honey').move(812).settle().said().join(), /^item\.unresolved/);
});

test('a decision by mass or look alone, a late scan, a count, a correction and an unsteady weighing teach nothing', (t) => {
  const bench = new Bench(shop);
  bench.fusion.beginSession();
  bench.move(700).settle().scan('jam').settle();
  bench.see('jam', 0.98).move(702).see('jam', 0.98).settle();
  bench.scan('jam').scan('jam').move(1404).settle();
  bench.scan('milk').move(1030, { sigmaG: 30 }).settle();
  t.is(bench.fusion.contents('basket').length, 4);
  bench.fusion.endSession(bench.nowUs, today);
  t.deepEqual(bench.fusion.massesLearned(), []);
});

test('what was taken out again before the trip ended teaches nothing', (t) => {
  const bench = new Bench(shop);
  bench.fusion.beginSession();
  bench.scan('jam').move(700).settle().move(-700).settle();
  bench.fusion.endSession(bench.nowUs, today);
  t.deepEqual(bench.fusion.massesLearned(), []);
});

test('what a camera takes for another product teaches nothing, although its mass fits', (t) => {
  const bench = new Bench(shop);
  bench.fusion.beginSession();
  bench.scan('jam').see('milk', 0.6).move(700).settle();
  bench.fusion.endSession(bench.nowUs, today);
  t.deepEqual(bench.fusion.massesLearned(), []);
});

test('things far from the mass known do not teach, and one shopper teaches little', (t) => {
  const learned = taught([700, 702, 698, 701]);
  const before = learned.unitMass(jam);
  taught([740, 760, 650], learned);
  t.deepEqual(learned.unitMass(jam), before);
  const alone = new Learned(catalogue, 180);
  alone.endTrip(jars(712, 712, 712, 712, 712), new Map([[key, 5]]), today);
  t.is(alone.massOf(key)?.n, 2);
});

test('a mass learned wrongly is given up when the right thing contradicts it twice in a row', (t) => {
  const bench = new Bench(shop);
  for (let i = 0; i < 5; i++) trip(bench, ['honey', 812]);
  bench.said();
  bench.fusion.beginSession();
  bench.scan('honey').move(331).settle().wait(1);
  t.regex(bench.said().join(), /unresolved/);
  bench.move(-331).settle().scan('honey').move(331).settle().wait(1).move(-331).settle();
  bench.said();
  t.deepEqual(bench.scan('honey').move(331).said(), ['item.added 1 honey 331 g']);
});

test('a catalogue with another mass for a product has the last word, one with the same mass has not', (t) => {
  const learned = taught([705, 706, 707]);
  const learnedMass = learned.unitMass(jam);
  learned.replaceCatalogue(catalogueOf(shop));
  t.deepEqual(learned.unitMass(jam), learnedMass);
  const changed = each('jam', 650, 9);
  learned.replaceCatalogue(catalogueOf([changed]));
  t.is(learned.unitMass(changed).meanMg, 650_000);
});

test('a mass is forgotten by command and by age; where nothing may be learned, nothing is', (t) => {
  const learned = taught([705, 706]);
  t.is(learned.forget('gtin:milk'), 0);
  t.is(learned.forget(key), 1);
  t.is(learned.unitMass(jam).meanMg, 700_000);
  taught([705, 706], learned);
  learned.endTrip([], new Map([['gtin:milk', 1]]), today + 181 * day);
  t.is(learned.massOf(key), undefined);
  const closed = taught([705], new Learned(catalogue, 0));
  t.is(closed.massOf(key), undefined);
});

test('what was learned survives a restart as plain JSON, and is the same array while nothing is learned', (t) => {
  const learned = taught([705, 706, 707]);
  const saved = learned.save();
  t.is(learned.save(), saved);
  const again = new Learned(catalogue, 180, JSON.parse(JSON.stringify(saved)) as typeof saved);
  t.deepEqual(again.unitMass(jam), learned.unitMass(jam));
  taught([704], learned);
  t.not(learned.save(), saved);
});

test('memory is bounded: of too many products those not bought for longest are forgotten', (t) => {
  const learned = new Learned(catalogue, 180);
  const bought = new Map(Array.from({ length: mostLearned + 10 }, (__, i) => [`gtin:${i}`, 1]));
  learned.endTrip([], bought, today);
  t.is(learned.save().length, mostLearned);
  t.is(learned.boughtOf('gtin:0'), 0);
  t.is(learned.boughtOf(`gtin:${mostLearned}`), 1);
});
