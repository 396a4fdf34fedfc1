import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { plainCause } from '#base/system-error.ts';
import type { PublicKey } from '#identity/keys.ts';
import { UpdateError } from '../errors.ts';
import { longestManifest, openRootManifest, type RootManifest } from './root-manifest.ts';

/** First bytes of a root archive. Then: length of the description (32 bits, big-endian), description, kernel, initramfs, file system. */
const magic = Buffer.from('CWROOT1\n', 'latin1');
const headBytes = magic.length + 4;

/** What precedes the parts in a root archive. */
export function archiveHead(manifest: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(manifest.length);
  return Buffer.concat([magic, length, manifest]);
}

/** An archive whose description was signed by a key that is trusted; its parts are checked as they are read. */
export interface RootArchive {
  readonly path: string;
  readonly manifest: RootManifest;
  /** Where the first part begins. */
  readonly start: number;
}

/**
 * Opens an archive: a file, or a disk that one was written to. Rejects with CW-UPD-070 where it is none, -071 where none of
 * `keys` signed it.
 */
export async function openRootArchive(path: string, keys: readonly PublicKey[]): Promise<RootArchive> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const head = await exactly(file, 0, headBytes);
    if (!head.subarray(0, magic.length).equals(magic))
      throw unreadable(`${path} does not begin as a root archive does`);
    const length = head.readUInt32BE(magic.length);
    if (length > longestManifest) throw unreadable(`${path} announces ${length} bytes of description`);
    const manifest = openRootManifest(await exactly(file, headBytes, length), keys);
    return { path, manifest, start: headBytes + length };
  } catch (cause) {
    if (cause instanceof UpdateError) throw cause;
    throw unreadable(`${path}: ${plainCause(cause)}`, cause);
  } finally {
    await file?.close();
  }
}

/** Writes a part of the archive to a file of its own. Rejects with CW-UPD-072 where it is not what was signed. */
export async function extractPart(
  archive: RootArchive,
  part: 'linux' | 'initrd',
  target: string,
): Promise<void> {
  const { bytes, sha256 } = archive.manifest[part];
  const from = archive.start + (part === 'linux' ? 0 : archive.manifest.linux.bytes);
  const check = checked(part, bytes, sha256);
  await pipeline(rangeOf(archive.path, from, bytes), check, createWriteStream(target, { flush: true }));
}

/**
 * Unpacks the file system into `target`, which is there already and long enough: a partition. Rejects with CW-UPD-072 where
 * it is not what was signed, compressed or unpacked; then the target holds rubbish.
 */
export async function writeFileSystem(archive: RootArchive, target: FileHandle): Promise<void> {
  const { linux, initrd, fileSystem } = archive.manifest;
  const from = archive.start + linux.bytes + initrd.bytes;
  let position = 0;
  await pipeline(
    rangeOf(archive.path, from, fileSystem.bytes),
    checked('file system', fileSystem.bytes, fileSystem.sha256),
    createZstdDecompress(),
    checked('unpacked file system', fileSystem.unpacked.bytes, fileSystem.unpacked.sha256),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        await writeAll(target, chunk, position);
        position += chunk.length;
      }
    },
  );
}

/** Rejects with CW-UPD-073 where the first bytes of a partition are not those that were written to it. */
export async function checkWritten(target: string, manifest: RootManifest): Promise<void> {
  const { bytes, sha256 } = manifest.fileSystem.unpacked;
  const hash = createHash('sha256');
  for await (const chunk of rangeOf(target, 0, bytes)) hash.update(chunk as Buffer);
  if (hash.digest('hex') === sha256) return;
  throw new UpdateError(
    'CW-UPD-073',
    `${target} does not hold what was written to it: the card or disk is worn out or faulty; replace it. The root in service is as it was`,
  );
}

/** Passes bytes on, and fails at the end where they are not those that were signed; more of them are never passed on. */
function checked(what: string, bytes: number, sha256: string): Transform {
  const hash = createHash('sha256');
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > bytes) return done(changed(what, `it has more than ${bytes} bytes`));
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      if (seen < bytes) done(changed(what, `it ends after ${seen} of ${bytes} bytes`));
      else done(hash.digest('hex') === sha256 ? null : changed(what, 'its SHA-256 is another'));
    },
  });
}

function rangeOf(path: string, start: number, bytes: number): Readable {
  return createReadStream(path, { start, end: start + bytes - 1, highWaterMark: 1 << 20 });
}

async function writeAll(file: FileHandle, data: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < data.length) {
    const { bytesWritten } = await file.write(data, done, data.length - done, position + done);
    done += bytesWritten;
  }
}

async function exactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw unreadable('it is too short for a root archive');
  return buffer;
}

function changed(what: string, why: string): UpdateError {
  return new UpdateError(
    'CW-UPD-072',
    `the ${what} of the root archive is not what was signed: ${why}; get the archive from its maker again`,
  );
}

function unreadable(why: string, cause?: unknown): UpdateError {
  return new UpdateError('CW-UPD-070', `the root archive can't be read: ${why}`, { cause });
}
