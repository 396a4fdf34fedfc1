import test from 'ava';
import type { Catalogue } from '#catalogue/products.ts';
import type { Promotion } from '#catalogue/promotions.ts';
import type { CommandOutcome } from '#pipeline/commands.ts';
import type { Pipeline } from '#pipeline/pipeline.ts';
import { Cart, type CartOptions, catalogue, jar, token } from './support.ts';

const card: Promotion = {
  id: 'card',
  name: 'Card price',
  kind: 'price',
  scope: { products: new Set([jar.key]), departments: new Set() },
  priceMinor: 149,
  loyalty: true,
};
const coupon: Promotion = {
  id: 'coupon',
  name: '20 ct',
  kind: 'amount',
  scope: { products: new Set([jar.key]), departments: new Set() },
  amountMinor: 20,
  coupon: '9912345000008',
  validFrom: '2026-11-24',
  validTo: '2026-11-24',
};
const store: Catalogue = { ...catalogue, promotions: [card, coupon], timeZone: 'Pacific/Auckland' };
/** 23 November 2026, 12:00 UTC: one in the morning of the 24th in Auckland. */
const noonMs = Date.UTC(2026, 10, 23, 12);
const line = {
  line: 1,
  gtin: jar.gtin,
  name: jar.name,
  count: 1,
  unitPriceMinor: 199,
  priceMinor: 199,
  priceStatus: 'final',
  entry: 'scan',
};
const staff = { role: 'staff', who: '17' } as const;
const minuteUs = 60_000_000;

/** A cart with a jar in its basket: it came from another cart, so that no decision of fusion is needed. */
function shopping(options: CartOptions = {}, more: Record<string, unknown> = {}): Cart {
  const cart = new Cart({ catalogue: store, loyaltyPattern: /^CARD-\d+$/u, ...options });
  cart.give({ kind: 'clock', atUs: cart.nowUs, utcMs: noonMs, quality: 'synced' });
  cart.wait(2);
  cart.command('basket.receive', { from: 'cart-2', session: 's-1', lines: [line], token, ...more });
  return cart;
}

const data = (outcome: CommandOutcome | undefined): Record<string, unknown> =>
  outcome?.status === 'done' ? { ...outcome.data } : { refused: outcome?.code };
const totalsOf = (cart: Cart) => cart.pipeline.snapshot()?.totals;

function pay(cart: Cart, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const basket = cart.pipeline.snapshot();
  const settlement = {
    checkout: basket?.checkout?.checkout,
    revision: basket?.revision,
    totalMinor: basket?.totals.toPayMinor,
    outcome: 'paid',
    reference: 'T-1',
    ...changes,
  };
  return data(cart.command('checkout.settle', settlement));
}

test('A coupon that is scanned is told as one and taken off, on its day where the store is', (t) => {
  const cart = shopping();
  cart.scan('9912345000008', ']E0');
  t.is(cart.of('scan.read').at(-1)?.data.meaning, 'coupon');
  t.deepEqual(cart.of('basket.coupon')[0]?.data.outcome, 'accepted');
  t.is(totalsOf(cart)?.toPayMinor, 179);
  t.deepEqual(cart.of('basket.coupon')[0]?.causes, [cart.of('scan.read').at(-1)?.id ?? '']);
  t.is(cart.of('item.unresolved').length, 0, 'no thing is expected to follow it');
});

test("A shopper's card is a card, and in no event", (t) => {
  const cart = shopping();
  cart.scan('CARD-4711', ']Q1');
  t.is(totalsOf(cart)?.toPayMinor, 149);
  const read = cart.of('scan.read').at(-1)?.data;
  t.deepEqual([read?.meaning, read?.raw], ['loyalty', undefined]);
  t.false(JSON.stringify([cart.events, cart.pipeline.saveState()]).includes('4711'));
  t.is(new Cart({ catalogue: store }).scan('CARD-4711', ']Q1').of('scan.read')[0]?.data.meaning, 'unknown');
});

test('A token that is a card as well opens a session of a known shopper', (t) => {
  const cart = new Cart({ catalogue: store, loyaltyPattern: /^QR-token/u });
  cart.wait(2).scan(token, ']Q1');
  t.true(cart.of('basket.opened')[0]?.data.loyalty);
  t.true(cart.pipeline.snapshot()?.loyalty);
});

test('The token of a suspended trip resumes it; another one is refused', (t) => {
  const cart = shopping();
  cart.command('basket.suspend');
  cart.scan('QR-another-token', ']Q1');
  t.is(cart.of('basket.alert')[0]?.data.kind, 'refused');
  t.is(cart.pipeline.snapshot()?.state, 'suspended');
  cart.scan(token, ']Q1');
  t.is(cart.pipeline.snapshot()?.state, 'open');
});

