import test from 'ava';
import { Bench, each, loose } from './harness.ts';

/** Few products, and hardly anything else: a mass alone names one, and 487 g is a tin. */
const shop = () =>
  new Bench([each('tin', 487, 1), each('jar', 731, 1), each('cup', 152, 1), loose('apples', '4011')], {
    config: { unscannedUnknownPrior: 0.001, decideProbabilityPpm: 900_000, marginPpm: 800_000 },
  });
const unlisted = '04099999999999';

test('what a mass alone would name is asked about once an unlisted thing was scanned, and staff is called', (t) => {
  t.deepEqual(shop().move(487).settle().said(), ['item.added 1 tin 487 g'], 'the mass alone would do');
  const b = shop().scanUnlisted(unlisted).move(487).settle();
  const [question] = b.emitted;
  t.is(question?.type, 'item.unresolved');
  const [scan] = question?.data.evidence.scans ?? [];
  t.is(scan?.gtin, unlisted);
  t.true(scan?.event !== undefined && question?.causes?.includes(scan.event));
  t.deepEqual(b.said(), ['item.unresolved unknown-added call-staff 487 g']);
  t.deepEqual(
    b.fusion.openQuestions().map(({ ask }) => ask),
    ['call-staff'],
  );
});

test('a scan of an unlisted thing in the time to decide counts as well', (t) => {
  const b = shop().move(487).scanUnlisted(unlisted).settle();
  t.deepEqual(b.said(), ['item.unresolved unknown-added call-staff 487 g']);
});

test('an unlisted thing scanned for a question that asks for a scan turns it into a call for staff', (t) => {
  const b = shop().move(333).settle();
  t.deepEqual(b.said(), ['item.unresolved unknown-added scan-it 333 g']);
  b.scanUnlisted(unlisted);
  t.deepEqual(
    b.fusion.openQuestions().map(({ ask }) => ask),
    ['call-staff'],
  );
  t.deepEqual(b.move(487, { afterS: 3 }).settle().said(), ['item.added 1 tin 487 g'], 'it was of that one');
});

test('what is scanned and fits is sold while an unlisted thing is in the hand, and that one is asked about next', (t) => {
  const b = shop().scanUnlisted(unlisted).scan('jar').move(731).settle();
  t.deepEqual(b.said(), ['item.added 1 jar 731 g']);
  t.deepEqual(b.move(487).settle().said(), ['item.unresolved unknown-added call-staff 487 g']);
});

test('an unlisted thing and a listed one put in together are one question that names both scans', (t) => {
  const b = shop()
    .scanUnlisted(unlisted)
    .scan('jar')
    .move(731 + 210)
    .settle();
  const [question] = b.emitted;
  t.deepEqual(question?.data.evidence.scans?.map(({ gtin }) => gtin).sort().length, 2);
  t.regex(b.said().join(), /^item\.unresolved (mixed|unknown-added) call-staff 941 g$/);
});

test('two unlisted things make two questions, each with its scan', (t) => {
  const b = shop().scanUnlisted(unlisted).scanUnlisted('04088888888888');
  b.move(487).settle().move(152).settle();
  t.deepEqual(b.said(), [
    'item.unresolved unknown-added call-staff 487 g',
    'item.unresolved unknown-added call-staff 152 g',
  ]);
});

test('the same unlisted code scanned again and again is one thing', (t) => {
  const b = shop().scanUnlisted(unlisted).scanUnlisted(unlisted).scanUnlisted(unlisted);
  b.move(333).settle();
  t.is(b.said().length, 1);
  t.deepEqual(b.move(487, { afterS: 5 }).settle().said(), ['item.added 1 tin 487 g']);
});

test('an unlisted thing that is never put in is not asked about, and holds nothing up for long', (t) => {
  const b = shop().scanUnlisted(unlisted).wait(60);
  t.deepEqual(b.said(), []);
  t.deepEqual(b.move(487).settle().said(), ['item.added 1 tin 487 g']);
  t.deepEqual(b.scanUnlisted(unlisted).scan('jar').move(731).settle().said(), ['item.added 1 jar 731 g']);
  t.deepEqual(b.scan('cup').move(152).settle().said(), ['item.added 1 cup 152 g']);
});

test('taking something out is no less certain for an unlisted scan', (t) => {
  const b = shop().scan('jar').move(731).settle();
  b.said();
  t.deepEqual(b.scanUnlisted(unlisted).move(-731).settle().said(), ['item.removed 1 jar -731 g']);
});

test('an unlisted scan survives a restart, and ends with its trip', (t) => {
  const b = shop().scanUnlisted(unlisted).restart(5_000_000).move(487).settle();
  t.deepEqual(b.said(), ['item.unresolved unknown-added call-staff 487 g']);
  const next = shop().scanUnlisted(unlisted);
  next.fusion.endSession(next.nowUs);
  next.fusion.beginSession();
  t.deepEqual(next.move(487).settle().said(), ['item.added 1 tin 487 g']);
});
