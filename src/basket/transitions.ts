import { BasketError, type basketCodes } from './errors.ts';

/** `none`: no session, so there is no basket. */
export type BasketStateName = 'none' | 'open' | 'checkout' | 'suspended' | 'paid';
type Refusal = keyof typeof basketCodes;

/** What a command meets in each state: the code of its refusal, or undefined where it is carried out. */
type Row = readonly [
  none: Refusal | undefined,
  open: Refusal | undefined,
  checkout: Refusal | undefined,
  suspended: Refusal | undefined,
  paid: Refusal | undefined,
];

const columns: readonly BasketStateName[] = ['none', 'open', 'checkout', 'suspended', 'paid'];
const ok = undefined;
const [taken, absent, wrong, other] = ['CW-BSK-001', 'CW-BSK-002', 'CW-BSK-004', 'CW-BSK-005'] as const;

/** The table of docs/design.md. Which arguments a command takes beyond that, its own method checks. */
const rows = {
  'session.begin': [ok, taken, taken, taken, ok],
  'session.end': [absent, ok, wrong, ok, ok],
  'basket.checkout': [absent, ok, ok, wrong, wrong],
  'checkout.price': [absent, other, ok, other, other],
  'checkout.settle': [other, other, ok, other, other],
  'checkout.cancel': [absent, other, ok, other, other],
  'basket.suspend': [absent, ok, wrong, ok, wrong],
  'basket.resume': [absent, ok, wrong, ok, wrong],
  'basket.transfer': [absent, ok, ok, ok, wrong],
  'basket.receive': [ok, taken, taken, taken, ok],
  'basket.abandon': [absent, ok, wrong, ok, wrong],
  'basket.approve': [absent, ok, ok, ok, wrong],
  'basket.coupon': [absent, ok, ok, wrong, wrong],
  'basket.loyalty': [absent, ok, ok, wrong, wrong],
  'basket.help': [ok, ok, ok, ok, ok],
  'item.identify': [ok, ok, ok, wrong, wrong],
  'item.answer': [ok, ok, ok, wrong, wrong],
  'item.place': [absent, ok, ok, wrong, wrong],
  'item.remove': [absent, ok, ok, wrong, wrong],
  'item.override': [absent, ok, ok, ok, wrong],
  'line.void': [absent, ok, ok, ok, wrong],
  'line.dispute': [absent, ok, ok, ok, wrong],
} as const satisfies Record<string, Row>;

export type GuardedCommand = keyof typeof rows;

const remedies: Readonly<Record<BasketStateName, string>> = {
  none: 'begin a session first (session.begin)',
  open: 'begin a checkout attempt first (basket.checkout)',
  checkout: 'end the checkout attempt first (checkout.cancel)',
  suspended: 'resume it first (basket.resume, or the token that opened it)',
  paid: 'begin another session (session.begin)',
};

/** Throws the coded refusal of a command that the state of the basket doesn't allow. */
export function admit(command: GuardedCommand, state: BasketStateName): void {
  const code = rows[command][columns.indexOf(state)];
  if (code === undefined) return;
  if (code === taken) {
    throw new BasketError(code, 'a session is already open on this cart; end it first (session.end)');
  }
  if (code === absent) {
    throw new BasketError(code, 'no session is open on this cart; begin one first (session.begin)');
  }
  const basket = state === 'none' ? 'there is no basket' : `the basket is ${state}`;
  throw new BasketError(code, `${command} does not go while ${basket}; ${remedies[state]}`);
}
