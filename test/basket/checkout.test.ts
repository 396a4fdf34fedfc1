import test from 'ava';
import { of, paying, refusal, settle, shopping, staff, wine } from './paying.ts';
import { apples, milk, unpriced } from './support.ts';

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
