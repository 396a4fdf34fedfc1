import test from 'ava';
import fc from 'fast-check';
import { isCoded } from '#base/errors.ts';
import type { BasketSnapshot } from '#basket/basket.ts';
import { totalsOf } from '#basket/totals.ts';
import type { Payment, SaleContent, SaleLine } from '#store/records.ts';
import { needsOf, totalOf, withPolicy } from '#store/sales.ts';
import { afterAnswer, nextStep, type TillPolicy, type Wish } from '#store/till.ts';
import { readPrice, readTyped } from '#store/typed.ts';

const checkout = '6a1f0c7e-0000-8000-8000-000000000001';
const asks: TillPolicy = { pay: 'ask', weigh: 'ask', age: 'ask' };
const does: TillPolicy = { pay: 'auto', weigh: 'auto', age: 'auto' };

const line = (number: number, more: Partial<SaleLine> = {}): SaleLine => ({
  line: number,
  gtin: '04006381333931',
  name: 'A jar',
  count: 1,
  priceMinor: 200,
  priceStatus: 'final',
  entry: 'scan',
  ...more,
});

function basket(
  more: Partial<BasketSnapshot> = {},
  attempt: Partial<BasketSnapshot['checkout']> = {},
): BasketSnapshot {
  const totals = {
    currency: 'EUR',
    finalMinor: 200,
    estimateMinor: 0,
    atTill: 0,
    items: 1,
    open: 0,
    toPayMinor: 190,
  };
  return {
    session: 's',
    revision: 7,
    state: 'checkout',
    lines: [line(1)],
    totals,
    questions: [],
    ledger: '0011223344556677',
    sequence: 9,
    checkout: { checkout, revision: 7, unpriced: [], moving: false, ...attempt },
    ...more,
  } as BasketSnapshot;
}

const step = (
  one: BasketSnapshot | undefined,
  policy: TillPolicy,
  wish: Wish = {},
  payments: readonly Payment[] = [],
) => nextStep('till-1', 'cart-1', one, payments, policy, wish);

const payment: Payment = {
  reference: 'till-1-6a1f0c7e00008000-1',
  device: 'cart-1',
  checkout,
  revision: 7,
  totalMinor: 190,
  currency: 'EUR',
  outcome: 'paid',
  state: 'authorized',
};

test('a basket that is complete is authorized for what it comes to, under a name that a restart gives again', (t) => {
  t.deepEqual(step(basket(), does), { kind: 'authorize', payment });
  t.deepEqual(step(basket(), does), step(basket(), does));
});

test('nothing is done for a basket that is not at the till', (t) => {
  t.is(step(undefined, does), undefined);
  t.is(step(basket({ state: 'open' }), does), undefined);
  t.is(step(basket({ state: 'paid' }), does), undefined);
});

test('a payment in the book is asked about before anything else, whatever the basket says by now', (t) => {
  const others = [
    undefined,
    basket({ state: 'open' }),
    basket({ revision: 9 }, { revision: 9, unpriced: [1] }),
  ];
  for (const one of others) t.deepEqual(step(one, asks, {}, [payment]), { kind: 'settle', payment });
});

test('after a void the next try has a name of its own; after capture or decline there is none', (t) => {
  const next = step(basket({ revision: 8 }, { revision: 8 }), does, {}, [{ ...payment, state: 'voided' }]);
  t.is(next?.kind === 'authorize' ? next.payment.reference : '', 'till-1-6a1f0c7e00008000-2');
  t.is(step(basket(), does, {}, [{ ...payment, state: 'captured' }]), undefined);
  t.is(step(basket(), does, {}, [{ ...payment, state: 'declined', outcome: 'declined' }]), undefined);
});

test('what a cart refused is not authorized again until it says something new, or a person asks for it', (t) => {
  const voided = [{ ...payment, state: 'voided' as const }];
  t.deepEqual(step(basket(), does, {}, voided), { kind: 'wait', for: 'cart' });
  t.is(step(basket(), does, { pay: true }, voided)?.kind, 'authorize');
  t.is(step(basket({ revision: 8 }, { revision: 8 }), does, {}, voided)?.kind, 'authorize');
});

