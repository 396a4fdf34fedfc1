import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'ava';
import { hangThread, inspectorUrl } from '../support/inspector.ts';
import { temporaryFolder } from './support/bench-device.ts';

interface Line {
  readonly open?: true;
  readonly fault?: string;
  readonly stored?: number;
  readonly silentMs?: number;
}

test('a thread that hangs is found and replaced, and what it had not confirmed is stored', async (t) => {
  const program = join(import.meta.dirname, 'support/hung-run.ts');
  const folder = await temporaryFolder(t);
  const child = spawn(process.execPath, ['--inspect=127.0.0.1:0', program, folder], { stdio: 'pipe' });
  t.teardown(() => child.kill('SIGKILL'));
  const { promise: inspector, resolve } = Promise.withResolvers<string>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    const url = inspectorUrl(line);
    if (url !== undefined) resolve(url);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse(String((await lines.next()).value)) as Line;
  t.deepEqual(await next(), { open: true });
  child.stdin.write('one\n');
  t.is((await next()).stored, 1);
  await hangThread(await inspector, 'uplink');
  child.stdin.write('two\n');
  const found = await next();
  t.is(found.fault, 'CW-UPL-014');
  t.true((found.silentMs ?? 0) >= 600);
  const after = await next();
  t.is(after.stored, 2, 'what the hung one was given');
  t.is(after.silentMs, 0);
  child.stdin.write('three\n');
  t.is((await next()).stored, 3);
  child.stdin.end();
  t.deepEqual(await once(child, 'exit'), [0, null]);
});
