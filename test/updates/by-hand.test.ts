import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { makePrivateKey } from '#identity/keys.ts';
import { type CliResult, runCli } from '#test/support/cli.ts';
import { makeRelease, UpdateDevice } from './device.ts';

async function device(t: ExecutionContext, config?: string): Promise<UpdateDevice> {
  const made = await UpdateDevice.make(config);
  t.teardown(() => made.remove());
  await made.run();
  return made;
}

/** Runs `cartwright update` on the device, whose updater runs when it is asked, as its path unit has it. */
async function update(cart: UpdateDevice, ...args: readonly string[]): Promise<CliResult> {
  let isOver = false;
  const going = runCli(['update', ...args, '--root', cart.root]).finally(() => {
    isOver = true;
  });
  const request = join(cart.places.data, 'updates/request.json');
  const asked = () => readFile(request, 'utf8').catch(() => '');
  for (let last = await asked(); !isOver; await sleep(10)) {
    const now = await asked();
    if (now === last) continue;
    last = now;
    await cart.run();
  }
  return await going;
}

async function archiveOf(cart: UpdateDevice, made: ReturnType<typeof makeRelease>): Promise<string> {
  const path = join(cart.root, `cartwright-${made.version}-linux.tar.gz`);
  await writeFile(path, made.archive);
  await writeFile(path.replace('.tar.gz', '.release'), made.release);
  return path;
}

test('a release is taken from a file by hand, and left again for the one before', async (t) => {
  const cart = await device(t);
  cart.behaviours.set('1.1.0', 'well');
  const taken = await update(cart, await archiveOf(cart, makeRelease('1.1.0')));
  t.is(taken.code, 0, taken.stderr);
  t.is(
    taken.stdout,
    'release 1.1.0: staged\nrelease 1.1.0: began; it is watched for a minute or more\nrelease 1.1.0: good\n',
  );
  t.is(cart.runs, '1.1.0');
  const left = await update(cart, '--back', 'scale drifts');
  t.is(left.code, 0, left.stderr);
  t.is(cart.runs, '1.0.0');
  t.like((await cart.state()).happenings.at(-1), {
    what: 'rolled-back',
    why: 'taken back by a command: scale drifts',
  });
});

test('a release by hand that does not work, or is not signed, ends with its code and what is in service', async (t) => {
  const cart = await device(t);
  cart.behaviours.set('1.1.0', 'ends');
  const archive = await archiveOf(cart, makeRelease('1.1.0'));
  const bad = await update(cart, archive);
  t.is(bad.code, 1);
  t.regex(
    bad.stderr,
    /CW-UPD-041 release 1\.1\.0 was taken back, and 1\.0\.0 is in service: the gateway keeps/,
  );
  const shown = await update(cart);
  t.regex(
    shown.stdout,
    /^in service: 1\.0\.0\nbefore it: {2}none\nfailed: {5}1\.1\.0 CW-UPD-041 the gateway keeps/,
  );
  await writeFile(archive.replace('.tar.gz', '.release'), 'not signed');
  const foreign = await update(cart, archive);
  t.is(foreign.code, 1);
  t.regex(foreign.stderr, /^CW-UPD-001/);
  t.is(cart.runs, '1.0.0');
});

test('a link that the gateway laid takes no archive elsewhere, and a key that the device does not know orders nothing', async (t) => {
  const cart = await device(
    t,
    'cartwright: 1\nstore: s\ndevice: d\nbroker: { url: "mqtts://broker.example" }\ncommands: { keysFile: keys.json }\n',
  );
  await writeFile(
    join(cart.places.configFolder, 'keys.json'),
    '{"keys":1,"version":1,"issued":"2026-01-01T00:00:00Z","list":[]}',
  );
  const victim = join(cart.root, 'victim');
  await writeFile(victim, 'untouched');
  await symlink(victim, join(cart.places.data, 'updates/incoming/0.9.0.tar.gz.part'));
  const key = join(cart.root, 'key.pem');
  await writeFile(key, makePrivateKey('Ed25519').pem, { mode: 0o600 });
  const older = await update(cart, await archiveOf(cart, makeRelease('0.9.0')), '--older', '--key', key);
  t.is(older.code, 1);
  t.regex(older.stderr, /CW-UPD-028/);
  t.is(await readFile(victim, 'utf8'), 'untouched');
  t.is(cart.runs, '1.0.0');
});