test('After payment the same token does nothing, and another one opens a trip', (t) => {
  const cart = shopping();
  cart.command('basket.checkout');
  t.is(pay(cart).outcome, 'paid');
  t.is(cart.pipeline.session, undefined);
  cart.scan(token, ']Q1');
  t.is(cart.pipeline.snapshot()?.state, 'paid');
  cart.scan('QR-another-token', ']Q1');
  t.is(cart.pipeline.snapshot()?.state, 'open');
  t.is(cart.of('basket.opened').length, 2);
});

test('A knock on the scale during payment holds it back for a second, and goods end it', (t) => {
  const cart = shopping();
  cart.command('basket.checkout');
  cart.put(700_000);
  t.truthy(cart.of('movement.settled').length, 'the scale told of it');
  t.true(['CW-BSK-010', 'CW-BSK-005'].includes(String(pay(cart).refused)));
  cart.wait(3);
  t.is(cart.pipeline.snapshot()?.state, 'open', 'it was decided on, or asked about');
  t.deepEqual(cart.of('basket.alert')[0]?.data.kind, 'during-payment');
  t.is(cart.of('basket.reopened')[0]?.data.reason, 'movement');
});

/** A basket with a jar in it that nobody scanned: it is asked about. */
function asking(): Cart {
  const cart = new Cart({ catalogue: store });
  cart.wait(3).command('session.begin', { touch: true });
  cart.wait(2).put(412_000).wait(3);
  return cart;
}

test('An answer by scan goes on under the same attempt, also after a restart: nothing moved', (t) => {
  const cart = asking();
  t.is(cart.of('item.unresolved')[0]?.data.ask, 'scan-it');
  cart.command('basket.checkout');
  cart.wait(3);
  const state = JSON.parse(JSON.stringify(cart.pipeline.saveState())) as ReturnType<Pipeline['saveState']>;
  const rebooted = new Cart({ catalogue: store, state, startUs: 1_000_000 });
  rebooted.massMg = cart.massMg;
  for (const one of [cart, rebooted]) {
    one.wait(3).scan('4006381333931', ']E0').wait(2);
    t.deepEqual(
      one.of('item.resolved').map(({ data: told }) => told.outcome),
      ['added'],
    );
    t.deepEqual([one.of('basket.alert').length, one.of('basket.reopened').length], [0, 0]);
    t.is(one.pipeline.snapshot()?.state, 'checkout');
    t.is(one.pipeline.snapshot()?.questions.length, 0);
    t.is(totalsOf(one)?.toPayMinor, 199);
    t.is(pay(one).outcome, 'paid');
  }
});

test('An answer by scan to a suspended basket alerts nobody', (t) => {
  const cart = asking();
  cart.command('basket.suspend');
  cart.wait(1).scan('4006381333931', ']E0').wait(2);
  t.is(cart.of('item.resolved')[0]?.data.outcome, 'added');
  t.deepEqual(cart.of('basket.alert'), []);
  t.is(cart.pipeline.snapshot()?.state, 'suspended');
  t.is(totalsOf(cart)?.toPayMinor, 199);
});

test("What is put in after payment is told with the payer's session", (t) => {
  const cart = shopping();
  const { session } = cart.pipeline;
  cart.command('basket.checkout');
  pay(cart);
  cart.put(700_000).wait(3);
  const alert = cart.of('basket.alert').find(({ data: told }) => told.kind === 'after-payment');
  t.is(alert?.session, session);
  t.is(cart.of('basket.line').length, 1);
});

test('A trip that nobody goes on with is given up by itself, and another can begin', (t) => {
  const cart = shopping();
  cart.pipeline.advance(cart.nowUs + 181 * minuteUs);
  t.is(cart.of('basket.abandoned')[0]?.data.reason, 'time');
  t.is(cart.pipeline.snapshot(), undefined);
  cart.nowUs += 182 * minuteUs;
  t.truthy(data(cart.command('session.begin', { touch: true })).session);
  t.is(cart.of('basket.opened').at(-1)?.data.by, 'touch');
});

test('Staff settles a question whatever the scale says, and it goes on record', (t) => {
  const cart = shopping();
  cart.put(5_000_000).wait(3);
  const question = cart.of('item.unresolved')[0];
  const args = { event: question?.id, gtin: jar.gtin, count: 2, by: staff, why: 'I counted them' };
  t.is(data(cart.command('item.override', { ...args, by: { role: 'shopper' } })).refused, 'CW-BSK-013');
  t.is(data(cart.command('item.override', { ...args, priceMinor: 1 })).refused, 'CW-PIP-003');
  t.is(data(cart.command('item.override', { ...args, line: 1 })).refused, 'CW-PIP-003');
  t.is(cart.of('basket.overridden').length, 0);
  const done = data(cart.command('item.override', args));
  t.is(
    (done.totals as { toPayMinor?: number }).toPayMinor,
    2 * 199,
    'one of the two is the one that was to come',
  );
  t.deepEqual(cart.of('basket.overridden')[0]?.data.by, staff);
  t.is(cart.of('item.resolved')[0]?.data.settles, question?.id);
  t.is(data(cart.command('item.override', args)).refused, 'CW-BSK-015', 'it is settled');
  cart.put(-5_000_000).wait(3);
  t.is(cart.of('item.removed')[0]?.data.gtin, jar.gtin, 'it is known by that name when it leaves');
});

