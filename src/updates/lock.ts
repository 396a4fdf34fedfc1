import { open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '#base/atomic-file.ts';
import { UpdateError } from './errors.ts';

/**
 * Takes the updater's lock, or says who has it (CW-UPD-033). A lock whose holder is gone, or that is of another boot, is
 * none. The returned function lets go of it.
 */
export async function takeLock(path: string, bootId: string): Promise<() => Promise<void>> {
  await makeFolder(dirname(path), 0o755);
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const file = await open(path, 'wx', 0o600);
      try {
        await file.writeFile(`${process.pid} ${bootId}`);
      } finally {
        await file.close();
      }
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const [pid = '', boot = ''] = (await readFile(path, 'utf8').catch(() => '')).split(' ');
      if (boot === bootId && (await isUpdater(pid))) {
        throw new UpdateError(
          'CW-UPD-033',
          `another updater is at work (process ${pid}); it goes on with what is to be done`,
        );
      }
      await rm(path, { force: true });
    }
  }
  throw new UpdateError('CW-UPD-033', 'another updater is at work; it goes on with what is to be done');
}

async function isUpdater(pid: string): Promise<boolean> {
  if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
  const line = await readFile(join('/proc', pid, 'cmdline'), 'latin1').catch(() => '');
  return line.includes('updates/main.ts');
}
