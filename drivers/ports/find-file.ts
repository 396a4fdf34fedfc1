import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A path of options: from the working directory or else, where nothing is there, from the installation. */
export function findFile(path: string): string {
  const here = resolve(path);
  if (existsSync(here)) return here;
  return resolve(fileURLToPath(new URL('../..', import.meta.url)), path);
}
