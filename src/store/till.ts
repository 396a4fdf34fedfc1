import type { BasketSnapshot } from '#basket/basket.ts';
import type { Payment, SaleLine } from './records.ts';

/** What the till does by itself, and what it waits for a person for. */
export interface TillPolicy {
  readonly pay: 'auto' | 'ask';
  /** `auto`: an estimate of the cart's counts as if it were weighed. For demonstrations: it is no certified weighing. */
  readonly weigh: 'auto' | 'ask';
  readonly age: 'auto' | 'ask';
}

/** What a person at the till has said about a basket. */
export interface Wish {
  readonly pay?: true;
  readonly decline?: true;
  readonly approve?: true;
  /** Prices by line, minor units. */
  readonly prices?: ReadonlyMap<number, number>;
}

/** What the till waits for. */
export type Wait =
  | 'price'
  | 'age'
  /** Something is being put in or taken out. */
  | 'movement'
  /** The cart refused a payment of just this basket: it has to say something new, or a person has to ask again. */
  | 'cart'
  | 'pay';

/** The next thing to ask of a cart. */
export type TillRequest =
  | {
      readonly kind: 'price';
      readonly lines: readonly { readonly line: number; readonly priceMinor: number }[];
    }
  | { readonly kind: 'approve'; readonly age: number }
  /** A new payment, that has to stand in the book before the cart is asked. */
  | { readonly kind: 'authorize'; readonly payment: Payment }
  /** One that stands there: the cart is asked until it answers. */
  | { readonly kind: 'settle'; readonly payment: Payment };

/** The same, or what to wait for. */
export type TillStep =
  | TillRequest
  | { readonly kind: 'wait'; readonly for: Wait; readonly lines?: readonly number[]; readonly age?: number };

/**
 * What a till does next for a basket whose attempt to pay is open; undefined where there is none, or all is done.
 * The book goes first: a payment that stands there and was not answered is asked about again, whatever the basket says now,
 * so that an attempt is never authorized twice.
 *
 * @param payments of this attempt, the first try first
 */
export function nextStep(
  till: string,
  device: string,
  basket: BasketSnapshot | undefined,
  payments: readonly Payment[],
  policy: TillPolicy,
  wish: Wish = {},
): TillStep | undefined {
  const open = payments.find(({ state }) => state === 'authorized');
  if (open !== undefined) return { kind: 'settle', payment: open };
  if (basket?.state !== 'checkout' || basket.checkout === undefined) return undefined;
  const { checkout, revision, unpriced, moving } = basket.checkout;
  if (payments.some(({ state }) => state === 'captured' || state === 'declined')) return undefined;
  const authorize = (outcome: 'paid' | 'declined'): TillStep => ({
    kind: 'authorize',
    payment: {
      reference: referenceOf(till, checkout, payments.length + 1),
      device,
      checkout,
      revision,
      totalMinor: basket.totals.toPayMinor ?? basket.totals.finalMinor,
      currency: basket.totals.currency,
      outcome,
      state: 'authorized',
    },
  });
  if (wish.decline === true) return authorize('declined');
  if (unpriced.length > 0) return pricing(basket.lines, unpriced, policy, wish);
  const age = basket.approvals?.[0]?.minimumAge;
  if (age !== undefined) {
    const approves = policy.age === 'auto' || wish.approve === true;
    return approves ? { kind: 'approve', age } : { kind: 'wait', for: 'age', age };
  }
  if (policy.pay !== 'auto' && wish.pay !== true) return { kind: 'wait', for: 'pay' };
  const refused = payments.some(
    (one) => one.state === 'voided' && one.revision === revision && one.outcome === 'paid',
  );
  if (refused && wish.pay !== true) return { kind: 'wait', for: 'cart' };
  return moving ? { kind: 'wait', for: 'movement' } : authorize('paid');
}

function pricing(
  lines: readonly SaleLine[],
  unpriced: readonly number[],
  policy: TillPolicy,
  wish: Wish,
): TillStep {
  const found = unpriced.flatMap((number) => {
    const line = lines.find((one) => one.line === number);
    const priceMinor = line === undefined ? undefined : priceFor(line, policy, wish.prices);
    return priceMinor === undefined ? [] : [{ line: number, priceMinor }];
  });
  if (found.length > 0) return { kind: 'price', lines: found };
  return { kind: 'wait', for: 'price', lines: unpriced };
}

/** What the till charges for a line that the cart could not price; undefined while nobody has said. */
export function priceFor(
  line: SaleLine,
  { weigh }: Pick<TillPolicy, 'weigh'>,
  prices: ReadonlyMap<number, number> | undefined,
): number | undefined {
  const said = prices?.get(line.line);
  if (said !== undefined) return said;
  return weigh === 'auto' && line.priceStatus === 'estimate' ? line.priceMinor : undefined;
}

/** Names till, attempt and try: the same after a restart, and never that of another payment. */
function referenceOf(till: string, checkout: string, attempt: number): string {
  return `${till}-${checkout.replaceAll('-', '').slice(0, 16)}-${attempt}`;
}

/** What a cart's answer to a settlement makes of the payment; undefined where it is to be asked again. */
export function afterAnswer(
  payment: Payment,
  answer:
    | { readonly status: 'done' }
    | { readonly status: 'refused'; readonly code: string; readonly doubtful?: true },
): 'captured' | 'declined' | 'voided' | undefined {
  if (answer.status === 'done') return payment.outcome === 'paid' ? 'captured' : 'declined';
  // Something may still move; the outbox is full; the request took too long: all of these pass.
  if (answer.doubtful === true) return undefined;
  return passes(answer.code) || !answer.code.startsWith('CW-BSK-') ? undefined : 'voided';
}

/** Whether what a cart refuses passes by itself: something moves there. */
export function passes(code: string): boolean {
  return code === 'CW-BSK-010';
}
