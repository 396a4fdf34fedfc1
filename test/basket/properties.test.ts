import test from 'ava';
import fc from 'fast-check';
import type { Product } from '#catalogue/products.ts';
import type { Promotion, Taxes } from '#catalogue/promotions.ts';
import { Receiver } from './recompute.ts';
import { goods, itemOf, Trolley } from './support.ts';

const token = 'QR-a-token-nobody-may-see';
const staff = { role: 'staff', who: '17' } as const;

type Step =
  | { kind: 'add'; of: number; count: number; massMg: number; priceMinor?: number; certificate?: boolean }
  | { kind: 'remove'; of: number; count: number; massMg: number }
  | { kind: 'answer'; which: number; of: number; outcome: 'added' | 'removed' | 'put-back' | 'withdrawn' }
  | { kind: 'correct'; which: number; of: number; outcome: 'added' | 'removed' | 'nothing' }
  | { kind: 'void' | 'price' | 'count' | 'dispute'; which: number; value: number }
  | { kind: 'approve'; age: number; outcome: 'approved' | 'refused' }
  | { kind: 'settle'; outcome: 'paid' | 'declined'; price: number; stale: boolean }
  | { kind: 'coupon'; code: string }
  | { kind: 'wait'; minutes: number }
  | {
      kind:
        | 'ask'
        | 'close'
        | 'open'
        | 'checkout'
        | 'suspend'
        | 'resume'
        | 'transfer'
        | 'receive'
        | 'abandon'
        | 'loyalty';
    };

/** Goods with everything that a line can bear. */
const shelf: readonly Product[] = goods.map((product, index) => ({
  ...product,
  department: index % 2 === 0 ? 'even' : 'odd',
  taxCode: ['A', 'B'][index % 2] ?? 'A',
  ...(index === 0 ? { depositMinor: 25 } : {}),
  ...(index === 1 ? { minimumAge: 18 } : {}),
}));
const all = { products: new Set<string>(), departments: new Set(['even', 'odd']) };
const even = { products: new Set<string>(), departments: new Set(['even']) };
const promotions: readonly Promotion[] = [
  { id: 'a', name: '10 %', kind: 'percentage', scope: even, ratePpm: 100_000 },
  { id: 'b', name: '3 for 2', kind: 'multi-buy', scope: all, quantity: 3, reward: { payFor: 2 } },
  { id: 'c', name: 'coupon', kind: 'amount', scope: all, amountMinor: 70, coupon: '981' },
  { id: 'd', name: 'card', kind: 'price', scope: all, priceMinor: 90, priceMinorPerKg: 99, loyalty: true },
  { id: 'e', name: 'whole', kind: 'basket', reward: { ratePpm: 33_333 }, minimumMinor: 400 },
];
const rates = new Map([
  ['A', 190_000],
  ['B', 70_000],
]);

const of = fc.nat({ max: goods.length - 1 });
const which = fc.nat({ max: 20 });
const massMg = fc.integer({ min: 1_000, max: 3_000_000 });
const count = fc.integer({ min: 1, max: 4 });
const value = fc.nat({ max: 500 });
const kind = <const Kind extends string>(...kinds: Kind[]) => fc.constantFrom(...kinds);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record(
      { kind: kind('add'), of, count, massMg, priceMinor: fc.nat({ max: 9999 }), certificate: fc.boolean() },
      { requiredKeys: ['kind', 'of', 'count', 'massMg'] },
    ),
  },
  { weight: 3, arbitrary: fc.record({ kind: kind('remove'), of, count, massMg }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('ask') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind('answer'),
      which,
      of,
      outcome: kind('added', 'removed', 'put-back', 'withdrawn'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: kind('correct'), which, of, outcome: kind('added', 'removed', 'nothing') }),
  },
  { weight: 3, arbitrary: fc.record({ kind: kind('void', 'price', 'count', 'dispute'), which, value }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: kind('approve'),
      age: fc.constantFrom(16, 18),
      outcome: kind('approved', 'refused'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kind('coupon'), code: fc.constantFrom('981', '0981', '5') }) },
  { weight: 4, arbitrary: fc.record({ kind: kind('checkout', 'open', 'resume', 'receive') }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('suspend', 'transfer', 'abandon', 'close', 'loyalty') }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('wait'), minutes: fc.constantFrom(1, 20, 200) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind('settle'),
      outcome: kind('paid', 'declined'),
      price: value,
      stale: fc.boolean(),
    }),
  },
);

/** Refusals are part of life: what is refused must change nothing, which the receiver sees. */
function unlessRefused(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!/^CW-BSK-0(?:0[1-9]|1[0-6])$/.test(String((error as { code?: unknown }).code))) throw error;
  }
}

function act(trolley: Trolley, step: Step): void {
  trolley.nowUs += 2_000_000;
  const { basket } = trolley;
  const ids = (type: string) => trolley.events.filter((event) => event.type === type).map(({ id }) => id);
  const pick = (list: readonly string[], index: number) => list[index % Math.max(1, list.length)];
  const product = 'of' in step ? shelf[step.of] : undefined;
  switch (step.kind) {
    case 'add': {
      const { priceMinor, certificate, massMg } = step;
      const label = priceMinor === undefined ? {} : { priceMinor };
      const more = { massMg, ...label, ...(certificate === true ? { certificateId: 'T1' } : {}) };
      trolley.happens({ type: 'item.added', data: itemOf(product, step.count, more) });
      return;
    }
    case 'remove':
      trolley.happens({ type: 'item.removed', data: itemOf(product, step.count, { massMg: -step.massMg }) });
      return;
    case 'ask':
      trolley.ask();
      return;
    case 'answer': {
      const question = pick(ids('item.unresolved'), step.which);
      if (question !== undefined) trolley.answer(question, step.outcome, product);
      return;
    }
    case 'correct': {
      const event = pick([...ids('item.added'), ...ids('item.removed')], step.which);
      if (event !== undefined) trolley.correct(event, step.outcome, product);
      return;
    }
    case 'wait':
      trolley.nowUs += step.minutes * 60_000_000;
      if (basket.isForgotten(trolley.nowUs)) basket.abandon('time', undefined);
      else basket.advance(trolley.nowUs);
      return;
    default:
      unlessRefused(() => command(trolley, step));
  }
}

