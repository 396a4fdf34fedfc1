import { spawn } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip, type Gunzip } from 'node:zlib';
import { makeFolder, syncFolder } from '#base/atomic-file.ts';
import { describeError, isCoded } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { contentsFile, foldersOf, longestContents, type ReleaseContents, readContents } from './contents.ts';
import { UpdateError } from './errors.ts';
import { factsText } from './facts.ts';
import type { ReleaseManifest } from './manifest.ts';
import { faultOfPath, refusedEntry } from './paths.ts';
import { blockBytes, type Entry, modeOf, paddingOf, readHeader, unreadableArchive } from './tar.ts';

/** What one read of the file takes. */
const readBytes = 256 * 1024;

/** The folder at the top of an archive. */
export function topFolder({ version }: Pick<ReleaseManifest, 'version'>): string {
  return `cartwright-${version}`;
}

/**
 * Unpacks the archive of a release to `folder`, which must not be there yet: whole and on the disk, or not at all.
 * Hash, size, list of files and content are compared in the one pass that writes, because who delivers the file may
 * change it between two. The folder of another attempt that was cut short (`.NAME.part` beside it) is removed.
 * Rejects with CW-UPD-010 to -016. The caller has checked `mustRunOn`.
 */
export async function unpack(archive: string, folder: string, manifest: ReleaseManifest): Promise<void> {
  const part = join(dirname(folder), `.${basename(folder)}.part`);
  const source = await Source.open(archive, manifest);
  try {
    await writing(part, async () => {
      await rm(part, { recursive: true, force: true });
      await makeFolder(dirname(folder));
      await makeOpenFolder(part);
    });
    await new Unpacking(source, part, manifest).run();
    await writing(part, async () => {
      await syncFileSystem(part);
      await rename(part, folder);
      await syncFolder(dirname(folder));
    });
  } catch (error) {
    // Where even that fails, the disk can't be written, which is what `error` says.
    await rm(part, { recursive: true, force: true }).catch(() => {});
    throw await source.explain(error);
  } finally {
    await source.close();
  }
}

/** The archive's file, hashed as it is read. */
class Source {
  readonly #file: FileHandle;
  readonly #manifest: ReleaseManifest;
  readonly #hash: Hash = createHash('sha256');
  #read = 0;

  constructor(file: FileHandle, manifest: ReleaseManifest) {
    this.#file = file;
    this.#manifest = manifest;
  }

  static async open(path: string, manifest: ReleaseManifest): Promise<Source> {
    let file: FileHandle | undefined;
    try {
      // Without O_NONBLOCK, opening a pipe that somebody put there would wait for ever.
      file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const status = await file.stat();
      if (!status.isFile()) throw unreadableArchive(`${path} is no file`);
      if (status.size !== manifest.bytes) throw another(`${path} has ${status.size} bytes`, manifest);
      return new Source(file, manifest);
    } catch (cause) {
      await file?.close();
      throw isCoded(cause) ? cause : unreadableArchive(`${path}: ${plainCause(cause)}`, cause);
    }
  }

