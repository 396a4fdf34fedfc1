import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Architecture } from '#updates/facts.ts';
import type { Item } from './pack.ts';
import { isOfUse, isShipped } from './pruning.ts';
import { run } from './run.ts';

/** A package as the lock file has it. */
export interface Locked {
  readonly version: string;
  /** Only for development. */
  readonly dev?: boolean;
  readonly integrity?: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  /** Of `npm:NAME@VERSION`: the name that it is published under. */
  readonly name?: string;
}
export interface LockFile {
  readonly packages: Readonly<Record<string, Locked>>;
}

/** An installed package of which something is shipped. */
export interface Shipped {
  /** `node_modules/a/node_modules/b`, as the lock file names it. */
  readonly place: string;
  /** As it is imported, which an alias gives another package's code. */
  readonly name: string;
  /** Folder of this machine. */
  readonly folder: string;
  readonly locked: Locked;
  /** Inside the package. */
  readonly files: readonly string[];
}

/**
 * Installs what the lock file says for one kind of processor, without anything for development, and answers the folder.
 * npm checks every package against the lock file's hash; nothing of a package is run. What was installed once is kept in
 * `cache`, by lock file and processor.
 */
export async function installPackages(source: string, cache: string, arch: Architecture): Promise<string> {
  const inputs = ['package.json', 'package-lock.json', '.npmrc'];
  const hash = createHash('sha256').update('2');
  for (const name of inputs) {
    const text = await readFile(join(source, name), 'utf8');
    // The version of the whole says nothing of packages.
    hash.update(name === '.npmrc' ? text : text.replace(/"version": "[^"]*"/, ''));
  }
  const folder = join(cache, `packages-${arch}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  await mkdir(cache, { recursive: true });
  const part = await mkdtemp(join(cache, 'new-'));
  try {
    for (const name of inputs) await copyFile(join(source, name), join(part, name));
    const only = ['--omit=dev', '--include=optional', '--os=linux', `--cpu=${arch}`, '--libc=glibc'];
    await run('npm', ['ci', ...only, '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: part });
    await removeOthers(cache, `packages-${arch}-`);
    await rename(part, folder);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return folder;
}

/** What is left of the installed packages, in order of their places. Rejects where the lock file names one that is missing. */
export async function shippedPackages(folder: string, arch: Architecture): Promise<Shipped[]> {
  const lock = JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8')) as LockFile;
  const shipped: Shipped[] = [];
  for (const [place, locked] of Object.entries(lock.packages)) {
    const at = join(folder, place);
    if (place === '' || locked.dev === true || !existsSync(at)) continue;
    const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const files = (await filesOf(at)).filter((path) => isShipped(name, path, arch));
    if (isOfUse(files)) shipped.push({ place, name, folder: at, locked, files });
  }
  return shipped.sort((a, b) => (a.place < b.place ? -1 : 1));
}

/** The files of packages as they go into the archive, and the one link that programs are started by. */
export async function packageItems(packages: readonly Shipped[], arch: Architecture): Promise<Item[]> {
  const items: Item[] = [{ path: 'node_modules/.bin/node', target: `../node-linux-${arch}/bin/node` }];
  for (const { place, folder, files } of packages) {
    for (const path of files) {
      const from = join(folder, path);
      // npm takes group's and others' bits by its own umask; the owner's are the package's.
      const executable = ((await stat(from)).mode & 0o100) !== 0;
      items.push({ path: `${place}/${path}`, from, executable });
    }
  }
  return items;
}

/** Files of a package, those of packages inside it left out. */
async function filesOf(folder: string, inside = ''): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(join(folder, inside), { withFileTypes: true })) {
    const path = inside === '' ? entry.name : `${inside}/${entry.name}`;
    if (entry.isDirectory() && entry.name !== 'node_modules') files.push(...(await filesOf(folder, path)));
    else if (entry.isFile()) files.push(path);
  }
  return files.sort();
}

async function removeOthers(cache: string, prefix: string): Promise<void> {
  for (const name of await readdir(cache))
    if (name.startsWith(prefix)) await rm(join(cache, name), { recursive: true, force: true });
}
