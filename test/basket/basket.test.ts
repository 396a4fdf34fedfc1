import test from 'ava';
import { BasketError } from '#basket/errors.ts';
import { apples, beans, goods, milk, Trolley, unpriced, unpricedPears } from './support.ts';

const opened = (products = goods) => {
  const trolley = new Trolley(products);
  trolley.basket.open({ by: 'token', token: 'QR-1234' });
  return trolley;
};
const prices = (trolley: Trolley) =>
  trolley.lines().map(({ line, count, priceMinor, priceStatus }) => [line, count, priceMinor, priceStatus]);

test('Units of one product at one price share a line', (t) => {
  const trolley = opened();
  trolley.add(milk);
  trolley.add(beans);
  trolley.add(milk, 2);
  t.deepEqual(prices(trolley), [
    [1, 1, 129, 'final'],
    [2, 1, 99, 'final'],
    [1, 3, 387, 'final'],
  ]);
  t.deepEqual(trolley.basket.totals(), {
    currency: 'EUR',
    finalMinor: 486,
    estimateMinor: 0,
    atTill: 0,
    items: 4,
    open: 0,
    savedMinor: 0,
    estimateSavedMinor: 0,
    depositMinor: 0,
    taxes: [],
    addedTaxMinor: 0,
    toPayMinor: 486,
    probableMinor: 486,
  });
});

test('A line keeps the price it was added at when the catalogue changes', (t) => {
  const trolley = opened();
  trolley.add(milk);
  trolley.restart([{ ...milk, priceMinor: 500 }, beans]);
  trolley.add(milk);
  t.deepEqual(prices(trolley), [
    [1, 1, 129, 'final'],
    [2, 1, 500, 'final'],
  ]);
  trolley.remove(milk, 2);
  t.is(trolley.basket.totals().finalMinor, 0);
});

test("A label's price makes a line of its own, which takes up no other unit", (t) => {
  const trolley = opened();
  trolley.add(milk);
  trolley.add(milk, 1, { priceMinor: 50 });
  trolley.add(unpriced, 1, { priceMinor: 300 });
  trolley.add(unpriced);
  trolley.add(unpriced);
  t.deepEqual(prices(trolley), [
    [1, 1, 129, 'final'],
    [2, 1, 50, 'final'],
    [3, 1, 300, 'final'],
    [4, 1, 0, 'at-till'],
    [4, 2, 0, 'at-till'],
  ]);
  t.is(trolley.basket.totals().atTill, 1);
});

test('A price by weight is an estimate without a certified scale, and final with one', (t) => {
  const trolley = opened();
  trolley.add(apples, 1, { massMg: 502_513 });
  trolley.add(apples, 1, { massMg: 502_513, certificateId: 'T1234' });
  trolley.add(unpricedPears, 1, { massMg: 1_000_000 });
  t.deepEqual(prices(trolley), [
    [1, 1, 100, 'estimate'],
    [2, 1, 100, 'final'],
    [3, 1, 0, 'at-till'],
  ]);
  t.is(trolley.lines()[1]?.certificateId, 'T1234');
});

test('Of weighed lines, the one whose mass left is taken off', (t) => {
  const trolley = opened();
  trolley.add(apples, 1, { massMg: 400_000 });
  trolley.add(apples, 1, { massMg: 900_000 });
  trolley.add(apples, 1, { massMg: 650_000 });
  trolley.remove(apples, 1, { massMg: -895_000 });
  const last = trolley.lines().at(-1);
  t.deepEqual([last?.line, last?.count, last?.priceMinor, last?.massMg], [2, 0, 0, 0]);
});

test('A labelled line of several units gives back the price of each as it is taken out', (t) => {
  const trolley = opened();
  trolley.add(milk, 3, { priceMinor: 100, massMg: 300_000 });
  trolley.remove(milk);
  trolley.remove(milk);
  trolley.remove(milk);
  t.deepEqual(
    trolley.lines().map(({ count, priceMinor, massMg }) => [count, priceMinor, massMg]),
    [
      [3, 100, 300_000],
      [2, 67, 200_000],
      [1, 33, 100_000],
      [0, 0, 0],
    ],
  );
});

test('No more units leave the basket than are in it', (t) => {
  const trolley = opened();
  trolley.add(milk, 2);
  trolley.remove(milk, 5);
  trolley.remove(milk);
  t.deepEqual(
    trolley.lines().map(({ change }) => change),
    [2, -2],
  );
  t.is(trolley.basket.totals().items, 0);
});

test('A question is open until it is answered, whatever the answer is', (t) => {
  const trolley = opened();
  for (const outcome of ['added', 'removed', 'put-back', 'withdrawn', 'not-an-item'] as const) {
    const question = trolley.ask();
    const before = trolley.basket.snapshot('', 0);
    t.deepEqual(before?.questions, [question]);
    t.is(trolley.basket.totals().open, 1);
    trolley.answer(question, outcome, outcome === 'removed' ? beans : undefined);
    const after = trolley.basket.snapshot('', 0);
    t.deepEqual(after?.questions, [], outcome);
    t.true((after?.revision ?? 0) > (before?.revision ?? 0), `${outcome} is a change of the basket`);
  }
});

