import type { CartEvent } from '#events/event.ts';
import { toJson } from '#events/json.ts';

/** What the gateway says of itself is no decision and not in a trace. */
const own = /^(?:audit|calibration|command|gateway|outbox)\./;

/** Decisions without what differs by design: ledger, sequence and ids, which replay derives from the header. */
export function decisions(events: readonly CartEvent[]): unknown[] {
  const chosen = events.filter((event) => !own.test(event.type));
  const names = new Map(chosen.map((event, index) => [event.id, `event ${index}`]));
  return chosen.map((event) => {
    const {
      id: _id,
      ledger: _ledger,
      sequence: _sequence,
      boot: _boot,
      ...rest
    } = toJson(event) as Record<string, unknown>;
    const text = JSON.stringify(rest, (key, value: unknown) =>
      key === 'time' ? undefined : typeof value === 'string' ? (names.get(value) ?? value) : value,
    );
    return JSON.parse(text);
  });
}