test('prices come first, then ages, then the money, and nothing is paid while something moves', (t) => {
  const loose = line(2, { priceStatus: 'estimate', priceMinor: 143 });
  const unpriced = basket(
    { lines: [line(1), loose], approvals: [{ minimumAge: 18, lines: [1] }] },
    { unpriced: [2] },
  );
  t.deepEqual(step(unpriced, asks), { kind: 'wait', for: 'price', lines: [2] });
  t.deepEqual(step(unpriced, asks, { prices: new Map([[2, 99]]) }), {
    kind: 'price',
    lines: [{ line: 2, priceMinor: 99 }],
  });
  t.deepEqual(step(unpriced, does), { kind: 'price', lines: [{ line: 2, priceMinor: 143 }] });
  const young = basket({ approvals: [{ minimumAge: 18, lines: [1] }] });
  t.deepEqual(step(young, { ...asks, pay: 'auto' }), { kind: 'wait', for: 'age', age: 18 });
  t.deepEqual(step(young, asks, { approve: true }), { kind: 'approve', age: 18 });
  t.deepEqual(step(basket(), asks), { kind: 'wait', for: 'pay' });
  t.deepEqual(step(basket({}, { moving: true }), does), { kind: 'wait', for: 'movement' });
  t.is(step(basket(), asks, { pay: true })?.kind, 'authorize');
});

test('a price that nobody can know is waited for, even where estimates are taken', (t) => {
  const atTill = basket({ lines: [line(2, { priceStatus: 'at-till', priceMinor: 0 })] }, { unpriced: [2] });
  t.deepEqual(step(atTill, does), { kind: 'wait', for: 'price', lines: [2] });
});

test('declined is told to the cart like paid, whatever is still missing', (t) => {
  const next = step(basket({}, { unpriced: [1] }), asks, { decline: true });
  t.like(next, { kind: 'authorize', payment: { outcome: 'declined', reference: payment.reference } });
});

test('what passes by itself is asked again; what the basket refuses voids the payment', (t) => {
  t.is(afterAnswer(payment, { status: 'done' }), 'captured');
  t.is(afterAnswer({ ...payment, outcome: 'declined' }, { status: 'done' }), 'declined');
  for (const code of ['CW-BSK-010', 'CW-CMD-003', 'CW-UPL-001']) {
    t.is(afterAnswer(payment, { status: 'refused', code }), undefined, code);
  }
  for (const code of ['CW-BSK-005', 'CW-BSK-006', 'CW-BSK-007', 'CW-BSK-008', 'CW-BSK-009', 'CW-BSK-014']) {
    t.is(afterAnswer(payment, { status: 'refused', code }), 'voided', code);
  }
});

const sale = (lines: readonly SaleLine[], totals: Partial<SaleContent['totals']> = {}): SaleContent => ({
  lines,
  totals: {
    currency: 'EUR',
    finalMinor: 200,
    estimateMinor: 0,
    atTill: 0,
    items: 1,
    open: 0,
    toPayMinor: 200,
    ...totals,
  },
  asked: 0,
  prices: {},
  approvedAge: 0,
});

test('a sale needs its prices and ages, and comes to what the cart said and the till priced', (t) => {
  const content = sale([
    line(1),
    line(2, { priceStatus: 'estimate', priceMinor: 143, savedMinor: 43 }),
    line(3, { minimumAge: 18 }),
    line(4, { minimumAge: 16, approved: true }),
  ]);
  t.deepEqual(needsOf(content), { unpriced: [2], age: 18 });
  t.deepEqual(needsOf(withPolicy(content, asks)), { unpriced: [2], age: 18 });
  const done = withPolicy(content, does);
  t.deepEqual(needsOf(done), { unpriced: [], age: undefined });
  t.is(totalOf(done), 200 + 100);
});

test('where tax is added, it is rounded over all lines of a rate together', (t) => {
  const taxes = [{ code: 'A', ratePpm: 70_000, baseMinor: 107, taxMinor: 7 }];
  const tax = { taxCode: 'A', taxRatePpm: 70_000 };
  const lines = [
    line(1, { ...tax, priceMinor: 107 }),
    line(2, { ...tax, priceStatus: 'at-till', priceMinor: 0 }),
  ];
  const content = sale(lines, {
    taxes,
    addedTaxMinor: 7,
    toPayMinor: 114,
  });
  // 7 % of 107 is 7.49, of 214 it is 14.98: 15, not twice 7.
  t.is(totalOf({ ...content, prices: { 2: 107 } }), 107 + 107 + 15);
});

