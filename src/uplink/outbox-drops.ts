import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type DropRange, goneIn, joinDrops } from './outbox-policy.ts';
import { type Batch, classNames, classNumbers } from './outbox-types.ts';

/**
 * What the outbox gave up and no stored event reports yet. It is kept on disk in pieces, told in joined ranges, and
 * forgotten once the report is stored; what was told is known in memory only, so a restart tells it again. Whatever
 * writes is called inside the outbox's transaction.
 */
export class Drops {
  readonly #database: DatabaseSync;
  readonly #remember: StatementSync;
  /** `first` of the pieces that were told and whose report isn't stored. */
  readonly #told = new Set<number>();
  #untold: boolean;

  /** Throws the database's error. */
  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#remember = database.prepare(
      'INSERT OR REPLACE INTO dropped (first, last, count, class, reason) VALUES (?, ?, ?, ?, ?)',
    );
    this.#untold = database.prepare('SELECT 1 FROM dropped LIMIT 1').get() !== undefined;
  }

  /** Some pieces were not told yet. */
  get hasUntold(): boolean {
    return this.#untold;
  }

  /** What was not told yet, in one range per class and reason where that is possible. */
  tell(): DropRange[] {
    const pieces = this.unreported().filter(({ first }) => !this.#told.has(first));
    for (const { first } of pieces) this.#told.add(first);
    this.#untold = false;
    return joinDrops(pieces);
  }

  /** All pieces whose report isn't stored, told or not. */
  unreported(): DropRange[] {
    return this.#database
      .prepare('SELECT first, last, count, class, reason FROM dropped ORDER BY first')
      .all()
      .map((row) => ({
        first: Number(row.first),
        last: Number(row.last),
        count: Number(row.count),
        class: classNames[Number(row.class)] ?? 'ledger',
        reason: row.reason === 'refused' ? 'refused' : 'full',
      }));
  }

  /** Adds a range whose events are gone from the outbox. */
  remember(range: DropRange): void {
    const piece = this.#pieceBefore(range);
    this.#remember.run(
      piece?.first ?? range.first,
      range.last,
      (piece?.count ?? 0) + range.count,
      classNumbers[range.class],
      range.reason,
    );
    this.#untold = true;
  }

  /** The pieces of a range whose report is stored are forgotten; where the report itself was given up, they are told again. */
  noteReported(report: Batch['reported'][number], isStored: boolean): void {
    const parameters = [classNumbers[report.class], report.reason] as const;
    const of = 'FROM dropped WHERE class = ? AND reason = ? AND first >= ? AND last <= ?';
    for (const [first, last] of goneIn(report)) {
      for (const row of this.#database.prepare(`SELECT first ${of}`).all(...parameters, first, last)) {
        this.#told.delete(Number(row.first));
      }
      if (isStored) this.#database.prepare(`DELETE ${of}`).run(...parameters, first, last);
      else this.#untold = true;
    }
  }

  /** A piece that nobody was told of and that this range continues: together they are one row of the table. */
  #pieceBefore({ first, class: name, reason }: DropRange): { first: number; count: number } | undefined {
    const row = this.#database
      .prepare(
        `SELECT first, count FROM dropped AS piece
         WHERE class = ? AND reason = ? AND first = (
           SELECT max(first) FROM dropped WHERE first < ? AND class = piece.class AND reason = piece.reason
         ) AND NOT EXISTS (SELECT 1 FROM event WHERE sequence > piece.last AND sequence < ?)`,
      )
      .get(classNumbers[name], reason, first, first);
    if (row === undefined || this.#told.has(Number(row.first))) return undefined;
    return { first: Number(row.first), count: Number(row.count) };
  }
}
