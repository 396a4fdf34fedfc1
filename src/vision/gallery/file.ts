import { subtle } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { type CborValue, decodeCbor, encodeCbor } from '#events/cbor.ts';
import { VisionError } from '../errors.ts';
import { bytesProblem } from './embedding.ts';
import {
  type Gallery,
  type GalleryLook,
  lookProblem,
  mostReferences,
  mostReferencesOfLook,
} from './gallery.ts';

/*
 * The file: 8 bytes "CWGALLRY"; bytes of the header, 32 bits, little-endian; the header; the matrix, a byte a value, row
 * after row; SHA-256 of all of that. The header is deterministic CBOR (RFC 8949 §4.2), a map:
 *   1 version of the format (1)   2 space of the model (32 bytes)   3 values of an embedding
 *   4 looks, in the order of their rows: [key, references, pictures], …
 */
const magic = Buffer.from('CWGALLRY', 'latin1');
const version = 1;
const headerAt = magic.length + 4;
const hashBytes = 32;
/** Larger files are refused unread, bytes. */
export const largestFile = 16_000_000;
const cborLimits = {
  maxBytes: largestFile,
  maxDepth: 4,
  maxItems: 4 * mostReferences + 16,
  deterministic: true,
};

/** A gallery as it lies on disk, with its version: the first half of the file's SHA-256, in hexadecimal. */
export interface GalleryFile {
  readonly gallery: Gallery;
  readonly version: string;
}

/** The bytes of a gallery's file. The same gallery gives the same bytes. Rejects with CW-VIS-011. */
export async function encodeGallery(gallery: Gallery): Promise<Uint8Array> {
  const header = encodeCbor(
    new Map<number, CborValue>([
      [1, version],
      [2, Buffer.from(gallery.space, 'hex')],
      [3, gallery.dimensions],
      [4, gallery.looks.map(({ look, references, pictures }) => [look, references, pictures])],
    ]),
  );
  const total = headerAt + header.length + gallery.matrix.length + hashBytes;
  if (total > largestFile) {
    throw new VisionError(
      'CW-VIS-011',
      `the gallery's file would have ${total} bytes, ${largestFile} at most; remove products that are no longer sold`,
    );
  }
  const bytes = new Uint8Array(total);
  bytes.set(magic);
  new DataView(bytes.buffer).setUint32(magic.length, header.length, true);
  bytes.set(header, headerAt);
  bytes.set(gallery.matrix, headerAt + header.length);
  bytes.set(await sha256(bytes.subarray(0, -hashBytes)), total - hashBytes);
  return bytes;
}

/** Reads a gallery's file. Rejects with CW-VIS-009, and nothing else, whatever the bytes are. */
export async function decodeGallery(bytes: Uint8Array): Promise<GalleryFile> {
  if (bytes.length > largestFile) throw damaged(`it has ${bytes.length} bytes, ${largestFile} at most`);
  if (bytes.length < headerAt + hashBytes || !magic.equals(bytes.subarray(0, magic.length))) {
    throw damaged('it is none, or only its beginning');
  }
  const body = bytes.subarray(0, -hashBytes);
  const hash = await sha256(body);
  if (!hash.equals(bytes.subarray(-hashBytes))) {
    throw damaged('its SHA-256 differs from the one at its end');
  }
  const headerBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(magic.length, true);
  if (headerAt + headerBytes > body.length) throw damaged('its header is longer than the file');
  const header = readHeader(body.subarray(headerAt, headerAt + headerBytes));
  const matrix = body.subarray(headerAt + headerBytes);
  const rows = header.looks.reduce((sum, { references }) => sum + references, 0);
  if (rows > mostReferences) throw damaged(`it has ${rows} references, ${mostReferences} at most`);
  if (matrix.length !== rows * header.dimensions) {
    throw damaged(
      `${rows} references of ${header.dimensions} values are announced, ${matrix.length} bytes are there`,
    );
  }
  // A copy, so that the file's bytes can be forgotten.
  const gallery = { ...header, matrix: new Int8Array(matrix) };
  checkRows(gallery);
  return { gallery, version: hash.toString('hex', 0, 16) };
}

/**
 * Reads a gallery. Rejects with CW-VIS-009 where the file is missing, not readable or damaged, with CW-VIS-010 where
 * `space` is given and the gallery is of another model.
 */