test('a sale comes to what the cart itself would take at the same prices: tax, deposits, savings', (t) => {
  const lineOf = fc.record({
    priceStatus: fc.constantFrom('final' as const, 'estimate' as const, 'at-till' as const),
    count: fc.integer({ min: 1, max: 5 }),
    estimateMinor: fc.integer({ min: 1, max: 9_999 }),
    finalMinor: fc.integer({ min: 0, max: 9_999 }),
    depositEachMinor: fc.constantFrom(0, 8, 25, 1_000),
    tax: fc.constantFrom(undefined, ['A', 190_000] as const, ['B', 70_000] as const),
    savedMinor: fc.integer({ min: 0, max: 300 }),
  });
  const taxesOf = fc.option(fc.record({ included: fc.boolean(), depositsTaxed: fc.boolean() }), {
    nil: undefined,
  });
  fc.assert(
    fc.property(fc.array(lineOf, { maxLength: 6 }), taxesOf, (drawn, taxes) => {
      const terms = { currency: 'EUR', open: 0, taxes };
      const lines = drawn.map(({ priceStatus, count, estimateMinor, depositEachMinor, tax, savedMinor }) => {
        const priceMinor = priceStatus === 'at-till' ? 0 : estimateMinor;
        const saved = Math.min(savedMinor, priceMinor);
        return {
          count,
          priceMinor,
          priceStatus,
          savings: saved === 0 ? [] : [{ promotion: 'p', name: 'P', savedMinor: saved }],
          ...(depositEachMinor === 0 ? {} : { depositEachMinor }),
          ...(tax === undefined ? {} : { taxCode: tax[0], taxRatePpm: tax[1] }),
        };
      });
      const onCart = lines.map((one, index) => {
        const priceMinor = drawn[index]?.finalMinor ?? 0;
        if (one.priceStatus === 'final') return one;
        const savings = one.savings.map((saving) => ({
          ...saving,
          savedMinor: Math.min(saving.savedMinor, priceMinor),
        }));
        return { ...one, priceMinor, savings, priceStatus: 'final' as const };
      });
      const content: SaleContent = {
        lines: lines.map(({ savings, depositEachMinor, ...one }, index) => ({
          ...line(index + 1),
          ...one,
          ...(savings[0] === undefined ? {} : { savings, savedMinor: savings[0].savedMinor }),
          ...(depositEachMinor === undefined ? {} : { depositMinor: one.count * depositEachMinor }),
        })),
        totals: totalsOf(lines, terms),
        ...(taxes === undefined ? {} : { taxes }),
        asked: 0,
        prices: Object.fromEntries(drawn.map(({ finalMinor }, index) => [String(index + 1), finalMinor])),
        approvedAge: 0,
      };
      return totalOf(content) === totalsOf(onCart, terms).toPayMinor;
    }),
    { seed: 5, numRuns: 2_000 },
  );
  t.pass();
});

test('what a cart of an earlier version did not tell of its taxes is seen from what it told', (t) => {
  const tax = { taxCode: 'A', taxRatePpm: 190_000 };
  const lines = [
    line(1, { ...tax, priceMinor: 100, depositMinor: 1_000 }),
    line(2, { ...tax, priceStatus: 'at-till', priceMinor: 0, depositMinor: 1_000 }),
  ];
  // 19 % of 11.00 are 2.09: the deposit is taxed. The second line then adds 19 % of 60.00.
  const taxed = sale(lines, { addedTaxMinor: 209, toPayMinor: 2_309 });
  t.is(totalOf({ ...taxed, prices: { 2: 5_000 } }), 2_309 + 5_000 + 1_140);
  const untaxed = sale(lines, { addedTaxMinor: 19, toPayMinor: 2_119 });
  t.is(totalOf({ ...untaxed, prices: { 2: 5_000 } }), 2_119 + 5_000 + 950);
});

test('typed lines are read, or refused with a code', (t) => {
  t.is(readTyped('   '), undefined);
  t.deepEqual(readTyped(' pay  cart-0001 '), { what: 'work', work: { what: 'pay', on: 'cart-0001' } });
  t.deepEqual(readTyped('price 4 2 1.99'), {
    what: 'work',
    work: { what: 'price', on: '4', line: 2, price: '1.99' },
  });
  t.deepEqual(readTyped('quit'), { what: 'quit' });
  for (const text of [
    'sing',
    'pay',
    'pay a b',
    'price a',
    'price a x 1',
    'price a 0 1',
    'quit now',
    'price a 1 2 3',
  ]) {
    const error = t.throws(() => readTyped(text));
    t.true(isCoded(error) && error.code === 'CW-STO-006', text);
  }
});

test('prices are read in the currency of the basket', (t) => {
  t.is(readPrice('2.49', 'EUR'), 249);
  t.is(readPrice('2,5', 'EUR'), 250);
  t.is(readPrice('3', 'EUR'), 300);
  t.is(readPrice('249', 'JPY'), 249);
  t.is(readPrice('1.234', 'KWD'), 1234);
  for (const [text, currency] of [
    ['2.499', 'EUR'],
    ['2.5', 'JPY'],
    ['-1', 'EUR'],
    ['1e3', 'EUR'],
    ['', 'EUR'],
    ['2.', 'EUR'],
  ] as const) {
    const error = t.throws(() => readPrice(text, currency), undefined, text);
    t.true(isCoded(error) && error.code === 'CW-STO-005', text);
  }
});
