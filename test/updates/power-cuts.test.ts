import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest, { type ExecutionContext } from 'ava';
import { findTool, needs } from '#test/tools.ts';
import { checkUnpacked } from '#updates/contents.ts';
import { Outbox } from '#uplink/outbox.ts';
import { makeRelease, UpdateDevice } from './device.ts';

const test = needs(anyTest, 'strace');
/** What changes a disk, or orders it to keep a change. */
const calls = ['rename', 'symlink', 'mkdir', 'fsync', 'unlink', 'rmdir'] as const;
/** In every run a few of the moments; all of them in the soak. */
const isWhole = process.env.CARTWRIGHT_EVERY_CUT === '1';
const script = new URL('updater-run.ts', import.meta.url).pathname;

/** Runs the updater and kills it just before its nth call; whether that came. */
async function cutAt(root: string, call: string, nth: number): Promise<boolean> {
  const strace = findTool('strace') ?? 'strace';
  const inject = `inject=${call}:signal=KILL:when=${nth}`;
  const options = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject];
  const child = spawn(strace, [...options, process.execPath, script, root], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, UV_THREADPOOL_SIZE: '1', NODE_DISABLE_COMPILE_CACHE: '1' },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code !== 0;
}

/** What is wrong on a device after a cut and a start of the machine. */
async function problemsOf(device: UpdateDevice): Promise<string[]> {
  const problems: string[] = [];
  await device.reboot();
  const current = await device.current();
  await checkUnpacked(join(device.places.releases, current)).catch((error: unknown) =>
    problems.push(String(error)),
  );
  const state = await device.state();
  if (current !== (state.trial?.version ?? state.good)) problems.push(`${current} is in service`);
  if (device.runs !== current) problems.push(`${device.runs} runs`);
  return problems;
}

async function cutEverywhere(t: ExecutionContext, { sick }: { readonly sick: boolean }): Promise<void> {
  t.timeout(3_600_000);
  const seed = await UpdateDevice.make();
  t.teardown(() => seed.remove());
  new Outbox(join(seed.places.data, 'outbox.sqlite'), { maxBytes: 10_000_000, ledgerShare: 0.8 }).close();
  const made = makeRelease('1.1.0');
  await seed.fetched(made);
  await seed.askStage(made);
  await seed.run();
  await seed.ask({ action: 'begin', version: '1.1.0' });
  if (sick) await writeFile(join(seed.root, 'sick'), '');
  let cuts = 0;
  for (const call of isWhole ? calls : (['rename', 'symlink'] as const)) {
    for (let nth = 1; ; nth += isWhole ? 1 : 2) {
      const device = await UpdateDevice.make();
      await rm(device.root, { recursive: true });
      await cp(seed.root, device.root, { recursive: true, verbatimSymlinks: true });
      device.behaviours.set('1.1.0', sick ? 'ends' : 'well');
      try {
        const wasCut = await cutAt(device.root, call, nth);
        const problems = await problemsOf(device);
        // What was begun comes to its end, whenever that was cut short.
        await device.run();
        const { good, trial, undo, failed } = await device.state();
        if (good !== (sick ? '1.0.0' : '1.1.0')) problems.push(`${good} is good in the end`);
        if (trial !== undefined || undo !== undefined) problems.push('it never ended');
        if (sick && failed[0]?.version !== '1.1.0') problems.push('the failure was forgotten');
        const left = (await readdir(device.places.releases)).filter((name) => name.startsWith('.'));
        if (left.length > 0) problems.push(`${left.join()} is left`);
        if (problems.length > 0) {
          t.fail(`cut before ${call} ${nth}: ${problems.join('; ')}`);
          return;
        }
        if (!wasCut) break;
        cuts++;
      } finally {
        await device.remove();
      }
    }
  }
  t.log(`${cuts} cuts`);
  t.true(cuts >= 4);
}

test('an update that is cut short at any change of the disk leaves a release that starts, and comes to its end', (t) =>
  cutEverywhere(t, { sick: false }));

test('so does taking a release back', (t) => cutEverywhere(t, { sick: true }));
