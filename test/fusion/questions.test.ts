import test from 'ava';
import { bench } from './shop.ts';

test('a scan of what the difference of two old questions weighs settles neither', (t) => {
  // An unknown thing of 885 g was put in, one of 623 g taken out: the difference is a butter's 262 g.
  const b = bench().move(1500).settle().move(885).settle().move(-623).settle();
  b.said();
  t.deepEqual(b.scan('butter').said(), []);
  t.deepEqual(b.move(262).said(), ['item.added 1 butter 262 g']);
});

test('what is asked about because it weighs unlikely much is settled by scanning it again', (t) => {
  const b = bench().scan('milk').move(1050).settle();
  t.deepEqual(b.said(), ['item.unresolved unknown-added scan-it 1050 g']);
  t.deepEqual(b.wait(1.5).scan('milk').said(), ['item.resolved added: 1 milk 1050 g']);
  // The second scan was of the same milk: nothing waits to be placed.
  t.deepEqual(b.wait(30).said(), []);
});

test('scanning again what something else lies under does not charge it', (t) => {
  const b = bench().scan('soap').move(1015).settle();
  b.said();
  t.deepEqual(b.wait(1.5).scan('soap').said(), []);
  t.deepEqual(b.wait(1.5).scan('soap').said(), []);
});
