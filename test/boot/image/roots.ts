import { copyFile, mkdir, open, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '#test/hil/machine/build.ts';
import { layOut, mebibyte, partitionFor, sectorBytes } from '../../../scripts/imaging/partitions.ts';
import { writeRootArchive } from '../../../scripts/imaging/root-archive.ts';
import type { BuiltImage } from './prepare.ts';

/** What is done to a root, in the words of `debugfs`. */
export interface Change {
  readonly version: string;
  /** Seconds that it is younger than the image. */
  readonly youngerS: number;
  readonly edits: readonly string[];
}

/** Where the boot partition begins in an image, for mtools. */
export function bootOffset({ plan }: BuiltImage): number {
  const { startSector } = partitionFor(layOut({ ...plan.sizes, data: 1 }, ''), 'boot');
  return startSector * sectorBytes;
}

/** Takes the root out of an image, changes it, and signs it as a root archive. Answers its path. */
export async function makeRoot(image: BuiltImage, folder: string, change: Change): Promise<string> {
  const { plan, file, key } = image;
  const kernel = join(folder, 'kernel');
  await mkdir(kernel, { recursive: true });
  for (const part of ['linux', 'initrd']) {
    const from = `::/cartwright/a/${part}`;
    await command('mcopy', ['-n', '-i', `${file}@@${bootOffset(image)}`, from, join(kernel, part)]);
  }
  const original = join(folder, 'root.ext4');
  await takeRoot(image, original);
  const changed = join(folder, `${change.version}.ext4`);
  await copyFile(original, changed);
  const createdMs = (plan.epoch + change.youngerS) * 1_000;
  const facts = { version: change.version, arch: plan.arch, createdMs };
  await writeFile(join(folder, 'image.json'), `${JSON.stringify({ image: 1, ...facts })}\n`);
  const script = join(folder, 'edits');
  const place = '/usr/lib/cartwright/image.json';
  await writeFile(
    script,
    [`rm ${place}`, `write ${join(folder, 'image.json')} ${place}`, ...change.edits, ''].join('\n'),
  );
  await command('debugfs', ['-w', '-f', script, changed]);
  const archive = join(folder, `${change.version}.cwroot`);
  await writeRootArchive(archive, { fileSystem: changed, kernel }, facts, key);
  // A disk is of whole sectors.
  await truncate(archive, Math.ceil((await sizeOf(archive)) / mebibyte) * mebibyte);
  for (const path of [original, changed, `${archive}.zst`]) await rm(path, { force: true });
  return archive;
}

async function takeRoot({ file, plan }: BuiltImage, target: string): Promise<void> {
  const { startSector } = partitionFor(layOut({ ...plan.sizes, data: 1 }, ''), 'a');
  const offset = startSector * sectorBytes;
  const bytes = await lengthOfExt4(file, offset);
  await command('dd', [
    ...[`if=${file}`, `of=${target}`, 'bs=1M', `skip=${offset / mebibyte}`, `count=${bytes / mebibyte}`],
    ...['conv=sparse', 'status=none'],
  ]);
}

/** Length of an ext4 file system by its superblock: blocks (at 4) of 2^(10 + n) bytes (n at 24). */
async function lengthOfExt4(path: string, offset: number): Promise<number> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(64), 0, 64, offset + 1_024);
    return buffer.readUInt32LE(4) * 2 ** (10 + buffer.readUInt32LE(24));
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number> {
  const file = await open(path, 'r');
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}
