import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { targetOfLink } from '#updates/paths.ts';
import { readRequest } from '#updates/request.ts';
import { readBelow } from '#updates/untrusted.ts';

/** The folder of a gateway that somebody else has in hand, and a file beside it that only root may read. */
async function takenOver(t: ExecutionContext) {
  const root = await mkdtemp(join(tmpdir(), 'cartwright-untrusted-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  const at = (...path: readonly string[]) => join(root, ...path);
  await mkdir(at('data/updates'), { recursive: true });
  await mkdir(at('of-root/updates'), { recursive: true });
  await writeFile(at('of-root/updates/request.json'), 'for root alone');
  return { at, data: at('data') };
}

test('root reads what the gateway left as a plain file of the folder itself, and through no link', async (t) => {
  const { at, data } = await takenOver(t);
  const read = () => readBelow(data, ['updates', 'request.json'], 64);
  await writeFile(at('data/updates/request.json'), 'its own');
  t.is(String(await read()), 'its own');
  await rm(at('data/updates/request.json'));
  await symlink(at('of-root/updates/request.json'), at('data/updates/request.json'));
  await t.throwsAsync(read(), { code: 'ELOOP' }, 'a link in place of the file');
  await rm(at('data/updates'), { recursive: true });
  await symlink(at('of-root/updates'), at('data/updates'));
  await t.throwsAsync(read(), { code: 'ENOTDIR' }, 'a link in place of the folder');
  for (const name of ['..', '.', '', 'a/b']) {
    await t.throwsAsync(readBelow(data, [name, 'x'], 64), { message: /no plain name/ }, name);
  }
});

test('root neither waits for a pipe nor reads more than it asked for of what the gateway left', async (t) => {
  const { at, data } = await takenOver(t);
  execFileSync('mkfifo', [at('data/updates/request.json')]);
  await t.throwsAsync(readBelow(data, ['updates', 'request.json'], 64), { message: /is no file/ });
  await t.throwsAsync(readRequest(data), { code: 'CW-UPD-020', message: /nothing was done/ });
  await rm(at('data/updates/request.json'));
  await writeFile(at('data/updates/request.json'), Buffer.alloc(65));
  await t.throwsAsync(readBelow(data, ['updates', 'request.json'], 64), { message: /more than 64 bytes/ });
});

test('a link of a release goes up first and then straight down: what leads through another name on its way is refused', (t) => {
  t.is(targetOfLink('bin/tool', '../lib/tool'), 'lib/tool');
  // `lib` may be a link itself: through it the step up would lead anywhere.
  for (const target of ['../lib/../tool', 'lib/../../tool', './tool', '../../tool', '/tool', '..', '']) {
    t.is(targetOfLink('bin/tool', target), undefined, target);
  }
});
