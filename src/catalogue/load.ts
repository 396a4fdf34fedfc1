import { open } from 'node:fs/promises';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { CatalogueError } from './errors.ts';
import { parseCatalogue, parsePlanogram } from './parse.ts';
import type { Catalogue, Planogram } from './products.ts';

/** Largest file that is read: 64 MiB, about 300,000 products. Larger ones are refused before they fill memory. */
export const maximumCatalogueBytes = 64 * 1024 * 1024;

/** Reads and checks a catalogue. Rejects with CatalogueError. */
export async function loadCatalogue(path: string, maxBytes = maximumCatalogueBytes): Promise<Catalogue> {
  return parseCatalogue(await readJson(path, maxBytes), path);
}

/** Reads and checks a planogram; with a catalogue, every product it names must be in there. Rejects with CatalogueError. */
export async function loadPlanogram(
  path: string,
  catalogue?: Pick<Catalogue, 'byKey' | 'version'>,
  maxBytes = maximumCatalogueBytes,
): Promise<Planogram> {
  return parsePlanogram(await readJson(path, maxBytes), catalogue, path);
}

async function readJson(path: string, maxBytes: number): Promise<unknown> {
  const text = await readLimited(path, maxBytes);
  try {
    // A byte order mark is legal at the start of a file and illegal in JSON.
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (error) {
    const finding = { code: 'CW-CAT-001', path: '', found: describeError(error), expected: 'JSON' } as const;
    throw new CatalogueError(finding, [], path, error);
  }
}

async function readLimited(path: string, maxBytes: number): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size <= maxBytes) return new TextDecoder('utf-8', { fatal: true }).decode(await file.readFile());
      const finding = {
        code: 'CW-CAT-003',
        path: '',
        found: `${size} bytes`,
        expected: `at most ${maxBytes} bytes`,
      } as const;
      throw new CatalogueError(finding, [], path);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof CatalogueError) throw error;
    const notText = error instanceof TypeError;
    throw new CatalogueError(
      {
        code: notText ? 'CW-CAT-001' : 'CW-CAT-002',
        path: '',
        found: plainCause(error),
        expected: notText ? 'UTF-8 text' : 'a readable file',
      },
      [],
      path,
      error,
    );
  }
}
