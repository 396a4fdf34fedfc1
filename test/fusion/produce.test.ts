import test from 'ava';
import { Bench, each, loose } from './harness.ts';
import { bench } from './shop.ts';

const shop = () =>
  new Bench([
    loose('bananas', '4011', 900),
    loose('apples', '4017', 850),
    loose('lemons', '4053', 380),
    ...Array.from({ length: 60 }, (_, at) =>
      each(`${String.fromCharCode(97 + (at % 26))}${at}`, 100 + 31 * at),
    ),
  ]);

test('produce that a camera names is added without a scan or a pick', (t) => {
  const b = shop().move(886).see('bananas', 0.95).settle();
  const [event] = b.emitted;
  t.is(event?.type === 'item.added' ? event.data.entry : event?.type, 'look');
  t.deepEqual(b.said(), ['item.added 1 bananas 886 g']);
});

test('produce is asked about where no camera names it, or none is sure', (t) => {
  t.regex(shop().move(886).settle().said().join(), /^item\.unresolved/);
  t.regex(shop().move(886).see('bananas', 0.3).settle().said().join(), /^item\.unresolved/);
});

test('what a camera saw of one movement is not held against the next one', (t) => {
  const b = shop().move(886);
  b.see('bananas', 0.95, 'basket', b.nowUs).wait(0.3);
  b.move(793, { afterS: 1 });
  b.see('apples', 0.95, 'basket', b.nowUs);
  t.deepEqual(b.settle().said(), ['item.added 1 bananas 886 g', 'item.added 1 apples 793 g']);
});

test('a pick of loose produce is of the next thing where a code was read for what is asked about', (t) => {
  const b = bench().scan('milk').move(880).settle().wait(1);
  t.regex(b.said().join(), /item\.unresolved/);
  t.deepEqual(b.identify('bananas').said(), []);
  t.deepEqual(b.move(800).said(), ['item.added 1 bananas 800 g']);
});
