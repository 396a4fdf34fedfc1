import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SetupError } from './errors.ts';

/**
 * Keeps a second run away while this one is at work; the returned function ends that. The file names its process, so a
 * run that was killed holds nobody up. Throws CW-SYS-019.
 */
export function lock(root: string): () => void {
  const path = join(root, 'run/cartwright-setup.lock');
  mkdirSync(dirname(path), { recursive: true });
  for (;;) {
    try {
      writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = Number(readFileSync(path, 'utf8'));
      if (holder > 0 && existsSync(`/proc/${holder}`))
        throw new SetupError(
          'CW-SYS-019',
          `process ${holder} sets this system up at this moment; wait for it`,
        );
      rmSync(path, { force: true });
    }
  }
}
