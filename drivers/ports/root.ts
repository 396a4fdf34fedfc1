import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Attached } from './ports.ts';

/** Where the kernel shows its devices. Tests give folders of their own. */
export interface SystemRoot {
  readonly sys: string;
  readonly dev: string;
  readonly proc: string;
}

/** What opening a port needs besides its request. */
export interface System {
  readonly clock: Clock;
  readonly log: Logger;
  readonly root: SystemRoot;
  readonly beforeOpen: (device: Attached) => Promise<void>;
}

export const machineRoot: SystemRoot = { sys: '/sys', dev: '/dev', proc: '/proc' };

/** Names in a folder, sorted as people count (tty2 before tty10); none where it can't be read. */
export async function namesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** A kernel attribute without its line feed; undefined where there is none or it is empty. */
export async function attribute(path: string): Promise<string | undefined> {
  const text = (await readFile(path, 'utf8').catch(() => '')).trim();
  return text === '' ? undefined : text;
}

/** Last part of what a link points to. */
export async function linkedName(path: string): Promise<string | undefined> {
  const target = await readlink(path).catch(() => undefined);
  return target === undefined ? undefined : basename(target);
}

/** What `entries` has that is not undefined: optional properties are left out, not undefined. */
export function given<T extends Record<string, unknown>>(
  entries: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
