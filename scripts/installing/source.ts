import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { type PublicKey, readPublicPem } from '#identity/keys.ts';
import { unpack } from '#updates/archive.ts';
import { checkUnpacked, contentsFile, type ReleaseContents } from '#updates/contents.ts';
import { openRelease } from '#updates/manifest.ts';
import { SetupError } from './errors.ts';
import type { Options } from './options.ts';

/** A release that was unpacked and compared with its list of files. */
export interface Source {
  readonly folder: string;
  readonly contents: ReleaseContents;
  /** Where it came from, for the plan. */
  readonly described: string;
  /** Removes what was unpacked for this run. */
  readonly close: () => Promise<void>;
}

/** The folder that this script belongs to. */
const own = resolve(import.meta.dirname, '../..');

/**
 * The release to set up: the folder of this script, or what `--from` names. Rejects with CW-SYS-008 where that is a copy
 * of the sources, -009 where it is not whole or its signature does not hold.
 */
export async function openSource(options: Pick<Options, 'from' | 'keys' | 'root'>): Promise<Source> {
  const { from } = options;
  if (from !== undefined && existsSync(from) && statSync(from).isFile()) return openArchive(from, options);
  const folder = from === undefined ? own : resolve(from);
  if (!existsSync(join(folder, contentsFile)))
    throw new SetupError(
      'CW-SYS-008',
      from === undefined
        ? 'these are the sources, without the parts of a release: make an archive with scripts/release, or name one (--from cartwright-VERSION-linux-ARCH.tar.gz)'
        : `${from} is neither an archive nor a folder with a release in it`,
    );
  const contents = await checkUnpacked(folder).catch((cause: unknown) => {
    throw notWhole(describeError(cause), cause);
  });
  return { folder, contents, described: folder, close: async () => {} };
}

/** This script's own folder, whatever state it is in: what was set up can be taken off all the same. */
export function ownSource(): Source {
  const nothing: ReleaseContents = {
    release: 1,
    version: '0.0.0',
    arch: 'x64',
    unpackedBytes: 0,
    createdMs: 0,
    firmware: {},
    formats: { configuration: 0, outbox: 0, calibration: 0 },
    files: {},
    links: {},
  };
  return { folder: own, contents: nothing, described: own, close: async () => {} };
}

async function openArchive(archive: string, { keys, root }: Pick<Options, 'keys' | 'root'>): Promise<Source> {
  const description = archive.replace(/\.tar\.gz$/, '.release');
  const signed = await readFile(description).catch((cause: unknown) => {
    throw notWhole(
      `its signed description ${description} can't be read (${plainCause(cause)}); it lies beside the archive where that came from. An archive that was made without a key is unpacked with tar, and set up from its folder`,
      cause,
    );
  });
  const trusted = [...keys.map(readReleaseKey), ...keysOnDevice(root)];
  if (trusted.length === 0)
    throw notWhole("nobody's signature is trusted yet: name the maker's public key (--key FILE.pem)");
  // Not /tmp, which lies in memory on a device and is smaller than a release.
  const folder = await mkdtemp('/var/tmp/cartwright-setup-');
  const close = () => rm(folder, { recursive: true, force: true });
  try {
    const manifest = openRelease(signed, trusted);
    const target = join(folder, manifest.version);
    await unpack(archive, target, manifest);
    return { folder: target, contents: await checkUnpacked(target), described: archive, close };
  } catch (cause) {
    await close();
    throw notWhole(describeError(cause), cause);
  }
}

/** A public key of whoever makes releases. Throws CW-SYS-013. */
export function readReleaseKey(path: string): PublicKey {
  try {
    const key = readPublicPem(readFileSync(path, 'utf8'));
    if (key.algorithm === 'Ed25519') return key;
  } catch (cause) {
    throw new SetupError('CW-SYS-013', `${path} is no public key in PEM: ${describeError(cause)}`, { cause });
  }
  throw new SetupError('CW-SYS-013', `${path} is no Ed25519 key; releases are signed with no other kind`);
}

function keysOnDevice(root: string): PublicKey[] {
  const folder = join(root, 'etc/cartwright/release-keys');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.pem'))
    .map((name) => readReleaseKey(join(folder, name)));
}

function notWhole(why: string, cause?: unknown): SetupError {
  return new SetupError('CW-SYS-009', `the release can't be used: ${why}`, { cause });
}
