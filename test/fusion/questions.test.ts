import test from 'ava';
import { FusionError } from '#fusion/errors.ts';
import { maximumScans } from '#fusion/priors.ts';
import { bench, crowd } from './shop.ts';

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

test('a scanned thing that was exchanged for one of about its mass is known by its scan however late it is picked', (t) => {
  const b = bench().scan('milk').move(1030).settle().wait(20);
  b.scan('rice').move(-15).settle();
  const asked = b.emitted.at(-1);
  t.is(asked?.type, 'item.unresolved');
  b.said();
  // The scan waits with the question: nobody is asked to place it.
  t.deepEqual(b.wait(60).said(), []);
  t.deepEqual(
    b
      .identify('rice', { event: asked?.id ?? '' })
      .said()
      .toSorted(),
    ['item.added 1 rice 1015 g', 'item.resolved removed: 1 milk -1030 g'],
  );
});

test('a pick names what came in an exchange that nobody scanned, and the next one what went', (t) => {
  const b = bench().scan('milk').move(1030).settle().scan('rice').move(1015).settle().wait(20);
  // A jam of 700 g came, and a milk or a rice went.
  b.move(-322).settle();
  const event = b.emitted.at(-1)?.id ?? '';
  b.said();
  t.deepEqual(b.identify('jam', { event }).said(), []);
  t.deepEqual(b.identify('milk', { event }).said().toSorted(), [
    'item.added 1 jam 708 g',
    'item.resolved removed: 1 milk -1030 g',
  ]);
});

test('a pick of what was scanned and weighs too much is no second one that something else went out for', (t) => {
  // 1,055 g under the code of a milk of 1,030 g; two milks less the rice inside would be 1,045 g.
  const b = bench().scan('rice').move(1015).settle().wait(20);
  b.scan('milk').move(1055).settle();
  const event = b.emitted.at(-1)?.id ?? '';
  b.said();
  const error = t.throws(() => b.wait(5).identify('milk', { event }), { instanceOf: FusionError });
  t.is(error?.code, 'CW-FUS-004');
  t.deepEqual(b.said(), []);
});

test('picks for one question are held as long as its mass can hold them, and never more than scans are', (t) => {
  for (const [name, massG] of [
    ['jam', 3000],
    ['soap', 4000],
  ] as const) {
    const b = bench().scan('yoghurt').scan('yoghurt').move(massG).settle();
    const asked = b.emitted.at(-1);
    t.is(asked?.type === 'item.unresolved' ? asked.data.kind : undefined, 'mixed');
    b.said();
    const before = b.fusion.saveState().scans.length;
    const refusals: string[] = [];
    for (let pick = 0; pick < 40; pick++) {
      try {
        b.identify(name, { event: asked?.id ?? '' });
      } catch (error) {
        if (!(error instanceof FusionError)) throw error;
        refusals.push(error.code);
      }
    }
    const held = b.fusion.saveState().scans.length;
    t.true(held > before, 'a pick of one of several waits for the others');
    t.true(held <= maximumScans);
    t.true((held - before) * b.massOf(name) < massG);
    t.is(refusals.length, 40 - (held - before), 'each that is not held is refused');
    t.deepEqual([...new Set(refusals)], ['CW-FUS-004']);
  }
});

test('a pick of an exchange waits for the next one only where there is room for it', (t) => {
  const b = bench().scan('milk').move(1030).settle().scan('rice').move(1015).settle().wait(20);
  b.move(-322).settle();
  const event = b.emitted.at(-1)?.id ?? '';
  // Too heavy for any exchange with what is inside.
  for (const { name } of crowd.slice(-maximumScans)) b.scan(name);
  t.is(b.fusion.saveState().scans.length, maximumScans);
  b.said();
  const error = t.throws(() => b.identify('jam', { event }), { instanceOf: FusionError });
  t.is(error?.code, 'CW-FUS-004');
  t.is(b.fusion.saveState().scans.length, maximumScans);
  t.deepEqual(b.said(), []);
});
