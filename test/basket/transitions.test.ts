import { readFile } from 'node:fs/promises';
import test from 'ava';
import { isCoded } from '#base/errors.ts';
import { Basket, type BasketState } from '#basket/basket.ts';
import type { BasketStateName } from '#basket/transitions.ts';
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

/** A cart in a state, with a jar in its basket where the state has one. */
function cartIn(state: BasketStateName): Cart {
  const cart = new Cart();
  cart.wait(2);
  if (state === 'none') return cart;
  cart.command('basket.receive', { from: 'cart-2', session: 's-1', lines: [line], token });
  if (state === 'suspended') cart.command('basket.suspend');
  if (state === 'checkout' || state === 'paid') cart.command('basket.checkout');
  if (state === 'paid') cart.command('checkout.settle', settlement(cart));
  return cart;
}

function settlement(cart: Cart): Record<string, unknown> {
  const checkout = cart.of('basket.checkout').at(-1)?.data;
  return {
    checkout: checkout?.checkout ?? '00000000-0000-8000-8000-000000000000',
    revision: checkout?.revision ?? 1,
    totalMinor: checkout?.totals.toPayMinor ?? 0,
    outcome: 'paid',
    reference: 'T-1',
  };
}

/** Arguments that are right wherever the state allows the command. */
const argumentsOf = (command: string, cart: Cart): Record<string, unknown> => {
  const given: Readonly<Record<string, Record<string, unknown>>> = {
    'session.begin': { token: 'QR-another' },
    'checkout.price': { ...settlement(cart), lines: [{ line: 1, priceMinor: 1 }] },
    'checkout.settle': { ...settlement(cart), reference: 'T-2' },
    'basket.resume': { token },
    'basket.transfer': { to: 'till-1' },
    'basket.receive': { from: 'cart-2', session: 's-2', lines: [] },
    'basket.abandon': { by: staff },
    'basket.approve': { age: 18, by: staff },
    'basket.coupon': { code: '1' },
    'item.identify': { gtin: jar.gtin },
    'item.answer': { event: '00000000-0000-8000-8000-000000000000', outcome: 'withdrawn' },
    'item.override': { line: 1, priceMinor: 5, by: staff, why: 'test' },
    'line.void': { line: 1, by: staff, why: 'test' },
    'line.dispute': { line: 1 },
  };
  const args = { ...given[command] };
  if (command === 'checkout.price') {
    for (const key of ['totalMinor', 'outcome', 'reference']) delete args[key];
  }
  return args;
};

/** What a cell of the design says: the code it begins with, or `done` for a tick or an equals sign. */
function expectedOf(command: string, cell: string): string {
  const code = /^(?:CW-BSK-)?(\d{3})/.exec(cell)?.[1];
  if (code !== undefined) return `CW-BSK-${code}`;
  // The same token resumes; this test sends another.
  if (command === 'session.begin' && cell.startsWith('the same token')) return 'CW-BSK-001';
  return 'done';
}

/** Refused by rooms that the table is not about: the state let the command pass. */
const beyond: Readonly<Record<string, readonly string[]>> = {
  'item.answer': ['CW-FUS-003'],
  // The jar has a final price, so there is nothing for a till to price.
  'checkout.price': ['CW-BSK-015'],
  // The attempt was settled with another reference.
  'checkout.settle': ['CW-BSK-014'],
};

const commandNames = [
  ...['session.begin', 'session.end', 'checkout.price', 'checkout.settle', 'checkout.cancel'],
  ...[
    'checkout',
    'suspend',
    'resume',
    'transfer',
    'receive',
    'abandon',
    'approve',
    'coupon',
    'loyalty',
    'help',
  ].map((name) => `basket.${name}`),
  ...['item.identify', 'item.answer', 'item.override', 'line.void', 'line.dispute'],
];

test('The design names every command of the basket', async (t) => {
  const table = await tableOfTheDesign();
  t.deepEqual([...table.keys()].sort(), [...commandNames].sort());
  for (const [command, cells] of table) t.is(cells.length, states.length, command);
});

for (const state of states) {
  test(`Every command finds in state ${state} what the design says of it`, async (t) => {
    const table = await tableOfTheDesign();
    for (const [command, cells] of table) {
      const cart = cartIn(state);
      t.is(cart.pipeline.snapshot()?.state ?? 'none', state === 'none' ? 'none' : state);
      const before = cart.events.length;
      const outcome = cart.command(command, argumentsOf(command, cart));
      const found = outcome?.status === 'refused' ? outcome.code : 'done';
      // "as before" of a row that speaks of fusion, and of nobody's basket.
      const cell = (cells[states.indexOf(state)] ?? '').replace(/^as before.*/, '✓');
      const expected = expectedOf(command, cell);
      const others = beyond[command] ?? [];
      const message = `${command} in ${state}: ${found}, the design says ${cell}`;
      t.true(found === expected || others.includes(found), message);
      const changed = cart.events.slice(before).filter(({ type }) => type.startsWith('basket.'));
      if (found !== 'done') t.deepEqual(changed, [], `${command} in ${state} is refused and changes nothing`);
    }
  });
}

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
