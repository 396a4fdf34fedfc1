import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { systemServices } from '#updates/services.ts';

test('safe mode is ended before the gateway, which its end would start', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-services-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const program = join(folder, 'systemctl');
  await writeFile(program, `#!/bin/sh\necho "$*" >>${folder}/asked\n`, { mode: 0o755 });
  await systemServices(program).stop();
  const asked = (await readFile(join(folder, 'asked'), 'utf8')).trim().split('\n');
  t.deepEqual(asked, ['stop cartwright-safe.service', 'stop cartwright.service']);
});
