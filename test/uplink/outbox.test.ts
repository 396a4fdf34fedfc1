import { existsSync, readdirSync } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { EventClass } from '#events/catalog.ts';
import { Outbox } from '#uplink/outbox.ts';
import { type DropRange, goneIn, joinDrops } from '#uplink/outbox-policy.ts';
import type { Batch, EncodedEvent } from '#uplink/outbox-types.ts';
import { temporaryFolder } from './support/bench-device.ts';

const limits = { maxBytes: 10_000_000, ledgerShare: 0.8 };

function event(sequence: number, name: EventClass = 'ledger', length = 100): EncodedEvent {
  return { sequence, type: 'gateway.born', class: name, bytes: new Uint8Array(length).fill(sequence & 255) };
}

function batch(from: number, count = 1, name: EventClass = 'ledger', length = 100): Batch {
  const events = Array.from({ length: count }, (_, i) => event(from + i, name, length));
  return { events, state: {}, reported: [] };
}

async function openOutbox(t: ExecutionContext, bounds = limits): Promise<{ outbox: Outbox; path: string }> {
  const path = join(await temporaryFolder(t), 'outbox.sqlite');
  const outbox = new Outbox(path, bounds);
  t.teardown(() => {
    try {
      outbox.close();
    } catch {
      // The test closed it.
    }
  });
  return { outbox, path };
}

test('a batch that does not continue the row is rejected as a whole, the next good one is stored', async (t) => {
  const { outbox } = await openOutbox(t);
  const gap: Batch = { ...batch(1, 2), events: [event(1), event(3)], state: { a: 'wrong' } };
  const { outcomes } = outbox.append([gap, batch(1, 2), batch(2, 1), batch(3, 1)]);
  t.deepEqual(
    outcomes.map(({ outcome }) => outcome),
    ['rejected', 'stored', 'rejected', 'stored'],
  );
  t.is(outcomes[0]?.outcome === 'rejected' ? outcomes[0].error.code : '', 'CW-UPL-005');
  t.is(outbox.nextSequence, 4);
  t.deepEqual(
    outbox.read(0, 10).map(({ sequence }) => sequence),
    [1, 2, 3],
  );
});

test('the row goes on after everything was delivered and deleted', async (t) => {
  const { outbox, path } = await openOutbox(t);
  outbox.append([batch(1, 10)]);
  outbox.release(10);
  outbox.flush();
  t.is(outbox.tally.events, 0);
  t.is(outbox.tally.bytes, 0);
  outbox.close();
  const again = new Outbox(path, limits);
  t.is(again.start.nextSequence, 11);
  t.is(again.start.ledger, outbox.start.ledger);
  again.close();
});

test('a run that did not stop cleanly is known, and so is the boot count', async (t) => {
  const { outbox, path } = await openOutbox(t);
  t.deepEqual([outbox.start.boot, outbox.start.crashed], [1, false]);
  outbox.append([batch(1, 3)]);
  // A copy of the files is what a crash leaves behind.
  const copy = join(await temporaryFolder(t), 'outbox.sqlite');
  for (const suffix of ['', '-wal']) await writeFile(copy + suffix, await readFile(path + suffix));
  const crashed = new Outbox(copy, limits);
  t.deepEqual([crashed.start.boot, crashed.start.crashed, crashed.start.nextSequence], [2, true, 4]);
  t.is(crashed.publishedThrough, 3, 'after a crash anything that was stored may have left');
  crashed.close();
  outbox.close();
  const clean = new Outbox(path, limits);
  t.deepEqual([clean.start.boot, clean.start.crashed], [2, false]);
  t.is(clean.publishedThrough, 0);
  clean.close();
});

test('connection numbers grow across boots, and the mode of acknowledging stays', async (t) => {
  const { outbox, path } = await openOutbox(t);
  t.deepEqual([outbox.nextConnection(), outbox.nextConnection()], [1, 2]);
  t.false(outbox.acknowledged);
  outbox.setAcknowledged(true);
  outbox.close();
  const again = new Outbox(path, limits);
  t.is(again.nextConnection(), 3);
  t.true(again.acknowledged);
  again.close();
});

