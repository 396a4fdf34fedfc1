import type { DatabaseSync } from 'node:sqlite';

/** What a row costs beside its payload, bytes: record header, keys and its share of a page. */
export const rowOverheadBytes = 24;

/** Rows and bytes per class, by the class's number: ledger, evidence, telemetry. */
export interface Tally {
  readonly events: readonly [number, number, number];
  readonly bytes: readonly [number, number, number];
}

/** What an event takes of the outbox's bounds once it is stored, bytes. */
export function rowBytes({ type, bytes }: { readonly type: string; readonly bytes: Uint8Array }): number {
  return bytes.length + type.length + rowOverheadBytes;
}

/** Counts the stored events above `after` and up to `through`. Throws the database's error. */
export function countRows(database: DatabaseSync, after: number, through: number): Tally {
  const events: [number, number, number] = [0, 0, 0];
  const bytes: [number, number, number] = [0, 0, 0];
  const rows = database
    .prepare(
      `SELECT class, count(*) AS events, sum(length(bytes) + length(type) + ${rowOverheadBytes}) AS bytes
       FROM event WHERE sequence > ? AND sequence <= ? GROUP BY class`,
    )
    .all(after, through);
  for (const row of rows) {
    const number = Number(row.class);
    if (number !== 0 && number !== 1 && number !== 2) continue;
    events[number] = Number(row.events);
    bytes[number] = Number(row.bytes);
  }
  return { events, bytes };
}

/** What is left of `all` without `part`. */
export function less(all: Tally, part: Tally): Tally {
  const { events, bytes } = all;
  return {
    events: [events[0] - part.events[0], events[1] - part.events[1], events[2] - part.events[2]],
    bytes: [bytes[0] - part.bytes[0], bytes[1] - part.bytes[1], bytes[2] - part.bytes[2]],
  };
}
