import { existsSync, globSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ReleaseFailure } from '../releasing/failure.ts';
import { run } from '../releasing/run.ts';
import {
  devicePaths,
  enabledUnits,
  maskedUnits,
  mmdebstrapArguments,
  type Plan,
  sysusersLines,
} from './plan.ts';

export interface RootSources {
  readonly repository: string;
  /** A signed release archive, or the folder of an unpacked release. */
  readonly release: string;
  /** Public key that the archive, and later releases and roots, are signed by. */
  readonly key?: string | undefined;
  /** Debian's part as a tar file: taken where it is there, kept there where it is not. */
  readonly base?: string | undefined;
  /** A folder whose files are laid over the root. */
  readonly overlay?: string | undefined;
  /** Public SSH keys of whoever may log in as root; without it there is no SSH server. */
  readonly sshKeys?: string | undefined;
  readonly kiosk: boolean;
  readonly log: (line: string) => void;
}

/** Where the image's own files lie in the repository. */
const treeOf = (repository: string) => join(repository, 'systemd/image');

/** Debian's part as a tar file. */
export async function makeBase(plan: Plan, sources: RootSources, scratch: string): Promise<string> {
  const { base, log, repository } = sources;
  if (base !== undefined && existsSync(base)) {
    log(`Taking Debian from ${base}`);
    return base;
  }
  const made = base === undefined ? join(scratch, 'base.tar') : `${base}.part.tar`;
  log(
    `Fetching and unpacking ${plan.packages.length} packages of Debian ${plan.suite} (${plan.debian}) and what they need`,
  );
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(plan.epoch) };
  await run('mmdebstrap', mmdebstrapArguments(plan, treeOf(repository), made), { env });
  if (base === undefined) return made;
  await rename(made, base);
  return base;
}

/** Makes the root with everything in it but what belongs to the device; that goes to `data`. */
export async function makeRoot(
  plan: Plan,
  sources: RootSources,
  base: string,
  folders: { readonly root: string; readonly data: string; readonly kernel: string },
): Promise<void> {
  const { root, data, kernel } = folders;
  await mkdir(root);
  // Device nodes come from the kernel (devtmpfs), and not everybody who may be root in a container may make them.
  await run('tar', [
    '-xpf',
    base,
    '-C',
    root,
    '--xattrs',
    '--xattrs-include=*',
    '--exclude=./dev/*',
    '--numeric-owner',
  ]);
  await run('systemd-sysusers', [`--root=${root}`, '--inline', ...sysusersLines]);
  await installRelease(sources, root);
  await cp(treeOf(sources.repository), root, { recursive: true });
  await systemFiles(plan, root);
  await run('systemctl', [`--root=${root}`, 'enable', ...enabledUnits]);
  await run('systemctl', [`--root=${root}`, 'mask', ...maskedUnits]);
  if (sources.sshKeys !== undefined) await allowSsh(root, sources.sshKeys);
  if (sources.overlay !== undefined)
    await cp(sources.overlay, root, { recursive: true, verbatimSymlinks: true });
  await takeKernel(root, kernel);
  await separate(root, data);
  await leaveOut(root);
}

/** By the repository's own setup, as on a machine that is there already. */
async function installRelease(
  { repository, release, key, kiosk, log }: RootSources,
  root: string,
): Promise<void> {
  log('Installing the release');
  await run(join(repository, 'scripts/setup'), [
    ...['--root', root, '--from', release],
    ...(key === undefined ? [] : ['--key', key]),
    ...(kiosk ? ['--kiosk'] : []),
  ]);
  if (!existsSync(join(root, 'opt/cartwright/current')))
    throw new ReleaseFailure('scripts/setup left no /opt/cartwright/current in the root; see its log there');
}

