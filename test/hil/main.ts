/**
 * `npm run hil`: builds and caches the virtual machine, runs all of test/hil, and says what ran, what was skipped and
 * why. `HIL_BOARD=<profile> npm run hil` runs the tests of devices on attached hardware; HIL_HANDS=1 says that somebody
 * is there who scans, loads and pulls when asked to. Exit 0 where nothing failed.
 */
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type AvaEvent, judge, type Verdict } from '../../scripts/lib/counts.ts';
import { prepareImage, whatIsMissing } from './machine/build.ts';
import { repository } from './machine/recipe.ts';

const board = process.env.HIL_BOARD;
const started = performance.now();
const seconds = () => ((performance.now() - started) / 1000).toFixed(0);

if (board === undefined) await prepare();
const files = board === undefined ? 'test/hil/**/*.test.ts' : 'test/hil/machine.test.ts';
console.log(
  board === undefined ? 'Tests of firmware and devices' : `Tests of the hardware of board ${board}`,
);
const { verdict, skipped } = await runAva(files);

console.log('');
for (const title of skipped) console.log(`skipped  ${title}`);
for (const failure of verdict.failures) console.log(`failed   ${failure}`);
console.log(
  `Took ${seconds()} s. ${verdict.passed} passed, ${verdict.failed} failed, ${verdict.skipped} skipped`,
);
process.exitCode = verdict.failed > 0 ? 1 : 0;

/** The machine's tests are skipped by name where it can't be built, except with CI=true. */
async function prepare(): Promise<void> {
  const missing = whatIsMissing();
  if (missing.length > 0) {
    console.log(`The virtual machine can't be built here; it needs:\n  ${missing.join('\n  ')}`);
    return;
  }
  const image = await prepareImage((line) => console.log(`${line} … (${seconds()} s)`));
  const speed =
    image.accelerator === 'kvm' ? 'with KVM' : 'emulated, about 16 times slower than this computer';
  console.log(`Virtual machine: Linux ${image.kernel}, ${speed}, ${image.cached ? 'from the cache' : 'new'}`);
}

async function runAva(pattern: string): Promise<{ verdict: Verdict; skipped: string[] }> {
  const child = spawn('ava', ['--config=scripts/lib/ava.config.js', '--concurrency=2', pattern], {
    cwd: repository,
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: {
      ...process.env,
      CARTWRIGHT_TEST_EVENTS: '3',
      PATH: `${join(repository, 'node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`,
    },
  });
  const events: AvaEvent[] = [];
  const lines = createInterface({ input: child.stdio[3] as Readable });
  lines.on('line', (line) => events.push(JSON.parse(line)));
  const drained = new Promise<void>((resolve) => lines.once('close', () => resolve()));
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGINT', forward).on('SIGTERM', forward);
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('exit', resolve);
  });
  await drained;
  const verdict = judge(events, code);
  return { verdict, skipped: [...verdict.skips] };
}
