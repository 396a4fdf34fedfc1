import type { Settlement } from '#basket/checkout.ts';
import { BasketError } from '#basket/errors.ts';
import type { EventType } from '#events/catalog.ts';
import type { EventOf } from '#events/event.ts';
import { apples, beans, milk, Trolley, unpriced } from './support.ts';

/** Who may approve, void and override. */
export const staff = { role: 'staff', who: '17' } as const;
/** Goods for adults. */
export const wine = { ...beans, minimumAge: 18 };

/** A trolley with a bottle of milk, its trip opened by a token. */
export function shopping(): Trolley {
  const trolley = new Trolley([milk, wine, unpriced, apples]);
  trolley.basket.open({ by: 'token', token: 'QR-1234' });
  trolley.add(milk);
  trolley.nowUs += 5_000_000;
  return trolley;
}

/** The events of a type, in their order. */
export const of = <Type extends EventType>(trolley: Trolley, type: Type) =>
  trolley.events.filter((event) => event.type === type) as unknown as EventOf<Type>[];

/** What a till says that was told of the attempt as it stands now. */
export function paying(trolley: Trolley, changes: Partial<Settlement> = {}): Settlement {
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

/** Settles the attempt as it stands. */
export const settle = (trolley: Trolley, changes: Partial<Settlement> = {}) =>
  trolley.basket.checkout.settle(paying(trolley, changes), trolley.basket.isMoving);

/** The code with which something is refused, or `done`. */
export const refusal = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof BasketError) return error.code;
    throw error;
  }
  return 'done';
};
