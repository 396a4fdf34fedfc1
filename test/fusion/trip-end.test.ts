import test from 'ava';
import { bench } from './shop.ts';

test('the end of a trip takes everything with it', (t) => {
  const b = bench().scan('milk').move(1030).move(333).scan('jam');
  b.fusion.endSession(b.nowUs);
  b.said();
  t.deepEqual(b.fusion.contents('basket'), []);
  t.deepEqual(b.fusion.openQuestions(), []);
  t.deepEqual(b.wait(300).said(), []);
  b.fusion.beginSession();
  t.deepEqual(b.scan('milk').move(1030).said(), ['item.added 1 milk 1030 g']);
});

test('what was bought is unloaded without a question, piece by piece or at once', (t) => {
  const b = bench().scan('milk').move(1030).settle().scan('jam').move(700).settle();
  b.fusion.endSession(b.nowUs);
  b.said();
  t.deepEqual(b.move(-1029).settle().move(-703).settle().said(), []);
  t.regex(b.move(-200).settle().said().join(), /^item\.unresolved/, 'nothing was left to unload');
  const all = bench().scan('milk').move(1030).settle().scan('jam').move(700).settle();
  all.fusion.endSession(all.nowUs);
  all.said();
  all.restart();
  t.deepEqual(all.move(-1731).settle().said(), [], 'also after a restart');
});

test('what is put in after the trip has ended is an item again, and the next trip has nothing to unload', (t) => {
  const b = bench().scan('milk').move(1030).settle();
  b.fusion.endSession(b.nowUs);
  b.said();
  t.deepEqual(b.scan('jam').move(700).said(), ['item.added 1 jam 700 g']);
  b.fusion.beginSession();
  t.regex(b.move(-1030).settle().said().join(), /^item\.unresolved/);
});

test('produce picked for nothing does not claim a strange thing that comes later', (t) => {
  const b = bench();
  b.identify('bananas');
  b.said();
  b.wait(11);
  t.regex(b.move(331.7).settle().said().join(), /^item\.unresolved/);
});
