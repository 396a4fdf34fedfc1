import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';

const run = promisify(execFile);

/** Loads the model as the vision process does, and lets go of it. */
const program = `
import { loadModel } from '#vision/models/load.ts';
import { openBackend } from '#vision/models/backends.ts';
const backend = await openBackend('onnx-int8', await loadModel('test/fixtures/small-model'), { threads: 1 });
await backend.close();
`;

test('inference keeps no identifier of the device and writes nothing anywhere', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-telemetry-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const [home, temporary] = [join(folder, 'home'), join(folder, 'tmp')];
  await Promise.all([home, temporary].map((path) => mkdir(path)));
  const { ORT_DISABLE_TELEMETRY: _, XDG_CACHE_HOME: __, ...inherited } = process.env;
  const env = { ...inherited, HOME: home, TMPDIR: temporary };
  await run(process.execPath, ['--input-type=module', '--eval', program], { env, timeout: 60_000 });
  t.deepEqual(await readdir(folder, { recursive: true }).then((names) => names.sort()), ['home', 'tmp']);
});
