import test from 'ava';
import { Delivery, type DeliveryOptions, type DeliverySource } from '#uplink/delivery.ts';
import type { UplinkError } from '#uplink/errors.ts';
import type { DropRange } from '#uplink/outbox-policy.ts';
import type { EncodedEvent } from '#uplink/outbox-types.ts';
import { Quota, type Transport } from '#uplink/quota.ts';

/** An outbox in memory: the row 1…`count`. */
class Row implements DeliverySource {
  readonly start = { ledger: 'aaaaaaaaaaaaaaaa' };
  nextSequence: number;
  releasedThrough = 0;
  publishedThrough = 0;
  acknowledged = false;
  readonly refused: number[] = [];

  constructor(count: number) {
    this.nextSequence = count + 1;
  }
  read(after: number, limit: number): EncodedEvent[] {
    const events: EncodedEvent[] = [];
    for (let n = Math.max(after, this.releasedThrough) + 1; n < this.nextSequence; n++) {
      if (events.length >= limit) break;
      if (!this.refused.includes(n)) {
        events.push({ sequence: n, type: 'item.added', class: 'ledger', bytes: Uint8Array.of(n) });
      }
    }
    return events;
  }
  release(sequence: number): void {
    this.releasedThrough = Math.max(this.releasedThrough, sequence);
  }
  notePublished(sequence: number): void {
    this.publishedThrough = Math.max(this.publishedThrough, sequence);
  }
  setAcknowledged(on: boolean): void {
    this.acknowledged = on;
  }
  refuse(event: EncodedEvent): DropRange {
    this.refused.push(event.sequence);
    return { first: event.sequence, last: event.sequence, count: 1, class: event.class, reason: 'refused' };
  }
}

/** A broker that answers when it is told to. */
class Wire implements Transport {
  maximumPacketSize = 1_000;
  readonly sent: { sequence: number; topic: string; done: (refusal?: number) => void }[] = [];
  publish(
    topic: string,
    payload: Uint8Array,
    _options: { qos: 0 | 1; retain: boolean },
    done: (refusal: number | undefined) => void,
  ): void {
    this.sent.push({ sequence: payload[0] ?? 0, topic, done });
  }
  get sequences(): number[] {
    return this.sent.map(({ sequence }) => sequence);
  }
  answer(sequence: number, refusal?: number): void {
    for (const each of this.sent) if (each.sequence === sequence) each.done(refusal);
  }
}

function setUp(count: number, options: Partial<DeliveryOptions> = {}) {
  const row = new Row(count);
  const faults: UplinkError[] = [];
  const drops: DropRange[] = [];
  const delivery = new Delivery(
    row,
    {
      window: 4,
      pubackTimeoutMs: 1_000,
      resendAfterMs: 5_000,
      prefix: 'cw/1/lab/cart-7',
      payload: (event) => event.bytes,
      ...options,
    },
    { fault: (error) => faults.push(error), dropped: (range) => drops.push(range), progress: () => {} },
  );
  const connect = (nowMs = 0) => {
    const wire = new Wire();
    delivery.connected(wire, new Quota(100), nowMs);
    delivery.pump(nowMs);
    return wire;
  };
  return { row, faults, drops, delivery, connect };
}

test('no more than the window is in flight, in order of sequence', (t) => {
  const { delivery, connect, row } = setUp(10);
  const wire = connect();
  t.deepEqual(wire.sequences, [1, 2, 3, 4]);
  t.is(wire.sent[0]?.topic, 'cw/1/lab/cart-7/event/item/added');
  wire.answer(1);
  wire.answer(2);
  delivery.pump(0);
  t.deepEqual(wire.sequences, [1, 2, 3, 4, 5, 6]);
  t.is(row.releasedThrough, 2);
});

test("the broker's receive maximum counts, too", (t) => {
  const { delivery } = setUp(10);
  const wire = new Wire();
  delivery.connected(wire, new Quota(2), 0);
  delivery.pump(0);
  t.deepEqual(wire.sequences, [1, 2]);
});

test('a PUBACK out of order releases nothing before it', (t) => {
  const { row, connect } = setUp(4);
  const wire = connect();
  wire.answer(3);
  wire.answer(2);
  t.is(row.releasedThrough, 0);
  wire.answer(1);
  t.is(row.releasedThrough, 3);
});

test('a second PUBACK for the same event, and one of an older connection, change nothing', (t) => {
  const { row, delivery, connect } = setUp(4);
  const old = connect();
  old.answer(1);
  old.answer(1);
  t.is(delivery.published, 1);
  delivery.disconnected();
  old.answer(2);
  t.is(row.releasedThrough, 1);
  const wire = connect();
  t.deepEqual(wire.sequences, [2, 3, 4]);
  old.answer(3);
  t.is(row.releasedThrough, 1);
});

test('where the store acknowledges, PUBACK releases nothing and a reconnect repeats what is not acknowledged', (t) => {
  const { row, delivery, connect } = setUp(6);
  const first = connect();
  first.answer(1);
  t.is(row.releasedThrough, 1);
  delivery.acknowledge(row.start.ledger, 2, 0);
  t.is(row.releasedThrough, 2);
  for (const n of [2, 3, 4]) first.answer(n);
  delivery.pump(0);
  first.answer(5);
  first.answer(6);
  t.is(row.releasedThrough, 2);
  delivery.disconnected();
  const second = connect();
  t.deepEqual(second.sequences, [3, 4, 5, 6]);
  delivery.acknowledge(row.start.ledger, 6, 0);
  t.is(row.releasedThrough, 6);
});

