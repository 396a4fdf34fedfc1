import { spawn } from 'node:child_process';
import { copyFile, lstat, mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ReleaseFailure } from './failure.ts';
import type { Item } from './pack.ts';
import { run } from './run.ts';

/** Whence the sources of a release come: a commit, or the files as they lie in the working tree (for trials). */
export type Origin = { readonly commit: string } | { readonly workingTree: true };

/** Paths of the repository that a device gets; pages come as they are built. */
const taken: readonly RegExp[] = [
  /^(?:LICENSE|NOTICE|CHANGELOG\.md)$/,
  /^(?:src|drivers)\/.*\.ts$/,
  /^src\/scanning\/gs1\/gs1-syntax-dictionary\.txt$/,
  /^src\/pages\/[^/]+\/dist\//,
  /^boards\/[^/]+\.yaml$/,
  /^boards\/firmware\/[^/]+\/(?:[^/]+\.hex|LICENSE[^/]*)$/,
  /^config\//,
  /^systemd\//,
  /^docs\/(?:operator|technician)\//,
  /^docs\/(?:configuration|errors)\.md$/,
  /^scripts\/(?:cartwright|setup|provision|flash-firmware)$/,
  /^scripts\/lib\/setup\.sh$/,
  /^scripts\/(?:firmware|installing|provisioning)\//,
];
/** Folders of a working tree that hold nothing of the sources. */
const notOurs = new Set(['.git', '.cache', '.setup', 'node_modules', 'out', 'data']);
/** What browsers get is built from these. */
const left = /^src\/pages\/(?:[^/]+\/)?client\//;

/** The commit that HEAD names, or the origin that was asked for. Rejects where the tree has changes that no commit has. */
export async function chooseOrigin(
  repository: string,
  asked: { readonly commit: string | undefined; readonly workingTree: boolean },
): Promise<Origin> {
  if (asked.workingTree) return { workingTree: true };
  if (asked.commit !== undefined) return { commit: await commitOf(repository, asked.commit) };
  const changed = (await run('git', ['status', '--porcelain'], { cwd: repository })).trim();
  if (changed !== '') {
    const count = changed.split('\n').length;
    throw new ReleaseFailure(
      `${count} ${count === 1 ? 'file has' : 'files have'} changes that are not committed; commit them, or name the commit to release (--commit HEAD)`,
    );
  }
  return { commit: await commitOf(repository, 'HEAD') };
}

/** UTC ms: SOURCE_DATE_EPOCH, else the time of the commit (of HEAD for a working tree). */
export async function timeOf(
  repository: string,
  origin: Origin,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const asked = environment.SOURCE_DATE_EPOCH;
  if (asked !== undefined && !/^\d{1,11}$/.test(asked))
    throw new ReleaseFailure(`SOURCE_DATE_EPOCH is '${asked}'; it has to be a number of seconds since 1970`);
  const commit = 'commit' in origin ? origin.commit : 'HEAD';
  const seconds =
    asked ?? (await run('git', ['show', '--no-patch', '--format=%ct', commit], { cwd: repository })).trim();
  return Number(seconds) * 1_000;
}

/** Copies the sources into an empty folder. */
export async function exportTree(repository: string, origin: Origin, into: string): Promise<void> {
  if ('commit' in origin) return await exportCommit(repository, origin.commit, into);
  const list = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
  });
  for (const path of new Set(list.split('\0'))) {
    const from = join(repository, path);
    const isThere =
      path !== '' &&
      (await lstat(from).then(
        (status) => status.isFile(),
        () => false,
      ));
    if (!isThere) continue;
    await mkdir(dirname(join(into, path)), { recursive: true });
    await copyFile(from, join(into, path));
  }
}

/** Bundles the web pages of exported sources with the bundler of this repository. */
export async function buildPages(repository: string, tree: string): Promise<void> {
  await symlink(join(repository, 'node_modules'), join(tree, 'node_modules'));
  await run(process.execPath, [join(tree, 'scripts/pages.ts')], { cwd: tree });
}

/** What a device gets of exported sources whose pages are built. */
export async function treeItems(tree: string, version: string): Promise<Item[]> {
  const items: Item[] = [];
  for (const path of await filesOf(tree)) {
    if (left.test(path) || !taken.some((pattern) => pattern.test(path))) continue;
    const from = join(tree, path);
    items.push({ path, from, executable: ((await stat(from)).mode & 0o100) !== 0 });
  }
  const {
    devDependencies: _,
    scripts: __,
    ava: ___,
    overrides: ____,
    ...kept
  } = JSON.parse(await readFile(join(tree, 'package.json'), 'utf8')) as Record<string, unknown>;
  const text = `${JSON.stringify({ ...kept, version }, null, 2)}\n`;
  return [...items, { path: 'package.json', text, executable: false }];
}

async function commitOf(repository: string, name: string): Promise<string> {
  return (await run('git', ['rev-parse', '--verify', `${name}^{commit}`], { cwd: repository })).trim();
}

async function exportCommit(repository: string, commit: string, into: string): Promise<void> {
  const git = spawn('git', ['archive', '--format=tar', commit], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const tar = spawn('tar', ['-x', '-C', into], { stdio: [git.stdout, 'inherit', 'inherit'] });
  for (const child of [git, tar]) {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      if (child.exitCode !== null) resolve(child.exitCode);
      else child.once('exit', resolve);
    });
    if (code !== 0) throw new ReleaseFailure(`commit ${commit} can't be exported (${code})`);
  }
}

async function filesOf(folder: string, inside = ''): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(join(folder, inside), { withFileTypes: true })) {
    const path = inside === '' ? entry.name : `${inside}/${entry.name}`;
    if (entry.isDirectory() && !notOurs.has(path)) files.push(...(await filesOf(folder, path)));
    else if (entry.isFile()) files.push(path);
  }
  return files;
}
