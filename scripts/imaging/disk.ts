import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, stat, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { entriesFolder, entryFile, entryText, kernelFolder } from '#updates/slots/loader-entry.ts';
import { ReleaseFailure } from '../releasing/failure.ts';
import { run } from '../releasing/run.ts';
import {
  derivedUuid,
  layOut,
  mebibyte,
  type Partition,
  partitionFor,
  roomFor,
  sectorBytes,
  sfdiskScript,
  type Table,
} from './partitions.ts';
import { type Plan, seedOf } from './plan.ts';

/** Parts of an image, made and ready to be put together. */
export interface Parts {
  readonly root: string;
  readonly data: string;
  /** Folder with `linux` and `initrd`. */
  readonly kernel: string;
}

/** So much room beyond its content a data partition has before it is grown, MiB. */
const dataReserve = 128;

/** Makes the file system of a root in a file that is no longer than it has to be. Answers its path. */
export async function rootFileSystem(plan: Plan, folder: string, file: string): Promise<string> {
  const size = await neededFor(folder);
  if (size > plan.sizes.root) {
    throw new ReleaseFailure(
      `the root takes ${size} MiB, and its partition has ${plan.sizes.root}: --root-size ${size + 512}`,
    );
  }
  // No journal: it is mounted read-only for good.
  return await makeExt4(plan, folder, file, { size, label: 'cartwright-root', features: '^has_journal' });
}

async function makeExt4(
  plan: Plan,
  folder: string,
  file: string,
  { size, label, features }: { readonly size: number; readonly label: string; readonly features: string },
): Promise<string> {
  const id = derivedUuid(String(plan.epoch), plan.version, label);
  await writeFile(file, '');
  await truncate(file, size * mebibyte);
  const env = {
    ...process.env,
    E2FSPROGS_FAKE_TIME: String(plan.epoch),
    PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
  };
  await run(
    'mkfs.ext4',
    [
      ...['-q', '-F', '-O', features, '-m', '1', '-L', label, '-U', id, '-d', folder],
      ...['-E', `hash_seed=${id},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0`, file],
    ],
    { env },
  );
  return file;
}

async function neededFor(folder: string): Promise<number> {
  const bytes = Number((await run('du', ['-s', '-B1', folder])).split('\t')[0]);
  const files = (await run('find', [folder, '-printf', '.'])).length;
  return roomFor(bytes, files);
}

/** Puts an image together in `file`: no loop devices, no mounts, only files written into a file. */
export async function assemble(
  plan: Plan,
  parts: Parts & { readonly rootImage: string; readonly loader: string },
  file: string,
  scratch: string,
): Promise<Table> {
  const dataSize = (await neededFor(parts.data)) + dataReserve;
  const table = layOut({ ...plan.sizes, data: dataSize }, seedOf(plan));
  await writeFile(file, '');
  await truncate(file, table.sectors * sectorBytes);
  await feed('sfdisk', ['--quiet', '--no-reread', '--no-tell-kernel', file], sfdiskScript(table));
  const boot = await makeBoot(plan, table, parts, join(scratch, 'boot.fat'));
  await place(boot, file, partitionFor(table, 'boot'));
  await place(parts.rootImage, file, partitionFor(table, 'a'));
  const data = await makeExt4(plan, parts.data, join(scratch, 'data.ext4'), {
    size: dataSize,
    label: 'cartwright-data',
    features: 'has_journal',
  });
  await place(data, file, partitionFor(table, 'data'));
  return table;
}

async function makeBoot(
  plan: Plan,
  table: Table,
  { kernel, loader }: { readonly kernel: string; readonly loader: string },
  file: string,
): Promise<string> {
  const { sectors } = partitionFor(table, 'boot');
  await writeFile(file, '');
  await truncate(file, sectors * sectorBytes);
  const volume = derivedUuid(String(plan.epoch), 'fat').slice(0, 8);
  const env = {
    ...process.env,
    SOURCE_DATE_EPOCH: String(plan.epoch),
    MTOOLS_SKIP_CHECK: '1',
    PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
  };
  await run('mkfs.vfat', ['--invariant', '-F', '32', '-n', 'CARTWRIGHT', '-i', volume, file], { env });
  const texts = `${file}.texts`;
  await mkdir(texts);
  await writeFile(
    join(texts, 'loader.conf'),
    // No menu, no other systems, no changed command line: whoever stands before the cart is not its operator.
    'timeout 0\neditor no\nauto-entries no\nauto-firmware no\n',
  );
  await writeFile(
    join(texts, entryFile('a')),
    entryText({
      ...{ slot: 'a', version: plan.version, generation: 1, kernelWords: plan.kernelWords },
      rootId: partitionFor(table, 'a').id,
      dataId: partitionFor(table, 'data').id,
    }),
  );
  const folders = ['EFI', 'EFI/BOOT', 'loader', entriesFolder, 'cartwright', kernelFolder('a')];
  const files: [string, string][] = [
    [loader, plan.loader.to],
    [join(texts, 'loader.conf'), 'loader/loader.conf'],
    [join(texts, entryFile('a')), `${entriesFolder}/${entryFile('a')}`],
    ...['linux', 'initrd'].map((name): [string, string] => [
      join(kernel, name),
      `${kernelFolder('a')}/${name}`,
    ]),
  ];
  await run('touch', ['-d', `@${plan.epoch}`, ...files.map(([from]) => from)]);
  await run('mmd', ['-i', file, ...folders.map((name) => `::/${name}`)], { env });
  for (const [from, to] of files) await run('mcopy', ['-m', '-i', file, from, `::/${to}`], { env });
  return file;
}

/** Writes a file into its partition; what is zero in it stays a hole in the image. */
async function place(from: string, image: string, partition: Partition): Promise<void> {
  const { size } = await stat(from);
  if (size > partition.sectors * sectorBytes)
    throw new ReleaseFailure(`${basename(from)} does not fit the partition ${partition.name}`);
  const offset = (partition.startSector * sectorBytes) / mebibyte;
  await run('dd', [
    `if=${from}`,
    `of=${image}`,
    'bs=1M',
    `seek=${offset}`,
    'conv=notrunc,sparse',
    'status=none',
  ]);
}

/** Runs a program that reads what to do from its standard input. */
async function feed(program: string, args: readonly string[], text: string): Promise<void> {
  const child = spawn(program, args, {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  child.stdin.end(text);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new ReleaseFailure(`${program} failed (${code}): ${said.trim()}`);
}