test('an acknowledgement of another ledger or of what was not published is ignored; the latter is reported', (t) => {
  const { row, delivery, connect, faults } = setUp(6);
  connect();
  delivery.acknowledge('bbbbbbbbbbbbbbbb', 3, 0);
  t.false(row.acknowledged);
  delivery.acknowledge(row.start.ledger, 5, 0);
  t.false(row.acknowledged);
  t.is(row.releasedThrough, 0);
  t.deepEqual(
    faults.map(({ code }) => code),
    ['CW-UPL-027'],
  );
});

test('an acknowledgement that runs ahead of sending skips what it names', (t) => {
  const { row, delivery, connect } = setUp(10);
  row.publishedThrough = 8;
  const wire = connect();
  delivery.acknowledge(row.start.ledger, 8, 0);
  for (const n of [1, 2, 3, 4]) wire.answer(n);
  delivery.pump(0);
  t.deepEqual(wire.sequences, [1, 2, 3, 4, 9, 10]);
  t.is(row.releasedThrough, 8);
});

test('a store that stays silent gets everything again, less and less often', (t) => {
  const { row, delivery, connect } = setUp(4);
  const wire = connect();
  delivery.acknowledge(row.start.ledger, 1, 0);
  const answerAll = () => {
    for (const each of wire.sent) each.done();
  };
  answerAll();
  const sendsBy = (fromMs: number, toMs: number) => {
    const before = wire.sent.length;
    for (let nowMs = fromMs; nowMs <= toMs; nowMs += 500) {
      delivery.tick(nowMs);
      delivery.pump(nowMs);
      answerAll();
    }
    return (wire.sent.length - before) / 3;
  };
  t.is(sendsBy(500, 5_000), 0);
  t.is(sendsBy(5_500, 6_000), 1);
  t.is(sendsBy(6_500, 15_000), 0);
  t.is(sendsBy(15_500, 16_500), 1);
  delivery.acknowledge(row.start.ledger, 4, 17_000);
  t.is(sendsBy(17_500, 100_000), 0);
});

test('a PUBACK that does not come gives the connection up', (t) => {
  const { delivery, connect } = setUp(3);
  connect(10_000);
  t.true(delivery.tick(11_000));
  t.false(delivery.tick(11_001));
});

test('refused for lack of rights: everything is kept and tried again after a pause', (t) => {
  const { row, delivery, connect, faults, drops } = setUp(3);
  const wire = connect();
  wire.answer(1, 0x87);
  delivery.pump(500);
  t.is(wire.sent.length, 3);
  delivery.pump(1_000);
  t.deepEqual(wire.sequences, [1, 2, 3, 1, 2, 3]);
  t.is(row.releasedThrough, 0);
  t.is(faults[0]?.code, 'CW-UPL-024');
  t.deepEqual(drops, []);
});

test('an event that is too large for the broker is given up after some tries, the others go on', async (t) => {
  const { row, delivery, drops } = setUp(3, {
    payload: (event) => (event.sequence === 2 ? new Uint8Array(2_000) : event.bytes),
  });
  const wire = new Wire();
  delivery.connected(wire, new Quota(100), 0);
  for (let nowMs = 0; nowMs < 20_000; nowMs += 1_000) {
    delivery.pump(nowMs);
    await Promise.resolve();
    for (const each of wire.sent.splice(0)) each.done();
  }
  t.deepEqual(row.refused, [2]);
  t.deepEqual(drops, [{ first: 2, last: 2, count: 1, class: 'ledger', reason: 'refused' }]);
  t.is(row.releasedThrough, 3);
});

test('an acknowledgement of nothing does not switch release by PUBACK off', (t) => {
  const { row, delivery, connect } = setUp(3);
  const wire = connect();
  delivery.acknowledge(row.start.ledger, 0, 0);
  t.false(row.acknowledged);
  wire.answer(1);
  t.is(row.releasedThrough, 1);
});

test('a store that stops acknowledging hands delivery back to PUBACK, what had one is released at once', (t) => {
  const { row, delivery, connect } = setUp(4);
  const wire = connect();
  delivery.acknowledge(row.start.ledger, 1, 0);
  wire.answer(2);
  t.is(row.releasedThrough, 1);
  delivery.stopAcknowledging();
  t.false(row.acknowledged);
  t.is(row.releasedThrough, 2);
  wire.answer(3);
  t.is(row.releasedThrough, 3);
});

test('an event that can not be read is given up as a range of one, loudly, and the others go on', (t) => {
  const { row, connect, faults, drops } = setUp(3, {
    payload: (event) => {
      if (event.sequence === 2) throw new Error('bad byte');
      return event.bytes;
    },
  });
  const wire = connect();
  t.deepEqual(wire.sequences, [1, 3]);
  wire.answer(1);
  wire.answer(3);
  t.is(row.releasedThrough, 3);
  t.deepEqual(drops, [{ first: 2, last: 2, count: 1, class: 'ledger', reason: 'refused' }]);
  t.deepEqual(
    faults.map(({ code }) => code),
    ['CW-UPL-013'],
  );
});
