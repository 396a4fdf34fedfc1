import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadBoard } from '#config/load.ts';
import { TraceError } from '#traces/errors.ts';
import { createTrace } from '#traces/folder.ts';

const scan = (atUs: number, length: number) =>
  ({ kind: 'scan', source: 'wand', atUs, data: new Uint8Array(length).fill(65), symbology: '' }) as const;

async function start(t: ExecutionContext, prepare: (folder: string) => Promise<void> = async () => {}) {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-trace-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await prepare(folder);
  const failures: TraceError[] = [];
  const writer = await createTrace(
    folder,
    {
      device: 'd',
      board: await loadBoard('demo-cart'),
      catalogue: 'config/catalogues/demo.json',
    },
    (error) => failures.push(error),
  );
  return { writer, failures, path: join(folder, 'trace.ndjson') };
}

test('What was written is on disk when the trace is closed, without a failure', async (t) => {
  const { writer, failures, path } = await start(t);
  for (let i = 1; i <= 1_000; i++) writer.recorder.input(scan(i, 100));
  await writer.drain();
  writer.recorder.end(2_000);
  await writer.close();
  t.deepEqual(failures, []);
  t.is((await readFile(path, 'utf8')).trim().split('\n').length, 1_002);
});

test('A disk that is full is told at once, once, and writing on does no harm', async (t) => {
  const { writer, failures } = await start(t, (folder) => symlink('/dev/full', join(folder, 'trace.ndjson')));
  for (let i = 1; failures.length === 0 && i < 1_000; i++) {
    writer.recorder.input(scan(i, 1_000));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  t.is(failures.length, 1);
  t.is(failures[0]?.code, 'CW-TRC-008');
  t.regex(failures[0]?.message ?? '', /ENOSPC|no space/);
  writer.recorder.input(scan(5_000, 10));
  writer.recorder.end(5_001);
  await t.throwsAsync(writer.drain(), { code: 'CW-TRC-008' });
  await t.throwsAsync(writer.close(), { code: 'CW-TRC-008' });
  t.is(failures.length, 1);
});

test('A disk that does not keep up fills no memory', async (t) => {
  const { writer, failures } = await start(t);
  // All of it in one go, so that nothing can be written meanwhile.
  for (let i = 1; i <= 400; i++) writer.recorder.input(scan(i, 50_000));
  t.is(failures[0]?.code, 'CW-TRC-008');
  await t.throwsAsync(writer.close(), { code: 'CW-TRC-008' });
});

test('A place where no trace can be made is refused before anything starts', async (t) => {
  const blocked = start(t, async (folder) => {
    await mkdir(join(folder, 'board.yaml'));
  });
  await t.throwsAsync(blocked, { instanceOf: TraceError, code: 'CW-TRC-005' });
});
