import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeRecord } from '#events/codec.ts';
import { releaseNotice } from '#events/mqtt-payloads.ts';
import { readPrivatePem } from '#identity/keys.ts';
import { makeRelease, nameOf } from '../../scripts/releasing/make.ts';
import { type Bench, store } from './bench.ts';
import type { Watch } from './watch.ts';

const repository = join(import.meta.dirname, '../..');
/** The release that machines are updated to: the same sources under a higher number. */
export const nextVersion = '0.1.1';
const name = nameOf(nextVersion, 'x64');
/** Where a machine finds it that was booted with `shares: { next }`, as on a stick. */
const inBox = `file:///mnt/next/${name}.tar.gz`;

/** The folder with it, signed by the key of the one that is installed. */
export async function nextRelease(bench: Bench): Promise<string> {
  const release = await bench.release('x64');
  const out = join(release, 'next');
  if (existsSync(join(out, `${name}.release`))) return out;
  await mkdir(out, { recursive: true });
  await makeRelease({
    repository,
    origin: { workingTree: true },
    architectures: ['x64'],
    out,
    cache: join(repository, '.cache/release'),
    key: readPrivatePem(await readFile(join(release, 'release-key.pem'), 'utf8')),
    version: nextVersion,
    log: bench.log,
  });
  return out;
}

/** Offers it to all devices of the store, as `cartwright release publish` does. */
export async function offerNext(watch: Watch, folder: string): Promise<void> {
  const release = await readFile(join(folder, `${name}.release`));
  const notice = { version: nextVersion, releases: [{ release, urls: [inBox] }] };
  await watch.retain(`cw/1/${store}/_store/release`, encodeRecord(releaseNotice, notice));
}
