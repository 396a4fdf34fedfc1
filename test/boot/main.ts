/**
 * `npm run test:boot`: sets whole machines up from a release archive, boots them, and cuts their power. Every case is a
 * file of test/boot/cases. `--only NAME[,NAME…]` runs these; `--list` names them all. The machines are emulated, so that
 * all of it takes an hour; nothing is asserted about times. Exit 0 where nothing failed.
 */
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBench } from './bench.ts';
import { type Case, NotHere } from './case.ts';

const { values } = parseArgs({
  options: { only: { type: 'string' }, list: { type: 'boolean', default: false } },
});
const files = globSync('cases/*.ts', { cwd: import.meta.dirname }).sort();
const names = files.map((file) => basename(file, '.ts'));
/** Share a machine that is booted once: they come first, those that change something of it last. */
const living = ['setup', 'exposure', 'ports', 'setup-again', 'watchdog', 'crash-loop'];
const wanted = values.only?.split(',') ?? [...living, ...names.filter((name) => !living.includes(name))];
const unknown = wanted.filter((name) => !names.includes(name));
if (values.list || unknown.length > 0) {
  if (unknown.length > 0) console.error(`no case is called ${unknown.join(', ')}; there are:`);
  for (const name of names) console.log(name);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const counts = { passed: 0, failed: 0, skipped: 0 };
const bench = await openBench((line) => console.log(`         ${line}`));
const stop = () => void bench.close().then(() => process.exit(130));
process.once('SIGINT', stop).once('SIGTERM', stop);
try {
  for (const name of wanted) await runCase(name);
} finally {
  await bench.close();
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 ? 1 : 0;

async function runCase(name: string): Promise<void> {
  const { title, run } = (await import(join(import.meta.dirname, 'cases', `${name}.ts`))) as Case;
  const started = performance.now();
  const tell = (outcome: string) =>
    console.log(`${outcome}  ${name} (${((performance.now() - started) / 1_000).toFixed(0)} s): ${title}`);
  console.log(`begins   ${name}`);
  try {
    const figures = await run(bench);
    counts.passed += 1;
    tell('passed ');
    for (const line of figures) console.log(`         ${line}`);
  } catch (error) {
    if (error instanceof NotHere && process.env.CI !== 'true') {
      counts.skipped += 1;
      tell('skipped');
      console.log(`         ${error.message}`);
    } else {
      counts.failed += 1;
      tell('failed ');
      console.log(`         ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  } finally {
    await bench.clear();
  }
}
