import { constants, lstatSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { chmod, mkdir, open, rename, rm, rmdir, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type FileOwner, syncFolder, writeFileAtomic } from '#base/atomic-file.ts';
import { isCoded } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { SetupError } from './errors.ts';
import { at, groupOf, type Machine, userOf } from './machine.ts';

/** A thing in the file system that has to be there, and to be so. */
export type Part = FilePart | FolderPart | LinkPart;

interface Placed {
  /** As on the device. */
  readonly path: string;
}
interface FilePart extends Placed {
  readonly kind: 'file';
  readonly content: string;
  readonly mode?: number;
  readonly group?: string;
}
interface FolderPart extends Placed {
  readonly kind: 'folder';
  readonly mode: number;
  /** Its user and group; root where left out. */
  readonly owner?: string;
}
interface LinkPart extends Placed {
  readonly kind: 'link';
  readonly target: string;
}

export const file = (path: string, content: string, more: Partial<FilePart> = {}): FilePart => ({
  kind: 'file',
  path,
  content,
  ...more,
});
export const folder = (path: string, mode = 0o755, owner?: string): FolderPart => ({
  kind: 'folder',
  path,
  mode,
  ...(owner === undefined ? {} : { owner }),
});
export const link = (path: string, target: string): LinkPart => ({ kind: 'link', path, target });

/** What has to be done for the part; undefined where it is as it should be. Throws CW-SYS-014 where something else is there. */
export function missing(machine: Machine, part: Part): string | undefined {
  const status = statusOf(at(machine, part.path));
  mustFit(part, status);
  switch (part.kind) {
    case 'folder': {
      if (status === undefined) return `make the folder ${part.path}`;
      const right = (status.mode & 0o7777) === part.mode && owns(machine, part, status);
      return right ? undefined : `put owner and mode of ${part.path} right`;
    }
    case 'link':
      return status !== undefined && readlinkSync(at(machine, part.path)) === part.target
        ? undefined
        : `link ${part.path} to ${part.target}`;
    case 'file': {
      if (status === undefined) return `write ${part.path}`;
      if (readFileSync(at(machine, part.path), 'utf8') !== part.content) return `replace ${part.path}`;
      const right = (status.mode & 0o7777) === (part.mode ?? 0o644) && owns(machine, part, status);
      return right ? undefined : `put owner and mode of ${part.path} right`;
    }
  }
}

/** Makes the part as it should be, and keeps on record whether it was there before. Rejects with CW-SYS-014 and -017. */
export async function make(machine: Machine, part: Part): Promise<void> {
  if (missing(machine, part) === undefined) return;
  const path = at(machine, part.path);
  try {
    await makeParents(machine, part.path);
    if (statusOf(path) === undefined) await machine.record.add('made', part.path);
    switch (part.kind) {
      case 'folder':
        if (statusOf(path) === undefined) await mkdir(path, { mode: part.mode });
        await settleFolder(path, part.mode, ownerOf(machine, part));
        await syncFolder(dirname(path));
        break;
      case 'link':
        await rm(`${path}.new`, { force: true });
        await symlink(part.target, `${path}.new`);
        await rename(`${path}.new`, path);
        await syncFolder(dirname(path));
        break;
      case 'file':
        await writeFileAtomic(path, part.content, part.mode ?? 0o644, ownerOf(machine, part));
        break;
    }
  } catch (cause) {
    throw isCoded(cause) ? cause : unwritable(part.path, cause);
  }
}

/**
 * Takes the part away where setup brought it, or it bears our name. A folder goes only when it is empty. Answers
 * whether anything was removed.
 */
export async function unmake(machine: Machine, part: Part): Promise<boolean> {
  if (!isOurs(machine, part.path)) return false;
  const path = at(machine, part.path);
  if (statusOf(path) === undefined) return false;
  if (part.kind === 'folder') {
    const gone = await rmdir(path).then(
      () => true,
      () => false,
    );
    return gone;
  }
  await rm(path, { force: true });
  return true;
}

/** Whether setup brought it, by its record or by its name. */
export function isOurs({ record }: Machine, path: string): boolean {
  return record.has('made', path) || /\/(?:\d+-)?cartwright[^/]*(?:\/|$)/.test(path);
}

/** Folders above a part that are missing are made as well, and go again when they are empty. */
async function makeParents(machine: Machine, path: string): Promise<void> {
  const parent = dirname(path);
  if (statusOf(at(machine, parent)) !== undefined) return;
  await makeParents(machine, parent);
  await machine.record.add('made', parent);
  // The record's own folder is made by recording it.
  await mkdir(at(machine, parent), { mode: 0o755, recursive: true });
  await chmod(at(machine, parent), 0o755);
}

/** Removes folders above `path` that setup made and that are empty by now. */
export async function unmakeParents(machine: Machine, path: string): Promise<void> {
  for (let parent = dirname(path); machine.record.has('made', parent); parent = dirname(parent)) {
    const gone = await rmdir(at(machine, parent)).then(
      () => true,
      () => false,
    );
    if (!gone) return;
  }
}

function owns(machine: Machine, part: FilePart | FolderPart, status: Stats): boolean {
  const { uid, gid } = ownerOf(machine, part);
  return status.uid === uid && status.gid === gid;
}

/**
 * Sets mode and owner of the very folder that lies there, and never of what a link leads to: some folders lie in the
 * gateway's own, whose user could put a link in their place between a look and a change by path.
 */
async function settleFolder(path: string, mode: number, { uid, gid }: FileOwner): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await folder.chmod(mode);
    await folder.chown(uid, gid);
  } finally {
    await folder.close();
  }
}

function ownerOf(machine: Machine, part: FilePart | FolderPart) {
  if (part.kind === 'file') {
    if (part.group === undefined) return { uid: machine.rootId, gid: machine.rootId };
    return { uid: machine.rootId, gid: groupOf(machine, part.group) ?? -1 };
  }
  if (part.owner === undefined) return { uid: machine.rootId, gid: machine.rootId };
  return userOf(machine, part.owner) ?? { uid: -1, gid: -1 };
}

function mustFit(part: Part, status: Stats | undefined): void {
  if (status === undefined) return;
  const fits =
    part.kind === 'file'
      ? status.isFile()
      : part.kind === 'folder'
        ? status.isDirectory()
        : status.isSymbolicLink();
  if (fits) return;
  const kinds = { file: 'file', folder: 'folder', link: 'symbolic link' } as const;
  throw new SetupError(
    'CW-SYS-014',
    `${part.path} is there and is no ${kinds[part.kind]}; move it away and run setup again`,
  );
}

/** Of the thing itself, not of what a link leads to. */
export function statusOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** What can't be written, and why. */
function unwritable(path: string, cause: unknown): SetupError {
  return new SetupError('CW-SYS-017', `${path} can't be written: ${plainCause(cause)}`, { cause });
}
