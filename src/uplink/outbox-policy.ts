import type { DatabaseSync } from 'node:sqlite';
import type { EventClass } from '#events/catalog.ts';

/** Rows and bytes per class, by the class's number: ledger, evidence, telemetry. */
export interface Tally {
  readonly events: readonly [number, number, number];
  readonly bytes: readonly [number, number, number];
}

/** Events that were given up: every stored event from `first` to `last`, so a receiver may count the range as received. */
export interface DropRange {
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly class: EventClass;
  /** `full`: no space; `refused`: the broker will never take it. */
  readonly reason: 'full' | 'refused';
}

/** What is left of `all` without `part`. */
export function less(all: Tally, part: Tally): Tally {
  const { events, bytes } = all;
  return {
    events: [events[0] - part.events[0], events[1] - part.events[1], events[2] - part.events[2]],
    bytes: [bytes[0] - part.bytes[0], bytes[1] - part.bytes[1], bytes[2] - part.bytes[2]],
  };
}

/** Telemetry goes first, then evidence; ledger events are never dropped for space. */
const order = [
  { name: 'telemetry', number: 2 },
  { name: 'evidence', number: 1 },
] as const;

/**
 * Chooses what to drop to free `bytes`: the oldest telemetry, then the oldest evidence. A range never spans an event
 * that stays (it may span some that were delivered before).
 */
export function planDrops(database: DatabaseSync, bytes: number, rowOverheadBytes: number): DropRange[] {
  const rows = database.prepare(
    `SELECT sequence, class, length(bytes) + length(type) + ${rowOverheadBytes} AS bytes
     FROM event ORDER BY sequence`,
  );
  const ranges: DropRange[] = [];
  let freed = 0;
  for (const { name, number } of order) {
    let open: { first: number; last: number; count: number } | undefined;
    const close = () => {
      if (open !== undefined) ranges.push({ ...open, class: name, reason: 'full' });
      open = undefined;
    };
    for (const row of rows.iterate()) {
      if (freed >= bytes) break;
      if (Number(row.class) !== number) {
        close();
        continue;
      }
      const sequence = Number(row.sequence);
      open = { first: open?.first ?? sequence, last: sequence, count: (open?.count ?? 0) + 1 };
      freed += Number(row.bytes);
    }
    close();
  }
  return ranges.sort((a, b) => a.first - b.first);
}