  /** Never more than the signed number of bytes, however much the file grows. */
  async *chunks(): AsyncGenerator<Buffer> {
    for (;;) {
      const left = this.#manifest.bytes - this.#read;
      if (left === 0) return;
      const { bytesRead, buffer } = await this.#file.read(Buffer.alloc(Math.min(readBytes, left)), 0);
      if (bytesRead === 0) throw another(`it ended after ${this.#read} bytes`, this.#manifest);
      const chunk = buffer.subarray(0, bytesRead);
      this.#hash.update(chunk);
      this.#read += bytesRead;
      yield chunk;
    }
  }

  /** Reads what is left, and throws CW-UPD-011 where all of it is not what was signed. */
  async mustBeSigned(): Promise<void> {
    for await (const _ of this.chunks());
    if (this.#hash.copy().digest('hex') !== this.#manifest.sha256)
      throw another('its SHA-256 differs', this.#manifest);
  }

  /** What went wrong; of an archive that is damaged or another one, only that, since nothing inside it means anything. */
  async explain(error: unknown): Promise<unknown> {
    if (isCoded(error) && error.code === 'CW-UPD-016') return error;
    try {
      await this.mustBeSigned();
      return isCoded(error) ? error : unreadableArchive(describeError(error), error);
    } catch (another) {
      return another;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Exactly as many bytes as asked for, out of chunks of any size. */
class Bytes {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Up to `most` bytes, at least one; an empty buffer at the end. */
  async some(most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return this.#rest;
      this.#rest = next.value;
    }
    const taken = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  /** A block, or undefined where nothing is left. */
  async block(): Promise<Buffer | undefined> {
    const first = await this.some(blockBytes);
    if (first.length === 0) return undefined;
    const parts = [first];
    for (let have = first.length; have < blockBytes; ) {
      const more = await this.some(blockBytes - have);
      if (more.length === 0) throw unreadableArchive('it ends in the middle of a block');
      parts.push(more);
      have += more.length;
    }
    return Buffer.concat(parts);
  }
}

/** One pass through an archive. */
class Unpacking {
  readonly #source: Source;
  readonly #compressed: Readable;
  readonly #gunzip: Gunzip = createGunzip();
  readonly #bytes: Bytes;
  readonly #into: string;
  readonly #manifest: ReleaseManifest;
  readonly #top: string;
  /** Paths of the list that did not come yet. */
  readonly #wanted = new Set<string>();
  readonly #folders = new Set<string>();
  /** Folders that were made here, so that nothing is written through a link. */
  readonly #made = new Set(['.']);

  constructor(source: Source, into: string, manifest: ReleaseManifest) {
    this.#source = source;
    this.#into = into;
    this.#manifest = manifest;
    this.#top = topFolder(manifest);
    this.#compressed = Readable.from(source.chunks());
    this.#compressed.once('error', (error) => this.#gunzip.destroy(error));
    this.#bytes = new Bytes(this.#compressed.pipe(this.#gunzip));
  }

  async run(): Promise<void> {
    try {
      await this.#expectTop();
      const contents = await this.#list();
      for (let entry = await this.#next(); entry !== undefined; entry = await this.#next())
        await this.#take(entry, contents);
      await this.#expectEnd();
      await this.#source.mustBeSigned();
    } finally {
      this.#gunzip.destroy();
      // A read that is under way has to end before anybody else reads on.
      await new Promise<void>((resolve) => {
        if (this.#compressed.closed) return resolve();
        this.#compressed.once('close', () => resolve());
        this.#compressed.destroy();
      });
    }
  }

  async #next(): Promise<Entry | undefined> {
    const block = await this.#bytes.block();
    if (block === undefined) throw unreadableArchive('it ends without an end mark');
    const entry = readHeader(block);
    if (entry === undefined) return undefined;
    if (entry.path === this.#top && entry.type === 'folder') return { ...entry, path: '' };
    const fault = entry.path.startsWith(`${this.#top}/`)
      ? faultOfPath(entry.path.slice(this.#top.length + 1))
      : (faultOfPath(entry.path) ?? `it does not lie in ${this.#top}/`);
    if (fault !== undefined) throw refusedEntry(entry.path, fault);
    return { ...entry, path: entry.path.slice(this.#top.length + 1) };
  }

  async #expectTop(): Promise<void> {
    const entry = await this.#next();
    if (entry?.path !== '')
      throw refusedEntry(entry?.path ?? '', `the folder ${this.#top}/ has to come first`);
  }

  /** The list comes before everything that it lists, so that nothing is written that it does not name. */
  async #list(): Promise<ReleaseContents> {
    const entry = await this.#next();
    if (entry?.path !== contentsFile || entry.type !== 'file' || entry.bytes > longestContents)
      throw new UpdateError(
        'CW-UPD-015',
        `the archive does not begin with its list of files (${contentsFile}); get it from its maker again`,
      );
    const parts: Buffer[] = [];
    await this.#content(entry, (chunk) => void parts.push(chunk));
    const text = Buffer.concat(parts);
    const contents = readContents(text.toString());
    if (factsText(contents) !== factsText(this.#manifest))
      throw new UpdateError(
        'CW-UPD-015',
        `the archive's list of files is of release ${contents.version} for ${contents.arch} (${contents.unpackedBytes} bytes), and the signed description of ${this.#manifest.version} for ${this.#manifest.arch} (${this.#manifest.unpackedBytes} bytes) says other things; get both from the maker again`,
      );
    for (const path of [...Object.keys(contents.files), ...Object.keys(contents.links)])
      this.#wanted.add(path);
    for (const path of foldersOf(this.#wanted)) this.#folders.add(path);
    await this.#write(entry, async (file) => void (await file.write(text)));
    return contents;
  }

  async #take(entry: Entry, contents: ReleaseContents): Promise<void> {
    const { path, type } = entry;
    const parent = dirname(path);
    if (!this.#made.has(parent)) throw refusedEntry(path, `its folder '${parent}' has to come before it`);
    if (type === 'folder') {
      if (!this.#folders.delete(path)) throw this.#notWanted(entry, foldersOf(Object.keys(contents.files)));
      this.#made.add(path);
      return writing(path, () => makeOpenFolder(join(this.#into, path)));
    }
    if (!this.#wanted.delete(path)) throw this.#notWanted(entry, new Set(Object.keys(contents.files)));
    if (type === 'link') {
      const target = contents.links[path];
      if (target === undefined || target !== entry.target) throw differs(path, 'a link', entry.target ?? '');
      return writing(path, () => symlink(target, join(this.#into, path)));
    }
    const listed = contents.files[path];
    if (listed === undefined) throw differs(path, 'a file', 'not a link');
    if (entry.bytes !== listed.bytes || entry.executable !== (listed.executable ?? false))
      throw differs(path, 'a file', `of ${entry.bytes} bytes, mode ${modeOf(entry).toString(8)}`);
    const hash = createHash('sha256');
    await this.#write(entry, (file) =>
      this.#content(entry, async (chunk) => {
        hash.update(chunk);
        await writing(path, () => file.writeFile(chunk));
      }),
    );
    if (hash.digest('hex') !== listed.sha256) throw differs(path, 'a file', 'of another content');
  }

  /** An entry that is not due: it was there before, or never is. */
  #notWanted(entry: Entry, listed: ReadonlySet<string>): UpdateError {
    if (!listed.has(entry.path)) return differs(entry.path, `a ${entry.type}`, 'not listed');
    return new UpdateError(
      'CW-UPD-013',
      `the archive has '${entry.path}' twice; get it from its maker again`,
    );
  }

  async #content(entry: Entry, take: (chunk: Buffer) => void | Promise<void>): Promise<void> {
    for (let left = entry.bytes; left > 0; ) {
      const chunk = await this.#bytes.some(left);
      if (chunk.length === 0) throw unreadableArchive(`it ends in '${entry.path}'`);
      await take(chunk);
      left -= chunk.length;
    }
    for (let left = paddingOf(entry.bytes); left > 0; ) {
      const chunk = await this.#bytes.some(left);
      if (chunk.length === 0) throw unreadableArchive(`it ends behind '${entry.path}'`);
      if (chunk.some((byte) => byte !== 0)) throw unreadableArchive(`there is more behind '${entry.path}'`);
      left -= chunk.length;
    }
  }

  async #write(entry: Entry, fill: (file: FileHandle) => Promise<void>): Promise<void> {
    const path = join(this.#into, entry.path);
    const mode = modeOf(entry);
    const file = await writing(entry.path, () => open(path, 'wx', mode));
    try {
      await fill(file);
      // The process' umask took bits away.
      await writing(entry.path, () => file.chmod(mode));
      // When the release was made: a machine whose clock was lost takes it for the earliest time that it can be.
      await writing(entry.path, () => file.utimes(entry.modifiedS, entry.modifiedS));
    } finally {
      await file.close();
    }
  }

  /** A second block of zeros, nothing behind it, and nothing behind what was compressed; everything that is listed was there. */
  async #expectEnd(): Promise<void> {
    const block = await this.#bytes.block();
    if (block === undefined || block.some((byte) => byte !== 0))
      throw unreadableArchive('its end mark is cut');
    if ((await this.#bytes.block()) !== undefined) throw unreadableArchive('there is more behind its end');
    if (this.#gunzip.bytesWritten !== this.#manifest.bytes)
      throw unreadableArchive('there is more behind what is compressed');
    const [missing] = [...this.#wanted, ...this.#folders];
    if (missing !== undefined)
      throw new UpdateError(
        'CW-UPD-014',
        `the archive lists '${missing}' and does not hold it; get it from its maker again`,
      );
  }
}

/** A folder that everybody may look into, whatever the process' umask. */
async function makeOpenFolder(path: string): Promise<void> {
  await mkdir(path);
  await chmod(path, 0o755);
}

/** Everything of the file system that `folder` lies on reaches the disk: one call in place of thousands of fsyncs. */
async function syncFileSystem(folder: string): Promise<void> {
  const child = spawn('sync', ['--file-system', folder], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-1_000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(said.trim() || `sync ended with ${code}`);
}

/** Runs what writes to the disk; whatever goes wrong there is the disk's fault, not the archive's. */
async function writing<Result>(path: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (cause) {
    if (isCoded(cause)) throw cause;
    throw new UpdateError(
      'CW-UPD-016',
      `the release can't be unpacked (${path}): ${plainCause(cause)}; it needs room for itself beside the versions that are kept`,
      { cause },
    );
  }
}

function another(found: string, { version, arch, bytes }: ReleaseManifest): UpdateError {
  return new UpdateError(
    'CW-UPD-011',
    `the archive is not the signed one of release ${version} for ${arch} (${bytes} bytes): ${found}; fetch it again`,
  );
}

function differs(path: string, what: string, found: string): UpdateError {
  return new UpdateError(
    'CW-UPD-014',
    `the archive's entry '${path}' is ${what} (${found}) other than its list says; get it from its maker again`,
  );
}
