import test from 'ava';
import { Bench, each } from './harness.ts';
import { crowd } from './shop.ts';

const shop = [...crowd, each('pasta', 505, 4), each('noodles', 508, 4)];

/** Pasta goes in without a scan and is left alone; then noodles of nearly its mass are scanned. */
function taken(): Bench {
  const b = new Bench(shop).move(507).settle();
  b.said();
  b.wait(2).scan('noodles');
  return b;
}

test('a scan that was taken for an answer goes to the thing of its mass that is put in right after it, and the question is asked again', (t) => {
  const b = taken();
  t.deepEqual(b.said(), ['item.resolved added: 1 noodles 507 g']);
  t.deepEqual(b.move(508).said(), [
    'item.corrected nothing: 1 noodles 0 g',
    'item.unresolved unknown-added scan-it 507 g',
    'item.added 1 noodles 508 g',
  ]);
  const [question] = b.fusion.openQuestions();
  t.deepEqual(b.identify('pasta', { event: question?.event ?? '' }).said(), [
    'item.resolved added: 1 pasta 507 g',
  ]);
});

test('an answer stays where another thing follows, one later, or one with a scan of its own', (t) => {
  const other = taken();
  other.said();
  t.false(other.move(30).settle().said().join().includes('corrected'), 'of another mass');
  const later = taken();
  later.said();
  t.false(later.move(508, { afterS: 4 }).settle().said().join().includes('corrected'), 'later');
  const own = new Bench(shop).move(507).settle().scan('noodles');
  own.said();
  t.false(own.move(508).settle().said().join().includes('corrected'), 'scanned right after it was placed');
  const scanned = taken();
  scanned.said();
  t.deepEqual(scanned.wait(0.5).scan('noodles').move(508).said(), ['item.added 1 noodles 508 g']);
});
