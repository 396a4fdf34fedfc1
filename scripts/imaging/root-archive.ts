import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import type { PrivateKey } from '#identity/keys.ts';
import { archiveHead } from '#updates/slots/root-archive.ts';
import { encodeRootManifest, type RootManifest } from '#updates/slots/root-manifest.ts';

/** SHA-256 and length of a file. */
async function measure(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return { bytes: (await stat(path)).size, sha256: hash.digest('hex') };
}

/**
 * Writes a signed root archive: what a device puts into the slot that it does not run from. `kernel` holds `linux` and
 * `initrd`; `fileSystem` is the root's.
 */
export async function writeRootArchive(
  target: string,
  { fileSystem, kernel }: { readonly fileSystem: string; readonly kernel: string },
  facts: Pick<RootManifest, 'version' | 'arch' | 'createdMs'>,
  key: PrivateKey,
): Promise<RootManifest> {
  const packed = `${target}.zst`;
  const zstd = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 9 } });
  await pipeline(createReadStream(fileSystem, { highWaterMark: 1 << 20 }), zstd, createWriteStream(packed));
  const { version, arch, createdMs } = facts;
  const manifest: RootManifest = {
    ...{ root: 1, version, arch, createdMs },
    linux: await measure(join(kernel, 'linux')),
    initrd: await measure(join(kernel, 'initrd')),
    fileSystem: { ...(await measure(packed)), unpacked: await measure(fileSystem) },
  };
  const parts = [join(kernel, 'linux'), join(kernel, 'initrd'), packed];
  await pipeline(
    async function* () {
      yield archiveHead(encodeRootManifest(manifest, key));
      for (const part of parts) yield* createReadStream(part, { highWaterMark: 1 << 20 });
    },
    createWriteStream(target, { flush: true }),
  );
  return manifest;
}
