import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { VisionError } from '../errors.ts';
import { type ModelManifest, manifestSchema } from './manifest.ts';

/** A model's folder and what its manifest says; the files themselves are read when a backend needs them. */
export interface Model {
  readonly folder: string;
  readonly manifest: ModelManifest;
  /** The form of the network that was asked for by the name of its file. */
  readonly asked?: keyof ModelManifest['files'] | undefined;
}

type ModelFile = ModelManifest['files']['int8'];

const manifestName = 'manifest.json';
/** Largest manifest and largest file of a model that are read. */
const maximumManifestBytes = 1024 * 1024;
const maximumModelBytes = 256 * 1024 * 1024;

/**
 * Reads a model's manifest. `path` is its folder, the manifest in it, or one of the files that it names. Rejects with
 * CW-VIS-001 where it is missing, with CW-VIS-003 where it is not valid or does not name the file that was asked for.
 */
export async function loadModel(path: string): Promise<Model> {
  const kind = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (kind.isDirectory()) return { folder: path, manifest: await readManifest(join(path, manifestName)) };
  const folder = dirname(path);
  if (path.endsWith('.json') && !basename(path).startsWith('tfjs')) {
    return { folder, manifest: await readManifest(path) };
  }
  const manifest = await readManifest(join(folder, manifestName));
  return { folder, manifest, asked: formOf(manifest, path) };
}

function formOf({ files }: ModelManifest, path: string): keyof ModelManifest['files'] {
  const name = basename(path);
  if (files.int8.file === name) return 'int8';
  if (files.fp32.file === name) return 'fp32';
  if (files.tfjs.some(({ file }) => file === name)) return 'tfjs';
  throw new VisionError(
    'CW-VIS-003',
    `the manifest beside ${path} does not name ${name}; give the model's folder, or a file of its manifest`,
  );
}

async function readManifest(path: string): Promise<ModelManifest> {
  const bytes = await readLimited(path, maximumManifestBytes);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new VisionError('CW-VIS-003', `${path} is not JSON: ${describeError(error)}`, { cause: error });
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    const where = first === undefined || first.path.length === 0 ? 'it' : first.path.join('.');
    throw new VisionError('CW-VIS-003', `${path}: ${where}: ${first?.message ?? 'is not valid'}`);
  }
  const { space, files } = parsed.data;
  if (space !== files.fp32.sha256) {
    throw new VisionError(
      'CW-VIS-003',
      `${path}: space must be the hash of ${files.fp32.file}, since embeddings are compared by it`,
    );
  }
  return parsed.data;
}

/**
 * The bytes of a file of the model, which are those that the manifest means. Rejects with CW-VIS-001 where it can not
 * be read, with CW-VIS-002 where size or SHA-256 differ.
 */
export async function readModelFile({ folder }: Pick<Model, 'folder'>, file: ModelFile): Promise<Uint8Array> {
  const path = join(folder, file.file);
  const bytes = await readLimited(path, maximumModelBytes);
  if (bytes.length !== file.bytes)
    throw wrongFile(path, `has ${bytes.length} bytes in place of ${file.bytes}`);
  const hash = createHash('sha256').update(bytes).digest('hex');
  if (hash !== file.sha256) throw wrongFile(path, `has the SHA-256 ${hash} in place of ${file.sha256}`);
  return bytes;
}

function wrongFile(path: string, found: string): VisionError {
  return new VisionError(
    'CW-VIS-002',
    `${path} ${found}: it is damaged or of another version; install the model again`,
  );
}

function unreadable(path: string, error: unknown): VisionError {
  return new VisionError('CW-VIS-001', `${path} could not be read: ${plainCause(error)}`, { cause: error });
}

async function readLimited(path: string, most: number): Promise<Uint8Array> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size <= most) return await file.readFile();
    throw new VisionError('CW-VIS-001', `${path} has ${size} bytes; at most ${most} are read`);
  } catch (error) {
    throw error instanceof VisionError ? error : unreadable(path, error);
  }
}
