import test from 'ava';
import { of, refusal, settle, shopping, staff, wine } from './paying.ts';
import { apples, itemOf, milk, Trolley, unpriced } from './support.ts';

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
  t.is(refusal(receive([{ ...first, line: 1_000_001 }])), 'CW-BSK-016');
  t.is(refusal(receive([{ ...first, line: Number.MAX_SAFE_INTEGER }])), 'CW-BSK-016');
  const numbered = (count: number) => Array.from({ length: count }, (_, i) => ({ ...first, line: i + 1 }));
  t.is(refusal(receive(numbered(1_001))), 'CW-BSK-016');
  t.is(again.basket.state, 'none', 'a refused basket opens nothing');
  receive([...numbered(999), { ...first, line: 1_000_000 }])();
  again.add(milk);
  t.is(again.basket.snapshot('', 0)?.lines.length, 1_000, 'so many are taken, and the first is placed');
});

test('What an answer rests on tells whether goods moved: a movement during the attempt, or while suspended, is told', (t) => {
  const answered = (settledAtUs: readonly number[], away: 'checkout' | 'suspended') => {
    const trolley = shopping();
    const question = trolley.ask();
    trolley.nowUs = 60_000_000;
    if (away === 'checkout') trolley.basket.checkout.begin(false);
    else trolley.basket.suspend(undefined);
    trolley.nowUs += 5_000_000;
    const movements = settledAtUs.map((at) => ({
      massMg: 100_000,
      sigmaMg: 1_000,
      startedAtUs: at - 500_000,
      settledAtUs: at,
    }));
    trolley.happens({
      type: 'item.resolved',
      data: { ...itemOf(milk, 1, { evidence: { movements } }), settles: question, outcome: 'added' },
    });
    return [trolley.basket.state, of(trolley, 'basket.alert').map(({ data }) => data.kind)];
  };
  t.deepEqual(answered([59_000_000], 'checkout'), ['checkout', []]);
  t.deepEqual(answered([59_000_000], 'suspended'), ['suspended', []]);
  t.deepEqual(answered([59_000_000, 63_000_000], 'checkout'), ['open', ['during-payment']]);
  t.deepEqual(answered([59_000_000, 63_000_000], 'suspended'), ['suspended', ['while-suspended']]);
  t.deepEqual(answered([], 'checkout'), ['open', ['during-payment']], 'a thing that nothing weighed is new');
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