test('a second process on the same folder is told so', async (t) => {
  const { path } = await openOutbox(t);
  t.throws(() => new Outbox(path, limits), { code: 'CW-UPL-004' });
});

test('an outbox of a newer format is left alone', async (t) => {
  const { outbox, path } = await openOutbox(t);
  outbox.close();
  const database = new DatabaseSync(path);
  database.exec('PRAGMA user_version = 99');
  database.close();
  const before = await readFile(path);
  t.throws(() => new Outbox(path, limits), { code: 'CW-UPL-003' });
  t.deepEqual(await readFile(path), before);
});

test('a place that can not be written is a coded error', async (t) => {
  const file = join(await temporaryFolder(t), 'file');
  await writeFile(file, '');
  t.throws(() => new Outbox(join(file, 'outbox.sqlite'), limits), { code: 'CW-UPL-001' });
});

for (const [what, damage] of [
  ['a header that was overwritten', async (path: string) => writeFile(path, Buffer.alloc(8_192, 0x55))],
  [
    'pages that were overwritten',
    async (path: string) => {
      const file = await open(path, 'r+');
      const { size } = await file.stat();
      await file.write(Buffer.alloc(size - 4_096, 0xa5), 0, size - 4_096, 4_096);
      await file.close();
    },
  ],
  [
    'a name of the ledger that is gone',
    async (path: string) => {
      const database = new DatabaseSync(path);
      database.exec("DELETE FROM meta WHERE key = 'ledger'");
      database.close();
    },
  ],
] as const) {
  test(`a damaged outbox (${what}) is kept aside and a new ledger begins`, async (t) => {
    const { outbox, path } = await openOutbox(t);
    outbox.append([batch(1, 200)]);
    outbox.close();
    await damage(path);
    const fresh = new Outbox(path, limits);
    t.not(fresh.start.ledger, outbox.start.ledger);
    t.is(fresh.start.nextSequence, 1);
    t.is(fresh.setAside?.path, `${path}.damaged-1`);
    t.true(existsSync(`${path}.damaged-1`));
    fresh.append([batch(1)]);
    fresh.close();
    t.true(readdirSync(join(path, '..')).length >= 2);
  });
}

test('telemetry goes before evidence, the oldest first, and never a ledger event', async (t) => {
  const { outbox } = await openOutbox(t, { maxBytes: 100_000, ledgerShare: 0.8 });
  let next = 1;
  const add = (count: number, name: EventClass) => {
    const { outcomes, drops } = outbox.append([batch(next, count, name)]);
    t.is(outcomes[0]?.outcome, 'stored');
    next += count;
    return drops;
  };
  add(50, 'telemetry');
  add(50, 'evidence');
  add(100, 'ledger');
  t.is(outbox.tally.dropped, 0);
  const first = add(60, 'evidence');
  t.deepEqual(
    first.map(({ class: name, first: from }) => [name, from]),
    [['telemetry', 1]],
  );
  const more = add(100, 'evidence');
  t.true(more.some((range) => range.class === 'evidence' && range.first === 51));
  const sequences = new Set(outbox.read(0, 1_000).map(({ sequence }) => sequence));
  for (let sequence = 101; sequence <= 200; sequence++) t.true(sequences.has(sequence));
  const dropped = [...first, ...more].reduce((sum, { count }) => sum + count, 0);
  t.is(outbox.tally.dropped, dropped);
  t.is(outbox.tally.events + dropped, next - 1);
  t.is(
    outbox.unreportedDrops().reduce((sum, { count }) => sum + count, 0),
    dropped,
  );
});

