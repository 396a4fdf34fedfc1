import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { runCli } from '#test/support/cli.ts';

const folder = await mkdtemp(join(tmpdir(), 'verify-'));
test.after.always(() => rm(folder, { recursive: true, force: true }));

test('a driver that is not there is told with the one that was probably meant', async (t) => {
  const { code, stdout, stderr } = await runCli(['driver', 'verify', 'firmata-hx710']);
  t.is(code, 1);
  t.is(stdout, '');
  t.regex(stderr, /^CW-DRV-001 there is no driver firmata-hx710; did you mean firmata-hx711\? This release/);
});

test('what a device says in a finding or an error can not steer the terminal', async (t) => {
  const file = join(folder, 'hostile.mjs');
  const words = String.raw`Scale\u001b]0;x\u0007\u009b2J\nsecond line`;
  await writeFile(
    file,
    `export default (z) => ({ contract: 1, name: 'acme-hostile', kind: 'scale', options: z.strictObject({}),
  open: async () => { throw Object.assign(new Error('${words}'), { code: 'CW-DRV-006' }); } });`,
  );
  const found = await runCli(['driver', 'verify', 'acme-hostile', '--file', file, '--attached']);
  t.is(found.code, 1);
  t.regex(found.stdout, /FAILED .*\n {8}.*Scale/);
  const refused = await runCli(['driver', 'verify', 'acme\u001b[2J\u009b', '--file', file]);
  t.is(refused.code, 1);
  t.regex(refused.stderr, /no driver acme/);
  for (const text of [found.stdout, found.stderr, refused.stdout, refused.stderr])
    t.notRegex(text.replaceAll('\n', ''), /\p{Cc}/u);
});
