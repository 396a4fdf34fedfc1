import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Whom a file belongs to, by their numbers. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Replaces a file so that a power cut leaves the old one or the new one, never a mixture: write beside it,
 * fsync, rename, fsync the folder. Missing folders are made. Rejects with the system's own error.
 * @param owner whose it is from the first moment; by the open file, as its name may lead elsewhere by then
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  mode = 0o644,
  owner?: FileOwner,
): Promise<void> {
  const folder = dirname(path);
  await makeFolder(folder);
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      if (owner !== undefined) {
        const { uid, gid } = await file.stat();
        // Not where it is so already: a service may have no right to ask for it.
        if (uid !== owner.uid || gid !== owner.gid) await file.chown(owner.uid, owner.gid);
        // The process' umask took bits away.
        await file.chmod(mode);
      }
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Makes a folder and those above it that are missing, so that they outlast a power cut: each is synced into its own folder. */
export async function makeFolder(folder: string, mode = 0o777): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode });
  if (made === undefined) return;
  const first = dirname(resolve(made));
  for (let path = dirname(resolve(folder)); path.startsWith(first); path = dirname(path)) {
    await syncFolder(path);
    if (path === first) return;
  }
}

/** Makes changes of a folder's names outlast a power cut: files made, renamed or removed in it. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