test('An answer that names a product puts it on a line', (t) => {
  const trolley = opened();
  trolley.answer(trolley.ask(), 'added', milk, 2);
  t.deepEqual(prices(trolley), [[1, 2, 258, 'final']]);
  t.is(trolley.lines()[0]?.totals.open, 0);
});

test('A correction undoes what the corrected event did and says what holds instead', (t) => {
  const trolley = opened();
  trolley.add(milk);
  const wrong = trolley.add(milk);
  const right = trolley.correct(wrong, 'added', beans);
  t.deepEqual(
    trolley.lines().map(({ line, change }) => [line, change]),
    [
      [1, 1],
      [1, 1],
      [1, -1],
      [2, 1],
    ],
  );
  t.is(trolley.basket.totals().finalMinor, 129 + 99);
  trolley.correct(wrong, 'nothing');
  t.is(trolley.basket.totals().finalMinor, 129 + 99, 'an event is corrected once');
  trolley.correct(right, 'nothing');
  t.is(trolley.basket.totals().finalMinor, 129, 'a correction can be corrected');
});

test('A removal that is corrected brings a weighed line back at its price, also after a restart', (t) => {
  const trolley = opened();
  trolley.add(apples, 1, { massMg: 500_000 });
  const wrong = trolley.remove(apples, 1, { massMg: -500_000 });
  trolley.restart().correct(wrong, 'nothing');
  const last = trolley.lines().at(-1);
  t.deepEqual([last?.count, last?.priceMinor, last?.massMg], [1, 100, 500_000]);
});

test('Goods put in without a session raise one alert each and no line', (t) => {
  const trolley = new Trolley();
  const cause = trolley.add(milk, 2, { massMg: 812_000 });
  trolley.add({
    key: 'gtin:?',
    gtin: '99999999999999',
    name: 'not in the catalogue',
    sale: 'each',
    look: '?',
  });
  trolley.remove(milk);
  trolley.answer(trolley.ask(), 'put-back');
  const alerts = trolley.events.filter((event) => event.type.startsWith('basket.'));
  t.is(alerts.length, 2);
  t.deepEqual(alerts[0]?.causes, [cause]);
  t.deepEqual(alerts[0]?.data, {
    kind: 'no-session',
    massMg: 812_000,
    probabilityPpm: 990_000,
    plate: 'basket',
    blocking: false,
  });
});

test('The end of a session carries the lines that are left, the totals and the open questions', (t) => {
  const trolley = opened();
  trolley.add(milk);
  trolley.add(beans);
  trolley.remove(milk);
  const question = trolley.ask();
  const session = trolley.basket.session;
  const last = trolley.basket.close();
  const closed = trolley.events.at(-1);
  t.is(closed?.type, 'basket.closed');
  if (closed?.type !== 'basket.closed') return;
  t.is(closed.session, session);
  t.deepEqual(
    closed.data.lines.map(({ name }) => name),
    [beans.name],
  );
  t.deepEqual(closed.data.totals, last.totals);
  t.deepEqual(closed.data.totals, {
    currency: 'EUR',
    finalMinor: 99,
    estimateMinor: 0,
    atTill: 0,
    items: 1,
    open: 1,
    savedMinor: 0,
    estimateSavedMinor: 0,
    depositMinor: 0,
    taxes: [],
    addedTaxMinor: 0,
    toPayMinor: 99,
    probableMinor: 99,
  });
  t.deepEqual(closed.data.unsettled, [question]);
  t.is(trolley.basket.session, undefined);
  t.is(trolley.basket.snapshot('', 0), undefined);
});

test('Two sessions of one token are two sessions, with lines numbered from 1', (t) => {
  const trolley = opened();
  const first = trolley.basket.session;
  trolley.add(milk);
  trolley.basket.close();
  trolley.restart().basket.open({ by: 'token', token: 'QR-1234' });
  t.not(trolley.basket.session, first);
  trolley.add(beans);
  t.is(trolley.lines().at(-1)?.line, 1);
});

test('A session is opened once and closed once', (t) => {
  const trolley = new Trolley();
  t.is(t.throws(() => trolley.basket.close(), { instanceOf: BasketError })?.code, 'CW-BSK-002');
  trolley.basket.open({ by: 'command' });
  t.is(
    t.throws(() => trolley.basket.open({ by: 'token', token: 'x' }), { instanceOf: BasketError })?.code,
    'CW-BSK-001',
  );
});

test('Only the token that opened the session is its key', (t) => {
  const trolley = new Trolley();
  trolley.basket.open({ by: 'command' });
  t.false(trolley.basket.isOpenedBy(''));
  trolley.basket.close();
  trolley.basket.open({ by: 'token', token: 'QR-1234' });
  t.true(trolley.restart().basket.isOpenedBy('QR-1234'));
  t.false(trolley.basket.isOpenedBy('QR-12345'));
  trolley.basket.close();
  t.false(trolley.basket.isOpenedBy('QR-1234'));
});

test('State of another version is refused', (t) => {
  const trolley = new Trolley();
  const state = { ...trolley.basket.saveState(), version: 2 };
  trolley.basket.saveState = () => state as never;
  t.is(t.throws(() => trolley.restart(), { instanceOf: BasketError })?.code, 'CW-BSK-003');
});