test("A shopper's word that something is none of the store's goods settles the question and is told", (t) => {
  const cart = shopping();
  cart.put(5_000_000).wait(3);
  const question = cart.of('item.unresolved')[0];
  const answer = { event: question?.id, outcome: 'not-an-item', by: { role: 'shopper' } };
  t.is(cart.command('item.answer', answer)?.status, 'done');
  t.is(cart.of('item.resolved')[0]?.data.outcome, 'not-an-item');
  t.deepEqual(
    cart.of('basket.alert').map(({ data: told }) => [told.kind, told.event]),
    [['declared', question?.id]],
  );
  t.is(cart.pipeline.snapshot()?.questions.length, 0);
  t.is(data(cart.command('item.answer', answer)).refused, 'CW-FUS-003');
  t.is(cart.of('basket.alert').length, 1, 'nothing is declared twice');
});

test('A checkout survives a restart in each of its states, with the time it had', (t) => {
  const restarted = (cart: Cart) => {
    const state = JSON.parse(JSON.stringify(cart.pipeline.saveState())) as ReturnType<Pipeline['saveState']>;
    return new Cart({ catalogue: store, state, startUs: 1_000_000 }).wait(3);
  };
  const cart = shopping();
  cart.command('basket.checkout');
  const again = restarted(cart);
  t.deepEqual(again.pipeline.snapshot()?.checkout, cart.pipeline.snapshot()?.checkout);
  const settlement = again.pipeline.snapshot();
  t.is(pay(again).outcome, 'paid');
  const left = restarted(again);
  t.is(left.pipeline.snapshot()?.state, 'paid');
  t.is(left.pipeline.session, undefined);
  const { checkout, revision } = settlement?.checkout ?? {};
  t.is(pay(left, { checkout, revision, totalMinor: 199 }).outcome, 'paid', 'told again, answered again');
  t.is(left.of('basket.paid').length, 0);
  t.is(pay(left, { checkout, revision, totalMinor: 199, reference: 'T-2' }).refused, 'CW-BSK-014');
  left.pipeline.advance(left.nowUs + 21 * minuteUs);
  t.is(left.pipeline.snapshot(), undefined);
});

test('The receipt follows the payment at once, and after a knock on the cart within two seconds of its rest', (t) => {
  const wait = (cart: Cart) => {
    const [paid, closed] = [cart.of('basket.paid')[0], cart.of('basket.closed')[0]];
    t.deepEqual(closed?.data.paid, paid?.data);
    return (closed?.atUs ?? Number.NaN) - (paid?.atUs ?? Number.NaN);
  };
  const still = shopping();
  still.command('basket.checkout');
  still.wait(1);
  const askedUs = still.nowUs;
  t.is(pay(still).outcome, 'paid');
  t.is(wait(still), 0);
  t.true((still.of('basket.closed')[0]?.atUs ?? Number.NaN) - askedUs < 1_000);

  const rests: number[] = [];
  for (const knockedMs of [200, 400, 600, 800, 1_000, 1_200]) {
    const cart = shopping();
    cart.command('basket.checkout');
    // A hand on the rim, and off again: no goods, but for a moment they might be.
    cart.massMg += 1_500_000;
    cart.wait(knockedMs / 1_000);
    cart.massMg -= 1_500_000;
    const restUs = cart.nowUs;
    let paid: Record<string, unknown> = {};
    for (let asked = 0; asked < 40 && paid.outcome === undefined; asked++) {
      // An attempt that the knock ended is begun anew, by whoever pays.
      if (cart.pipeline.snapshot()?.state === 'open') cart.command('basket.checkout');
      else paid = pay(cart);
      cart.wait(0.2);
    }
    t.is(paid.outcome, 'paid', `after ${knockedMs} ms`);
    t.is(wait(cart), 0);
    rests.push((cart.of('basket.closed')[0]?.atUs ?? Number.NaN) - restUs);
  }
  t.log(`receipts after rest, ms: ${rests.map((us) => Math.round(us / 1_000)).join(', ')}`);
  t.true(Math.max(...rests) <= 2_000_000);
});
