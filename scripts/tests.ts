/**
 * Runs the tests and counts them: `node scripts/tests.ts [PATTERN…]`. `scripts/test` calls it after its set-up.
 * First what is checked without running the product (test/static), then its behaviour, at last what needs the machine to
 * itself: simulated microcontrollers in real time and virtual machines. All by AVA, whose own counts make the last line. Exit 0 only when nothing failed and, with CI=true, nothing was skipped.
 */
import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type AvaEvent, type Counts, judge, type Verdict } from './lib/counts.ts';

const ci = process.env.CI === 'true';
const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
const paint = (code: number, text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);

interface Run {
  readonly name: string;
  /** How many files at once. */
  readonly concurrency: number;
  readonly patterns: readonly string[];
}

/** Tests of timing share the machine: more than four files at once only makes them slow. */
const several = Math.min(4, Math.max(2, availableParallelism()));
/** What runs in real time on a simulated chip or in a machine of its own, one after the other. */
const alone = ['test/hil/**/*.test.ts', 'test/system/demo.test.ts'];

/** `weighing` is the tests of that room, `plateau` the files of that name, a folder all tests in it; the rest is AVA's. */
function expand(pattern: string): string {
  const isWord = /^[\w-]+$/.test(pattern) && !pattern.startsWith('-');
  if (isWord && existsSync(`test/${pattern}`)) return `test/${pattern}/**/*.test.ts`;
  if (existsSync(pattern) && statSync(pattern).isDirectory())
    return `${pattern.replace(/\/$/, '')}/**/*.test.ts`;
  return isWord ? `test/**/${pattern}*.test.ts` : pattern;
}

async function runAva({ concurrency, patterns }: Run): Promise<Verdict> {
  const child = spawn(
    'ava',
    ['--config=scripts/lib/ava.config.js', `--concurrency=${concurrency}`, ...patterns],
    {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
      env: { ...process.env, CARTWRIGHT_TEST_EVENTS: '3' },
    },
  );
  const events: AvaEvent[] = [];
  const lines = createInterface({ input: child.stdio[3] as Readable });
  lines.on('line', (line) => events.push(JSON.parse(line)));
  const drained = new Promise<void>((resolve) => lines.once('close', () => resolve()));
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGINT', forward).on('SIGTERM', forward);
  const exitCode = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      console.error(`ava could not be started: ${error.message}`);
      resolve(null);
    });
    child.once('exit', (code) => resolve(code));
  });
  process.off('SIGINT', forward).off('SIGTERM', forward);
  await drained;
  return judge(events, exitCode);
}

const started = performance.now();
const patterns = process.argv.slice(2).map(expand);
const everything: readonly Run[] = [
  {
    name: 'Sources: format, lint, types, rooms, shell scripts, documents',
    concurrency: several,
    patterns: ['test/static/**/*.test.ts'],
  },
  {
    name: 'Behaviour',
    concurrency: several,
    patterns: ['test/**/*.test.ts', '!test/static/**', ...alone.map((pattern) => `!${pattern}`)],
  },
  { name: 'Hardware in the loop, and the demo in real time', concurrency: 1, patterns: alone },
];
const runs = patterns.length > 0 ? [{ name: 'Selected tests', concurrency: several, patterns }] : everything;
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];
const skips: string[] = [];
for (const run of runs) {
  console.log(paint(1, `\n${run.name}`));
  const verdict = await runAva(run);
  total.passed += verdict.passed;
  total.failed += verdict.failed;
  total.skipped += verdict.skipped;
  failures.push(...verdict.failures);
  skips.push(...verdict.skips);
}

console.log('');
for (const skip of skips) console.log(`${paint(33, 'skipped')} ${skip}`);
for (const failure of failures) console.log(`${paint(31, 'failed')} ${failure}`);
if (ci && total.skipped > 0) console.log('With CI=true a skipped test is a failure: install what it needs.');
console.log(`Took ${((performance.now() - started) / 1000).toFixed(0)} s.`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 || (ci && total.skipped > 0) ? 1 : 0;
