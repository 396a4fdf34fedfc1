import test from 'ava';
import type { Settlement } from '#basket/checkout.ts';
import { BasketError } from '#basket/errors.ts';
import type { EventType } from '#events/catalog.ts';
import type { EventOf } from '#events/event.ts';
import { apples, beans, milk, Trolley, unpriced } from './support.ts';

const staff = { role: 'staff', who: '17' } as const;
const wine = { ...beans, minimumAge: 18 };

/** A trolley with a bottle of milk, its trip opened by a token. */
function shopping(): Trolley {
  const trolley = new Trolley([milk, wine, unpriced, apples]);
  trolley.basket.open({ by: 'token', token: 'QR-1234' });
  trolley.add(milk);
  trolley.nowUs += 5_000_000;
  return trolley;
}

const of = <Type extends EventType>(trolley: Trolley, type: Type) =>
  trolley.events.filter((event) => event.type === type) as unknown as EventOf<Type>[];

/** What a till says that was told of the attempt as it stands now. */
function paying(trolley: Trolley, changes: Partial<Settlement> = {}): Settlement {
  const basket = trolley.basket.snapshot('', 0);
  return {
    checkout: basket?.checkout?.checkout ?? '',
    revision: basket?.revision ?? 0,
    totalMinor: basket?.totals.toPayMinor ?? 0,
    outcome: 'paid',
    reference: 'T-1',
    ...changes,
  };
}

const settle = (trolley: Trolley, changes: Partial<Settlement> = {}) =>
  trolley.basket.checkout.settle(paying(trolley, changes), trolley.basket.isMoving);

const refusal = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof BasketError) return error.code;
    throw error;
  }
  return 'done';
};

test('Payment and receipt are told together, and the receipt has what was paid for', (t) => {
  const trolley = shopping();
  const attempt = trolley.basket.checkout.begin(false);
  t.is(attempt.totals.toPayMinor, 129);
  t.is(trolley.basket.state, 'checkout');
  settle(trolley);
  const [paid, closed] = trolley.events.slice(-2);
  t.is(paid?.type, 'basket.paid');
  t.is(closed?.type, 'basket.closed');
  if (paid?.type !== 'basket.paid' || closed?.type !== 'basket.closed') return;
  t.is(paid.atUs, closed.atUs, 'no time passes between them');
  t.deepEqual(closed.causes, [paid.id]);
  t.is(closed.data.outcome, 'paid');
  t.deepEqual(closed.data.paid, paid.data);
  t.deepEqual(
    closed.data.lines.map(({ name, priceMinor }) => [name, priceMinor]),
    [[milk.name, 129]],
  );
  t.is(trolley.basket.state, 'paid');
  t.is(trolley.basket.session, undefined);
  t.is(trolley.basket.snapshot('', 0)?.paid?.totalMinor, 129);
});

test('A checkout that is asked for again is the same attempt; one after a refusal is another', (t) => {
  const trolley = shopping();
  const first = trolley.basket.checkout.begin(false);
  t.deepEqual(trolley.basket.checkout.begin(false), first);
  t.is(of(trolley, 'basket.checkout').length, 1);
  settle(trolley, { outcome: 'declined' });
  t.is(trolley.basket.state, 'open');
  t.is(of(trolley, 'basket.reopened')[0]?.data.reason, 'declined');
  t.not(trolley.basket.checkout.begin(false).checkout, first.checkout);
});

test('A settlement of another attempt, revision or total is refused, and the attempt goes on', (t) => {
  const trolley = shopping();
  trolley.basket.checkout.begin(false);
  const before = trolley.events.length;
  const other = '7c1d9b34-58e0-8a26-8b1f-33d06a2c5e41';
  t.is(
    refusal(() => settle(trolley, { checkout: other })),
    'CW-BSK-005',
  );
  t.is(
    refusal(() => settle(trolley, { checkout: other, outcome: 'declined' })),
    'CW-BSK-005',
  );
  t.is(
    refusal(() => settle(trolley, { revision: 2 })),
    'CW-BSK-006',
  );
  t.is(
    refusal(() => settle(trolley, { totalMinor: 128 })),
    'CW-BSK-007',
  );
  t.is(trolley.events.length, before);
  t.is(trolley.basket.state, 'checkout');
  t.is(
    refusal(() => settle(trolley)),
    'done',
  );
});

