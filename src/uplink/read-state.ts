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
  const state = await readStoredStates(dataFolder, [key]);
  return Object.hasOwn(state, key) ? state[key] : undefined;
}

/** The same for all values whose names begin with one of `prefixes`. Rejects as `readStoredState` does. */
export async function readStoredStates(
  dataFolder: string,
  prefixes: readonly string[],
): Promise<Readonly<Record<string, string>>> {
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
      const rows = database.prepare('SELECT key, value FROM state').all();
      return Object.fromEntries(
        rows.flatMap(({ key, value }) =>
          typeof key === 'string' && typeof value === 'string' && prefixes.some((one) => key.startsWith(one))
            ? [[key, value] as const]
            : [],
        ),
      );
    } finally {
      database.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
