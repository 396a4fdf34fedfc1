import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/**
 * Opens a file below a folder that others may write in: no part of the path may be a link, the file is a plain one, and
 * nothing waits for the other end of a pipe. Rejects with the system's error, or a TypeError for what is no file.
 */
export async function openBelow(folder: string, parts: readonly string[]): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW, O_DIRECTORY, O_NONBLOCK } = constants;
  let place = await open(folder, O_RDONLY | O_DIRECTORY);
  for (const [index, part] of parts.entries()) {
    if (part === '' || part === '.' || part === '..' || part.includes('/')) {
      await place.close();
      throw new TypeError(`${JSON.stringify(part)} is no plain name`);
    }
    const kind = index === parts.length - 1 ? O_NONBLOCK : O_DIRECTORY;
    try {
      // By the open folder, not by its name: that may be another one by now.
      const next = await open(`/proc/self/fd/${place.fd}/${part}`, O_RDONLY | O_NOFOLLOW | kind);
      await place.close();
      place = next;
    } catch (error) {
      await place.close();
      throw error;
    }
  }
  const status = await place.stat();
  if (status.isFile()) return place;
  await place.close();
  throw new TypeError(`${parts.join('/')} is no file`);
}

/** Reads such a file. Rejects where it has more than `most` bytes. */
export async function readBelow(folder: string, parts: readonly string[], most: number): Promise<Buffer> {
  const file = await openBelow(folder, parts);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(most + 1), 0, most + 1, 0);
    if (bytesRead > most) throw new TypeError(`${parts.join('/')} has more than ${most} bytes`);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
