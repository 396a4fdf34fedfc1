import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import anyTest, { type TestFn } from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { encodeEvent } from '#events/codec.ts';
import type { CartEvent, Draft } from '#events/event.ts';
import { Ledger } from '#events/ledger.ts';
import { ackPayload } from '#events/mqtt-payloads.ts';
import { Book } from '#store/book.ts';
import { openPaymentsQuery } from '#store/book-file.ts';
import { type Heard, Store } from '#store/service.ts';
import { decodePayload } from '#uplink/payloads.ts';

const ledger = '0011223344556677';
const nowMs = () => 1_800_000_000_000;
const something: Draft = { type: 'command.done', data: { command: 'x', transaction: 't' } };
const paid: Draft = {
  type: 'basket.paid',
  data: { checkout: '0b9b0a4e-0000-8000-8000-000000000001', revision: 3, totalMinor: 100, reference: 'R1' },
};

/** A device's ledger; any device may call its ledger what another one calls its own. */
function ledgerOf(device: string, next = 1): Ledger {
  const versions = { software: '0.1.0' };
  return new Ledger({ store: 's', device, ledger }, { boot: 1, nextSequence: next, versions });
}

function append(of: Ledger, draft: Draft): CartEvent {
  return of.append(draft, { atUs: 1, time: 1, timeQuality: 'synced' });
}

/** A store whose words are kept. */
class Desk {
  readonly clock = new VirtualClock(1_000_000_000);
  /** How long ago it began, ms. */
  laterMs = 0;
  readonly book = new Book(':memory:', 's', () => nowMs() + this.laterMs);
  readonly heard: Heard[] = [];
  readonly acks: string[] = [];
  readonly #store = new Store({
    store: 's',
    till: 'till-1',
    policy: { pay: 'ask', weigh: 'ask', age: 'ask' },
    book: this.book,
    clock: this.clock,
    acknowledges: true,
    tell: (heard) => this.heard.push(heard),
    publish: (topic, payload) => {
      this.acks.push(`${topic} ${decodePayload(ackPayload, payload).sequence}`);
    },
  });

  take(device: string, event: CartEvent): void {
    this.#store.take(`cw/1/s/${device}/event/${event.type.replaceAll('.', '/')}`, encodeEvent(event));
  }

  start(): void {
    this.#store.start();
  }

  /** What is acknowledged when the store ends. */
  end(): readonly string[] {
    this.#store.stop();
    return this.acks;
  }
}

const test = anyTest as TestFn<{ folder: string }>;
test.beforeEach(async (t) => {
  t.context.folder = await mkdtemp(join(tmpdir(), 'book-'));
});
test.afterEach.always((t) => rm(t.context.folder, { recursive: true, force: true }));

test("A device that calls its ledger by another one's id takes nothing from that one", (t) => {
  const desk = new Desk();
  const other = ledgerOf('cart-b');
  for (let count = 0; count < 5; count++) desk.take('cart-b', append(other, something));
  desk.take('cart-a', append(ledgerOf('cart-a'), paid));
  t.is(desk.book.count(), 6);
  t.is(desk.book.safe('cart-a', ledger), 1);
  t.is(desk.book.safe('cart-b', ledger), 5);
  t.is(desk.book.safe('cart-c', ledger), 0);
  t.deepEqual(desk.end(), ['cw/1/s/cart-b/ack 5', 'cw/1/s/cart-a/ack 1']);
});

test('An event whose id is not that of its store, device, ledger and sequence is told and not kept', (t) => {
  const desk = new Desk();
  const right = append(ledgerOf('cart-a'), paid);
  const foreign = append(ledgerOf('cart-b'), paid);
  desk.take('cart-a', { ...right, id: foreign.id });
  desk.take('cart-a', { ...right, sequence: 2 });
  desk.take('cart-a', { ...right, ledger: 'ffff223344556677' });
  t.is(desk.book.count(), 0);
  t.is(
    desk.heard.filter((heard) => heard.kind === 'trouble' && heard.message.includes('CW-STO-008')).length,
    3,
  );
  desk.take('cart-a', right);
  t.is(desk.book.count(), 1);
  t.deepEqual(desk.end(), ['cw/1/s/cart-a/ack 1']);
});

test('A ledger that is met in its middle is not acknowledged until what came before had time to come', (t) => {
  const desk = new Desk();
  const late = ledgerOf('cart-a', 5001);
  desk.take('cart-a', append(late, something));
  desk.clock.advance(19 * 60_000_000);
  t.deepEqual(desk.acks, []);
  const before = ledgerOf('cart-a', 4999);
  for (let count = 0; count < 2; count++) desk.take('cart-a', append(before, paid));
  desk.clock.advance(2 * 60_000_000);
  t.deepEqual(desk.acks, ['cw/1/s/cart-a/ack 5001']);
  t.is(desk.book.count(), 3);
});

