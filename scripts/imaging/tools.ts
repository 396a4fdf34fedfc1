import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Architecture } from '#updates/facts.ts';

/** Programs that building takes, with the Debian package of each. */
const tools: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap',
  'mkfs.ext4': 'e2fsprogs',
  'mkfs.vfat': 'dosfstools',
  mcopy: 'mtools',
  mmd: 'mtools',
  sfdisk: 'fdisk',
  systemctl: 'systemd',
  'systemd-sysusers': 'systemd',
  tar: 'tar',
  dd: 'coreutils',
};

/** What is missing here, one line each; empty where an image of `arch` can be built. */
export function whatIsMissing(arch: Architecture, searchPath = process.env.PATH ?? ''): string[] {
  const folders = [...searchPath.split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  const isThere = (name: string) => folders.some((folder) => existsSync(join(folder, name)));
  const missing = Object.entries(tools)
    .filter(([name]) => !isThere(name))
    .map(([name, debian]) => `${name} (Debian: apt-get install ${debian})`);
  if (process.getuid?.() !== 0)
    missing.push('root: owners of files are kept (run it as root, or in a container)');
  const emulator = 'qemu-aarch64-static';
  if (isForeign(arch) && !runsForeign('aarch64') && !isThere(emulator))
    missing.push(`${emulator} (Debian: apt-get install qemu-user-static)`);
  return missing;
}

/** Whether programs of that processor do not run on this one by themselves. */
export function isForeign(arch: Architecture): boolean {
  return arch === 'arm64' && process.arch !== 'arm64';
}

/** Whether binfmt_misc hands programs of that processor to an emulator. */
export function runsForeign(machine: string, folder = '/proc/sys/fs/binfmt_misc'): boolean {
  try {
    return readdirSync(folder)
      .filter((name) => name.includes(machine))
      .some((name) => readFileSync(join(folder, name), 'utf8').startsWith('enabled'));
  } catch {
    return false;
  }
}
