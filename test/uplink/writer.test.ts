import test from 'ava';
import { createRandom } from '#base/random.ts';
import type { UplinkError } from '#uplink/errors.ts';
import type { DropRange } from '#uplink/outbox-policy.ts';
import type { AppendOutcome, Batch } from '#uplink/outbox-types.ts';
import { Writer, type WriterHooks } from '#uplink/writer.ts';
import { until } from './support/bench-device.ts';

function sqliteError(code: number, message: string): Error {
  return Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode: code });
}

/** A disk that can be told to fail. */
class Disk {
  failure: Error | undefined;
  readonly written: number[] = [];
  groups = 0;
  hasDeletions = false;
  pendingDeletions = 0;
  append(batches: readonly Batch[]): { outcomes: AppendOutcome[]; drops: DropRange[]; lost: undefined } {
    if (this.failure !== undefined) throw this.failure;
    this.groups++;
    for (const { events } of batches) this.written.push(...events.map(({ sequence }) => sequence));
    return { outcomes: batches.map(() => ({ outcome: 'stored' as const })), drops: [], lost: undefined };
  }
  flush(): void {
    if (this.failure !== undefined) throw this.failure;
    this.hasDeletions = false;
  }
}

function batch(sequence: number): Batch {
  const event = { sequence, type: 'item.added', class: 'ledger' as const, bytes: new Uint8Array(1) };
  return { events: [event], state: {}, reported: [] };
}

function setUp(groupMs: number, hooks: Partial<WriterHooks> = {}) {
  const disk = new Disk();
  const stored: number[] = [];
  const faults: UplinkError[] = [];
  const damages: unknown[] = [];
  const writer = new Writer(
    disk,
    groupMs,
    {
      stored: (ids) => stored.push(...ids),
      rejected: () => {},
      dropped: () => {},
      fault: (error) => faults.push(error),
      damaged: (error) => damages.push(error),
      ...hooks,
    },
    createRandom(1),
  );
  return { disk, stored, faults, damages, writer };
}

test('what comes within the time of a group is one write', async (t) => {
  const { disk, stored, writer } = setUp(20);
  for (let n = 1; n <= 10; n++) writer.add(n, batch(n));
  t.is(disk.groups, 0);
  await until(() => stored.length === 10, 'they are stored');
  t.is(disk.groups, 1);
  writer.stop();
});

test('a large group does not wait', (t) => {
  const { disk, stored, writer } = setUp(60_000);
  for (let n = 1; n <= 512; n++) writer.add(n, batch(n));
  t.is(disk.groups, 1);
  t.is(stored.length, 512);
  writer.stop();
});

for (const [code, what] of [
  [13, 'database or disk is full'],
  [8, 'attempt to write a readonly database'],
  [10, 'disk I/O error'],
] as const) {
  test(`${what}: said once, kept in order, and written when the disk is back`, async (t) => {
    const { disk, stored, faults, writer } = setUp(1);
    disk.failure = sqliteError(code, what);
    for (let n = 1; n <= 5; n++) writer.add(n, batch(n));
    await until(() => writer.blocked !== undefined, 'it is noticed');
    for (let n = 6; n <= 8; n++) writer.add(n, batch(n));
    await new Promise((resolve) => setTimeout(resolve, 400));
    t.deepEqual(
      faults.map((fault) => fault.code),
      ['CW-UPL-008'],
    );
    t.true(faults[0]?.message.includes(what));
    t.deepEqual(stored, []);
    disk.failure = undefined;
    await until(() => stored.length === 8, 'all are stored');
    t.deepEqual(disk.written, [1, 2, 3, 4, 5, 6, 7, 8]);
    t.is(writer.blocked, undefined);
    writer.stop();
  });
}

test('a damaged file is not tried again', async (t) => {
  const { disk, damages, stored, writer } = setUp(1);
  disk.failure = sqliteError(11, 'database disk image is malformed');
  writer.add(1, batch(1));
  await until(() => damages.length === 1, 'it is said');
  t.deepEqual(stored, []);
  writer.stop();
});

test('what a listener throws is not taken for a fault of the disk', (t) => {
  const { faults, writer } = setUp(60_000, {
    stored: () => {
      throw new Error('a listener fails');
    },
  });
  writer.add(1, batch(1));
  t.throws(() => writer.write(), { message: 'a listener fails' });
  t.deepEqual(faults, []);
  t.is(writer.blocked, undefined);
  writer.stop();
});
