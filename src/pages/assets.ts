import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { PagesError } from './errors.ts';

/** A file of a page, in memory. */
export interface Asset {
  readonly body: Buffer;
  readonly type: string;
  /** A strong validator: the hash of the body. */
  readonly etag: string;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/**
 * Reads a built page, by the path under which each file is asked for; `/` is index.html. Nothing else can be asked for.
 * @param folder the page's dist folder
 * Rejects with CW-PAG-001 where the page has not been built.
 */
export async function loadAssets(folder: string): Promise<ReadonlyMap<string, Asset>> {
  const names = await readdir(folder).catch((): string[] => []);
  if (!names.includes('index.html')) {
    throw new PagesError('CW-PAG-001', `${folder} holds no built page: run \`node scripts/pages.ts\``);
  }
  const assets = new Map<string, Asset>();
  for (const name of names) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    const body = await readFile(join(folder, name));
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
    assets.set(name === 'index.html' ? '/' : `/${name}`, { body, type, etag });
  }
  return assets;
}
