import test from 'ava';
import { plausiblyJoint } from '#fusion/joint.ts';
import { Learned } from '#fusion/learned.ts';
import { unitsVarMg2 } from '#fusion/likelihood.ts';
import type { Posterior } from '#fusion/posterior.ts';
import { Sightings } from '#fusion/sightings.ts';
import type { Change, Part, Ranked } from '#fusion/types.ts';
import { Bench, catalogueOf, each, seenThing } from './harness.ts';
import { bench, crowd } from './shop.ts';

const changeAt = (massMg: number, startS: number): Change => ({
  plate: 'basket',
  massMg,
  varMg2: 1e6,
  startedAtUs: startS * 1e6,
  settledAtUs: (startS + 1) * 1e6,
  whileAway: false,
  movements: [],
});

/** Things put in together as one explanation; masses and spreads in g. */
function together(...things: readonly (readonly [massG: number, sdG: number, count?: number])[]): Posterior {
  const parts = things.map(
    ([massG, sdG, count = 1]): Part => ({
      sign: 1,
      product: each(`${massG}`, massG, sdG),
      count,
      meanMg: massG * 1_000 * count,
      varMg2: (sdG * 1_000) ** 2 * count,
      unitMeanMg: massG * 1_000,
      unitVarMg2: (sdG * 1_000) ** 2,
      broad: false,
      scans: [],
      entry: 'scan',
    }),
  );
  const best: Ranked = { kind: 'items', parts, logWeight: 0, expectedMg: 0, z: 0, probability: 1 };
  return { ranked: [best], unknown: 0, nothing: 0, rest: 0 };
}

test('things of two movements that are seconds apart each have to weigh what was put in then', (t) => {
  const [first, soon, later] = [changeAt(640_000, 0), changeAt(652_000, 3), changeAt(652_000, 9)];
  // Together 1,292 g: milk and butter, but neither movement weighs one of the two.
  t.false(plausiblyJoint(first, later, together([1030, 6], [262, 2.5]), 3.5));
  t.true(plausiblyJoint(first, soon, together([1030, 6], [262, 2.5]), 3.5), 'one of them in two steps');
  t.true(plausiblyJoint(first, later, together([643, 4], [650, 4]), 3.5));
  t.true(plausiblyJoint(first, later, together([646, 4, 2]), 3.5), 'two of one product');
  t.false(plausiblyJoint(first, later, together([1292, 8]), 3.5), 'one thing is not put down twice');
  t.true(
    plausiblyJoint(changeAt(900_000, 0), changeAt(-260_000, 60), together([640, 5]), 3.5),
    'taken out again',
  );
});

test('one thing put down in two steps is one thing, however it is shared out', (t) => {
  const b = bench().scan('milk').move(600).settle().wait(1);
  b.said();
  t.deepEqual(b.move(430).settle().said(), ['item.resolved added: 1 milk 1030 g']);
});

test('what weighs much less than what was scanned is asked about later: a hand may be lowering it still', (t) => {
  const lowered = bench().scan('milk').move(600).settle();
  t.deepEqual(lowered.said(), []);
  t.deepEqual(lowered.move(430, { afterS: 0.1 }).said(), ['item.added 1 milk 1030 g']);
  const left = bench().scan('milk').move(600).settle();
  t.deepEqual(left.wait(0.8).said(), ['item.unresolved unknown-added scan-it 600 g']);
  const other = bench().move(600).settle();
  t.regex(other.said().join(), /item\.unresolved/, 'nothing was scanned: it is asked about as soon as ever');
});

test('nothing is asked about while the plate moves again', (t) => {
  const b = bench().move(600).wait(0.6);
  b.fusion.observe({ kind: 'activity', plate: 'basket', open: true, atUs: b.nowUs });
  t.deepEqual(b.wait(3).said(), []);
  b.fusion.observe({ kind: 'activity', plate: 'basket', open: false, atUs: b.nowUs });
  t.regex(b.wait(0.1).said().join(), /item\.unresolved/);
  const restless = bench().move(600).wait(0.6);
  restless.fusion.observe({ kind: 'activity', plate: 'basket', open: true, atUs: restless.nowUs });
  t.regex(restless.wait(6).said().join(), /item\.unresolved/, 'it never rests');
});

test('a camera that saw a thing come speaks against nothing having happened; one that saw a thing pushed does not', (t) => {
  const factor = (moved: boolean) =>
    new Sightings(
      [
        {
          event: 'l',
          source: 'camera',
          atUs: 0,
          outcome: 'seen',
          things: [seenThing('pear', 0.5, { moved })],
        },
      ],
      catalogueOf([each('pear', 100, 1)]),
      0.7,
      0.5,
    ).logFactor({ kind: 'nothing', parts: [] });
  t.true(factor(false) < -1);
  t.is(factor(true), 0);
});

