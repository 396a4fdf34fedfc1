import { readFile } from 'node:fs/promises';
import test from 'ava';
import { isCoded } from '#base/errors.ts';
import { Basket, type BasketState } from '#basket/basket.ts';
import type { BasketStateName } from '#basket/transitions.ts';
import { pipelineCommands } from '#pipeline/commands.ts';
import { Cart, jar } from '#test/pipeline/support.ts';
import { milk, Trolley } from './support.ts';

const states: readonly BasketStateName[] = ['none', 'open', 'checkout', 'suspended', 'paid'];
const token = 'QR-1234-of-hers';
const staff = { role: 'staff', who: '17' } as const;

/** The table of docs/design.md: for each command, what each state says to it. */
async function tableOfTheDesign(): Promise<Map<string, readonly string[]>> {
  const text = await readFile('docs/design.md', 'utf8');
  const rows = text
    .slice(text.indexOf('| command | none | open |'))
    .split('\n\n')[0]
    ?.split('\n')
    .slice(2)
    .map((row) => row.replaceAll('\\|', '/').split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()));
  const entries = (rows ?? []).flatMap(([commands = '', ...cells]) =>
    [...commands.matchAll(/`([a-z]+\.[a-z]+)/g)].map((match) => [match[1] ?? '', cells] as const),
  );
  return new Map(entries);
}

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
/** What the till has to price. */
const atTill = { ...line, line: 2, unitPriceMinor: undefined, priceMinor: 0, priceStatus: 'at-till' };
/** No attempt of any of these carts. */
const noAttempt = '00000000-0000-8000-8000-000000000000';

/** A cart in a state, with a jar in its basket where the state has one, and something on the plate that was asked about. */
function cartIn(state: BasketStateName): Cart {
  const cart = new Cart();
  cart.wait(2);
  if (state !== 'none') {
    cart.command('basket.receive', { from: 'cart-2', session: 's-1', lines: [line, atTill], token });
  }
  cart.put(5_000_000).wait(3);
  if (state === 'suspended') cart.command('basket.suspend');
  if (state === 'checkout' || state === 'paid') cart.command('basket.checkout');
  if (state === 'paid') {
    cart.command('checkout.price', prices(cart));
    cart.command('checkout.settle', settlement(cart));
  }
  return cart;
}

/** The attempt and revision as they stand. */
function attempt(cart: Cart): { readonly checkout: string; readonly revision: number } {
  const basket = cart.pipeline.snapshot();
  return { checkout: basket?.checkout?.checkout ?? noAttempt, revision: basket?.revision ?? 1 };
}

const prices = (cart: Cart) => ({ ...attempt(cart), lines: [{ line: 2, priceMinor: 120 }] });

function settlement(cart: Cart): Record<string, unknown> {
  const totalMinor = cart.pipeline.snapshot()?.totals.toPayMinor ?? 0;
  return { ...attempt(cart), totalMinor, outcome: 'paid', reference: 'T-1' };
}

/** Arguments that are right wherever the state allows the command. */
const argumentsOf = (command: string, cart: Cart): Record<string, unknown> => {
  const question = cart.of('item.unresolved')[0]?.id;
  const given: Readonly<Record<string, Record<string, unknown>>> = {
    'session.begin': { token: 'QR-another' },
    'checkout.price': prices(cart),
    'checkout.settle': { ...settlement(cart), outcome: 'declined' },
    'basket.resume': { token },
    'basket.transfer': { to: 'till-1' },
    'basket.receive': { from: 'cart-2', session: 's-2', lines: [] },
    'basket.abandon': { by: staff },
    'basket.approve': { age: 18, by: staff },
    'basket.coupon': { code: '1' },
    'item.identify': { gtin: jar.gtin },
    'item.answer': { event: question, outcome: 'not-an-item' },
    'item.place': { event: question, plate: 'basket' },
    'item.override': { line: 1, priceMinor: 5, by: staff, why: 'test' },
    'line.void': { line: 1, by: staff, why: 'test' },
    'line.dispute': { line: 1 },
  };
  return given[command] ?? {};
};

/** What a cell of the design says: a refusal, or `done` with the state that follows and whether anything changes. */
function expectedOf(command: string, cell: string, state: BasketStateName) {
  const code = /^(?:CW-BSK-)?(\d{3})/.exec(cell)?.[1];
  if (code !== undefined) return { found: `CW-BSK-${code}`, state };
  // The question of this test is about a movement, and not about a scan whose thing may lie on a rack.
  if (command === 'item.place') return { found: 'CW-FUS-003', state };
  // The same token resumes; this test sends another.
  if (command === 'session.begin' && cell.startsWith('the same token')) return { found: 'CW-BSK-001', state };
  // The attempt that this test settles is declined.
  const after = /→ (?:paid or )?([a-z]+)/.exec(cell)?.[1] ?? state;
  return { found: 'done', state: after, isIdle: cell.startsWith('=') };
}

const commandNames = pipelineCommands.filter((name) => /^(?:session|basket|checkout|item|line)\./.test(name));

test('The design names every command of the basket', async (t) => {
  const table = await tableOfTheDesign();
  t.deepEqual([...table.keys()].sort(), [...commandNames].sort());
  for (const [command, cells] of table) t.is(cells.length, states.length, command);
});

for (const state of states) {
  test(`Every command finds in state ${state} what the design says of it`, async (t) => {
    for (const [command, cells] of await tableOfTheDesign()) {
      const cart = cartIn(state);
      t.is(cart.pipeline.snapshot()?.state ?? 'none', state);
      const [before, mark] = [cart.events.length, cart.pipeline.basketMark];
      const outcome = cart.command(command, argumentsOf(command, cart));
      // "as before" of a row that speaks of fusion, and of nobody's basket.
      const cell = (cells[states.indexOf(state)] ?? '').replace(/^as before.*/, '✓');
      const expected = expectedOf(command, cell, state);
      const message = `${command} in ${state}: ${outcome?.status} ${JSON.stringify(outcome)}, the design says ${cell}`;
      t.is(outcome?.status === 'refused' ? outcome.code : 'done', expected.found, message);
      t.is(cart.pipeline.snapshot()?.state ?? 'none', expected.state, message);
      if (expected.found === 'done' && expected.isIdle !== true) continue;
      t.deepEqual(cart.events.slice(before), [], `${message}: nothing is told`);
      t.is(cart.pipeline.basketMark, mark, `${message}: nothing changes`);
    }
  });
}

test('A settlement that was taken is answered in every state as it was, and changes nothing', (t) => {
  const settled = (state: BasketStateName) => {
    const cart = cartIn('checkout');
    cart.command('checkout.price', prices(cart));
    const paid = settlement(cart);
    const answer = cart.command('checkout.settle', paid);
    const receive = { from: 'cart-2', session: 's-2', lines: [line] };
    if (state === 'none') cart.command('session.end');
    else if (state !== 'paid') cart.command('basket.receive', receive);
    if (state === 'suspended') cart.command('basket.suspend');
    cart.wait(3);
    if (state === 'checkout') cart.command('basket.checkout');
    return { cart, paid, answer };
  };
  for (const state of states) {
    const { cart, paid, answer } = settled(state);
    t.is(answer?.status, 'done');
    t.is(cart.pipeline.snapshot()?.state ?? 'none', state);
    const before = cart.events.length;
    t.deepEqual(cart.command('checkout.settle', paid), answer, state);
    t.like(cart.command('checkout.settle', { ...paid, reference: 'T-2' }), { code: 'CW-BSK-014' }, state);
    t.is(cart.events.length, before);
  }
});

test('A token that opened a trip resumes it by command as well, and no other does', (t) => {
  const cart = cartIn('suspended');
  t.like(cart.command('session.begin', { token: 'QR-another' }), { code: 'CW-BSK-001' });
  t.like(cart.command('basket.resume', { token: 'QR-another' }), { code: 'CW-BSK-012' });
  t.is(cart.command('session.begin', { token })?.status, 'done');
  t.is(cart.pipeline.snapshot()?.state, 'open');
  t.is(cart.of('basket.resumed').length, 1);
});

test('What is for staff is refused to everybody else, in whatever state', (t) => {
  for (const state of ['open', 'checkout', 'suspended'] as const) {
    for (const by of [{ role: 'shopper', who: '1' }, { role: 'store', who: '1' }, { role: 'staff' }]) {
      for (const command of ['basket.approve', 'item.override', 'line.void']) {
        const cart = cartIn(state);
        const before = cart.events.length;
        const outcome = cart.command(command, { ...argumentsOf(command, cart), by });
        t.like(outcome, { code: 'CW-BSK-013' }, `${command} by ${JSON.stringify(by)} in ${state}`);
        t.is(cart.events.length, before);
      }
    }
  }
});

test('Nothing is checked out where nothing is in the basket, nor while something moves', (t) => {
  const cart = new Cart().wait(2);
  cart.command('session.begin', { touch: true });
  t.like(cart.command('basket.checkout'), { code: 'CW-BSK-011' });
  cart.put(5_000_000);
  t.true(cart.pipeline.snapshot()?.state === 'open');
  const moving = new Cart().wait(2);
  moving.command('basket.receive', { from: 'cart-2', session: 's-1', lines: [line] });
  moving.put(5_000_000);
  t.like(moving.command('basket.checkout'), { code: 'CW-BSK-010' });
  t.is(moving.wait(3).command('basket.checkout')?.status, 'done', 'asked again');
});

test('A trip that was saved by the first version goes on', (t) => {
  const state = {
    version: 1,
    sessions: 3,
    open: {
      session: 'abc',
      tokenHash: '',
      revision: 4,
      nextLine: 2,
      lines: [
        {
          line: 1,
          product: milk.key,
          name: milk.name,
          sale: 'each',
          count: 1,
          unitPriceMinor: 129,
          priceMinor: 129,
          priceStatus: 'final',
          entry: 'scan',
        },
      ],
      questions: ['2b0e4a51-6d2c-8f13-9a77-0c5de1b4a902'],
      effects: {},
    },
  } as const satisfies BasketState;
  const trolley = new Trolley();
  trolley.basket.saveState = () => state;
  trolley.restart().nowUs = 5_000_000;
  t.is(trolley.basket.state, 'open');
  t.is(trolley.basket.totals().open, 1);
  trolley.add(milk);
  t.is(trolley.basket.checkout.begin(false).totals.toPayMinor, 258);
});

test('A refusal says what to do about it', (t) => {
  const trolley = new Trolley();
  const refusal = (work: () => unknown) => t.throws(work, { instanceOf: Error }, 'is refused');
  const error = refusal(() => trolley.basket.checkout.begin(false));
  t.true(isCoded(error));
  t.regex(String(error), /session\.begin/);
  trolley.basket.open({ by: 'touch' });
  trolley.add(milk);
  trolley.basket.checkout.begin(false);
  t.regex(String(refusal(() => trolley.basket.close())), /checkout\.cancel/);
  t.true(trolley.basket instanceof Basket);
});