test('A settlement is taken once, however often and whenever it is sent', (t) => {
  const trolley = shopping();
  trolley.basket.checkout.begin(false);
  const settlement = paying(trolley);
  const first = trolley.basket.checkout.settle(settlement, false);
  const again = () => trolley.basket.checkout.settle(settlement, false);
  t.deepEqual(again(), first);
  t.deepEqual(trolley.restart().basket.checkout.settle(settlement, false), first, 'after a restart');
  trolley.basket.close();
  t.deepEqual(again(), first, 'after the shopper has left');
  trolley.basket.open({ by: 'touch' });
  trolley.add(milk);
  t.deepEqual(again(), first, 'in the next trip');
  t.is(trolley.basket.state, 'open', 'which it does not touch');
  for (const changes of [
    { totalMinor: 1 },
    { reference: 'T-2' },
    { outcome: 'declined' as const },
    { revision: 1 },
  ]) {
    t.is(
      refusal(() => trolley.basket.checkout.settle({ ...settlement, ...changes }, false)),
      'CW-BSK-014',
    );
  }
  t.is(of(trolley, 'basket.paid').length, 1);
});

test('A declined payment that is told again is answered as it was, even while the next attempt is open', (t) => {
  const trolley = shopping();
  trolley.basket.checkout.begin(false);
  const declined = paying(trolley, { outcome: 'declined' });
  const first = trolley.basket.checkout.settle(declined, false);
  trolley.basket.checkout.begin(false);
  t.deepEqual(trolley.basket.checkout.settle(declined, false), first);
  t.is(trolley.basket.state, 'checkout');
});

test('What only a till can price holds payment up until it has', (t) => {
  const trolley = shopping();
  trolley.add(apples, 1, { massMg: 500_000 });
  trolley.add(unpriced);
  trolley.nowUs += 5_000_000;
  const { checkout, unpriced: lines, totals } = trolley.basket.checkout.begin(false);
  t.deepEqual(lines, [2, 3]);
  t.deepEqual([totals.toPayMinor, totals.probableMinor, totals.atTill], [129, 229, 1]);
  t.is(
    refusal(() => settle(trolley)),
    'CW-BSK-008',
  );
  const { revision = 0 } = trolley.basket.snapshot('', 0) ?? {};
  const price = (
    of: readonly { line: number; priceMinor: number; massMg?: number; certificateId?: string }[],
  ) => trolley.basket.checkout.price({ checkout, revision, lines: of });
  t.is(
    refusal(() => price([{ line: 1, priceMinor: 1 }])),
    'CW-BSK-015',
    'its price is final',
  );
  t.is(
    refusal(() => price([{ line: 9, priceMinor: 1 }])),
    'CW-BSK-015',
  );
  t.is(
    refusal(() =>
      price([
        { line: 2, priceMinor: 1 },
        { line: 2, priceMinor: 2 },
      ]),
    ),
    'CW-BSK-015',
  );
  const priced = price([
    { line: 2, priceMinor: 97, massMg: 487_000, certificateId: 'T8214' },
    { line: 3, priceMinor: 250 },
  ]);
  t.deepEqual([priced.unpriced, priced.totals.toPayMinor], [[], 129 + 97 + 250]);
  t.is(
    refusal(() => price([{ line: 2, priceMinor: 98 }])),
    'CW-BSK-006',
    'of the revision before',
  );
  settle(trolley);
  const [receipt] = of(trolley, 'basket.closed');
  t.deepEqual(
    receipt?.data.lines.map(({ priceMinor, priceStatus, massMg }) => [priceMinor, priceStatus, massMg]),
    [
      [129, 'final', undefined],
      [97, 'final', 487_000],
      [250, 'final', undefined],
    ],
  );
  t.is(receipt?.data.lines[1]?.certificateId, 'T8214');
});