test('A store that ends meanwhile waits again, and a ledger that is met at its beginning waits for nothing', (t) => {
  const desk = new Desk();
  desk.take('cart-a', append(ledgerOf('cart-a', 5001), something));
  t.deepEqual(desk.end(), []);
  t.deepEqual(desk.book.begunLater(), [{ device: 'cart-a', ledger }]);
  desk.take('cart-b', append(ledgerOf('cart-b'), something));
  t.deepEqual(desk.end(), ['cw/1/s/cart-b/ack 1']);
});

test('A store that runs for months keeps the events of the last thirty days', (t) => {
  const desk = new Desk();
  desk.start();
  const cart = ledgerOf('cart-a');
  desk.take('cart-a', append(cart, something));
  desk.laterMs = 29 * 86_400_000;
  desk.clock.advance(3_600_000_000);
  desk.take('cart-a', append(cart, something));
  t.is(desk.book.count(), 2);
  desk.laterMs = 31 * 86_400_000;
  desk.clock.advance(3_600_000_000);
  t.is(desk.book.count(), 1);
  t.is(desk.book.safe('cart-a', ledger), 2);
  desk.end();
});

/** What version 1 of the book had, as far as it was changed since. */
const version1 = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE event (
    id TEXT PRIMARY KEY, device TEXT NOT NULL, ledger TEXT NOT NULL, sequence INTEGER NOT NULL,
    type TEXT NOT NULL, session TEXT, receivedMs INTEGER NOT NULL, bytes BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX event_received ON event (receivedMs);
  CREATE TABLE received (ledger TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
  CREATE INDEX received_last ON received (ledger, last);
  CREATE TABLE safe (ledger TEXT PRIMARY KEY, device TEXT NOT NULL, through INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE payment (
    reference TEXT PRIMARY KEY, device TEXT NOT NULL, checkout TEXT NOT NULL, revision INTEGER NOT NULL,
    totalMinor INTEGER NOT NULL, currency TEXT NOT NULL, outcome TEXT NOT NULL, state TEXT NOT NULL,
    why TEXT, changedMs INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX payment_checkout ON payment (checkout);
  CREATE TABLE sale (
    number INTEGER PRIMARY KEY, device TEXT NOT NULL, session TEXT, transact TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL, content TEXT, reference TEXT, why TEXT, changedMs INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX sale_session ON sale (device, session) WHERE session IS NOT NULL;
  INSERT INTO meta VALUES ('store', 's');
  INSERT INTO safe VALUES ('${ledger}', 'cart-a', 3), ('8899aabbccddeeff', 'cart-b', 7);
  INSERT INTO received VALUES ('${ledger}', 5, 6);
  INSERT INTO payment VALUES ('R1', 'cart-a', 'c', 1, 100, 'EUR', 'paid', 'authorized', NULL, 1);
  PRAGMA user_version = 1`;

test('A book of version 1 is read on: what was received, what is missing, what is not settled', (t) => {
  const path = join(t.context.folder, 'book.sqlite');
  const old = new DatabaseSync(path);
  old.exec(version1);
  old.close();
  for (let opened = 0; opened < 2; opened++) {
    const book = new Book(path, 's', nowMs);
    t.is(book.safe('cart-a', ledger), 3);
    t.is(book.safe('cart-b', '8899aabbccddeeff'), 7);
    t.deepEqual(
      book.openPayments().map(({ reference }) => reference),
      ['R1'],
    );
    book.close();
  }
  const book = new Book(path, 's', nowMs);
  const event = append(ledgerOf('cart-a', 4), something);
  t.deepEqual(book.take('cart-a', event, encodeEvent(event)), { isNew: true, safe: 6 });
  book.close();
});

test('A book of version 1 of another store stays as it is', (t) => {
  const path = join(t.context.folder, 'book.sqlite');
  const old = new DatabaseSync(path);
  old.exec(version1);
  old.close();
  t.throws(() => new Book(path, 'other', nowMs), { code: 'CW-STO-003' });
  const again = new DatabaseSync(path);
  t.is(again.prepare('PRAGMA user_version').get()?.user_version, 1);
  again.close();
});

test('Open payments are found without a look at those that were settled', (t) => {
  const path = join(t.context.folder, 'book.sqlite');
  new Book(path, 's', nowMs).close();
  const database = new DatabaseSync(path);
  const plan = database
    .prepare(`EXPLAIN QUERY PLAN ${openPaymentsQuery}`)
    .all()
    .map(({ detail }) => String(detail));
  database.close();
  t.deepEqual(plan, ['SCAN payment USING INDEX payment_open']);
});
