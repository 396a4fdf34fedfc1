import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { TraceError } from './errors.ts';

/**
 * The path of a file that the header names. A trace may come from anybody: what it names lies in its own folder.
 * Throws TraceError CW-TRC-001 for a name that leads elsewhere.
 */
export function besideTrace(
  tracePath: string,
  what: 'board' | 'calibration' | 'catalogue' | 'planogram' | 'config' | 'frame',
  name: string,
): string {
  const folder = dirname(resolve(tracePath));
  const path = resolve(folder, name);
  const within = relative(folder, path);
  if (within !== '' && within !== '..' && !within.startsWith(`..${sep}`) && !isAbsolute(within)) return path;
  throw new TraceError(
    'CW-TRC-001',
    `${tracePath}: the header's ${what} ${JSON.stringify(name)} is no file of the trace's folder; put it there, or give it with --${what} FILE`,
  );
}