test('Goods for adults are paid for when staff has approved the age, and not when it was refused since', (t) => {
  const trolley = shopping();
  trolley.add(wine);
  trolley.nowUs += 5_000_000;
  const { approvals } = trolley.basket.checkout.begin(false);
  t.deepEqual(approvals, [{ minimumAge: 18, lines: [2] }]);
  t.is(
    refusal(() => settle(trolley)),
    'CW-BSK-009',
  );
  const approve = (age: number, outcome: 'approved' | 'refused') =>
    trolley.basket.service.approve({ age, outcome, by: staff });
  t.is(
    refusal(() => trolley.basket.service.approve({ age: 18, outcome: 'approved', by: { role: 'shopper' } })),
    'CW-BSK-013',
  );
  t.is(approve(16, 'approved').approvals.length, 1);
  t.is(approve(18, 'approved').approvals.length, 0);
  t.true(trolley.lines().at(-1)?.approved);
  t.is(approve(18, 'refused').approvals.length, 1);
  t.is(
    refusal(() => settle(trolley)),
    'CW-BSK-009',
  );
  approve(21, 'approved');
  t.is(
    refusal(() => settle(trolley)),
    'done',
  );
  t.deepEqual(
    of(trolley, 'basket.approved').map(({ data }) => [data.age, data.outcome, data.by.who]),
    [
      [16, 'approved', '17'],
      [18, 'approved', '17'],
      [18, 'refused', '17'],
      [21, 'approved', '17'],
    ],
  );
});

test('Goods that move while the shopper pays end the attempt and are told', (t) => {
  for (const move of ['add', 'remove'] as const) {
    const trolley = shopping();
    const { checkout } = trolley.basket.checkout.begin(false);
    const settlement = paying(trolley);
    const cause = trolley[move](move === 'add' ? wine : milk);
    const alert = of(trolley, 'basket.alert')[0];
    t.deepEqual([alert?.data.kind, alert?.data.blocking, alert?.data.event], ['during-payment', true, cause]);
    t.deepEqual(of(trolley, 'basket.reopened')[0]?.data.checkout, checkout);
    t.is(trolley.basket.state, 'open');
    t.is(
      refusal(() => trolley.basket.checkout.settle(settlement, false)),
      'CW-BSK-005',
      'that till has to void',
    );
    t.is(trolley.lines().length, 2, 'the line is counted as ever');
  }
});

test('While something moves nothing is checked out and nothing settled', (t) => {
  const trolley = shopping();
  trolley.basket.activity('basket', true);
  t.is(
    refusal(() => trolley.basket.checkout.begin(trolley.basket.isMoving)),
    'CW-BSK-010',
  );
  trolley.basket.activity('basket', false);
  trolley.basket.checkout.begin(trolley.basket.isMoving);
  trolley.basket.moved(3_000);
  t.true(trolley.basket.snapshot('', 0)?.checkout?.moving);
  t.is(
    refusal(() => settle(trolley)),
    'CW-BSK-010',
  );
  trolley.nowUs += 1_100_000;
  t.false(trolley.basket.snapshot('', 0)?.checkout?.moving);
  trolley.basket.activity('basket', true);
  trolley.nowUs += 10_000_000;
  t.is(
    refusal(() => settle(trolley)),
    'done',
    'a plate that never rests holds nobody up for ever',
  );
});

test("An answer during checkout changes what is to be paid, under the same attempt; the till's old total is refused", (t) => {
  const trolley = shopping();
  const question = trolley.ask();
  trolley.nowUs += 5_000_000;
  const { checkout, unsettled, asked } = trolley.basket.checkout.begin(false);
  t.deepEqual([unsettled, asked.map(({ event }) => event)], [[question], [question]]);
  const before = paying(trolley);
  trolley.basket.answering(() => trolley.answer(question, 'added', milk));
  t.is(trolley.basket.state, 'checkout');
  t.is(
    refusal(() => trolley.basket.checkout.settle(before, false)),
    'CW-BSK-006',
  );
  t.is(paying(trolley).checkout, checkout);
  settle(trolley);
  t.is(of(trolley, 'basket.paid')[0]?.data.totalMinor, 258);
});

test('An open question does not keep anybody from paying, and is on the receipt with what it may cost', (t) => {
  const trolley = shopping();
  const question = trolley.happens({
    type: 'item.unresolved',
    data: {
      kind: 'ambiguous',
      ask: 'choose',
      massMg: 412_000,
      unknownPpm: 100_000,
      candidates: [
        { ...named(milk), count: 1, probabilityPpm: 600_000 },
        { ...named(wine), count: 2, probabilityPpm: 300_000 },
      ],
      evidence: {},
      plate: 'basket',
      startedAtUs: 0,
      settledAtUs: 0,
    },
  });
  trolley.nowUs += 5_000_000;
  const [asked] = trolley.basket.checkout.begin(false).asked;
  // 0.6 · 129 + 0.3 · 2 · 99, and nothing for what the catalogue doesn't have.
  t.deepEqual([asked?.expectedMinor, asked?.lowMinor, asked?.highMinor], [137, 0, 198]);
  settle(trolley);
  t.deepEqual(
    of(trolley, 'basket.closed')[0]?.data.asked?.map(({ event }) => event),
    [question],
  );
});

