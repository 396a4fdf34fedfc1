import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** No recording is kept for longer than this, whatever its name says: a clock that was wrong must not keep it, ms. */
const longestKeptMs = 7 * 24 * 3_600_000;

const named = /^[a-z0-9-]+\.erase-(\d{10,16})\.[a-z0-9]+$/;

/** Name of a recording: it bears when it has to be erased (UTC ms), so that nothing else has to be remembered. */
export function recordingName(camera: string, eraseAtMs: number, ending: string): string {
  return `${camera}.erase-${Math.ceil(eraseAtMs)}.${ending}`;
}

/**
 * Erases recordings whose time is over, and all whose name says nothing of it: the gateway calls this when it starts and
 * every minute, so that a crash of any part keeps none. Resolves with how many there were to erase and how many bytes
 * the others have.
 */
export async function sweepRecordings(
  folder: string,
  nowMs: number,
  every = false,
): Promise<{ readonly erased: number; readonly bytes: number }> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  let erased = 0;
  let bytes = 0;
  for (const name of names) {
    const path = join(folder, name);
    const until = Number(named.exec(name)?.[1] ?? Number.NaN);
    if (!every && until > nowMs && until <= nowMs + longestKeptMs) {
      bytes += await stat(path).then(
        ({ size }) => size,
        () => 0,
      );
      continue;
    }
    await rm(path, { recursive: true, force: true });
    erased += 1;
  }
  return { erased, bytes };
}

/** Makes the folder of recordings, which nobody but the gateway's user may read. */
export async function makeRecordingsFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}
