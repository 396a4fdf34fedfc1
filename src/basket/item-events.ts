import type { EventData } from '#events/catalog.ts';
import type { CartEvent } from '#events/event.ts';
import type { BasketContext } from './context.ts';
import { askedOf } from './questions.ts';
import type { Trip } from './trip.ts';

/** Whether an item event says that goods were put in or taken out, and not only that something is asked or answered. */
export function movesGoods(event: CartEvent): boolean {
  switch (event.type) {
    case 'item.added':
    case 'item.removed':
    case 'item.corrected':
      return true;
    case 'item.unresolved':
      return event.data.kind !== 'scanned-not-placed';
    case 'item.resolved':
      return event.data.outcome === 'added' || event.data.outcome === 'removed';
    default:
      return false;
  }
}

/**
 * Whether all that an item event rests on had been weighed before `sinceUs`, monotonic µs: it is an answer to what lay there
 * already. Of what had settled before a reboot events say 0, and `sinceUs` is not above 0 where it was before it, too; that
 * counts as long as nothing is being decided on (`isMoving`), as a movement cut short by the reboot would be.
 */
export function restsOnEarlier(event: CartEvent, sinceUs: number, isMoving: boolean): boolean {
  const { evidence } = event.data as Partial<EventData<'item.added'>>;
  const movements = evidence?.movements ?? [];
  const isEarlier = (settledAtUs: number) =>
    settledAtUs < sinceUs || (settledAtUs === 0 && sinceUs <= 0 && !isMoving);
  return movements.length > 0 && movements.every(({ settledAtUs }) => isEarlier(settledAtUs));
}

/** Takes an item event into a trip: its lines and its open questions. */
export function takeEvent(trip: Trip, event: CartEvent, { contents, catalogue }: BasketContext): void {
  const decide = (data: EventData<'item.added'> & { readonly outcome: string }) => {
    if (data.outcome === 'added') contents.add(trip, event.id, data);
    else if (data.outcome === 'removed') contents.remove(trip, event.id, data);
  };
  switch (event.type) {
    case 'item.added':
      contents.add(trip, event.id, event.data);
      break;
    case 'item.removed':
      contents.remove(trip, event.id, event.data);
      break;
    case 'item.unresolved':
      trip.questions = [...trip.questions, event.id];
      trip.asked = [...trip.asked, askedOf(event.id, event.data, catalogue)];
      trip.revision += 1;
      break;
    case 'item.resolved': {
      const [asked, before] = [trip.questions.length, trip.revision];
      trip.questions = trip.questions.filter((id) => id !== event.data.settles);
      trip.asked = trip.asked.filter((one) => one.event !== event.data.settles);
      decide(event.data);
      // Lines count themselves; an answer that touched none changed the basket all the same.
      if (trip.revision === before && trip.questions.length < asked) trip.revision += 1;
      break;
    }
    case 'item.corrected':
      contents.undo(trip, event.id, event.data.corrects);
      decide(event.data);
      break;
    default:
      break;
  }
}
