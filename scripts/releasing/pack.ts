import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { topFolder } from '#updates/archive.ts';
import { contentsFile, foldersOf, type ListedFile, writeContents } from '#updates/contents.ts';
import type { ReleaseFacts } from '#updates/facts.ts';
import { paddingOf, writeHeader } from '#updates/tar.ts';
import { ReleaseFailure } from './failure.ts';

/** What goes into an archive: a file of this machine, a text, or a link. Paths are those inside the release. */
export type Item =
  | { readonly path: string; readonly from: string; readonly executable: boolean }
  | { readonly path: string; readonly text: string; readonly executable: boolean }
  | { readonly path: string; readonly target: string };

export interface Packed {
  readonly bytes: number;
  /** SHA-256 of the archive, lower-case hexadecimal. */
  readonly sha256: string;
  readonly unpackedBytes: number;
  readonly files: number;
}

/**
 * Writes the archive of a release. The same items and facts give the same bytes, wherever and by whom: names are in
 * order, everything is root's, times are the release's, and GNU gzip packs (the one inside Node.js takes other ways on
 * other processors).
 */
export async function pack(
  items: readonly Item[],
  facts: Omit<ReleaseFacts, 'unpackedBytes'>,
  archive: string,
): Promise<Packed> {
  const sorted = [...items].sort((a, b) => (a.path < b.path ? -1 : 1));
  const files: Record<string, ListedFile> = {};
  const links: Record<string, string> = {};
  for (const item of sorted) {
    if ('target' in item) links[item.path] = item.target;
    else files[item.path] = await listed(item);
  }
  const unpackedBytes = Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
  const contents = writeContents({ ...facts, unpackedBytes, files, links });
  mustHaveGzip();
  // Older ones take further options from the environment.
  const { GZIP: _, ...env } = process.env;
  const gzip = spawn('gzip', ['--no-name', '--best', '--stdout'], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    gzip.once('close', resolve);
    gzip.once('error', reject);
  });
  const hash = createHash('sha256');
  let bytes = 0;
  await Promise.all([
    pipeline(tarOf(sorted, files, contents, facts), gzip.stdin),
    pipeline(
      gzip.stdout,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          bytes += chunk.length;
          yield chunk;
        }
      },
      createWriteStream(archive),
    ),
  ]);
  const code = await ended;
  if (code !== 0) throw new ReleaseFailure(`gzip failed (${code})`);
  return { bytes, sha256: hash.digest('hex'), unpackedBytes, files: Object.keys(files).length };
}

async function* tarOf(
  items: readonly Item[],
  files: Readonly<Record<string, ListedFile>>,
  contents: string,
  facts: Omit<ReleaseFacts, 'unpackedBytes'>,
): AsyncGenerator<Buffer> {
  const modifiedS = Math.floor(facts.createdMs / 1_000);
  const top = topFolder(facts);
  const folder = (path: string) =>
    writeHeader({ type: 'folder', path, executable: true, bytes: 0, modifiedS });
  yield folder(top);
  const list = Buffer.from(contents);
  const plain = { type: 'file' as const, executable: false, modifiedS };
  yield writeHeader({ ...plain, path: `${top}/${contentsFile}`, bytes: list.length });
  yield list;
  yield Buffer.alloc(paddingOf(list.length));
  const made = new Set<string>();
  for (const item of items) {
    for (const path of foldersOf([item.path])) {
      if (!made.has(path)) yield folder(`${top}/${path}`);
      made.add(path);
    }
    const path = `${top}/${item.path}`;
    if ('target' in item) {
      yield writeHeader({ type: 'link', path, executable: true, bytes: 0, modifiedS, target: item.target });
      continue;
    }
    const { bytes = 0, sha256 } = files[item.path] ?? {};
    yield writeHeader({ type: 'file', path, executable: item.executable, bytes, modifiedS });
    const hash = createHash('sha256');
    for await (const chunk of contentOf(item)) {
      hash.update(chunk);
      yield chunk;
    }
    if (hash.digest('hex') !== sha256)
      throw new ReleaseFailure(`${item.path} changed while it was packed; make the release again`);
    yield Buffer.alloc(paddingOf(bytes));
  }
  yield Buffer.alloc(1_024);
}

type FileItem = Exclude<Item, { target: string }>;

async function listed(item: FileItem): Promise<ListedFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of contentOf(item)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  if ('from' in item && (await stat(item.from)).size !== bytes)
    throw new ReleaseFailure(`${item.path} changed while it was read; make the release again`);
  return { bytes, sha256: hash.digest('hex'), ...(item.executable ? { executable: true as const } : {}) };
}

async function* contentOf(item: FileItem): AsyncGenerator<Buffer> {
  if ('text' in item) yield Buffer.from(item.text);
  else yield* createReadStream(item.from, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
}

function mustHaveGzip(): void {
  const { stdout } = spawnSync('gzip', ['--version'], { encoding: 'utf8' });
  if (/^gzip \d/.test(stdout ?? '')) return;
  throw new ReleaseFailure(
    'GNU gzip is needed, so that archives are the same bytes everywhere (Debian: apt-get install gzip)',
  );
}
