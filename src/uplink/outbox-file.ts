import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { UplinkError } from './errors.ts';

/** From one version of the format to the next one, and back: so that an older release can go on with the same ledger. */
interface OutboxStep {
  readonly up: string;
  /** Left out where there is nothing before, or what the step added can't be told in the older format. */
  readonly down?: string;
}

/**
 * Steps of the format, one version each; `user_version` counts those that are done. A step is never changed once it
 * was released: outboxes in the field are brought forward through all of them, in one transaction.
 *
 * Version 1. `event`: what the store has not confirmed. `meta`: what the ledger is and how far it got. `state`: what
 * the pipeline keeps with its events. `dropped`: ranges that were given up and whose report is not stored yet.
 */
const migrations: readonly OutboxStep[] = [
  {
    up: `CREATE TABLE event (
     sequence INTEGER PRIMARY KEY,
     class INTEGER NOT NULL,
     type TEXT NOT NULL,
     bytes BLOB NOT NULL
   ) STRICT;
   CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE dropped (
     first INTEGER PRIMARY KEY,
     last INTEGER NOT NULL,
     count INTEGER NOT NULL,
     class INTEGER NOT NULL,
     reason TEXT NOT NULL
   ) STRICT;`,
  },
];

/** The format that this version writes. */
export const outboxFormat = migrations.length;

/** Files above this size are not checked as a whole at the start: it would take seconds on an SD card. */
const largestCheckedBytes = 64 * 1024 * 1024;

const sqliteBusy = 5;
const sqliteCorrupt = 11;
const sqliteNotADatabase = 26;

/** The primary result code of SQLite (https://sqlite.org/rescode.html) in an error of node:sqlite, if it is one. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined;
  return error.errcode & 0xff;
}

/** The file's content is damaged, as opposed to a disk that is full, read-only or away. */
export function isDamage(error: unknown): boolean {
  if (error instanceof DamagedError) return true;
  const code = sqliteCode(error);
  return code === sqliteCorrupt || code === sqliteNotADatabase;
}

/** Thrown for content that SQLite reads but no outbox holds. */
export class DamagedError extends Error {}

export interface OpenedFile {
  readonly database: DatabaseSync;
  readonly ledger: string;
  /** Where a damaged predecessor was put, and what was wrong with it. */
  readonly setAside: { readonly path: string; readonly reason: string } | undefined;
}

/**
 * Opens the database at `path`, making it and its folder where they are missing. A damaged file is moved aside (never
 * deleted) and a new ledger is begun. Throws CW-UPL-001 (can't be opened), CW-UPL-003 (newer format; left as it is)
 * or CW-UPL-004 (held by another process).
 * @param checkpointPages pages of 4,096 bytes that the log gathers before they are copied into the database: what is
 *   stored and deleted in between never reaches it, which spares the card
 */
