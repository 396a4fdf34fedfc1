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
