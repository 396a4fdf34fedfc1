import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findTool } from '#test/tools.ts';
import { GuestAgent } from './agent.ts';
import { packFolder } from './cpio.ts';
import { holdLock } from './lock.ts';
import { type Accelerator, chooseAccelerator, qemuProgram, qemuVersion, startQemu } from './qemu.ts';
import { cacheFolder, machineKey, modules, packages, preloaded, release, rootKey } from './recipe.ts';

/** A machine that was booted once and can be restored. */
export interface Image {
  readonly folder: string;
  readonly accelerator: Accelerator;
  /** What it was made of, for reports. */
  readonly kernel: string;
  /** Whether it lay in the cache. */
  readonly cached: boolean;
}

export const snapshotName = 'ready';

/** Programs of the host that building and running take, with the Debian package of each. */
export const tools: Readonly<Record<string, string>> = {
  [qemuProgram]: 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  mmdebstrap: 'mmdebstrap',
  'mkfs.ext4': 'e2fsprogs',
  socat: 'socat',
  setpriv: 'util-linux',
};

/** Why the machine can't be built or run here, one line each; empty where it can. */
export function whatIsMissing(): string[] {
  const missing = Object.entries(tools)
    .filter(([name]) => findTool(name) === undefined)
    .map(([name, debian]) => `${name} (Debian: apt-get install ${debian})`);
  if (process.arch !== 'x64')
    missing.push('an x64 machine: the pinned Node.js of this one does not run in the guest');
  if (process.getuid?.() !== 0 && findTool('newuidmap') === undefined)
    missing.push('root, or newuidmap for user namespaces (Debian: apt-get install uidmap)');
  return missing;
}

/**
 * The machine from the cache, or built: about a minute of downloads and unpacking, and a boot. Two builders at once wait
 * for each other.
 */
export async function prepareImage(log: (line: string) => void): Promise<Image> {
  const missing = whatIsMissing();
  if (missing.length > 0) throw new Error(`the virtual machine needs: ${missing.join('; ')}`);
  const accelerator = await chooseAccelerator();
  await mkdir(cacheFolder, { recursive: true });
  const release = await holdLock(join(cacheFolder, 'build.lock'));
  try {
    const folder = join(cacheFolder, `machine-${machineKey({ qemu: qemuVersion(), accelerator })}`);
    const cached = existsSync(folder);
    if (!cached) await build(folder, accelerator, log);
    const kernel = (await readFile(join(folder, 'version'), 'utf8')).trim();
    return { folder, accelerator, kernel, cached };
  } finally {
    await release();
  }
}

async function build(target: string, accelerator: Accelerator, log: (line: string) => void): Promise<void> {
  const root = join(cacheFolder, `root-${rootKey()}`);
  if (!existsSync(root)) {
    log(`building a Debian ${release} root file system`);
    await inNewFolder(root, (folder) =>
      runScript('root.sh', [release, packages.join(','), folder], { asRoot: false }),
    );
  }
  await inNewFolder(target, async (folder) => {
    log('making the disk');
    await runScript(
      'image.sh',
      [
        join(root, 'root.tar'),
        join(import.meta.dirname, 'guest'),
        process.execPath,
        modules.join(' '),
        folder,
      ],
      { asRoot: true },
    );
    await writeFile(join(folder, 'initrd'), packFolder(join(folder, 'early')));
    await rm(join(folder, 'early'), { recursive: true });
    await command('qemu-img', [
      ...['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', 'root.img', join(folder, 'disk.qcow2')],
    ]);
    log(`booting it once (${accelerator})`);
    await takeSnapshot(folder, accelerator);
  });
  await removeOthers([root, target]);
}

async function takeSnapshot(folder: string, accelerator: Accelerator): Promise<void> {
  const qemu = await startQemu({
    accelerator,
    kernel: join(folder, 'vmlinuz'),
    initialRamDisk: join(folder, 'initrd'),
    disk: join(folder, 'disk.qcow2'),
    shares: {},
  });
  const stuck = setTimeout(() => void qemu.kill(), 600_000);
  try {
    const agent = new GuestAgent(qemu.agent);
    await Promise.race([
      agent.booted,
      new Promise((_, reject) => qemu.child.once('exit', () => reject(new Error('QEMU ended')))),
    ]);
    for (const line of preloaded) await agent.sh(`modprobe ${line}`);
    await agent.sh(
      [
        'busybox ip link set lo up',
        'busybox ip link set eth0 up',
        'busybox ip addr add 10.0.2.15/24 dev eth0',
        'mount -t configfs none /sys/kernel/config 2>/dev/null || mountpoint -q /sys/kernel/config',
        'udevadm settle',
        'systemctl stop systemd-journal-flush.service || true',
        'sync; echo 3 >/proc/sys/vm/drop_caches',
      ].join('\n'),
    );
    await qemu.qmp.monitor(`savevm ${snapshotName}`);
    await qemu.qmp.execute('quit');
    await new Promise<void>((resolve) => {
      if (qemu.child.exitCode !== null || qemu.child.signalCode !== null) resolve();
      else qemu.child.once('exit', () => resolve());
    });
  } catch (cause) {
    throw new Error(`the machine does not boot: ${String(cause)}\n${qemu.console()}`, { cause });
  } finally {
    clearTimeout(stuck);
    await qemu.kill();
  }
}

/** Makes a folder whole or not at all: another name until it is complete. */
export async function inNewFolder(target: string, make: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(dirname(target), 'new-'));
  try {
    await make(folder);
    await rename(folder, target);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** What older recipes left behind: a gigabyte each, and nobody asks for it again. */
async function removeOthers(kept: readonly string[]): Promise<void> {
  for (const name of await readdir(cacheFolder)) {
    const path = join(cacheFolder, name);
    if (/^(root|machine|new)-/.test(name) && !kept.includes(path))
      await rm(path, { recursive: true, force: true });
  }
}

/** Unpacking with owners and changing root take root; else the root of a user namespace of our own. */
export function runScript(
  name: string,
  args: readonly string[],
  { asRoot }: { asRoot: boolean },
): Promise<void> {
  const script = [join(import.meta.dirname, name), ...args];
  if (!asRoot || process.getuid?.() === 0) return command('sh', script);
  return command('unshare', ['--user', '--map-auto', '--map-root-user', '--mount', 'sh', ...script]);
}

/** Runs a program to its end; rejects with its last words where it fails. */
export async function command(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(findTool(program) ?? program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000);
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', reject);
  });
  if (code !== 0) throw new Error(`${program} ${args[0] ?? ''} failed (${code}): ${said.trim()}`);
}

/** A disk of this run's own: what the guest writes is gone with it. */
export async function copyDisk(image: Image, name: string): Promise<string> {
  const path = join(image.folder, name);
  await cp(join(image.folder, 'disk.qcow2'), path);
  return path;
}
