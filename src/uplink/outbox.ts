import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { UplinkError } from './errors.ts';
import { Drops } from './outbox-drops.ts';
import { openOutboxFile } from './outbox-file.ts';
import { type DropRange, planDrops } from './outbox-policy.ts';
import { countRows, less, rowBytes, type Tally } from './outbox-tally.ts';
import {
  type AppendOutcome,
  type Batch,
  classNames,
  classNumbers,
  type EncodedEvent,
  type OutboxLimits,
  type OutboxStart,
  type OutboxTally,
} from './outbox-types.ts';

/** From this share of its bytes on the ledger counts as full: what is left is for finishing the running session. */
const ledgerFullShare = 0.9;
/** Of all the bytes, this part is kept for what the gateway says of itself. */
const reserveShare = 1 / 32;
const largestReserveBytes = 1_048_576;
/** What uses the reserve: without these, a receiver would neither learn of a restart nor get past a gap. */
const reservedTypes = new Set(['gateway.born', 'outbox.dropped']);

/**
 * Events on disk until the store has them. All calls are synchronous; one worker thread owns it.
 *
 * `sequence` of the next event is one more than the largest that is stored or was ever deleted, so storing an event
 * touches no page but its own. Deletions ride along with the next batch, mostly on the same page, or are made by `flush`;
 * a power cut before that brings delivered events back, which are then repeated, never lost.
 */
