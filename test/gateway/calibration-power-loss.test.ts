import { execFile } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import anyTest from 'ava';
import { createRandom } from '#base/random.ts';
import { CalibrationDevice, type Promised } from '#test/support/calibration-device.ts';
import { findTool, needs } from '#test/tools.ts';
import { type DiskOperation, RecordedDisk, readTrace } from '#test/uplink/support/recorded-disk.ts';

const test = needs(anyTest, 'strace');
const calls =
  'openat,mkdir,mkdirat,write,pwrite64,pwritev,writev,ftruncate,fallocate,fsync,fdatasync,unlink,rename,renameat,renameat2';
/** The first life's beginnings, and a later one with retention and a changed configuration. */
const lives = 3;

async function record(folder: string): Promise<DiskOperation[]> {
  const trace = `${folder}.trace`;
  await mkdir(folder);
  const child = new URL('../support/calibration-run.ts', import.meta.url).pathname;
  const options = ['-f', '-y', '-xx', '-s', '1000000', '-e', `trace=${calls}`, '-o', trace];
  await promisify(execFile)(
    findTool('strace') ?? 'strace',
    [...options, process.execPath, child, folder, String(lives)],
    { env: { PATH: process.env.PATH, NODE_DISABLE_COMPILE_CACHE: '1' }, maxBuffer: 1e8 },
  );
  const operations = readTrace(await readFile(trace, 'latin1'), folder);
  await rm(trace);
  return operations;
}

/** What is wrong with what a power cut left in `folder`, if anything; and whether it goes on from there. */
async function examine(folder: string, promised: Promised, most: number): Promise<readonly string[]> {
  const device = await CalibrationDevice.open(folder, 1);
  try {
    const problems = await device.problems(folder, promised);
    // One more than tried: the start itself commits what the configuration asks for.
    const { revision } = device.promised;
    if (revision > most + 1) problems.push(`revision ${revision}, only ${most} was tried`);
    if (problems.length > 0) return problems;
    await device.commit();
    return await device.problems(folder, { ...promised, revision: revision + 1 });
  } finally {
    await device.close();
  }
}

test('power may fail at any write of a commit: the calibration before or the new one, never a mixture, no counter back', async (t) => {
  t.timeout(600_000);
  // In memory where there is such a place: each cut is opened with real fsyncs.
  const base = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'calibration-power-'));
  t.teardown(() => rm(base, { recursive: true, force: true }));
  const operations = await record(join(base, 'recorded'));
  const written = new Set(operations.flatMap((each) => (each.kind === 'rename' ? [each.to] : [])));
  t.true(written.has('calibrations/calibration-00000007.json'));
  t.true(written.has('calibrations/last-good.json'));
  t.true(operations.some((each) => each.kind === 'unlink' && each.name.startsWith('calibrations/')));
  const promises = operations.flatMap((each) =>
    each.kind === 'say' && each.text.startsWith('PROMISE ')
      ? [JSON.parse(each.text.slice('PROMISE '.length)) as Promised]
      : [],
  );
  t.is(promises.length, 4 * lives);

  let kept = 0;
  let promised: Promised = { revision: 0, calibration: 0, configuration: 0 };
  const random = createRandom(1).fork('cuts');
  const disk = new RecordedDisk();
  let cuts = 0;
  for (const [index, operation] of operations.entries()) {
    disk.run(operation);
    if (operation.kind === 'say') {
      promised = promises[kept] ?? promised;
      kept++;
      continue;
    }
    const most = promises.at(kept)?.revision ?? promised.revision;
    // Every prefix with what was not synced lost, and a part of them with some of that kept and torn.
    for (const source of index % 4 === 0 ? [undefined, random] : [undefined]) {
      const folder = join(base, 'cut');
      disk.cut(folder, source);
      const problems = await examine(folder, promised, most);
      if (problems.length > 0) {
        t.fail(`after operation ${index} (${operation.kind}): ${problems.join('; ')}`);
        return;
      }
      rmSync(folder, { recursive: true });
      cuts++;
    }
  }
  t.log(`${cuts} power cuts`);
  t.true(cuts > 300);
});