test('ledger events beyond their share take the place of the others, then of nothing but the reserve', async (t) => {
  const { outbox } = await openOutbox(t, { maxBytes: 64_000, ledgerShare: 0.5 });
  let next = 1;
  outbox.append([batch(next, 100, 'evidence')]);
  next += 100;
  while (!outbox.ledgerFull) {
    t.is(outbox.append([batch(next, 2)]).lost, undefined);
    next += 2;
  }
  t.true(outbox.tally.ledgerBytes < 32_000, 'it is said early');
  t.true(outbox.tally.bytes > outbox.tally.ledgerBytes, 'evidence is there');
  const item = (sequence: number): Batch => ({
    events: [{ ...event(sequence), type: 'item.added' }, { ...event(sequence + 1, 'evidence') }],
    state: { last: String(sequence) },
    reported: [],
  });
  let lost = outbox.append([item(next)]).lost;
  for (next += 2; lost === undefined; next += 2) lost = outbox.append([item(next)]).lost;
  t.is(lost.code, 'CW-UPL-007');
  t.true(outbox.givingUp);
  t.true(outbox.tally.ledgerBytes > 60_000, 'all the room was used');
  t.is(outbox.tally.bytes, outbox.tally.ledgerBytes, 'evidence was given up for it');
  t.is(outbox.nextSequence, next, 'the row goes on');
  t.is(outbox.append([batch(next)]).lost, undefined, 'a birth has its reserve');
  next++;
  const pieces = outbox.unreportedDrops().length;
  for (let i = 0; i < 200; i++, next += 2) t.is(outbox.append([item(next)]).outcomes[0]?.outcome, 'stored');
  t.true(outbox.unreportedDrops().length <= pieces + 3, 'pieces that touch are one row');
  t.is(
    outbox.unreportedDrops().reduce((sum, { count }) => sum + count, 0),
    outbox.tally.dropped,
  );
  t.is(outbox.tally.events + outbox.tally.dropped, next - 1);
  t.true(outbox.tally.bytes <= 64_000);
  outbox.release(400);
  t.is(outbox.append([item(next)]).lost, undefined, 'and goes on being stored when there is room');
  t.false(outbox.givingUp);
});

test('drops are told once, as one range a class, until their report is stored', async (t) => {
  const { outbox, path } = await openOutbox(t, { maxBytes: 60_000, ledgerShare: 0.5 });
  let next = 1;
  const kept = new Set<number>();
  for (let i = 0; i < 60; i++) {
    outbox.append([batch(next, 3, 'telemetry'), batch(next + 3, 1)]);
    kept.add(next + 3);
    next += 4;
  }
  for (const name of ['evidence', 'telemetry'] as const) {
    outbox.append([batch(next, 250, name)]);
    next += 250;
  }
  t.true(outbox.unreportedDrops().length > 30, 'events of the ledger are in between');
  const told = outbox.tellDrops();
  t.deepEqual(told.map(({ class: name }) => name).sort(), ['evidence', 'telemetry']);
  t.is(
    told.reduce((sum, { count }) => sum + count, 0),
    outbox.tally.dropped,
  );
  const gone = new Set(
    told.flatMap(goneIn).flatMap(([a, b]) => Array.from({ length: b - a + 1 }, (_, i) => a + i)),
  );
  for (const { sequence } of outbox.read(0, 10_000)) t.false(gone.has(sequence), 'no event that stays');
  t.is(gone.size, outbox.tally.dropped);
  t.false(outbox.hasUntoldDrops);
  t.deepEqual(outbox.tellDrops(), []);
  const [one, two] = told;
  if (one === undefined || two === undefined) throw new Error('two ranges');
  outbox.append([{ ...batch(next), reported: [one] }]);
  t.true(outbox.unreportedDrops().every(({ class: name }) => name === two.class));
  outbox.close();
  const again = new Outbox(path, limits);
  t.deepEqual(again.tellDrops(), [two], 'after a restart what was not reported is told again');
  again.append([{ ...batch(next + 1), reported: [two] }]);
  t.deepEqual(again.unreportedDrops(), []);
  again.close();
});

