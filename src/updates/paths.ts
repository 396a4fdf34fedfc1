import { posix } from 'node:path';
import { UpdateError } from './errors.ts';

/** Bytes of a path inside a release, and of one part of it: less than the format and every file system take. */
const longestPath = 240;
const longestPart = 200;

/** Why a path inside a release is refused, in words; undefined where it is none to refuse. */
export function faultOfPath(path: string): string | undefined {
  if (path === '') return 'it has no name';
  if (path.startsWith('/')) return 'it is absolute';
  if (Buffer.byteLength(path) > longestPath) return `its name is longer than ${longestPath} bytes`;
  for (const part of path.split('/')) {
    if (part === '') return 'a part of its name is empty';
    if (part === '.' || part === '..') return `a part of its name is '${part}'`;
    if (Buffer.byteLength(part) > longestPart)
      return `a part of its name is longer than ${longestPart} bytes`;
  }
  // Control characters, and what other systems take for a divider or a drive.
  if (/[\p{Cc}\p{Cs}\\:]/u.test(path)) return 'its name has a character that is not allowed';
  return undefined;
}

/** What two names share that may be one on some disk: neither case nor Unicode form keeps them apart. */
export function foldedPath(path: string): string {
  return path.normalize('NFKC').toLowerCase();
}

/**
 * The file inside the release that a link leads to, or undefined where it may lead anywhere else. Steps up come first
 * and nothing is passed twice: from a real folder they go where they seem to go, whatever other links there are.
 */
export function targetOfLink(path: string, target: string): string | undefined {
  const down = target.replace(/^(?:\.\.\/)+/, '');
  if (faultOfPath(down) !== undefined) return undefined;
  const reached = posix.join(posix.dirname(path), target);
  return faultOfPath(reached) === undefined ? reached : undefined;
}

/** The refusal of an entry, in an archive as in a list. */
export function refusedEntry(path: string, why: string): UpdateError {
  return new UpdateError(
    'CW-UPD-012',
    `the release's entry '${path}' is refused: ${why}; no release is made so, get it from its maker again`,
  );
}