export async function readGallery(path: string, space?: string): Promise<GalleryFile> {
  let bytes: Uint8Array;
  try {
    const { size } = await stat(path);
    if (size > largestFile) throw damaged(`it has ${size} bytes, ${largestFile} at most`);
    bytes = await readFile(path);
  } catch (cause) {
    if (cause instanceof VisionError) throw at(path, cause);
    throw new VisionError('CW-VIS-009', `the gallery ${path} can't be read: ${plainCause(cause)}`, { cause });
  }
  const file = await decodeGallery(bytes).catch((error: unknown) => {
    throw at(path, error);
  });
  if (space !== undefined) checkSpace(file.gallery, space, path);
  return file;
}

/** The same, or undefined where there is no such file. */
export async function readGalleryIfAny(path: string, space?: string): Promise<GalleryFile | undefined> {
  const there = await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
  return there ? await readGallery(path, space) : undefined;
}

/** Replaces a gallery's file as a whole; resolves with its version. Rejects with CW-VIS-011 or the system's error. */
export async function writeGallery(path: string, gallery: Gallery): Promise<string> {
  const bytes = await encodeGallery(gallery);
  await writeFileAtomic(path, bytes);
  return Buffer.from(bytes.subarray(-hashBytes)).toString('hex', 0, 16);
}

/** Throws CW-VIS-010 unless the gallery was made with that model. */
export function checkSpace(gallery: Gallery, space: string, path: string): void {
  if (gallery.space === space) return;
  throw new VisionError(
    'CW-VIS-010',
    `the gallery ${path} was made with the model ${gallery.space.slice(0, 12)}…, not with ${space.slice(0, 12)}…: use that model, or enrol the products again with this one`,
  );
}

function readHeader(bytes: Uint8Array): Omit<Gallery, 'matrix'> {
  let header: CborValue;
  try {
    header = decodeCbor(bytes, cborLimits);
  } catch (error) {
    throw damaged(`its header can't be read: ${describeError(error)}`);
  }
  if (!(header instanceof Map)) throw damaged('its header is no map');
  const [format, space, dimensions, looks] = [1, 2, 3, 4].map((key): unknown => header.get(key));
  if (format !== version)
    throw damaged(`it is of version ${String(format).slice(0, 20)}; this software reads ${version}`);
  if (!(space instanceof Uint8Array) || space.length !== hashBytes) throw damaged('it names no model');
  if (!isCount(dimensions, 8, 256)) throw damaged('its embeddings have not 8 to 256 values');
  if (!Array.isArray(looks)) throw damaged('it has no list of looks');
  const entries = looks.map(readLook);
  const keys = new Set(entries.map(({ look }) => look));
  if (keys.size < entries.length) throw damaged('it has a look twice');
  return { space: Buffer.from(space).toString('hex'), dimensions, looks: entries };
}

function readLook(value: unknown, index: number): GalleryLook {
  const [look, references, pictures] = Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof look !== 'string') throw damaged(`look ${index + 1} has no key`);
  const problem = lookProblem(look);
  if (problem !== undefined) throw damaged(`look ${index + 1} ${problem}`);
  if (!isCount(references, 1, mostReferencesOfLook)) {
    throw damaged(`look ${index + 1} has not 1 to ${mostReferencesOfLook} references`);
  }
  if (!isCount(pictures, 1, Number.MAX_SAFE_INTEGER)) throw damaged(`look ${index + 1} has no pictures`);
  return { look, references, pictures };
}

const isCount = (value: unknown, least: number, most: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;

function checkRows({ dimensions, matrix }: Gallery): void {
  for (let start = 0; start < matrix.length; start += dimensions) {
    const problem = bytesProblem(matrix.subarray(start, start + dimensions));
    if (problem !== undefined) throw damaged(`reference ${start / dimensions + 1} ${problem}`);
  }
}

/** On a thread of the pool: 13 MB would hold up the one that reads load cells. */
async function sha256(bytes: Uint8Array): Promise<Buffer> {
  return Buffer.from(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}

function damaged(why: string): VisionError {
  return new VisionError('CW-VIS-009', `the gallery is not usable: ${why}`);
}

function at(path: string, error: unknown): unknown {
  if (!(error instanceof VisionError)) return error;
  return new VisionError(error.code, `${path}: ${error.message}`, { cause: error });
}
