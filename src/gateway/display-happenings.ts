import type { CartEvent } from '#events/event.ts';
import type { DisplayState, DisplayUpdate, ShownBasket } from '#pages/display/source.ts';

type Told = Pick<DisplayState, 'alerts' | 'unpaid' | 'ageRefused'>;
type Alert = DisplayState['alerts'][number];

/** What the display tells of events: a word and a tone each, and what stays to be seen until it is put right. */
export class Happenings {
  readonly #alerts = new Set<Alert>();
  #unpaid: DisplayState['unpaid'];
  #ageRefused: number | undefined;

  /** What of it is to be shown beside a basket in this state. */
  state(basket: ShownBasket['state'] | undefined): Told {
    const shown = [...this.#alerts].filter((alert) => (alert === 'after-payment') === (basket === 'paid'));
    return {
      alerts: basket === undefined ? [] : shown,
      ...(this.#unpaid === undefined || basket !== 'open' ? {} : { unpaid: this.#unpaid }),
      ...(this.#ageRefused === undefined || basket === undefined ? {} : { ageRefused: this.#ageRefused }),
    };
  }

  /** Takes one event; what is told of it at once, if anything. */
  take(event: CartEvent): DisplayUpdate | undefined {
    const { atUs } = event;
    switch (event.type) {
      case 'basket.opened':
        this.#forget();
        return undefined;
      case 'basket.line': {
        const { name, change } = event.data;
        if (change === 0) return undefined;
        this.#unpaid = undefined;
        this.#alerts.delete('during-payment');
        const type = change > 0 ? 'added' : 'removed';
        return { kind: 'event', type, atUs, name, count: Math.abs(change) };
      }
      case 'item.unresolved':
        return { kind: 'event', type: 'asked', atUs };
      case 'item.resolved':
        return event.data.outcome === 'added' ? undefined : { kind: 'event', type: 'settled', atUs };
      case 'scan.read':
        return isStrange(event.data.meaning) ? { kind: 'event', type: 'refused', atUs } : undefined;
      case 'basket.checkout':
        this.#unpaid = undefined;
        this.#alerts.clear();
        return undefined;
      case 'basket.reopened':
        this.#unpaid = event.data.reason;
        return { kind: 'event', type: 'refused', atUs };
      case 'basket.paid':
        this.#forget();
        return { kind: 'event', type: 'paid', atUs };
      case 'basket.approved':
        this.#ageRefused = event.data.outcome === 'refused' ? event.data.age : undefined;
        return { kind: 'event', type: event.data.outcome === 'refused' ? 'refused' : 'settled', atUs };
      case 'basket.alert':
        return this.#alerted(event);
      default:
        return undefined;
    }
  }

  #alerted({ data, atUs }: Extract<CartEvent, { type: 'basket.alert' }>): DisplayUpdate | undefined {
    if (data.kind === 'refused') return { kind: 'event', type: 'refused', atUs };
    if (data.kind !== 'during-payment' && data.kind !== 'after-payment') return undefined;
    this.#alerts.add(data.kind);
    return { kind: 'event', type: 'alert', atUs };
  }

  #forget(): void {
    this.#alerts.clear();
    this.#unpaid = undefined;
    this.#ageRefused = undefined;
  }
}

function isStrange(meaning: string): boolean {
  return meaning === 'unknown' || meaning === 'invalid';
}
