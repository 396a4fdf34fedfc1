import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * One value of the state that a gateway keeps in its data folder; undefined where it keeps none of this name. A copy is
 * read, so that a gateway that runs there is not disturbed. Rejects where there is no outbox, or it can't be read (of one
 * that is being written to, the copy may not be whole: try again).
 */
export async function readStoredState(dataFolder: string, key: string): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-state-'));
  try {
    const copy = join(folder, 'outbox.sqlite');
    await copyFile(join(dataFolder, 'outbox.sqlite'), copy);
    await copyFile(join(dataFolder, 'outbox.sqlite-wal'), `${copy}-wal`).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      },
    );
    const database = new DatabaseSync(copy);
    try {
      const row = database.prepare('SELECT value FROM state WHERE key = ?').get(key);
      return typeof row?.value === 'string' ? row.value : undefined;
    } finally {
      database.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
