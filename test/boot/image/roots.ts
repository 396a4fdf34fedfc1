import { mkdir, open, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '#test/hil/machine/build.ts';
import type { Architecture } from '#updates/facts.ts';
import { entriesFolder, entryText, kernelFolder, trialFile } from '#updates/slots/loader-entry.ts';
import { layOut, mebibyte, partitionFor, sectorBytes } from '../../../scripts/imaging/partitions.ts';
import { seedOf } from '../../../scripts/imaging/plan.ts';
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
export function bootOffset(image: BuiltImage): number {
  const { startSector } = partitionFor(tableOf(image), 'boot');
  return startSector * sectorBytes;
}

/** A root that was taken out of an image and changed. */
interface ChangedRoot {
  readonly fileSystem: string;
  /** Folder with `linux` and `initrd`. */
  readonly kernel: string;
  readonly facts: { readonly version: string; readonly arch: Architecture; readonly createdMs: number };
}

/** Edits that put a file of this content into a root; the folder is there already. */
export async function addFile(scratch: string, path: string, content: string): Promise<string[]> {
  const own = join(scratch, path.slice(1).replaceAll('/', '-'));
  await writeFile(own, content);
  return [`write ${own} ${path}`];
}

async function changeRoot(image: BuiltImage, folder: string, change: Change): Promise<ChangedRoot> {
  const { plan, file } = image;
  const kernel = join(folder, 'kernel');
  await mkdir(kernel, { recursive: true });
  for (const part of ['linux', 'initrd']) {
    const from = `::/cartwright/a/${part}`;
    await command('mcopy', ['-n', '-o', '-i', `${file}@@${bootOffset(image)}`, from, join(kernel, part)]);
  }
  const fileSystem = join(folder, `${change.version}.ext4`);
  await takeRoot(image, fileSystem);
  const createdMs = (plan.epoch + change.youngerS) * 1_000;
  const facts = { version: change.version, arch: plan.arch, createdMs };
  await writeFile(join(folder, 'image.json'), `${JSON.stringify({ image: 1, ...facts })}\n`);
  const script = join(folder, 'edits');
  const place = '/usr/lib/cartwright/image.json';
  await writeFile(
    script,
    [`rm ${place}`, `write ${join(folder, 'image.json')} ${place}`, ...change.edits, ''].join('\n'),
  );
  await command('debugfs', ['-w', '-f', script, fileSystem]);
  return { fileSystem, kernel, facts };
}

/** Takes the root out of an image, changes it, and signs it as a root archive. Answers its path. */
export async function makeRoot(image: BuiltImage, folder: string, change: Change): Promise<string> {
  const { fileSystem, kernel, facts } = await changeRoot(image, folder, change);
  const archive = join(folder, `${change.version}.cwroot`);
  await writeRootArchive(archive, { fileSystem, kernel }, facts, image.key);
  // A disk is of whole sectors.
  await truncate(archive, Math.ceil((await sizeOf(archive)) / mebibyte) * mebibyte);
  for (const path of [fileSystem, `${archive}.zst`]) await rm(path, { force: true });
  return archive;
}

/** Puts a changed root into slot b of a card, on trial, as the device itself leaves it. */
export async function plantRoot(
  image: BuiltImage,
  disk: string,
  folder: string,
  change: Change,
): Promise<void> {
  const { fileSystem, kernel, facts } = await changeRoot(image, folder, change);
  const table = tableOf(image);
  const seek = (partitionFor(table, 'b').startSector * sectorBytes) / mebibyte;
  await command('dd', [
    `if=${fileSystem}`,
    `of=${disk}`,
    'bs=1M',
    `seek=${seek}`,
    'conv=notrunc',
    'status=none',
  ]);
  const entry = join(folder, 'entry');
  const ids = { rootId: partitionFor(table, 'b').id, dataId: partitionFor(table, 'data').id };
  const { version } = facts;
  const { kernelWords } = image.plan;
  await writeFile(entry, entryText({ slot: 'b', version, generation: 2, kernelWords, ...ids }));
  const drive = `${disk}@@${bootOffset(image)}`;
  await command('mmd', ['-i', drive, `::/${kernelFolder('b')}`]);
  for (const part of ['linux', 'initrd'])
    await command('mcopy', ['-i', drive, join(kernel, part), `::/${kernelFolder('b')}/${part}`]);
  await command('mcopy', ['-i', drive, entry, `::/${entriesFolder}/${trialFile('b')}`]);
  const trial = {
    slot: 'b',
    back: 'a',
    version,
    sha256: '',
    sinceMs: 0,
    brokerAway: false,
    gatewayAway: false,
  };
  const state = join(folder, 'state.json');
  await writeFile(state, JSON.stringify({ state: 1, trial, failed: [] }));
  const data = partitionFor(table, 'data').startSector * sectorBytes;
  await command('debugfs', ['-w', '-R', `write ${state} /slots/state.json`, `${disk}?offset=${data}`]);
  await rm(fileSystem);
}

/** How the image is divided; the size of its data partition, which comes last, does not matter here. */
function tableOf({ plan }: BuiltImage) {
  return layOut({ ...plan.sizes, data: 1 }, seedOf(plan));
}

async function takeRoot(image: BuiltImage, target: string): Promise<void> {
  const { file } = image;
  const { startSector } = partitionFor(tableOf(image), 'a');
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
