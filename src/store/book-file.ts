import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeError } from '#base/errors.ts';
import { StoreError } from './errors.ts';

/** What of each device's ledgers came, and up to where nothing is missing: any device may call its ledger by any id. */
const ledgers = `
  CREATE TABLE received (
    device TEXT NOT NULL, ledger TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX received_last ON received (device, ledger, last);
  CREATE TABLE safe (
    device TEXT NOT NULL, ledger TEXT NOT NULL, through INTEGER NOT NULL, PRIMARY KEY (device, ledger)
  ) STRICT, WITHOUT ROWID;`;
/** Payments that are not settled. Asked with each word of a cart: those that are settled must cost it nothing. */
export const openPaymentsQuery =
  "SELECT * FROM payment WHERE state = 'authorized' ORDER BY changedMs, reference";
const openPayments = `
  CREATE INDEX payment_open ON payment (changedMs, reference) WHERE state = 'authorized';`;

/**
 * Version 2. `event`: the ledgers of all devices, each event once. `payment`: one row for each authorization. `sale`: baskets
 * that were taken to the till.
 */
const schema = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE event (
    id TEXT PRIMARY KEY, device TEXT NOT NULL, ledger TEXT NOT NULL, sequence INTEGER NOT NULL,
    type TEXT NOT NULL, session TEXT, receivedMs INTEGER NOT NULL, bytes BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX event_received ON event (receivedMs);
  ${ledgers}
  CREATE TABLE payment (
    reference TEXT PRIMARY KEY, device TEXT NOT NULL, checkout TEXT NOT NULL, revision INTEGER NOT NULL,
    totalMinor INTEGER NOT NULL, currency TEXT NOT NULL, outcome TEXT NOT NULL, state TEXT NOT NULL,
    why TEXT, changedMs INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX payment_checkout ON payment (checkout);
  ${openPayments}
  CREATE TABLE sale (
    number INTEGER PRIMARY KEY, device TEXT NOT NULL, session TEXT, transact TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL, content TEXT, reference TEXT, why TEXT, changedMs INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX sale_session ON sale (device, session) WHERE session IS NOT NULL;
  PRAGMA user_version = 2`;

/** Version 1 knew ledgers by their id alone. */
const fromVersion1 = `
  DROP INDEX received_last;
  ALTER TABLE received RENAME TO received_1;
  ALTER TABLE safe RENAME TO safe_1;
  ${ledgers}
  INSERT INTO safe SELECT device, ledger, through FROM safe_1;
  INSERT INTO received SELECT device, ledger, first, last FROM received_1 JOIN safe_1 USING (ledger);
  DROP TABLE received_1;
  DROP TABLE safe_1;
  ${openPayments}
  PRAGMA user_version = 2`;

/** The primary result code for a file that another process holds (https://sqlite.org/rescode.html). */
const sqliteBusy = 5;

/**
 * Opens the book of a store, making it where there is none, for this process alone; `:memory:` is gone with it.
 * Throws CW-STO-001 to -003.
 */
export function openBookFile(path: string, store: string): DatabaseSync {
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
    const database = new DatabaseSync(path);
    try {
      prepare(database, path, store);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    const isBusy = cause instanceof Error && 'errcode' in cause && Number(cause.errcode) % 256 === sqliteBusy;
    if (isBusy) {
      throw new StoreError(
        'CW-STO-002',
        `${path} is in use by another store process; end that one, or give another book`,
        {
          cause,
        },
      );
    }
    throw new StoreError(
      'CW-STO-001',
      `the store's book ${path} can't be opened: ${describeError(cause)}; put it aside, or give another one`,
      { cause },
    );
  }
}

function prepare(database: DatabaseSync, path: string, store: string): void {
  // One process alone: two tills with one book would each believe that they hold the payment.
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (version === 0) {
    database.exec(`BEGIN; ${schema}; COMMIT`);
    database.prepare('INSERT INTO meta VALUES (?, ?)').run('store', store);
    return;
  }
  if (version !== 1 && version !== 2) {
    throw new StoreError(
      'CW-STO-003',
      `${path} is of version ${version}, this software reads 1 and 2; give another book`,
    );
  }
  const found = database.prepare("SELECT value FROM meta WHERE key = 'store'").get()?.value;
  if (found !== store) {
    throw new StoreError(
      'CW-STO-003',
      `${path} is the book of ${String(found)}, not of ${store}; give another one`,
    );
  }
  // Takes the lock now, not with the first write.
  database.exec(`BEGIN IMMEDIATE; ${version === 1 ? fromVersion1 : ''}; COMMIT`);
}
