import { chownSync } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type ExecutionContext } from 'ava';
import { runCli } from '#test/support/cli.ts';
import { openOutboxFile } from '#uplink/outbox-file.ts';

/** The user `nobody`, in the place of the gateway's. */
const nobody = 65_534;
const yaml = 'cartwright: 1\nstore: lab\ndevice: cart-1\nboard: bench\ndata: data\n';
const test = process.getuid?.() === 0 ? anyTest.serial : anyTest.serial.skip;

/** A device whose data folder is another user's, and a backup of it. */
async function device(t: ExecutionContext) {
  const root = await mkdtemp(join(tmpdir(), 'cartwright-as-owner-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  await chmod(root, 0o755);
  const at = (...path: readonly string[]) => join(root, ...path);
  const own = (...path: readonly string[]) => chownSync(at(...path), nobody, nobody);
  await mkdir(at('data/calibrations'), { recursive: true });
  await writeFile(at('data/calibrations/calibration-00000001.json'), '{"record":1}');
  for (const path of ['data', 'data/calibrations', 'data/calibrations/calibration-00000001.json']) own(path);
  await writeFile(at('cartwright.yaml'), yaml, { mode: 0o640 });
  await writeFile(at('passphrase'), 'five quite ordinary words\n', { mode: 0o600 });
  await mkdir(at('of-root'));
  await writeFile(at('of-root/secret'), 'for root alone', { mode: 0o600 });
  const place = ['-c', at('cartwright.yaml'), '--credentials', at('credentials')];
  const sealed = [at('cart.cwb'), '--passphrase-file', at('passphrase'), ...place];
  return { at, own, place, sealed };
}

test('a link in the place of the calibrations leads restore as root nowhere', async (t) => {
  const { at, sealed } = await device(t);
  t.is((await runCli(['backup', ...sealed])).code, 0);
  await rm(at('data/calibrations'), { recursive: true });
  await symlink(at('of-root'), at('data/calibrations'));
  const refused = await runCli(['restore', ...sealed]);
  t.regex(refused.stderr, /^CW-CLI-004 .*can't be written/);
  t.deepEqual(await readdir(at('of-root')), ['secret']);
  t.is((await stat(at('of-root'))).uid, 0, 'it was not given away');
  await rm(at('data/calibrations'));
  await rm(at('cartwright.yaml'));
  const done = await runCli(['restore', ...sealed]);
  t.is(done.code, 0, done.stderr);
  const brought = await lstat(at('data/calibrations/calibration-00000001.json'));
  t.deepEqual([brought.uid, (await stat(at('data/calibrations'))).uid], [nobody, nobody]);
  const config = await stat(at('cartwright.yaml'));
  t.deepEqual([config.uid, config.gid, config.mode & 0o777], [0, nobody, 0o640], 'the gateway can read it');
});

test('a backup by root takes nothing along that the gateway may not read', async (t) => {
  const { at, sealed } = await device(t);
  await symlink(at('of-root/secret'), at('data/calibrations/last-good.json'));
  const refused = await runCli(['backup', ...sealed]);
  t.regex(refused.stderr, /^CW-CLI-004 .*last-good\.json can't be read/);
});

test('a factory reset as root opens and removes what the gateway left as its user alone, and not while it runs', async (t) => {
  const { at, own, place } = await device(t);
  const reset = ['factory-reset', ...place, '--yes'];
  const { database } = openOutboxFile(at('data/outbox.sqlite'));
  own('data/outbox.sqlite');
  const held = await runCli(reset);
  t.regex(held.stderr, /^CW-CLI-004 the gateway runs: stop it first/);
  database.close();
  t.true((await readdir(at('data'))).includes('calibrations'));
  await rm(at('data/outbox.sqlite'));
  const { database: roots } = openOutboxFile(at('of-root/book.sqlite'));
  roots.exec('DROP TABLE event; CREATE TABLE event (id); INSERT INTO event VALUES (1)');
  roots.close();
  await chmod(at('of-root/book.sqlite'), 0o600);
  await symlink(at('of-root/book.sqlite'), at('data/outbox.sqlite'));
  await symlink(at('of-root'), at('data/pictures'));
  const done = await runCli(reset);
  t.is(done.code, 0, done.stderr);
  t.deepEqual(await readdir(at('data')), []);
  t.deepEqual(await readdir(at('of-root')), ['book.sqlite', 'secret']);
  t.is(await readFile(at('of-root/secret'), 'utf8'), 'for root alone');
});
