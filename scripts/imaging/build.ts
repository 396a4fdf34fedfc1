import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { publicKeyOf } from '#cli/key-files.ts';
import type { PrivateKey } from '#identity/keys.ts';
import type { Architecture } from '#updates/facts.ts';
import { openRelease } from '#updates/manifest.ts';
import { ReleaseFailure } from '../releasing/failure.ts';
import { run } from '../releasing/run.ts';
import { assemble, rootFileSystem } from './disk.ts';
import { type Plan, planImage } from './plan.ts';
import { writeRootArchive } from './root-archive.ts';
import { clampTimes, makeBase, makeRoot, type RootSources } from './root-tree.ts';

export interface BuildOptions extends RootSources {
  readonly arch: Architecture;
  /** Of the image; else the release's. */
  readonly version: string | undefined;
  readonly suite: string | undefined;
  readonly mirror: string | undefined;
  readonly morePackages: readonly string[];
  readonly kernelWords: readonly string[] | undefined;
  readonly rootMebibytes: number | undefined;
}

/** Settles what will be made. Rejects where the release is not for this processor or was not signed by the key. */
export async function readBuildPlan(options: BuildOptions): Promise<Plan> {
  const { version, arch, createdMs } = await factsOf(options);
  if (arch !== options.arch)
    throw new ReleaseFailure(`the release is for ${arch}, and the image for ${options.arch} (--arch)`);
  const asked = process.env.SOURCE_DATE_EPOCH;
  if (asked !== undefined && !/^\d{1,11}$/.test(asked))
    throw new ReleaseFailure(`SOURCE_DATE_EPOCH is '${asked}'; it has to be a number of seconds since 1970`);
  const setupPackages = await run(join(options.repository, 'scripts/setup'), [
    '--list-packages',
    ...(options.kiosk ? ['--kiosk'] : []),
  ]);
  return planImage({
    ...options,
    version: options.version ?? version,
    epoch: asked === undefined ? Math.floor(createdMs / 1_000) : Number(asked),
    setupPackages: setupPackages.split('\n').filter((name) => name !== ''),
    morePackages: [...options.morePackages, ...(options.sshKeys === undefined ? [] : ['openssh-server'])],
  });
}

async function factsOf({
  release,
  key,
}: BuildOptions): Promise<{ version: string; arch: Architecture; createdMs: number }> {
  if ((await stat(release)).isDirectory())
    return JSON.parse(await readFile(join(release, 'release.json'), 'utf8'));
  if (key === undefined)
    throw new ReleaseFailure('--key names the public key that the release archive is signed by');
  const description = await readFile(release.replace(/\.tar\.gz$/, '.release'));
  return openRelease(description, [await publicKeyOf(key)]);
}

/** Makes the image and, with a key, the root archive. Answers what was made and how it is called. */
export async function buildImage(
  plan: Plan,
  options: BuildOptions,
  scratch: string,
  signer: PrivateKey | undefined,
): Promise<[path: string, name: string][]> {
  const { log } = options;
  const { version, arch, epoch } = plan;
  const folders = {
    root: join(scratch, 'root'),
    data: join(scratch, 'data'),
    kernel: join(scratch, 'kernel'),
  };
  const base = await makeBase(plan, options, scratch);
  await makeRoot(plan, options, base, folders);
  for (const folder of Object.values(folders)) await clampTimes(folder, epoch);
  log('Making the file systems');
  const rootImage = await rootFileSystem(plan, folders.root, join(scratch, 'root.ext4'));
  const image = join(scratch, `cartwright-${version}-${arch}.img`);
  const loader = join(folders.root, plan.loader.from);
  await assemble(plan, { ...folders, rootImage, loader }, image, scratch);
  const made: [string, string][] = [[image, basename(image)]];
  if (signer === undefined) return made;
  log('Packing the root for devices that are in service');
  const archive = join(scratch, `cartwright-root-${version}-${arch}.cwroot`);
  const facts = { version, arch, createdMs: epoch * 1_000 };
  await writeRootArchive(archive, { fileSystem: rootImage, kernel: folders.kernel }, facts, signer);
  return [...made, [archive, basename(archive)]];
}
