import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#base/atomic-file.ts';

/** Files of systemd/ that lie in its folder under the same name. */
const unitPattern = /^cartwright[0-9A-Za-z@-]*\.(?:service|path|timer|socket|target)$/;

/**
 * Brings the installed units to those of a release, and answers whether any was another one. What setup did not install
 * is left out: a cart without a kiosk gets none by an update.
 */
export async function installUnits(release: string, units: string): Promise<boolean> {
  const from = join(release, 'systemd');
  const installed = new Set(await readdir(units).catch(() => []));
  const shipped = await readdir(from).catch(() => []);
  let changed = false;
  for (const name of shipped.filter((one) => unitPattern.test(one) && installed.has(one))) {
    const text = await readFile(join(from, name));
    const before = await readFile(join(units, name)).catch(() => undefined);
    if (before?.equals(text) === true) continue;
    await writeFileAtomic(join(units, name), text);
    changed = true;
  }
  return changed;
}
