import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { AuditLog } from '#identity/audit-log.ts';
import { readKeyFile } from '#identity/key-list.ts';
import { runCli } from '#test/support/cli.ts';

async function temporary(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-key-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('a private key is made for its owner alone, never shown and never written over', async (t) => {
  t.timeout(300_000);
  const folder = await temporary(t);
  const file = join(folder, 'staff-17.pem');
  const made = await runCli(['key', 'make', file]);
  t.is(made.code, 0, made.stderr);
  t.is((await stat(file)).mode & 0o777, 0o600);
  const secret = (await readFile(file, 'utf8')).split('\n')[1] ?? '';
  t.true(secret.length > 40);
  const shown = await runCli(['key', 'show', file]);
  t.regex(shown.stdout, /^key [0-9a-f]{32} \(Ed25519\)\n-----BEGIN PUBLIC KEY-----/);
  for (const { stdout, stderr } of [made, shown]) t.false((stdout + stderr).includes(secret));
  const again = await runCli(['key', 'make', file]);
  t.is(again.code, 3);
  t.regex(again.stderr, /^CW-CLI-004 .*never written over/);
  await chmod(file, 0o644);
  const call = [
    'call',
    'gateway.info',
    '-s',
    'store',
    '-d',
    'cart',
    '--key',
    file,
    '-b',
    'mqtt://127.0.0.1:1',
  ];
  const open = await runCli(call);
  t.regex(open.stderr, /^CW-(IDN-007 .*chmod 600|CLI-002)/);
});

test('a list of keys grows by a version with every change, and what is revoked stays in it', async (t) => {
  t.timeout(300_000);
  const folder = await temporary(t);
  const list = join(folder, 'keys.json');
  for (const name of ['till-3.pem', 'staff-17.pem']) await runCli(['key', 'make', join(folder, name)]);
  const add = await runCli([
    'key',
    'add',
    list,
    join(folder, 'till-3.pem.pub'),
    '--role',
    'till',
    '--who',
    '3',
  ]);
  t.is(add.code, 0, add.stderr);
  await runCli(['key', 'add', list, join(folder, 'staff-17.pem'), '--role', 'staff', '--to', '2027-12-31']);
  const { keys, version } = readKeyFile(await readFile(list, 'utf8'));
  t.deepEqual([version, keys.length], [2, 2]);
  const id = keys[0]?.key.id ?? '';
  const revoked = await runCli(['key', 'revoke', list, id]);
  t.is(revoked.stdout, `${list}, version 3: key ${id} is revoked\n`);
  const shown = await runCli(['key', 'list', list]);
  t.regex(shown.stdout, new RegExp(`^version 3, .*, 2 keys\n${id} +Ed25519 +till +3 +revoked\n`));
  const back = await runCli(['key', 'add', list, join(folder, 'till-3.pem'), '--role', 'till']);
  t.is(back.code, 2);
  t.regex(back.stderr, /is revoked in .*make a new one/);
  const named = await runCli([
    'key',
    'add',
    list,
    join(folder, 'till-3.pem'),
    '--role',
    'till',
    '--who',
    'Anna Berg',
  ]);
  t.is(named.code, 2);
  t.regex(named.stderr, /never a name/);
});

test('an audit log is shown and checked off line, and one changed byte is found', async (t) => {
  t.timeout(300_000);
  const folder = await temporary(t);
  const { log } = await AuditLog.open(join(folder, 'audit'));
  await log.append({
    what: 'line.void',
    atMs: 0,
    timeQuality: 'synced',
    key: 'ab',
    role: 'staff',
    who: '17',
    cause: 'damaged',
  });
  const { number, hash } = await log.append({ what: 'keys.changed' });
  const shown = await runCli(['audit', 'show', folder]);
  t.is(
    shown.stdout,
    '1  1970-01-01T00:00:00.000Z  line.void  key ab staff 17  damaged\n2  clock unset  keys.changed\n',
  );
  const whole = await runCli(['audit', 'verify', folder, '--head', `${number}:${hash}`]);
  t.is(whole.code, 0, whole.stdout);
  t.is(whole.stdout, `the chain is whole: 2 records, the last 2:${hash}\n`);
  const missing = await runCli(['audit', 'verify', folder, '--head', `3:${hash}`]);
  t.is(missing.code, 1);
  t.regex(missing.stdout, /ends with record 2, and 3 were written/);
  const file = join(folder, 'audit', '0000000001.log');
  const bytes = await readFile(file);
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  await writeFile(file, bytes);
  const changed = await runCli(['audit', 'verify', folder]);
  t.is(changed.code, 1);
  t.regex(changed.stdout, /0000000001\.log, line 1: a line is not what its hash says/);
});
