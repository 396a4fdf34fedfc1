import { globSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PublicKey } from '#identity/keys.ts';
import { unpack } from '#updates/archive.ts';
import { checkUnpacked } from '#updates/contents.ts';
import { openRelease } from '#updates/manifest.ts';
import { ReleaseFailure } from './failure.ts';
import { nameOf, sha256Of, sumsFile } from './make.ts';

/**
 * Checks what `makeRelease` left in a folder: signatures, archives (each is unpacked into a scratch folder and compared
 * file by file), bills of materials, sums. Rejects with what is wrong first; answers a line for each archive.
 */
export async function verifyRelease(folder: string, key: PublicKey): Promise<string[]> {
  const descriptions = globSync('*.release', { cwd: folder }).sort();
  if (descriptions.length === 0)
    throw new ReleaseFailure(`${folder} has no signed release (*.release); make one with --key`);
  const summed = await checkSums(folder);
  const lines: string[] = [];
  for (const description of descriptions) {
    const manifest = openRelease(await readFile(join(folder, description)), [key]);
    const name = nameOf(manifest.version, manifest.arch);
    if (description !== `${name}.release`)
      throw new ReleaseFailure(`${description} describes ${name}; it has the wrong name`);
    const scratch = await mkdtemp(join(tmpdir(), 'cartwright-verify-'));
    try {
      const target = join(scratch, manifest.version);
      await unpack(join(folder, `${name}.tar.gz`), target, manifest);
      await checkUnpacked(target);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    await checkBill(join(folder, `${name}.cdx.json`), manifest.sha256);
    for (const ending of ['tar.gz', 'release', 'cdx.json']) {
      if (!summed.has(`${name}.${ending}`))
        throw new ReleaseFailure(`${sumsFile} does not name ${name}.${ending}`);
    }
    lines.push(`${name}: signed by ${key.id}, ${manifest.bytes} bytes, unpacked ${manifest.unpackedBytes}`);
  }
  return lines;
}

/** Compares every file with its line; answers the names. */
async function checkSums(folder: string): Promise<ReadonlySet<string>> {
  const text = await readFile(join(folder, sumsFile), 'utf8').catch((cause: unknown) => {
    throw new ReleaseFailure(`${join(folder, sumsFile)} can't be read`, { cause });
  });
  const names = new Set<string>();
  for (const line of text.trimEnd().split('\n')) {
    const [, sum, name] = /^([0-9a-f]{64}) {2}([^/]+)$/.exec(line) ?? [];
    if (sum === undefined || name === undefined)
      throw new ReleaseFailure(`${sumsFile} has a line that is no sum: ${line}`);
    if ((await sha256Of(join(folder, name))) !== sum)
      throw new ReleaseFailure(`${name} is not what ${sumsFile} says: its SHA-256 differs`);
    names.add(name);
  }
  return names;
}

async function checkBill(path: string, sha256: string): Promise<void> {
  const bom = JSON.parse(await readFile(path, 'utf8')) as {
    specVersion?: string;
    metadata?: { component?: { hashes?: { content?: string }[] } };
  };
  if (bom.specVersion !== '1.6' || bom.metadata?.component?.hashes?.[0]?.content !== sha256)
    throw new ReleaseFailure(`${path} is not the bill of materials of this archive`);
}
