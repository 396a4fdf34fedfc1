import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { needs } from '../tools.ts';

const run = promisify(execFile);
const sources = new URL('../../boards/firmware/load-cell-bridge', import.meta.url).pathname;
/** The compiler that the committed program was made with: another one makes other bytes of the same sources. */
const releaseCompiler = '5.4.0';

const plain = anyTest as TestFn;
const onHost = needs(plain, 'make', 'gcc');
const onChip = needs(plain, 'make', 'avr-gcc', 'avr-objcopy', 'avr-size');

function freshCopy(t: ExecutionContext, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), name));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(sources, folder, { recursive: true, filter: (path) => !path.startsWith(join(sources, 'out')) });
  return folder;
}

const make = (folder: string, ...args: string[]) =>
  run('make', ['--no-print-directory', '-C', folder, ...args], { env: process.env });

onHost('the portable core of the firmware passes its own checks under the sanitizers', async (t) => {
  const folder = freshCopy(t, 'bridge-check-');
  const { stdout } = await make(folder, 'check');
  const counts = /(\d+) checks, 0 failed/.exec(stdout);
  t.true(Number(counts?.[1]) > 10_000, stdout.slice(-500));
});

onChip('the firmware builds to the same bytes in any folder, and they are the released ones', async (t) => {
  const built = await Promise.all(
    ['bridge-', 'another-folder-of-a-longer-name-'].map(async (name) => {
      const folder = freshCopy(t, name);
      await make(folder, 'all');
      return readFileSync(join(folder, 'out/load-cell-bridge.hex'), 'utf8');
    }),
  );
  t.is(built[0], built[1]);
  const { stdout } = await run('avr-gcc', ['-dumpversion']);
  if (stdout.trim() === releaseCompiler) {
    t.is(built[0], readFileSync(join(sources, 'load-cell-bridge.hex'), 'utf8'), 'run `make release`');
  } else {
    t.log(`released with avr-gcc ${releaseCompiler}, this is ${stdout.trim()}: not compared`);
  }
});

onChip('a build that leaves too little room for the stack is refused', async (t) => {
  const folder = freshCopy(t, 'bridge-budget-');
  const failed = await t.throwsAsync(make(folder, 'all', 'EXTRA=-DSPARE_SRAM=600'));
  t.regex(String(failed), /less than 512 bytes of SRAM are left for the stack/);
});

onChip('the deliberately bad firmware is another program', async (t) => {
  const folder = freshCopy(t, 'bridge-bad-');
  await make(folder, 'all', 'bad');
  const [good, bad] = ['load-cell-bridge', 'load-cell-bridge-bad'].map((name) =>
    readFileSync(join(folder, 'out', `${name}.hex`), 'utf8'),
  );
  t.not(good, bad);
});
