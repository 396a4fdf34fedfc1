import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { isCoded } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { type PublicKey, readPublicPem } from '#identity/keys.ts';
import { unpack } from './archive.ts';
import { checkUnpacked } from './contents.ts';
import { UpdateError } from './errors.ts';
import { factsText } from './facts.ts';
import { mustRunOn, openRelease, type ReleaseManifest } from './manifest.ts';
import type { Places } from './places.ts';
import { incomingPath } from './places.ts';
import type { UpdaterState } from './state.ts';
import { kept } from './state.ts';
import { versionsIn } from './state-file.ts';
import { openBelow } from './untrusted.ts';
import { compareVersions } from './versions.ts';

/** What is left free on the disk beside a release, bytes: the gateway's events need room, too. */
const reserveBytes = 64 * 1024 * 1024;
const chunkBytes = 1024 * 1024;

/** The keys whose releases this device takes. Rejects with CW-UPD-035. */
export async function releaseKeys(folder: string): Promise<readonly PublicKey[]> {
  try {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.pem')).sort();
    const keys = await Promise.all(
      names.map(async (name) => readPublicPem(await readFile(join(folder, name), 'utf8'))),
    );
    if (keys.length > 0) return keys;
    throw new Error('there is none');
  } catch (cause) {
    throw new UpdateError(
      'CW-UPD-035',
      `no key in ${folder} can be used: ${plainCause(cause)}; put the release maker's public key (PEM) there`,
      { cause },
    );
  }
}

/** Reads the signed description of a release and checks that it may run here after `good`. Rejects with CW-UPD-0xx. */
export async function admit(places: Places, bytes: Uint8Array, good: string): Promise<ReleaseManifest> {
  const manifest = openRelease(bytes, await releaseKeys(places.releaseKeys));
  mustRunOn(manifest, process.arch);
  const { version, from } = manifest;
  if (from !== undefined && compareVersions(good, from) < 0) {
    throw new UpdateError(
      'CW-UPD-029',
      `release ${version} takes over from ${from} or newer, and ${good} is in service; update to ${from} first`,
    );
  }
  return manifest;
}

/**
 * Makes a release complete on the disk, from an archive that the gateway fetched; nothing to do where it is there. The
 * archive is copied out of the gateway's reach before anything of it is looked at. Rejects with coded errors, and leaves
 * nothing behind then.
 */
export async function unpackFetched(
  places: Places,
  manifest: ReleaseManifest,
  archive: string,
  state: UpdaterState,
): Promise<void> {
  const folder = join(places.releases, manifest.version);
  if (await isThere(folder, manifest)) return;
  if (kept(state).has(manifest.version) && state.staged?.version !== manifest.version) {
    throw new UpdateError(
      'CW-UPD-022',
      `release ${manifest.version} is one that this device needs; it is not replaced`,
    );
  }
  await rm(folder, { recursive: true, force: true });
  await requireRoom(places, manifest);
  const copy = join(places.own, 'archive.part');
  try {
    await copyArchive(places, manifest, archive, copy);
    await unpack(copy, folder, manifest);
  } finally {
    await rm(copy, { force: true });
  }
}

/** Removes releases that nothing needs, and what was left half done. */
export async function prune(places: Places, state: UpdaterState): Promise<void> {
  const needed = kept(state);
  for (const version of await versionsIn(places.releases)) {
    if (!needed.has(version)) await rm(join(places.releases, version), { recursive: true, force: true });
  }
  const parts = (await readdir(places.releases).catch(() => [])).filter((name) => /^\..*\.part$/.test(name));
  for (const name of parts) await rm(join(places.releases, name), { recursive: true, force: true });
  await rm(join(places.own, 'archive.part'), { force: true });
}

async function isThere(folder: string, manifest: ReleaseManifest): Promise<boolean> {
  const contents = await checkUnpacked(folder).catch(() => undefined);
  return contents !== undefined && factsText(contents) === factsText(manifest);
}

async function requireRoom(
  places: Places,
  { version, bytes, unpackedBytes }: ReleaseManifest,
): Promise<void> {
  await mkdir(places.own, { recursive: true });
  const { bavail, bsize } = await statfs(places.releases).catch(async () => {
    await mkdir(places.releases, { recursive: true });
    return statfs(places.releases);
  });
  const free = bavail * bsize;
  const needed = bytes + unpackedBytes + reserveBytes;
  if (free >= needed) return;
  throw new UpdateError(
    'CW-UPD-031',
    `release ${version} needs ${megabytes(needed)} MB, and ${megabytes(free)} MB are free below ${places.releases}; make room`,
  );
}

const megabytes = (bytes: number) => Math.ceil(bytes / 1_000_000);

async function copyArchive(
  places: Places,
  manifest: ReleaseManifest,
  name: string,
  to: string,
): Promise<void> {
  const { bytes, version } = manifest;
  const source = await openBelow(places.data, [...incomingPath, name]).catch((cause: unknown) => {
    throw new UpdateError(
      'CW-UPD-010',
      `the archive of release ${version} (${name}) can't be read: ${plainCause(cause)}`,
      { cause },
    );
  });
  try {
    await rm(to, { force: true });
    const { O_WRONLY, O_CREAT, O_EXCL } = constants;
    const target = await open(to, O_WRONLY | O_CREAT | O_EXCL, 0o600);
    try {
      const buffer = Buffer.alloc(chunkBytes);
      for (let at = 0; ; ) {
        const { bytesRead } = await source.read(buffer, 0, chunkBytes, at);
        if (bytesRead === 0) break;
        at += bytesRead;
        if (at > bytes)
          throw new UpdateError(
            'CW-UPD-011',
            `the archive of release ${version} has more than the ${bytes} bytes that are signed`,
          );
        await target.writeFile(buffer.subarray(0, bytesRead));
      }
    } finally {
      await target.close();
    }
  } catch (cause) {
    if (isCoded(cause)) throw cause;
    throw new UpdateError(
      'CW-UPD-031',
      `the archive of release ${version} can't be copied: ${plainCause(cause)}; make room`,
      { cause },
    );
  } finally {
    await source.close();
  }
}
