import type { DatabaseSync } from 'node:sqlite';
import type { EventClass } from '#events/catalog.ts';
import { rowOverheadBytes } from './outbox-tally.ts';

/**
 * Events that were given up. Without `runs`, nothing from `first` to `last` is still to come, so a receiver counts all
 * of it as received; with them, only the runs that are gone.
 */
export interface DropRange {
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly class: EventClass;
  /** `full`: no space; `refused`: the broker will never take it. */
  readonly reason: 'full' | 'refused';
  /** How many sequences are gone, how many are not, and so on: the first and the last number are of those gone. */
  readonly runs?: readonly number[] | undefined;
}

/** A report is one event: so long its list may grow, in numbers. */
const longestRuns = 8_191;

/** Joins pieces into one range per class and reason, or a few where a list of runs would grow too long. */
export function joinDrops(pieces: readonly DropRange[]): DropRange[] {
  const groups = Map.groupBy(pieces, ({ class: name, reason }) => `${name} ${reason}`);
  return [...groups.values()].flatMap(joinGroup).sort((a, b) => a.first - b.first);
}

function joinGroup(pieces: readonly DropRange[]): DropRange[] {
  const joined: (DropRange & { runs: number[] })[] = [];
  for (const piece of [...pieces].sort((a, b) => a.first - b.first)) {
    const length = piece.last - piece.first + 1;
    const open = joined.at(-1);
    if (open === undefined || open.runs.length >= longestRuns) {
      joined.push({ ...piece, runs: [length] });
      continue;
    }
    const gap = piece.first - open.last - 1;
    const { runs } = open;
    if (gap === 0) runs.push((runs.pop() ?? 0) + length);
    else runs.push(gap, length);
    joined[joined.length - 1] = { ...open, last: piece.last, count: open.count + piece.count };
  }
  return joined.map(({ runs, ...range }) => (runs.length === 1 ? range : { ...range, runs }));
}

/** The sequences of a range that are gone, as pairs of first and last. */
export function goneIn({
  first,
  last,
  runs,
}: Pick<DropRange, 'first' | 'last' | 'runs'>): [number, number][] {
  if (runs === undefined) return [[first, last]];
  const gone: [number, number][] = [];
  let at = first;
  for (const [i, length] of runs.entries()) {
    if (i % 2 === 0) gone.push([at, at + length - 1]);
    at += length;
  }
  return gone;
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
export function planDrops(database: DatabaseSync, bytes: number): DropRange[] {
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
