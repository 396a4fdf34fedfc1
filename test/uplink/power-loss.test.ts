import { execFile } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import anyTest from 'ava';
import { createRandom } from '#base/random.ts';
import { findTool, needs } from '#test/tools.ts';
import { Outbox } from '#uplink/outbox.ts';
import { type DiskOperation, RecordedDisk, readTrace } from './support/recorded-disk.ts';

const test = needs(anyTest, 'strace');
const calls =
  'openat,write,pwrite64,pwritev,writev,ftruncate,fallocate,fsync,fdatasync,unlink,rename,renameat,renameat2';

interface Promised {
  readonly ledger: string;
  readonly next: number;
  readonly released: number;
  readonly connection: number;
  readonly acknowledged: boolean;
}

async function record(folder: string, seed: number): Promise<DiskOperation[]> {
  const trace = `${folder}.trace`;
  const child = new URL('support/power-run.ts', import.meta.url).pathname;
  const options = ['-f', '-y', '-xx', '-s', '1000000', '-e', `trace=${calls}`, '-o', trace];
  await promisify(execFile)(
    findTool('strace') ?? 'strace',
    [...options, process.execPath, child, folder, String(seed)],
    // A compile cache would write files of its own; a reporter of coverage, too.
    { env: { PATH: process.env.PATH, NODE_DISABLE_COMPILE_CACHE: '1' }, maxBuffer: 1e8 },
  );
  const operations = readTrace(await readFile(trace, 'latin1'), folder);
  await rm(trace);
  return operations;
}

/** What is wrong with the outbox that a power cut left in `folder`, if anything. */
function examine(folder: string, promised: Promised, largestNext: number): string | undefined {
  const outbox = new Outbox(join(folder, 'outbox.sqlite'), { maxBytes: 10_000_000, ledgerShare: 0.8 });
  try {
    const { start } = outbox;
    if (outbox.setAside !== undefined) return `set aside: ${outbox.setAside.reason}`;
    if (promised.ledger !== '' && start.ledger !== promised.ledger) return 'another ledger';
    if (start.nextSequence < promised.next)
      return `${start.nextSequence} follows, ${promised.next} was promised`;
    if (start.nextSequence > largestNext)
      return `${start.nextSequence} follows, only ${largestNext} was tried`;
    const rows = outbox.read(0, 100_000);
    const first = rows[0]?.sequence ?? start.nextSequence;
    if (first > promised.released + 1) return `${promised.released + 1} is missing, ${first} is the first`;
    for (const [i, { sequence, bytes }] of rows.entries()) {
      if (sequence !== first + i) return `${first + i} is missing before ${sequence}`;
      if (bytes.some((byte) => byte !== (sequence & 255))) return `${sequence} has changed`;
    }
    if (rows.length > 0 && first + rows.length !== start.nextSequence) return 'the last ones are missing';
    const last = Number(start.state.last ?? 0);
    if (last !== start.nextSequence - 1) return `state of ${last}, events to ${start.nextSequence - 1}`;
    if (outbox.nextConnection() <= promised.connection) return 'a number of a connection was given twice';
    if (promised.acknowledged && !outbox.acknowledged) return 'the mode of acknowledging was forgotten';
    return undefined;
  } finally {
    outbox.close();
  }
}

for (const seed of [1, 2]) {
  test(`power may fail after any write (seed ${seed}): what was promised is there, in one row, with its state`, async (t) => {
    t.timeout(120_000);
    // In memory where there is such a place: each cut is opened with real fsyncs.
    const base = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'power-'));
    t.teardown(() => rm(base, { recursive: true, force: true }));
    const recorded = join(base, 'recorded');
    const operations = await record(recorded, seed);
    t.true(operations.filter(({ kind }) => kind === 'write').length > 200);
    t.true(
      operations.some(
        ({ kind, name }: { kind: string; name?: string }) => kind === 'write' && name === 'outbox.sqlite',
      ),
    );

    const promises = operations.flatMap((each) =>
      each.kind === 'say' && each.text.startsWith('PROMISE ')
        ? [JSON.parse(each.text.slice('PROMISE '.length)) as Promised]
        : [],
    );
    t.true(promises.length > 80);
    let kept = 0;
    let promised: Promised = { ledger: '', next: 1, released: 0, connection: 0, acknowledged: false };
    const random = createRandom(seed).fork('cuts');
    const disk = new RecordedDisk();
    let cuts = 0;
    for (const operation of operations) {
      disk.run(operation);
      if (operation.kind === 'say') {
        promised = promises[kept] ?? promised;
        kept++;
        continue;
      }
      const largestNext = promises.at(kept)?.next ?? promised.next;
      for (const source of [undefined, random]) {
        const folder = join(base, 'cut');
        disk.cut(folder, source);
        const wrong = examine(folder, promised, largestNext);
        if (wrong !== undefined)
          t.fail(`after operation ${operations.indexOf(operation)} (${operation.kind}): ${wrong}`);
        rmSync(folder, { recursive: true });
        cuts++;
      }
    }
    t.log(`${cuts} power cuts`);
    t.true(cuts > 500);
  });
}
