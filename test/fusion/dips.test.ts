import test from 'ava';
import { weighedApart } from '#fusion/dip.ts';
import type { Change, Part } from '#fusion/types.ts';
import { Bench, each } from './harness.ts';
import { crowd } from './shop.ts';

/** A cart with pasta in it among other things. */
function full(): Bench {
  const b = new Bench([...crowd, each('pasta', 505, 4), each('noodles', 508, 4), each('rice', 1025, 6)]);
  for (const name of ['filler20', 'filler30', 'filler40', 'filler50', 'pasta']) {
    b.scan(name).move(b.massOf(name)).wait(1);
  }
  b.said();
  return b;
}

test('a swap for a thing of the same mass that was scanned is decided where the plate dipped by what went out', (t) => {
  t.deepEqual(full().scan('noodles').move(6, { dipG: 505 }).settle().said(), [
    'item.removed 1 pasta -505 g',
    'item.added 1 noodles 511 g',
  ]);
});

test('the same without a dip is nothing: goods lie still, and the scanned thing is waited for', (t) => {
  t.deepEqual(full().scan('noodles').move(0.5, { dipG: 0 }).settle().said(), []);
});

test('a thing that is lifted and set down again is nothing, dip or not', (t) => {
  t.deepEqual(full().move(0.3, { dipG: 505 }).settle().said(), []);
});

test('a swap that nobody scanned is asked about as an exchange where the plate dipped and weighs something else', (t) => {
  const b = full().move(12, { dipG: 505 }).settle();
  const [question] = b.fusion.openQuestions();
  t.is(question?.ask, 'choose');
  b.said();
  b.identify('noodles', { event: question?.event ?? '' });
  t.deepEqual(b.said(), ['item.removed 1 pasta -504 g', 'item.resolved added: 1 noodles 516 g']);
});

test('a pick of what went out in an exchange is not taken for what came', (t) => {
  const b = full().move(12, { dipG: 505 }).settle();
  const event = b.fusion.openQuestions()[0]?.event ?? '';
  b.said();
  t.deepEqual(b.identify('pasta', { event }).said(), []);
  b.identify('noodles', { event });
  t.deepEqual(b.said(), ['item.removed 1 pasta -504 g', 'item.resolved added: 1 noodles 516 g']);
});

test('a dip that is not what went out vouches for nothing', (t) => {
  const change = { massMg: 3_000, dipMg: 505_000, varMg2: 1e6 } as Change;
  const part = (sign: 1 | -1, meanMg: number) =>
    ({ sign, meanMg, varMg2: 4e6, scans: [] }) as unknown as Part;
  t.true(weighedApart(change, [part(1, 508_000), part(-1, 505_000)]));
  t.false(weighedApart(change, [part(1, 908_000), part(-1, 905_000)]));
  t.false(weighedApart(change, [part(1, 3_000)]), 'nothing goes out');
  t.false(
    weighedApart({ ...change, dipMg: 4_000 }, [part(1, 8_000), part(-1, 5_000)]),
    'a hand may have pressed',
  );
});