test('joined ranges name exactly the sequences of their pieces, and no list grows without bound', (t) => {
  const pieces = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 5 }), fc.boolean()), {
      maxLength: 200,
    })
    .map((steps) => {
      let at = 1;
      return steps.map(([gap, length, evidence]): DropRange => {
        const first = at + gap;
        at = first + length;
        const name = evidence ? 'evidence' : 'telemetry';
        return { first, last: at - 1, count: length, class: name, reason: 'full' };
      });
    });
  const list = (ranges: readonly DropRange[]) =>
    ranges
      .flatMap((range) =>
        goneIn(range).flatMap(([a, b]) =>
          Array.from({ length: b - a + 1 }, (_, i) => `${range.class} ${a + i}`),
        ),
      )
      .sort()
      .join();
  fc.assert(
    fc.property(pieces, (all) => {
      const joined = joinDrops(all);
      return joined.length <= 2 && list(joined) === list(all);
    }),
    { seed: 11, numRuns: 200 },
  );
  const many = Array.from(
    { length: 10_000 },
    (_, i): DropRange => ({
      first: i * 2 + 1,
      last: i * 2 + 1,
      count: 1,
      class: 'telemetry',
      reason: 'full',
    }),
  );
  const joined = joinDrops(many);
  t.true(joined.length > 1);
  t.true(joined.every(({ runs }) => (runs?.length ?? 0) <= 8_191));
  t.is(list(joined), list(many));
});

test('only changed keys of the state are written, in the transaction of their events', async (t) => {
  const { outbox, path } = await openOutbox(t);
  outbox.append([{ ...batch(1), state: { a: '1', b: '2' } }]);
  outbox.append([{ ...batch(2), state: { a: '1', b: null, c: '3' } }]);
  outbox.append([{ ...batch(9), state: { a: 'of a rejected batch' } }]);
  outbox.close();
  const again = new Outbox(path, limits);
  t.deepEqual(again.start.state, { a: '1', c: '3' });
  again.close();
});

test('whatever is stored, released, flushed, dropped and reopened: the sums and the row hold', async (t) => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('add' as const),
      count: fc.integer({ min: 1, max: 30 }),
      class: fc.constantFrom('ledger' as const, 'evidence' as const, 'telemetry' as const),
      length: fc.integer({ min: 0, max: 300 }),
    }),
    fc.record({ kind: fc.constant('release' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ kind: fc.constantFrom('flush' as const, 'reopen' as const) }),
  );
  const bounds = { maxBytes: 40_000, ledgerShare: 0.6 };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const path = join(await temporaryFolder(t), 'outbox.sqlite');
      let outbox = new Outbox(path, bounds);
      const alive = new Map<number, EncodedEvent>();
      let next = 1;
      for (const item of steps) {
        if (item.kind === 'add') {
          const added = batch(next, item.count, item.class, item.length);
          const { outcomes, drops } = outbox.append([added]);
          if (outcomes[0]?.outcome === 'stored') {
            next += item.count;
            for (const each of added.events) alive.set(each.sequence, each);
          }
          for (const range of drops) {
            for (let sequence = range.first; sequence <= range.last; sequence++) alive.delete(sequence);
          }
        } else if (item.kind === 'release') {
          const through = Math.floor((next - 1) * item.share);
          outbox.release(through);
          for (const sequence of [...alive.keys()]) if (sequence <= through) alive.delete(sequence);
        } else if (item.kind === 'flush') outbox.flush();
        else {
          outbox.close();
          outbox = new Outbox(path, bounds);
        }
        const rows = outbox.read(0, 10_000);
        if (rows.map(({ sequence }) => sequence).join() !== [...alive.keys()].join()) return false;
        if (outbox.nextSequence !== next) return false;
        if (outbox.tally.events !== alive.size) return false;
      }
      outbox.flush();
      const bytes = [...alive.values()].reduce((sum, each) => sum + each.bytes.length + 12 + 24, 0);
      const good = outbox.tally.bytes === bytes && outbox.tally.bytes <= bounds.maxBytes;
      outbox.close();
      return good;
    }),
    { seed: 4, numRuns: 40 },
  );
  t.pass();
});
