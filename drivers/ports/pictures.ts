import { readFileSync, statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { plainCause } from '#base/system-error.ts';
import { DriverError } from '../errors.ts';
import { findFile } from './find-file.ts';
import type { PicturePort, PictureRequest } from './ports.ts';

/** What is taken for a picture in a folder. */
const pictureName = /\.(?:jpe?g|png|webp)$/i;
/** More than this is no picture of a camera, bytes. */
const mostBytes = 64 * 1024 * 1024;
const mostPictures = 100_000;

/** Opens pictures in files. Rejects with CW-DRV-004 where the folder or one of the files is missing, or there is none. */
export async function openPictures({ folder, files = [] }: PictureRequest): Promise<PicturePort> {
  const [paths, where] =
    folder === undefined ? [files.map(findFile), 'the list'] : [await picturesIn(findFile(folder)), folder];
  if (paths.length === 0) {
    throw new DriverError(
      'CW-DRV-004',
      `there are no pictures (JPEG, PNG or WebP) in ${where}; put some there`,
    );
  }
  if (paths.length > mostPictures) {
    throw new DriverError('CW-DRV-004', `${where} has more than ${mostPictures} pictures; take fewer`);
  }
  for (const path of files.length === 0 ? [] : paths) {
    await stat(path).catch((cause: unknown) => {
      throw missing(path, cause);
    });
  }
  let isOpen = true;
  return {
    identity: { model: 'pictures', address: folder ?? basename(paths[0] ?? '') },
    names: paths,
    read: (path) => {
      if (!isOpen) throw new DriverError('CW-DRV-005', 'the pictures are closed');
      return read(path);
    },
    close: async () => {
      isOpen = false;
    },
  };
}

async function picturesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw missing(folder, cause);
  });
  return names
    .filter((name) => pictureName.test(name))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => join(folder, name));
}

function read(path: string): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size > mostBytes)
      throw new DriverError('CW-DRV-005', `${path} has ${size} bytes: too many for a picture`);
    return readFileSync(path);
  } catch (cause) {
    if (cause instanceof DriverError) throw cause;
    throw new DriverError('CW-DRV-005', `${path} is gone or can't be read: ${plainCause(cause)}`, { cause });
  }
}

function missing(path: string, cause: unknown): DriverError {
  return new DriverError('CW-DRV-004', `${path} can't be read (${plainCause(cause)}); check its name`, {
    cause,
  });
}
