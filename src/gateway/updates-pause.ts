import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, writeFileAtomic } from '#base/atomic-file.ts';

/** Beside the outbox, whose state says the same: safe mode leaves that one closed. */
const markOf = (dataFolder: string) => join(dataFolder, 'updates', 'paused');

/** Notes that updates are paused on this device, or are not. Rejects where that can't be written. */
export async function markPaused(dataFolder: string, paused: boolean): Promise<void> {
  const mark = markOf(dataFolder);
  if (paused === existsSync(mark)) return;
  if (!paused) return await rm(mark, { force: true });
  await makeFolder(join(dataFolder, 'updates'), 0o700);
  await writeFileAtomic(mark, '', 0o600);
}

/** Whether the gateway has noted that updates are paused. */
export function isMarkedPaused(dataFolder: string): boolean {
  return existsSync(markOf(dataFolder));
}
