import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import anyTest from 'ava';
import { root as project } from '../../scripts/checks/tree.ts';
import { needs } from '../tools.ts';
import { type Scratch, scratchRelease, scratchRoot, statusText } from './scratch.ts';

const isRoot = process.getuid?.() === 0;
// Without root there are no other owners to give files to, but in a namespace of one's own.
const namespace = isRoot ? [] : ['unshare', '--user', '--map-auto', '--map-root-user'];
const tools = ['systemd-sysusers', 'systemctl', 'userdel', ...(isRoot ? [] : ['newuidmap'])];
const test = needs(anyTest, ...tools);

const release = scratchRelease();
anyTest.after.always(() => rmSync(release, { recursive: true, force: true }));

function setup(scratch: Scratch, ...args: readonly string[]) {
  const program = join(project, 'scripts/installing/main.ts');
  const from = args.includes('--uninstall') ? [] : [`--from=${release}`];
  const line = [...namespace, process.execPath, program, `--root=${scratch.root}`, ...from, ...args];
  const run = spawnSync(line[0] ?? '', line.slice(1), {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  return { status: run.status, stdout: run.stdout, stderr: run.stderr };
}

function remove(scratch: Scratch): void {
  const line = [...namespace, 'rm', '-rf', scratch.root];
  spawnSync(line[0] ?? '', line.slice(1));
}

/** A root with the system's own units, for the real systemctl to enable some of them. */
function imageRoot(): Scratch {
  const scratch = scratchRoot();
  cpSync('/usr/lib/systemd/system', scratch.path('usr/lib/systemd/system'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  rmSync(scratch.path('usr/lib/systemd/system/local-fs.target.wants'), { recursive: true, force: true });
  return scratch;
}

test('an image is set up with the real tools, twice, and taken off without a trace', (t) => {
  const scratch = imageRoot();
  const before = scratch.tree();
  const first = setup(scratch, '--kiosk', '--console', '--offline');
  // The screen's programs are not in this image.
  t.is(first.status, 1);
  t.regex(first.stderr, /CW-SYS-010.*cage chromium/);
  const second = setup(scratch, '--console');
  t.is(second.status, 0, second.stderr);
  t.regex(
    readFileSync(scratch.path('etc/passwd'), 'utf8'),
    /^cartwright:x?!?\*?:\d+:\d+:Cartwright gateway:/m,
  );
  const wants = scratch.path('etc/systemd/system/multi-user.target.wants/cartwright.service');
  t.is(readlinkSync(wants), '/etc/systemd/system/cartwright.service');
  const { uid } = statSync(scratch.path('var/lib/cartwright'));
  t.regex(readFileSync(scratch.path('etc/passwd'), 'utf8'), new RegExp(`^cartwright:[^:]*:${uid}:`, 'm'));
  t.true(readFileSync(scratch.path('var/log/cartwright-setup.log'), 'utf8').includes('release'));

  const third = setup(scratch, '--console');
  t.is(third.status, 0, third.stderr);
  t.regex(third.stdout, /nothing was changed/);

  const off = setup(scratch, '--uninstall', '--purge');
  t.is(off.status, 0, off.stderr);
  t.deepEqual(scratch.tree(), before);
  remove(scratch);
});

test('an image of another processor is refused by name, and nothing is left of the try', (t) => {
  const scratch = scratchRoot(undefined, 'arm64');
  const run = setup(scratch);
  t.is(run.status, 1);
  t.regex(
    run.stderr,
    /CW-SYS-003 release 1\.2\.3 is for x64, and this system for arm64; take the archive linux-arm64/,
  );
  t.false(existsSync(scratch.path('opt/cartwright')));
  remove(scratch);
});

test('packages are taken from a folder, and what it lacks is named', (t) => {
  const scratch = scratchRoot();
  scratch.put('var/lib/dpkg/status', statusText({ dpkg: '1', libc6: '2.36', systemd: '252', udev: '252' }));
  mkdirSync(scratch.path('debs'));
  const run = setup(scratch, `--debs=${scratch.path('debs')}`);
  t.is(run.status, 1);
  t.regex(run.stderr, /missing: libudev1 libusb-1\.0-0 .*does not have them all/);
  remove(scratch);
});

test('wrong usage is told, and has its own exit code', (t) => {
  const scratch = scratchRoot();
  t.is(setup(scratch, '--nonsense').status, 2);
  const purge = setup(scratch, '--purge');
  t.is(purge.status, 2);
  t.regex(purge.stderr, /--purge goes with --uninstall/);
  t.regex(setup(scratch, '--help').stdout, /sudo scripts\/setup/);
  t.regex(setup(scratch, '--list-packages', '--kiosk').stdout, /^libusb-1\.0-0\n[\s\S]*^chromium$/m);
  remove(scratch);
});
