import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { root } from '../../scripts/checks/tree.ts';

/** A network of a few weights in all three forms; test/fixtures/small-model/make.py made it. */
export const smallModel = join(root, 'test/fixtures/small-model');

/** A copy of it that a test may damage. */
export async function copyOfSmallModel(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-model-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await cp(smallModel, folder, { recursive: true });
  return folder;
}

interface Described {
  file: string;
  bytes: number;
  sha256: string;
}

/** The manifest as JSON, to be changed. */
export interface LooseManifest {
  space: string;
  input: { side: number };
  dimensions: number;
  files: { int8: Described; fp32: Described; tfjs: Described[] };
  [key: string]: unknown;
}

/** Changes the manifest of a folder; `rehash` makes it name the files as they are now. */
export async function changeManifest(
  folder: string,
  change: (manifest: LooseManifest) => void,
  rehash = false,
): Promise<void> {
  const path = join(folder, 'manifest.json');
  const manifest: LooseManifest = JSON.parse(await readFile(path, 'utf8'));
  change(manifest);
  if (rehash) {
    for (const one of [manifest.files.int8, manifest.files.fp32, ...manifest.files.tfjs]) {
      const bytes = await readFile(join(folder, one.file));
      one.bytes = bytes.length;
      one.sha256 = createHash('sha256').update(bytes).digest('hex');
    }
    manifest.space = manifest.files.fp32.sha256;
  }
  await writeFile(path, JSON.stringify(manifest));
}
