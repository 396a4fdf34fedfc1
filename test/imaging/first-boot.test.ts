import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest from 'ava';
import { root } from '../../scripts/checks/tree.ts';
import { needs } from '../tools.ts';

const test = needs(anyTest, 'install', 'sync');
const script = join(root, 'systemd/image/usr/lib/cartwright/first-boot');

function machine() {
  const folder = mkdtempSync(join(tmpdir(), 'cartwright-first-boot-'));
  const [boot, config] = [join(folder, 'efi'), join(folder, 'config')];
  for (const name of [boot, config]) mkdirSync(name);
  // The group of the gateway's user is not there on the machine that tests: its own stands for it.
  const text = readFileSync(script, 'utf8').replaceAll(
    ' cartwright "$config',
    ` ${process.getgid?.()} "$config`,
  );
  const own = join(folder, 'first-boot');
  writeFileSync(own, text.replaceAll(' root "$config', ` ${process.getgid?.()} "$config`));
  const env = { ...process.env, CARTWRIGHT_BOOT: boot, CARTWRIGHT_CONFIG: config };
  const run = () => spawnSync('sh', [own, '--no-grow'], { env, encoding: 'utf8' });
  return { boot, config, run, remove: () => rmSync(folder, { recursive: true }) };
}

test('what an operator put on the boot partition is taken in once, and is not left there', (t) => {
  const { boot, config, run, remove } = machine();
  writeFileSync(join(boot, 'cartwright.yaml'), 'store: one\n');
  writeFileSync(join(boot, 'broker-password'), 'secret');
  const first = run();
  t.is(first.status, 0, first.stderr);
  t.is(readFileSync(join(config, 'cartwright.yaml'), 'utf8'), 'store: one\n');
  t.is(statSync(join(config, 'cartwright.yaml')).mode & 0o777, 0o640);
  t.is(statSync(join(config, 'credentials/broker-password')).mode & 0o777, 0o600);
  t.false(existsSync(join(boot, 'cartwright.yaml')));
  t.false(existsSync(join(boot, 'broker-password')));
  t.false(`${first.stdout}${first.stderr}`.includes('secret'));
  const second = run();
  t.is(second.status, 0);
  t.is(readFileSync(join(config, 'cartwright.yaml'), 'utf8'), 'store: one\n');
  remove();
});

test('a new configuration on the boot partition replaces the one in service', (t) => {
  const { boot, config, run, remove } = machine();
  writeFileSync(join(config, 'cartwright.yaml'), 'store: one\n');
  writeFileSync(join(boot, 'cartwright.yaml'), 'store: two\n');
  t.is(run().status, 0);
  t.is(readFileSync(join(config, 'cartwright.yaml'), 'utf8'), 'store: two\n');
  remove();
});

test('a configuration that came with a claim waits for it under another name', (t) => {
  const { boot, config, run, remove } = machine();
  writeFileSync(join(boot, 'cartwright-claim.json'), '{}');
  writeFileSync(join(boot, 'cartwright.yaml'), 'store: STORE\n');
  t.is(run().status, 0);
  t.false(existsSync(join(config, 'cartwright.yaml')));
  t.is(readFileSync(join(config, 'cartwright.provisioning.yaml'), 'utf8'), 'store: STORE\n');
  remove();
});

test('the claim of provisioning is left for who uses it', (t) => {
  const { boot, run, remove } = machine();
  writeFileSync(join(boot, 'cartwright-provision.json'), '{}');
  t.is(run().status, 0);
  t.true(existsSync(join(boot, 'cartwright-provision.json')));
  remove();
});

const provisionScript = join(root, 'systemd/image/usr/lib/cartwright/provision');

/** A release whose `cartwright provision claim` ends as `ends` says, and writes the identity where it ends well. */
function provisioning(ends: number) {
  const own = machine();
  const release = join(own.boot, '../release');
  for (const folder of ['node_modules/.bin', 'config', 'src/cli'])
    mkdirSync(join(release, folder), { recursive: true });
  writeFileSync(join(release, 'config/device.yaml'), 'store: my-store\n');
  const node = join(release, 'node_modules/.bin/node');
  // Its fifth word is the claim, its seventh the configuration.
  writeFileSync(
    node,
    `#!/bin/sh\n[ -f "$5" ] && [ "$8" = --keep ] || exit 9\n[ ${ends} = 0 ] && echo 'store: theirs' >"$7"\nexit ${ends}\n`,
  );
  chmodSync(node, 0o755);
  const env = {
    ...process.env,
    ...{ CARTWRIGHT_BOOT: own.boot, CARTWRIGHT_CONFIG: own.config },
    ...{ CARTWRIGHT_CURRENT: release, CARTWRIGHT_GROUP: String(process.getgid?.()) },
  };
  const run = () => spawnSync('sh', [provisionScript], { env, encoding: 'utf8' });
  return { ...own, run };
}

test('a claim makes the device one of the store, and is removed once it was used', (t) => {
  for (const name of ['cartwright-provision.json', 'cartwright-claim.json']) {
    const { boot, config, run, remove } = provisioning(0);
    writeFileSync(join(boot, name), '{}');
    const { status, stderr } = run();
    t.is(status, 0, stderr);
    t.is(readFileSync(join(config, 'cartwright.yaml'), 'utf8'), 'store: theirs\n');
    t.is(statSync(join(config, 'cartwright.yaml')).mode & 0o777, 0o640);
    t.false(existsSync(join(boot, name)));
    t.is(run().status, 0);
    remove();
  }
});

test("the operator's configuration that came with the claim is completed, and takes the place of the one before", (t) => {
  const { boot, config, run, remove } = provisioning(0);
  writeFileSync(join(boot, 'cartwright-claim.json'), '{}');
  writeFileSync(join(config, 'cartwright.yaml'), 'store: of before\n');
  writeFileSync(join(config, 'cartwright.provisioning.yaml'), 'store: STORE\n');
  const { status, stderr } = run();
  t.is(status, 0, stderr);
  t.is(readFileSync(join(config, 'cartwright.yaml'), 'utf8'), 'store: theirs\n');
  t.false(existsSync(join(config, 'cartwright.provisioning.yaml')));
  remove();
});

test('while the authority can not be reached the claim stays, and the gateway has nothing to start with', (t) => {
  const { boot, config, run, remove } = provisioning(3);
  writeFileSync(join(boot, 'cartwright-provision.json'), '{}');
  t.is(run().status, 3);
  t.true(existsSync(join(boot, 'cartwright-provision.json')));
  t.false(existsSync(join(config, 'cartwright.yaml')));
  remove();
});