async function systemFiles(plan: Plan, root: string): Promise<void> {
  const { version, arch, epoch } = plan;
  const facts = { image: 1, version, arch, createdMs: epoch * 1_000 };
  await writeFile(join(root, 'usr/lib/cartwright/image.json'), `${JSON.stringify(facts)}\n`);
  for (const name of ['efi', 'data']) await mkdir(join(root, name), { recursive: true });
  // Made on the device, at its first start.
  await writeFile(join(root, 'etc/machine-id'), '');
  await writeFile(join(root, 'etc/hostname'), 'cartwright\n');
  await writeFile(join(root, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost ip6-localhost\n');
  await rm(join(root, 'etc/resolv.conf'), { force: true });
  await symlink('../run/systemd/resolve/stub-resolv.conf', join(root, 'etc/resolv.conf'));
  for (const script of globSync(
    '{etc/initramfs-tools/{hooks,scripts/*}/cartwright,usr/lib/cartwright/{first-boot,provision,slot-deadline}}',
    {
      cwd: root,
    },
  ))
    await chmod(join(root, script), 0o755);
}

/** Root may log in by key alone; the server's own keys are made on the device and lie with its data. */
async function allowSsh(root: string, keys: string): Promise<void> {
  await mkdir(join(root, 'root/.ssh'), { recursive: true, mode: 0o700 });
  await cp(keys, join(root, 'root/.ssh/authorized_keys'));
  await chmod(join(root, 'root/.ssh/authorized_keys'), 0o600);
  await writeFile(
    join(root, 'etc/ssh/sshd_config.d/cartwright.conf'),
    'HostKey /data/etc/ssh/ssh_host_ed25519_key\nPermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n',
  );
  for (const name of globSync('etc/ssh/ssh_host_*', { cwd: root })) await rm(join(root, name));
}

/** The boot loader reads kernel and initramfs from the boot partition: they are not kept twice. */
async function takeKernel(root: string, kernel: string): Promise<void> {
  await mkdir(kernel);
  const boot = join(root, 'boot');
  const names = (await readdir(boot)).sort();
  for (const [part, pattern] of [
    ['linux', /^vmlinuz-/],
    ['initrd', /^initrd\.img-/],
  ] as const) {
    const found = names.filter((name) => pattern.test(name)).at(-1);
    if (found === undefined) throw new ReleaseFailure(`the root has no /boot/${pattern.source.slice(1)}…`);
    await rename(join(boot, found), join(kernel, part));
  }
  for (const name of names) await rm(join(boot, name), { recursive: true, force: true });
  for (const link of ['vmlinuz', 'vmlinuz.old', 'initrd.img', 'initrd.img.old'])
    await rm(join(root, link), { force: true });
}

/** What belongs to the device moves to the data partition; in the root a folder stays for it to be mounted on. */
async function separate(root: string, data: string): Promise<void> {
  await mkdir(data);
  for (const path of devicePaths) {
    const from = join(root, path);
    const to = join(data, path);
    await mkdir(dirname(to), { recursive: true });
    if (existsSync(from)) await run('cp', ['-a', from, to]);
    else await mkdir(to);
    await rm(from, { recursive: true, force: true });
    await mkdir(from, { recursive: true });
  }
  await mkdir(join(data, 'slots'));
}

async function leaveOut(root: string): Promise<void> {
  for (const pattern of [
    'var/cache/apt/*',
    'var/lib/apt/lists/*',
    'var/cache/debconf/*-old',
    'run/*',
    'tmp/*',
  ])
    for (const name of globSync(pattern, { cwd: root }))
      await rm(join(root, name), { recursive: true, force: true });
  for (const name of globSync('var/cache/ldconfig/aux-cache', { cwd: root }))
    await truncate(join(root, name));
}

/** Sets the time of everything that was made here to the image's: nothing is younger than that. */
export async function clampTimes(folder: string, epoch: number): Promise<void> {
  await run('find', [folder, '-newermt', `@${epoch}`, '-exec', 'touch', '-h', '-d', `@${epoch}`, '{}', '+']);
}