const named = ({ gtin, name }: { gtin?: string; name: string }) => ({
  ...(gtin === undefined ? {} : { gtin }),
  name,
});

test("After payment taking out is nobody's business, and putting in is told for the exit check", (t) => {
  const trolley = shopping();
  const { session } = trolley.basket;
  trolley.basket.checkout.begin(false);
  settle(trolley);
  const before = trolley.events.length;
  trolley.basket.moved(-100_000);
  t.is(trolley.events.length, before);
  trolley.add(milk, 1, { massMg: 100_000 });
  trolley.add(milk, 1, { massMg: 100_000 });
  trolley.add(wine, 1, { massMg: 700_000 });
  trolley.ask();
  const alerts = of(trolley, 'basket.alert');
  t.deepEqual(
    alerts.map(({ data, session: of }) => [data.kind, data.returned, of]),
    [
      ['after-payment', true, session],
      ['after-payment', false, session],
      ['after-payment', false, session],
      ['after-payment', false, session],
    ],
    'the milk that had left came back once',
  );
  t.is(of(trolley, 'basket.line').length, 1, 'the receipt stands');
});

test('Time ends what nobody goes on with: an attempt, the watch after payment, a trip that was left', (t) => {
  const minutes = (trolley: Trolley, count: number) => {
    trolley.nowUs += count * 60_000_000;
    const { basket } = trolley;
    if (basket.isForgotten(trolley.nowUs)) basket.abandon('time', undefined);
    else basket.advance(trolley.nowUs);
  };
  const paid = shopping();
  paid.basket.checkout.begin(false);
  minutes(paid, 14);
  t.is(paid.basket.state, 'checkout');
  minutes(paid, 1);
  t.is(paid.basket.state, 'open');
  t.is(of(paid, 'basket.reopened')[0]?.data.reason, 'time');
  paid.basket.checkout.begin(false);
  settle(paid);
  minutes(paid, 20);
  t.is(paid.basket.snapshot('', 0), undefined);

  const left = shopping();
  minutes(left, 179);
  left.add(milk);
  minutes(left, 179);
  t.is(left.basket.state, 'open', 'somebody was there meanwhile');
  left.basket.suspend(undefined);
  minutes(left.restart(), 119);
  t.is(left.basket.state, 'suspended');
  minutes(left, 1);
  t.deepEqual(of(left, 'basket.abandoned')[0]?.data.reason, 'time');
  t.is(of(left, 'basket.abandoned')[0]?.data.lines?.[0]?.count, 2);
});

test('A basket that was handed to another cart is the same there, and its goods are counted once', (t) => {
  const here = shopping();
  here.add(apples, 1, { massMg: 500_000 });
  here.add(wine, 2);
  here.basket.transfer('cart-2', staff);
  const sent = of(here, 'basket.transferred')[0]?.data;
  t.is(here.basket.state, 'none');
  const there = new Trolley([milk, wine, unpriced, apples]);
  const lines = sent?.lines ?? [];
  there.basket.receive({ from: 'cart-1', session: sent?.session ?? '', lines });
  t.deepEqual(there.basket.totals(), sent?.totals);
  t.deepEqual(of(there, 'basket.opened')[0]?.data.from, 'cart-1');
  there.add(milk);
  const wrong = there.add(wine);
  there.add(apples, 1, { massMg: 498_000 });
  t.deepEqual(there.basket.totals(), sent?.totals);
  t.deepEqual(
    there.basket.snapshot('', 0)?.lines.map(({ unplaced }) => unplaced),
    [undefined, undefined, 1],
  );
  there.correct(wrong, 'nothing');
  there.add(wine);
  there.add(wine);
  t.deepEqual(there.basket.totals(), sent?.totals);
  there.add(wine);
  t.is(there.basket.totals().items, (sent?.totals?.items ?? 0) + 1, 'one more is one more');
  const again = new Trolley([milk]);
  const [first] = lines;
  if (first === undefined) throw new Error('no line was sent');
  const receive = (of: typeof lines) => () => again.basket.receive({ from: 'a', session: 'b', lines: of });
  t.is(refusal(receive([first, first])), 'CW-BSK-016');
  t.is(refusal(receive([{ ...first, count: 0 }])), 'CW-BSK-016');
  t.is(refusal(receive([{ ...first, gtin: undefined }])), 'CW-BSK-016');
  t.is(refusal(receive([{ ...first, count: 2, depositMinor: 25 }])), 'CW-BSK-016');
  t.is(again.basket.state, 'none', 'a refused basket opens nothing');
});

