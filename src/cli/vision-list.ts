import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { plainCause } from '#base/system-error.ts';
import { CliError } from './errors.ts';

/** A line of a list of pictures. */
export interface Labelled {
  /** Path below the root, as the list writes it. */
  readonly file: string;
  readonly path: string;
  readonly fine: number;
  readonly coarse: number;
}

/** Names of classes by their numbers, and the coarse class of each name. */
export interface Classes {
  /** File that they come from; undefined where there is none and numbers stand for names. */
  readonly source: string | undefined;
  nameOf(fine: number): string;
  coarseOf(name: string): number | undefined;
}

/** Reads lines `path, fine, coarse`. Rejects with CW-CLI-004. */
export async function readList(list: string, root: string): Promise<readonly Labelled[]> {
  const pictures = (await readText(list)).split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '') return [];
    const [, file, fine, coarse] = /^(.+?)\s*,\s*(\d+)\s*,\s*(\d+)\s*$/.exec(line) ?? [];
    if (file === undefined) {
      throw new CliError('CW-CLI-004', `${list}:${index + 1}: must be "path, fine, coarse", both numbers`);
    }
    const path = isAbsolute(file) ? file : join(root, file.trim());
    return [{ file: file.trim(), path, fine: Number(fine), coarse: Number(coarse) }];
  });
  if (pictures.length > 0) return pictures;
  throw new CliError('CW-CLI-004', `${list} names no pictures`);
}

/**
 * Names of classes, from `given` or the first `classes.csv` in `folders`: lines of name, number, coarse name, coarse
 * number, …, the first one a heading. Without any a number is its own name. Rejects with CW-CLI-004.
 */
export async function readClasses(
  given: string | undefined,
  folders: readonly string[],
  pictures: readonly Labelled[],
): Promise<Classes> {
  const source = given ?? (await firstThere(folders.map((folder) => join(folder, 'classes.csv'))));
  const names = new Map<number, string>();
  const coarse = new Map<string, number>();
  if (source !== undefined) {
    for (const line of (await readText(source)).split(/\r?\n/).slice(1)) {
      const [name = '', number = '', , coarseNumber = ''] = line.split(',').map((cell) => cell.trim());
      if (name === '' || !/^\d+$/.test(number)) continue;
      names.set(Number(number), name);
      if (/^\d+$/.test(coarseNumber)) coarse.set(name, Number(coarseNumber));
    }
    if (names.size === 0) throw new CliError('CW-CLI-004', `${source} names no classes (name, number, …)`);
  }
  const nameOf = (fine: number) => names.get(fine) ?? `${fine}`;
  // The list itself says it of its own classes.
  for (const { fine, coarse: number } of pictures) coarse.set(nameOf(fine), number);
  return { source, nameOf, coarseOf: (name) => coarse.get(name) };
}

async function firstThere(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    if (
      await stat(path).then(
        (found) => found.isFile(),
        () => false,
      )
    )
      return path;
  }
  return undefined;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new CliError('CW-CLI-004', `${path} can not be read: ${plainCause(cause)}`, { cause });
  }
}
