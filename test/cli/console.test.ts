import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { runCli } from '#test/support/cli.ts';

test('a code is printed for whoever asks for one, and kept in a folder that nobody else can read', async (t) => {
  t.timeout(300_000);
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-console-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const made = await runCli([
    'console',
    'code',
    '-s',
    'my-store',
    '--data',
    folder,
    '--who',
    '17',
    '--role',
    'operator',
  ]);
  t.is(made.code, 0, made.stderr);
  t.regex(
    made.stdout,
    /^[0-9A-Z]{4}-[0-9A-Z]{4}\nenrols one key of role operator for 17 in my-store, until \d\d:\d\d\n$/,
  );
  t.is((await stat(join(folder, 'codes'))).mode & 0o777, 0o700);
  t.is((await readdir(join(folder, 'codes'))).length, 1);
});

test('what can not be is refused before anything is begun', async (t) => {
  t.timeout(300_000);
  const run = ['console', 'run', '-s', 'my-store', '--keys', 'keys.json'];
  const cases: readonly (readonly [RegExp, number, readonly string[]])[] = [
    [/^CW-CLI-001 --role "king"/, 2, ['console', 'code', '-s', 'my-store', '--who', '1', '--role', 'king']],
    [
      /^CW-CLI-001 --who "Jane Doe".*never a name/,
      2,
      ['console', 'code', '-s', 'my-store', '--who', 'Jane Doe'],
    ],
    [/^CW-CLI-001 --page-broker.*wss/, 2, [...run, '--page-broker', 'ws://broker.example']],
    [/^CW-CLI-001 --page-broker.*without a login/, 2, [...run, '--page-broker', 'wss://a:b@broker.example']],
    [/^CW-CLI-001 --listen/, 2, [...run, '--page-broker', 'wss://broker.example', '--listen', 'here:99999']],
    [/^CW-CLI-001 --name/, 2, [...run, '--page-broker', 'wss://broker.example', '--name', 'https://console']],
    [
      /^CW-CON-001/,
      1,
      [...run, '--page-broker', 'wss://broker.example', '--data', join(tmpdir(), 'no-such-folder')],
    ],
    [/^CW-CLI-001 .*both --store and --root/, 2, ['key', 'revoke', 'keys.json', '00', '-s', 'my-store']],
  ];
  for (const [expected, code, args] of cases) {
    const { stderr, code: ended } = await runCli(args);
    t.regex(stderr, expected);
    t.is(ended, code, stderr);
  }
});