test('an exchange that hardly shows in the mass is asked about where a camera saw things come and go', (t) => {
  const full = () => {
    const b = new Bench([...crowd, each('pasta', 505, 4), each('noodles', 508, 4)]);
    for (const name of ['filler20', 'filler30', 'filler40', 'filler50', 'pasta']) {
      const massG = b.massOf(name);
      b.scan(name).move(massG).wait(1);
    }
    b.said();
    return b.scan('noodles').move(2.5);
  };
  const things = [seenThing('pasta', 0.3, { change: 'went' }), seenThing('noodles', 0.3, { change: 'came' })];
  t.deepEqual(full().settle().said(), []);
  const [asked] = full().look(things).settle().said();
  t.regex(asked ?? '', /item\.unresolved mixed choose/);
});

test('after a tare, no later scan or pick is of what was put in before, and the question stays', (t) => {
  const b = bench().move(320).settle();
  const [question] = b.fusion.openQuestions();
  b.said();
  b.fusion.tared('basket');
  t.deepEqual(b.wait(3).identify('bananas').said(), []);
  t.deepEqual(b.move(800).settle().said(), ['item.added 1 bananas 800 g']);
  t.deepEqual(
    b.fusion.openQuestions().map(({ event }) => event),
    [question?.event],
  );
  // Whoever knows better says so.
  b.identify('apples', { event: question?.event ?? '' });
  t.deepEqual(b.said(), ['item.resolved added: 1 apples 320 g']);
});

test('a pick of loose produce answers what was asked just now', (t) => {
  const b = bench().move(700).settle();
  b.said();
  t.deepEqual(b.wait(3).identify('bananas').said(), ['item.resolved added: 1 bananas 700 g']);
});

test('of a question that was left alone a pick of loose produce is no answer, unless nothing comes that it may be of', (t) => {
  const b = bench().move(700).settle().wait(12);
  b.said();
  t.deepEqual(b.identify('bananas').said(), []);
  t.deepEqual(b.move(820).settle().said(), ['item.added 1 bananas 820 g']);
  const c = bench().move(700).settle().wait(12);
  c.said();
  t.deepEqual(c.identify('bananas').wait(10).said(), ['item.resolved added: 1 bananas 700 g']);
});

test('several units are off together where the catalogue is: two may weigh as much more as one does', (t) => {
  const learned = new Learned(catalogueOf([each('tin', 400, 6)]), 0);
  const unit = learned.unitMass(each('tin', 400, 6));
  const sd = (count: number) => Math.sqrt(unitsVarMg2(unit, count)) / 1_000;
  t.is(sd(1), 6);
  // Between independent units (6·√4) and units that are off by the same (6·4).
  t.true(Math.abs(sd(4) - 6 * Math.sqrt(10)) < 1e-9);
});

test('what was scanned long ago does not make produce of any mass uncertain', (t) => {
  const b = bench().scan('soap').scan('milk').move(1030);
  t.deepEqual(b.said(), ['item.added 1 milk 1030 g']);
  t.deepEqual(b.identify('bananas').move(820).said(), ['item.added 1 bananas 820 g']);
});

test('of two things scanned one was put in: the shopper is asked which, and the pick uses up its scan', (t) => {
  const b = bench().scan('milk').scan('rice').move(1023).settle();
  t.deepEqual(b.said(), ['item.unresolved ambiguous choose 1023 g']);
  const [question] = b.fusion.openQuestions();
  t.deepEqual(b.identify('rice', { event: question?.event ?? '' }).said(), [
    'item.resolved added: 1 rice 1023 g',
  ]);
  // The milk is still at hand, the rice is not.
  t.deepEqual(b.move(1030).settle().said(), ['item.added 1 milk 1030 g']);
  t.deepEqual(b.wait(60).said(), []);
});

test('a pick of what weighs unlikely much is refused rather than explained by an exchange that nobody saw', (t) => {
  // Two milks in and the rice out would weigh about as much.
  const b = bench().scan('rice').move(1015).settle();
  b.scan('milk').move(1056).settle();
  const [question] = b.fusion.openQuestions();
  b.wait(1).scan('milk');
  b.said();
  t.throws(() => b.identify('milk', { event: question?.event ?? '' }), { code: 'CW-FUS-004' });
  t.deepEqual(b.said(), []);
});
