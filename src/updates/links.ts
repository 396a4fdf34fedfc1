import { lstat, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from '#base/atomic-file.ts';
import { versionPattern } from './facts.ts';

/** The version that a link to a release leads to; undefined where there is no such link, or it leads elsewhere. */
export async function linkedVersion(link: string): Promise<string | undefined> {
  try {
    const target = await readlink(link);
    const version = basename(target);
    const isRelease = target === join('releases', version) && versionPattern.test(version);
    return isRelease ? version : undefined;
  } catch {
    return undefined;
  }
}

/** Lets a link lead to a release: a power cut leaves the old one or the new one. */
export async function switchLink(link: string, version: string): Promise<void> {
  if ((await linkedVersion(link)) === version) return;
  const folder = dirname(link);
  const fresh = join(folder, `.${basename(link)}.new`);
  await rm(fresh, { force: true });
  await symlink(join('releases', version), fresh);
  // A folder that somebody put in the link's place would take the new link into it.
  const there = await lstat(link).catch(() => undefined);
  if (there?.isDirectory() === true) await rename(link, `${link}.not-a-link`);
  await rename(fresh, link);
  await syncFolder(folder);
}