export class Outbox {
  readonly start: OutboxStart;
  /** Where a damaged predecessor was put. */
  readonly setAside: { readonly path: string; readonly reason: string } | undefined;
  readonly #database: DatabaseSync;
  readonly #limits: {
    readonly ledger: number;
    readonly others: number;
    readonly all: number;
    readonly reserve: number;
  };
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #setMeta: StatementSync;
  readonly #drops: Drops;
  #tally: Tally;
  #next: number;
  #state: Map<string, string>;
  #deleteThrough = 0;
  #deletedThrough = 0;
  #connection: number;
  #acknowledged: boolean;
  #published: number;
  #dropped: number;
  #lost = false;

  /**
   * @param resume set where a worker is restarted within one run of the gateway: the boot count stays
   * Throws CW-UPL-001, -003, -004.
   */
  constructor(path: string, limits: OutboxLimits, resume?: { readonly boot: number }) {
    const { database, ledger, setAside } = openOutboxFile(path, limits.checkpointPages);
    this.#database = database;
    this.setAside = setAside;
    const ledgerLimit = Math.floor(limits.maxBytes * limits.ledgerShare);
    this.#limits = {
      ledger: ledgerLimit,
      others: limits.maxBytes - ledgerLimit,
      all: limits.maxBytes,
      reserve: Math.min(largestReserveBytes, Math.floor(limits.maxBytes * reserveShare)),
    };
    this.#insert = database.prepare('INSERT INTO event (sequence, class, type, bytes) VALUES (?, ?, ?, ?)');
    this.#select = database.prepare(
      'SELECT sequence, class, type, bytes FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?',
    );
    this.#setMeta = database.prepare(
      'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    );
    const clean = this.#meta('clean', 1) === 1;
    const boot = resume?.boot ?? this.#meta('boot', 0) + 1;
    this.#connection = this.#meta('connection', 0);
    this.#acknowledged = this.#meta('acknowledged', 0) === 1;
    this.#dropped = this.#meta('dropped', 0);
    const largest = Number(database.prepare('SELECT coalesce(max(sequence), 0) AS n FROM event').get()?.n);
    this.#next = Math.max(this.#meta('next', 1), largest + 1);
    // After a crash nobody knows how far publishing got: anything that was stored may have left.
    this.#published = clean ? this.#meta('published', this.#next - 1) : this.#next - 1;
    this.#drops = new Drops(database);
    this.#tally = countRows(database, 0, Number.MAX_SAFE_INTEGER);
    this.#state = new Map(
      database
        .prepare('SELECT key, value FROM state')
        .all()
        .map((row) => [String(row.key), String(row.value)]),
    );
    this.start = {
      ledger,
      boot,
      nextSequence: this.#next,
      state: Object.fromEntries(this.#state),
      crashed: !clean,
    };
    this.#transaction(() => {
      this.#setMeta.run('boot', boot);
      this.#setMeta.run('clean', 0);
    });
  }

  get nextSequence(): number {
    return this.#next;
  }
  /** Everything up to here was given up for delivery or confirmed; it may still be on disk. */
  get releasedThrough(): number {
    return this.#deleteThrough;
  }
  /** The largest sequence that may have left the device. */
  get publishedThrough(): number {
    return this.#published;
  }
  /** The store once acknowledged an event of this ledger, so PUBACK no longer counts as delivery. */
  get acknowledged(): boolean {
    return this.#acknowledged;
  }
  /** New sessions must wait: what is left of the ledger's share is for finishing the running one. */
  get ledgerFull(): boolean {
    return this.tally.ledgerBytes > this.#limits.ledger * ledgerFullShare;
  }
  /** The last ledger events found no room, and there is none yet. */
  get givingUp(): boolean {
    return this.#lost && this.ledgerFull;
  }
  /** What waits; released events that are still on disk don't count. */
  get tally(): OutboxTally {
    const { events, bytes } =
      this.#deleteThrough > this.#deletedThrough
        ? less(this.#tally, countRows(this.#database, this.#deletedThrough, this.#deleteThrough))
        : this.#tally;
    return {
      events: events[0] + events[1] + events[2],
      bytes: bytes[0] + bytes[1] + bytes[2],
      ledgerBytes: bytes[0],
      dropped: this.#dropped,
    };
  }
  /** Deletions wait for `flush` or for the next batch. */
  get hasDeletions(): boolean {
    return this.#deletable > this.#deletedThrough;
  }
  get pendingDeletions(): number {
    return this.#deletable - this.#deletedThrough;
  }

  /**
   * Stores batches in one transaction and one fsync, and drops what goes over the bounds, oldest first, telemetry
   * before evidence. Ledger events beyond their share take the place of the others; where even that is used up, a
   * batch's ledger events are given up (`lost` says so, CW-UPL-007) and its state is stored: the row goes on.
   * A batch that doesn't continue the row is rejected (CW-UPL-005). Throws the database's error if nothing could be
   * written.
   */
  append(batches: readonly Batch[]): {
    outcomes: AppendOutcome[];
    drops: DropRange[];
    lost: UplinkError | undefined;
  } {
    const outcomes: AppendOutcome[] = [];
    const changed = new Map<string, string | null>();
    const drops: DropRange[] = [];
    let lost = this.#lost;
    let error: UplinkError | undefined;
    this.#transaction(() => {
      // Before, for the space; after, since a new last row lets go of the old one.
      this.#applyDeletions();
      for (const batch of batches) {
        const row = this.#checkRow(batch.events);
        outcomes.push(row === undefined ? { outcome: 'stored' } : { outcome: 'rejected', error: row });
        if (row !== undefined) continue;
        const fits = this.#fits(batch.events);
        drops.push(...this.#appendBatch(batch, fits ?? true, changed));
        if (fits === false) error = this.#fullError();
        lost = fits === undefined ? lost : !fits;
      }
      this.#applyDeletions();
      drops.push(...this.#dropOverShare());
    });
    this.#lost = lost;
    for (const [key, value] of changed) {
      if (value === null) this.#state.delete(key);
      else this.#state.set(key, value);
    }
    return { outcomes, drops, lost: error };
  }

  /** Whether there is room for the ledger events among these; undefined where there are none. */
  #fits(events: readonly EncodedEvent[]): boolean | undefined {
    const ledger = events.filter((event) => event.class === 'ledger');
    if (ledger.length === 0) return undefined;
    const bytes = ledger.reduce((sum, event) => sum + rowBytes(event), 0);
    const reserve = ledger.every(({ type }) => reservedTypes.has(type)) ? 0 : this.#limits.reserve;
    return this.#tally.bytes[0] + bytes <= this.#limits.all - reserve;
  }

  #appendBatch(batch: Batch, fits: boolean, changed: Map<string, string | null>): DropRange[] {
    const events: [number, number, number] = [...this.#tally.events];
    const bytes: [number, number, number] = [...this.#tally.bytes];
    const lost: DropRange[] = [];
    for (const event of batch.events) {
      const { sequence, class: name } = event;
      if (name === 'ledger' && !fits) {
        lost.push({ first: sequence, last: sequence, count: 1, class: name, reason: 'full' });
        continue;
      }
      const number = classNumbers[name];
      this.#insert.run(sequence, number, event.type, event.bytes);
      events[number] += 1;
      bytes[number] += rowBytes(event);
    }
    this.#tally = { events, bytes };
    this.#next += batch.events.length;
    if (lost.length > 0) this.#drop(lost);
    for (const report of batch.reported) this.#drops.noteReported(report, fits);
    this.#writeState(batch.state, changed);
    return lost;
  }

  #checkRow(events: readonly EncodedEvent[]): UplinkError | undefined {
    let expected = this.#next;
    for (const event of events) {
      if (event.sequence !== expected) {
        return new UplinkError(
          'CW-UPL-005',
          `event ${event.sequence} was given to the outbox where ${expected} continues the row; only one ledger may feed it`,
          { details: { expected, found: event.sequence } },
        );
      }
      expected++;
    }
    return undefined;
  }

  #fullError(): UplinkError {
    return new UplinkError(
      'CW-UPL-007',
      `${this.#tally.bytes[0]} bytes of ledger events wait for the store, of ${this.#limits.all} allowed: ledger events are being given up and counted; bring the broker back, or raise outbox.maxBytes`,
      { details: { ledgerBytes: this.#tally.bytes[0], limitBytes: this.#limits.all } },
    );
  }

  #writeState(state: Readonly<Record<string, string | null>>, changed: Map<string, string | null>): void {
    for (const [key, value] of Object.entries(state)) {
      const old = changed.has(key) ? changed.get(key) : (this.#state.get(key) ?? null);
      if (old === value) continue;
      if (value === null) this.#database.prepare('DELETE FROM state WHERE key = ?').run(key);
      else {
        this.#database
          .prepare(
            'INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
          )
          .run(key, value);
      }
      changed.set(key, value);
    }
  }

  /** Events after `after`, in order. */
  read(after: number, limit: number): EncodedEvent[] {
    const rows = this.#select.all(Math.max(after, this.#deleteThrough), limit);
    return rows.map((row) => {
      const { sequence, class: number, type, bytes } = row;
      // A damaged column must stop no thread: who sends the event finds out whether it is one.
      const name = classNames[Number(number)] ?? 'ledger';
      const payload = bytes instanceof Uint8Array ? bytes : new Uint8Array();
      return { sequence: Number(sequence), class: name, type: String(type), bytes: payload };
    });
  }

  /** The oldest event that still waits, if any. */
  oldest(): EncodedEvent | undefined {
    return this.read(0, 1)[0];
  }

  /** Everything up to `sequence` is delivered; it is deleted with the next transaction. */
  release(sequence: number): void {
    if (sequence >= this.#next) throw new RangeError(`event ${sequence} was never stored`);
    this.#deleteThrough = Math.max(this.#deleteThrough, sequence);
  }

  /** Remembers that events up to `sequence` left the device; on disk with the next clean stop. */
  notePublished(sequence: number): void {
    this.#published = Math.max(this.#published, sequence);
  }

  /** Whether only the store's own acknowledgement releases events. On disk at once. */
  setAcknowledged(on: boolean): void {
    if (this.#acknowledged === on) return;
    this.#transaction(() => this.#setMeta.run('acknowledged', on ? 1 : 0));
    this.#acknowledged = on;
  }

  /** The number of the next CONNECT: +1 each time, across boots. On disk before it is used. */
  nextConnection(): number {
    const connection = this.#connection + 1;
    this.#transaction(() => this.#setMeta.run('connection', connection));
    this.#connection = connection;
    return connection;
  }

  /** Makes the deletions that wait. Without fsync: what a power cut brings back is only repeated. */
  flush(): void {
    if (!this.hasDeletions) return;
    this.#database.exec('PRAGMA synchronous = NORMAL');
    try {
      this.#transaction(() => this.#applyDeletions());
    } finally {
      this.#database.exec('PRAGMA synchronous = FULL');
    }
  }

  /** Some of what was dropped was not told yet. */
  get hasUntoldDrops(): boolean {
    return this.#drops.hasUntold;
  }

  /** What was dropped and not told yet, in one range per class and reason where that is possible. */
  tellDrops(): DropRange[] {
    return this.#drops.tell();
  }

  /** Pieces that were dropped and whose `outbox.dropped` is not stored. */
  unreportedDrops(): DropRange[] {
    return this.#drops.unreported();
  }

  /** Gives one event up for good, because the broker will never take it. */
  refuse(event: EncodedEvent): DropRange {
    const { sequence } = event;
    const range: DropRange = {
      first: sequence,
      last: sequence,
      count: 1,
      class: event.class,
      reason: 'refused',
    };
    this.#transaction(() => this.#drop([range]));
    return range;
  }

  /** Marks a clean stop and closes the file. */
  close(): void {
    try {
      this.#transaction(() => {
        this.#applyDeletions(this.#deleteThrough);
        this.#setMeta.run('next', this.#next);
        this.#setMeta.run('published', this.#published);
        this.#setMeta.run('clean', 1);
      });
    } finally {
      this.#database.close();
    }
  }

  /** The last row stays, though delivered: it holds the place in the row, so that `meta` needn't be written each time. */
  get #deletable(): number {
    return Math.min(this.#deleteThrough, this.#next - 2);
  }

  #applyDeletions(through = this.#deletable): void {
    if (through <= this.#deletedThrough) return;
    this.#tally = less(this.#tally, countRows(this.#database, this.#deletedThrough, through));
    this.#database.prepare('DELETE FROM event WHERE sequence <= ?').run(through);
    this.#deletedThrough = through;
  }

  #dropOverShare(): DropRange[] {
    const { all, reserve, others } = this.#limits;
    const room = Math.max(0, Math.min(others, all - reserve - this.#tally.bytes[0]));
    const excess = this.#tally.bytes[1] + this.#tally.bytes[2] - room;
    if (excess <= 0) return [];
    // A little more than needed, so that a full outbox isn't trimmed at every event.
    const ranges = planDrops(this.#database, excess + Math.floor(this.#limits.others / 20));
    this.#drop(ranges);
    return ranges;
  }

  #drop(ranges: readonly DropRange[]): void {
    const remove = this.#database.prepare('DELETE FROM event WHERE sequence BETWEEN ? AND ?');
    for (const range of ranges) {
      this.#tally = less(this.#tally, countRows(this.#database, range.first - 1, range.last));
      remove.run(range.first, range.last);
      this.#drops.remember(range);
      this.#dropped += range.count;
    }
    this.#setMeta.run('next', this.#next);
    this.#setMeta.run('dropped', this.#dropped);
  }

  #meta(key: string, fallback: number): number {
    const value = this.#database.prepare('SELECT value FROM meta WHERE key = ?').get(key)?.value;
    return typeof value === 'number' ? value : fallback;
  }

  /** Runs `work` in a transaction; if it fails, what was counted in memory is as before, too. */
  #transaction(work: () => void): void {
    const before = {
      tally: this.#tally,
      next: this.#next,
      dropped: this.#dropped,
      deleted: this.#deletedThrough,
    };
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#tally = before.tally;
      this.#next = before.next;
      this.#dropped = before.dropped;
      this.#deletedThrough = before.deleted;
      // SQLite has rolled back by itself after some errors (disk full, I/O).
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}