export function openOutboxFile(path: string, checkpointPages = 1_000): OpenedFile {
  try {
    mkdirSync(dirname(path), { recursive: true });
    try {
      return { ...openAndCheck(path, checkpointPages), setAside: undefined };
    } catch (error) {
      if (!isDamage(error)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      const moved = setAside(path);
      return { ...openAndCheck(path, checkpointPages), setAside: { path: moved, reason } };
    }
  } catch (error) {
    throw asOpenError(path, error);
  }
}

function asOpenError(path: string, error: unknown): UplinkError {
  if (error instanceof UplinkError) return error;
  if (sqliteCode(error) === sqliteBusy) {
    return new UplinkError(
      'CW-UPL-004',
      `${path} is held by another process; only one gateway may run on a data folder`,
      { cause: error, details: { path } },
    );
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new UplinkError(
    'CW-UPL-001',
    `${path} can not be opened (${reason}); check that the folder exists, is writable and has free space`,
    { cause: error, details: { path } },
  );
}

/** Moves the database and its log to a free name beside it. */
function setAside(path: string): string {
  for (let number = 1; ; number++) {
    const target = `${path}.damaged-${number}`;
    if (existsSync(target) || existsSync(`${target}-wal`)) continue;
    for (const suffix of ['-wal', '-shm', '']) {
      if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix);
    }
    syncFolder(path);
    return target;
  }
}

function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function openAndCheck(path: string, checkpointPages: number): { database: DatabaseSync; ledger: string } {
  const size = existsSync(path) ? statSync(path).size : 0;
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // Exclusive before WAL: no shared-memory file, and a second process is told at once.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    // The log is cut back after a burst; in between it is reused, which spares the card.
    database.exec('PRAGMA journal_size_limit = 8388608; PRAGMA temp_store = MEMORY');
    database.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
    const ledger = migrate(path, database);
    if (size > 0 && size <= largestCheckedBytes) quickCheck(database);
    syncFolder(path);
    return { database, ledger };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Brings the format up to date and returns the ledger's name. */
function migrate(path: string, database: DatabaseSync): string {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0);
  if (version > migrations.length) {
    throw new UplinkError(
      'CW-UPL-003',
      `${path} has format ${version}, this gateway knows up to ${migrations.length}; install the newer release again, or move the file away to begin a new ledger`,
      { details: { path, version } },
    );
  }
  if (version < migrations.length) {
    database.exec('BEGIN IMMEDIATE');
    try {
      for (const { up } of migrations.slice(version)) database.exec(up);
      if (version === 0) {
        database
          .prepare("INSERT INTO meta (key, value) VALUES ('ledger', ?)")
          .run(randomBytes(8).toString('hex'));
      }
      database.exec(`PRAGMA user_version = ${migrations.length}`);
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }
  const ledger = database.prepare("SELECT value FROM meta WHERE key = 'ledger'").get()?.value;
  if (typeof ledger !== 'string' || !/^[0-9a-f]{16}$/.test(ledger)) {
    throw new DamagedError('the name of the ledger is missing');
  }
  return ledger;
}

/** The format of the outbox at `path`; undefined where there is none. Throws CW-UPL-001, -004; nobody else may have it open. */
export function outboxFormatAt(path: string): number | undefined {
  if (!existsSync(path)) return undefined;
  return withDatabase(path, (database) =>
    Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0),
  );
}

/**
 * Brings an outbox back to an older format, in one transaction, before an older release goes on with it. Throws
 * CW-UPL-003 where a step can't be taken back; then it stays as it is.
 */
export function lowerOutbox(path: string, to: number, steps: readonly OutboxStep[] = migrations): void {
  if (!existsSync(path)) return;
  withDatabase(path, (database) => {
    const version = Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0);
    if (version <= to) return;
    const downs = steps
      .slice(to, version)
      .map(({ down }) => down)
      .reverse();
    if (version > steps.length || downs.some((down) => down === undefined)) {
      throw new UplinkError(
        'CW-UPL-003',
        `${path} has format ${version}, and this version can't bring it back to ${to}`,
        { details: { path, version } },
      );
    }
    database.exec('BEGIN IMMEDIATE');
    try {
      for (const down of downs) database.exec(down ?? '');
      database.exec(`PRAGMA user_version = ${to}`);
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  });
}

/**
 * Copies an outbox that nobody has open: its state, under the name of a new ledger and without its events. Whoever goes
 * on from such a copy gives no number of the old ledger a second time.
 */
export function copyOutboxState(path: string, to: string): void {
  if (!existsSync(path)) return;
  withDatabase(path, (database) => database.prepare('VACUUM INTO ?').run(to));
  withDatabase(to, (database) => {
    database.exec('DELETE FROM event; DELETE FROM dropped; DELETE FROM meta');
    database
      .prepare("INSERT INTO meta (key, value) VALUES ('ledger', ?)")
      .run(randomBytes(8).toString('hex'));
  });
}

function withDatabase<Result>(path: string, work: (database: DatabaseSync) => Result): Result {
  try {
    const database = new DatabaseSync(path, { timeout: 0 });
    try {
      database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
      return work(database);
    } finally {
      database.close();
    }
  } catch (error) {
    throw asOpenError(path, error);
  }
}

function quickCheck(database: DatabaseSync): void {
  const result = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (result !== 'ok') throw new DamagedError(String(result));
}
