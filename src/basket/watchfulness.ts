import type { Catalogue } from '#catalogue/products.ts';
import type { EventData } from '#events/catalog.ts';
import type { CartEvent } from '#events/event.ts';
import type { BasketDraft } from './contents.ts';
import { productOf } from './questions.ts';
import type { Trip } from './trip.ts';

interface Teller {
  readonly catalogue: Catalogue;
  readonly emit: (draft: BasketDraft) => string;
}

/** A thing that came back may weigh so much more than what had left, mg. */
const returnToleranceMg = 20_000;

type PutIn = Pick<EventData<'item.added'>, 'massMg' | 'plate' | 'gtin' | 'plu' | 'name' | 'probabilityPpm'>;

/** What an event says was put in; undefined where nothing was. */
function putIn(
  event: CartEvent,
  isPaid: boolean,
): (Partial<PutIn> & { readonly massMg: number }) | undefined {
  switch (event.type) {
    case 'item.added':
      return event.data;
    case 'item.resolved':
    case 'item.corrected':
      return event.data.outcome === 'added' ? event.data : undefined;
    case 'item.unresolved': {
      const { massMg, plate } = event.data;
      return isPaid && massMg > 0 ? { massMg, plate } : undefined;
    }
    default:
      return undefined;
  }
}

/**
 * Goods put in where no session is open, or (`trip`) the one before is paid: an alert each, for staff or the exit
 * check. A thing of the receipt that comes back for as much mass as had left is marked so.
 */
export function afterPayment(trip: Trip | undefined, event: CartEvent, { catalogue, emit }: Teller): void {
  const data = putIn(event, trip !== undefined);
  if (data === undefined) return;
  const { massMg, plate, probabilityPpm, name } = data;
  const product = productOf(catalogue, data);
  const isBack =
    trip !== undefined &&
    product !== undefined &&
    massMg > 0 &&
    massMg <= trip.awayMg + returnToleranceMg &&
    trip.lines.some((line) => line.count > 0 && line.product === product.key);
  if (isBack) trip.awayMg = Math.max(0, trip.awayMg - massMg);
  emit({
    type: 'basket.alert',
    data: {
      kind: trip === undefined ? 'no-session' : 'after-payment',
      massMg,
      ...(probabilityPpm === undefined ? {} : { probabilityPpm }),
      ...(plate === undefined ? {} : { plate }),
      blocking: false,
      ...(trip === undefined
        ? {}
        : { event: event.id, ...(name === undefined ? {} : { name }), returned: isBack }),
    },
    ...(trip === undefined ? {} : { session: trip.session }),
    causes: [event.id],
  });
}

/** Somebody is at a cart that its shopper has left: it is told, and counts as ever. */
export function whileSuspended(trip: Trip, event: CartEvent, { emit }: Teller): void {
  const { massMg, plate, name } = event.data as Partial<PutIn>;
  emit({
    type: 'basket.alert',
    data: {
      kind: 'while-suspended',
      event: event.id,
      blocking: false,
      ...(massMg === undefined ? {} : { massMg }),
      ...(plate === undefined ? {} : { plate }),
      ...(name === undefined ? {} : { name }),
    },
    session: trip.session,
    causes: [event.id],
  });
}