type Command = Exclude<Step, { kind: 'add' | 'remove' | 'ask' | 'answer' | 'correct' | 'wait' }>;

function command(trolley: Trolley, step: Command): unknown {
  const { basket } = trolley;
  switch (step.kind) {
    case 'open':
      return basket.open({ by: 'token', token });
    case 'close':
      return basket.close();
    case 'checkout':
      return basket.checkout.begin(basket.isMoving);
    case 'suspend':
      return basket.suspend(undefined);
    case 'resume':
      return basket.resume({ token });
    case 'transfer':
      return basket.transfer('till-1', undefined);
    case 'receive':
      return basket.receive({ from: 'cart-2', session: 's', lines: handedOver(trolley) });
    case 'abandon':
      return basket.abandon('staff', staff);
    case 'loyalty':
      return basket.service.recognize('command');
    case 'coupon':
      return basket.service.coupon(step.code);
    case 'approve':
      return basket.service.approve({ ...step, by: staff });
    case 'void':
      return basket.service.void({ line: step.which + 1, by: staff, why: 'test' });
    case 'price':
      return basket.service.override({
        line: step.which + 1,
        priceMinor: step.value,
        by: staff,
        why: 'test',
      });
    case 'count':
      return basket.service.override({ line: step.which + 1, count: step.value % 5, by: staff, why: 'test' });
    case 'dispute':
      return basket.service.dispute(step.which + 1, step.value % 2 === 0, undefined);
    case 'settle':
      return settle(trolley, step);
    default:
      return undefined;
  }
}

/** The lines that were handed over last, as if they came back from the other cart. */
function handedOver({ events }: Trolley) {
  const last = events.findLast((event) => event.type === 'basket.transferred');
  return last?.type === 'basket.transferred' ? (last.data.lines ?? []) : [];
}

/** A till that prices what it has to, approves, and takes the money. */
function settle({ basket }: Trolley, step: Extract<Step, { kind: 'settle' }>): unknown {
  const before = basket.snapshot('', 0);
  const checkout = before?.checkout?.checkout ?? '00000000-0000-8000-8000-000000000000';
  if (before?.checkout !== undefined && before.checkout.unpriced.length > 0) {
    const lines = before.checkout.unpriced.map((line) => ({ line, priceMinor: step.price }));
    basket.checkout.price({ checkout, revision: before.revision, lines });
  }
  for (const { minimumAge } of before?.approvals ?? []) {
    basket.service.approve({ age: minimumAge, outcome: 'approved', by: staff });
  }
  const now = basket.snapshot('', 0);
  const { outcome } = step;
  return basket.checkout.settle(
    {
      checkout,
      revision: (now?.revision ?? 1) - (step.stale ? 1 : 0),
      totalMinor: now?.totals.toPayMinor ?? 0,
      outcome,
      reference: 'T-1',
    },
    basket.isMoving,
  );
}

const terms = fc.record({ included: fc.boolean(), depositsTaxed: fc.boolean() });
const steps = fc.array(step, { maxLength: 50 });
const runs = (share: number) =>
  Math.max(200, Math.round(Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000) / share));

function trolleyOf(rule: Pick<Taxes, 'included' | 'depositsTaxed'>): Trolley {
  const trolley = new Trolley(shelf, { promotions, taxes: { ...rule, ratePpm: rates } });
  trolley.basket.open({ by: 'token', token });
  return trolley;
}

test('Totals always agree with what the events alone add up to, in every state, and nothing is paid twice', (t) => {
  fc.assert(
    fc.property(terms, steps, (rule, taken) => {
      const trolley = trolleyOf(rule);
      for (const one of taken) act(trolley, one);
      const receiver = new Receiver(rule);
      for (const event of trolley.events) receiver.take(event);
      const state = trolley.basket.state;
      if (receiver.state !== state && !(state === 'none' && receiver.state === 'paid')) {
        throw new Error(`${state} is told as ${receiver.state}`);
      }
      const last = trolley.basket.snapshot('', 0);
      const told = JSON.stringify([...receiver.lines.values()].filter((line) => line.count > 0));
      if (last !== undefined && JSON.stringify(last.lines) !== told) throw new Error('the lines differ');
    }),
    { numRuns: runs(40), seed: 20260101 },
  );
  t.pass();
});

test('Power that fails between two events changes nothing, and no token is kept or told', (t) => {
  fc.assert(
    fc.property(terms, steps, fc.nat({ max: 50 }), (rule, taken, cut) => {
      const whole = trolleyOf(rule);
      const broken = trolleyOf(rule);
      for (const [index, one] of taken.entries()) {
        act(whole, one);
        if (index === cut) broken.restart();
        act(broken, one);
      }
      if (JSON.stringify(whole.events) !== JSON.stringify(broken.events)) throw new Error('events differ');
      const said = JSON.stringify([whole.events, whole.basket.saveState(), whole.basket.snapshot('', 0)]);
      if (said.includes(token)) throw new Error('the token is told');
    }),
    { numRuns: runs(60), seed: 20260102 },
  );
  t.pass();
});
