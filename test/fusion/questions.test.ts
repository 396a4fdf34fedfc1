import test from 'ava';
import { bench } from './shop.ts';

test('a scan of what the difference of two old questions weighs settles neither', (t) => {
  // An unknown thing of 885 g was put in, one of 623 g taken out: the difference is a butter's 262 g.
  const b = bench().move(1500).settle().move(885).settle().move(-623).settle();
  b.said();
  t.deepEqual(b.scan('butter').said(), []);
  t.deepEqual(b.move(262).said(), ['item.added 1 butter 262 g']);
});
