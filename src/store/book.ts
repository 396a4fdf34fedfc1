import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { eventTypes } from '#events/catalog.ts';
import { isKnown } from '#events/codec.ts';
import type { AnyEvent } from '#events/event.ts';
import { goneIn } from '#uplink/outbox-policy.ts';
import { openBookFile, openPaymentsQuery } from './book-file.ts';
import type { Payment, PaymentState, Sale, SaleContent, SaleState } from './records.ts';

/** What became of an event that was received. */
export interface Taken {
  readonly isNew: boolean;
  /** Up to this sequence of its ledger nothing is missing. */
  readonly safe: number;
}

const msPerDay = 86_400_000;
/** Events are kept so long; payments and sales for ever. */
const keepDays = 30;

/**
 * What the store knows, on its disk before anybody hears of it: the events of all devices, each once; payments; sales at the till.
 * Every change is one transaction. Throws CW-STO-001 to -003 where it can't be opened, SQLite's own errors where the disk fails.
 */
export class Book {
  readonly #database: DatabaseSync;
  readonly #nowMs: () => number;
  #isAtOnce = false;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string, store: string, nowMs: () => number) {
    this.#database = openBookFile(path, store);
    this.#nowMs = nowMs;
    this.forgetOld();
  }

  /** Forgets events whose time is over; call it now and then. */
  forgetOld(): void {
    this.#run('DELETE FROM event WHERE receivedMs < ?', this.#nowMs() - keepDays * msPerDay);
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  /** All that `work` writes is on the disk together, or none of it. */
  atOnce<T>(work: () => T): T {
    if (this.#isAtOnce) return work();
    this.#database.exec('BEGIN IMMEDIATE');
    this.#isAtOnce = true;
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    } finally {
      this.#isAtOnce = false;
    }
  }

  /** Keeps an event unless it is there already; telemetry counts as received and is not kept. */
  take(device: string, event: AnyEvent, payload: Uint8Array): Taken {
    return this.atOnce(() => {
      const { id, ledger, sequence, type, session } = event;
      const key = [device, ledger] as const;
      this.#run('INSERT OR IGNORE INTO safe VALUES (?, ?, 0)', ...key);
      const before = this.safe(...key);
      const isNew = sequence > before && !this.#has(key, sequence);
      if (!isNew) return { isNew, safe: before };
      if (!isKnown(event) || eventTypes[event.type].class !== 'telemetry') {
        this.#run(
          'INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
          id,
          device,
          ledger,
          sequence,
          type,
          session ?? null,
          this.#nowMs(),
          payload,
        );
      }
      this.#add(key, sequence, sequence);
      // What the device gave up counts as received.
      if (isKnown(event) && event.type === 'outbox.dropped') {
        for (const [first, last] of goneIn(event.data)) this.#add(key, first, last);
      }
      return { isNew, safe: this.#advance(key, before) };
    });
  }

  /** Up to where nothing of a device's ledger is missing; 0 for one that is not known. */
  safe(device: string, ledger: string): number {
    const row = this.#get('SELECT through FROM safe WHERE device = ? AND ledger = ?', device, ledger);
    return Number(row?.through ?? 0);
  }

  /** Ledgers that were met in their middle: of what came before their first event nobody knows yet who has it. */
  begunLater(): readonly { readonly device: string; readonly ledger: string }[] {
    return this.#all('SELECT device, ledger FROM safe WHERE through = 0').map((row) => ({
      device: String(row.device),
      ledger: String(row.ledger),
    }));
  }

  /** What of a ledger comes before the first event that is here was another book's: this one begins there. */
  beginLater(device: string, ledger: string): void {
    const key = [device, ledger] as const;
    this.atOnce(() => {
      const first = this.#get(
        'SELECT min(first) AS first FROM received WHERE device = ? AND ledger = ?',
        ...key,
      )?.first;
      if (this.safe(...key) > 0 || typeof first !== 'number') return;
      this.#add(key, 1, first - 1);
      this.#advance(key, 0);
    });
  }

  /** The events of a session in order, as they came. */
  events(session: string): readonly { readonly type: string; readonly bytes: Uint8Array }[] {
    return this.#all('SELECT type, bytes FROM event WHERE session = ? ORDER BY sequence', session).map(
      (row) => ({
        type: String(row.type),
        bytes: row.bytes as Uint8Array,
      }),
    );
  }

  /** Events that are kept. */
  count(): number {
    return Number(this.#get('SELECT count(*) AS n FROM event')?.n);
  }

  /** Payments of an attempt, the first try first. */
  paymentsOf(checkout: string): readonly Payment[] {
    return this.#all(
      'SELECT * FROM payment WHERE checkout = ? ORDER BY length(reference), reference',
      checkout,
    ).map(paymentOf);
  }

  /** Payments whose outcome nobody knows yet. */
  openPayments(): readonly Payment[] {
    return this.#all(openPaymentsQuery).map(paymentOf);
  }

  /** The payments that were captured, the latest first. */
  captured(most: number): readonly Payment[] {
    return this.#all(
      "SELECT * FROM payment WHERE state = 'captured' ORDER BY changedMs DESC, reference DESC LIMIT ?",
      most,
    ).map(paymentOf);
  }

  addPayment(payment: Payment): void {
    const { reference, device, checkout, revision, totalMinor, currency, outcome, state, why } = payment;
    this.#run(
      'INSERT INTO payment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      reference,
      device,
      checkout,
      revision,
      totalMinor,
      currency,
      outcome,
      state,
      why ?? null,
      this.#nowMs(),
    );
  }

  /** Ends a payment that is open. False where it was ended before. */
  endPayment(reference: string, state: Exclude<PaymentState, 'authorized'>, why?: string): boolean {
    return (
      this.#run(
        "UPDATE payment SET state = ?, why = ?, changedMs = ? WHERE reference = ? AND state = 'authorized'",
        state,
        why ?? null,
        this.#nowMs(),
        reference,
      ) > 0
    );
  }

  payment(reference: string): Payment | undefined {
    const row = this.#get('SELECT * FROM payment WHERE reference = ?', reference);
    return row === undefined ? undefined : paymentOf(row);
  }

  /** Begins to take a basket to the till: the intent stands before the cart is asked. */
  beginSale(device: string, transaction: string): Sale {
    this.#run(
      "INSERT INTO sale (device, transact, state, changedMs) VALUES (?, ?, 'asked', ?)",
      device,
      transaction,
      this.#nowMs(),
    );
    const row = this.#get('SELECT * FROM sale WHERE transact = ?', transaction);
    if (row === undefined) throw new TypeError('a sale that was just written is not there');
    return saleOf(row);
  }

  sales(...states: readonly SaleState[]): readonly Sale[] {
    return this.#all('SELECT * FROM sale ORDER BY number')
      .map(saleOf)
      .filter(({ state }) => states.includes(state));
  }

  saleOf(device: string, session: string): Sale | undefined {
    const row = this.#get('SELECT * FROM sale WHERE device = ? AND session = ?', device, session);
    return row === undefined ? undefined : saleOf(row);
  }

  sale(number: number): Sale | undefined {
    const row = this.#get('SELECT * FROM sale WHERE number = ?', number);
    return row === undefined ? undefined : saleOf(row);
  }

  /** Writes what became of a sale; a paid one never changes. False where it is paid already. */
  changeSale(
    number: number,
    changes: {
      readonly state: SaleState;
      readonly session?: string;
      readonly content?: SaleContent;
      readonly reference?: string;
      readonly why?: string;
    },
  ): boolean {
    const { state, session, content, reference, why } = changes;
    return (
      this.#run(
        `UPDATE sale SET state = ?, session = coalesce(?, session), content = coalesce(?, content),
           reference = coalesce(?, reference), why = ?, changedMs = ? WHERE number = ? AND state <> 'paid'`,
        state,
        session ?? null,
        content === undefined ? null : JSON.stringify(content),
        reference ?? null,
        why ?? null,
        this.#nowMs(),
        number,
      ) > 0
    );
  }

  #has(key: LedgerKey, sequence: number): boolean {
    return (
      this.#get(
        'SELECT 1 FROM received WHERE device = ? AND ledger = ? AND first <= ? AND last >= ?',
        ...key,
        sequence,
        sequence,
      ) !== undefined
    );
  }

  #add(key: LedgerKey, first: number, last: number): void {
    this.#run('INSERT INTO received VALUES (?, ?, ?, ?)', ...key, first, last);
  }

  #advance(key: LedgerKey, from: number): number {
    let safe = from;
    for (;;) {
      const next = this.#get(
        'SELECT max(last) AS last FROM received WHERE device = ? AND ledger = ? AND last > ? AND first <= ? + 1',
        ...key,
        safe,
        safe,
      )?.last;
      if (next === null || next === undefined) break;
      safe = Number(next);
    }
    this.#run('UPDATE safe SET through = ? WHERE device = ? AND ledger = ?', safe, ...key);
    this.#run('DELETE FROM received WHERE device = ? AND ledger = ? AND last <= ?', ...key, safe);
    return safe;
  }

  #prepared(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }

  #run(text: string, ...values: readonly Value[]): number {
    return Number(this.#prepared(text).run(...values).changes);
  }

  #get(text: string, ...values: readonly Value[]): Row | undefined {
    return this.#prepared(text).get(...values);
  }

  #all(text: string, ...values: readonly Value[]): Row[] {
    return this.#prepared(text).all(...values);
  }
}

type Value = string | number | null | Uint8Array;
/** Device and ledger. */
type LedgerKey = readonly [device: string, ledger: string];
type Row = Record<string, unknown>;

function paymentOf(row: Row): Payment {
  return {
    reference: String(row.reference),
    device: String(row.device),
    checkout: String(row.checkout),
    revision: Number(row.revision),
    totalMinor: Number(row.totalMinor),
    currency: String(row.currency),
    outcome: row.outcome as Payment['outcome'],
    state: row.state as PaymentState,
    ...(row.why === null ? {} : { why: String(row.why) }),
  };
}

function saleOf(row: Row): Sale {
  return {
    number: Number(row.number),
    device: String(row.device),
    transaction: String(row.transact),
    state: row.state as SaleState,
    ...(row.session === null ? {} : { session: String(row.session) }),
    // Written by this class alone.
    ...(row.content === null ? {} : { content: JSON.parse(String(row.content)) as SaleContent }),
    ...(row.reference === null ? {} : { reference: String(row.reference) }),
    ...(row.why === null ? {} : { why: String(row.why) }),
  };
}