test('A suspended basket is resumed by its token, or by staff, and what happens to it meanwhile is told', (t) => {
  const trolley = shopping();
  trolley.basket.suspend({ role: 'shopper' });
  trolley.add(milk);
  t.is(of(trolley, 'basket.alert')[0]?.data.kind, 'while-suspended');
  t.is(trolley.basket.totals().items, 2, 'it counts all the same');
  const { basket } = trolley;
  t.is(
    refusal(() => basket.resume({ token: 'QR-4321' })),
    'CW-BSK-012',
  );
  t.is(
    refusal(() => basket.resume({})),
    'CW-BSK-012',
  );
  t.is(
    refusal(() => basket.resume({ by: { role: 'staff' } })),
    'CW-BSK-012',
    'who?',
  );
  basket.resume({ token: 'QR-1234' });
  basket.suspend(undefined);
  basket.resume({ by: staff });
  t.deepEqual(
    of(trolley, 'basket.resumed').map(({ data }) => data.by?.who),
    [undefined, '17'],
  );
  const anonymous = new Trolley();
  anonymous.basket.open({ by: 'touch' });
  anonymous.basket.suspend(undefined);
  anonymous.basket.resume({});
  t.is(anonymous.basket.state, 'open');
});

test('Staff sets prices and counts and takes lines off, each on record with who and why', (t) => {
  const trolley = shopping();
  trolley.add(milk);
  const by = staff;
  const { service } = trolley.basket;
  service.override({ line: 1, priceMinor: 200, by, why: 'shelf label' });
  t.is(trolley.basket.totals().toPayMinor, 200);
  service.override({ line: 1, count: 3, by, why: 'counted' });
  t.is(trolley.basket.totals().toPayMinor, 300);
  service.void({ line: 1, count: 1, by, why: 'broken' });
  service.void({ line: 1, by, why: 'not hers' });
  t.is(trolley.basket.totals().toPayMinor, 0);
  t.deepEqual(
    of(trolley, 'basket.overridden').map(({ data }) => [
      data.what,
      data.before,
      data.after,
      data.by.who,
      data.why,
    ]),
    [
      ['price', 258, 200, '17', 'shelf label'],
      ['count', 2, 3, '17', 'counted'],
    ],
  );
  t.deepEqual(
    of(trolley, 'basket.voided').map(({ data }) => [data.count, data.why, data.totals.toPayMinor]),
    [
      [1, 'broken', 200],
      [2, 'not hers', 0],
    ],
  );
  trolley.add(milk);
  t.is(
    refusal(() => service.void({ line: 2, count: 2, by, why: 'x' })),
    'CW-BSK-015',
  );
  t.is(
    refusal(() => service.void({ line: 1, by, why: 'x' })),
    'CW-BSK-015',
    'it is empty',
  );
  t.is(
    refusal(() => service.override({ line: 2, by, why: 'x' })),
    'CW-BSK-015',
    'what to set is not said',
  );
  t.is(
    refusal(() => service.void({ line: 2, by: { role: 'staff' }, why: 'x' })),
    'CW-BSK-013',
  );
});

test('A line that is not hers is marked until somebody has dealt with it; help is called in every state', (t) => {
  const trolley = new Trolley();
  trolley.basket.help(false, undefined);
  trolley.basket.open({ by: 'touch' });
  trolley.add(milk);
  const { service } = trolley.basket;
  service.dispute(1, false, undefined);
  service.dispute(1, false, undefined);
  t.true(trolley.basket.snapshot('', 0)?.lines[0]?.disputed);
  service.dispute(1, true, staff);
  t.is(trolley.basket.snapshot('', 0)?.lines[0]?.disputed, undefined);
  trolley.basket.help(false, { role: 'shopper' });
  trolley.basket.help(false, { role: 'shopper' });
  t.true(trolley.basket.snapshot('', 0)?.help);
  trolley.basket.help(true, staff);
  t.deepEqual(
    of(trolley, 'basket.alert').map(({ data }) => data.kind),
    ['help', 'disputed', 'help', 'help-over'],
  );
});
