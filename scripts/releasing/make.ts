import { createHash } from 'node:crypto';
import { createReadStream, globSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { PrivateKey } from '#identity/keys.ts';
import type { Architecture, ReleaseFacts } from '#updates/facts.ts';
import { encodeRelease } from '#updates/manifest.ts';
import { readImage } from '../firmware/image.ts';
import { licencesFile, licencesText } from './licences.ts';
import { type Item, type Packed, pack } from './pack.ts';
import { installPackages, packageItems, type Shipped, shippedPackages } from './packages.ts';
import { billOfMaterials } from './sbom.ts';
import { buildPages, exportTree, type Origin, timeOf, treeItems } from './tree.ts';

export interface MakeOptions {
  readonly repository: string;
  readonly origin: Origin;
  readonly architectures: readonly Architecture[];
  readonly out: string;
  /** Where installed packages are kept for the next time. */
  readonly cache: string;
  /** Signs; without it nothing is signed. */
  readonly key?: PrivateKey;
  /** In place of package.json's. */
  readonly version?: string;
  /** The lowest version that may update to it. */
  readonly from?: string;
  readonly log: (line: string) => void;
}

export interface Made extends Packed {
  readonly arch: Architecture;
  readonly archive: string;
}

export const sumsFile = 'SHA256SUMS';

/** The name of everything that belongs to one archive, without its ending. */
export function nameOf(version: string, arch: Architecture): string {
  return `cartwright-${version}-linux-${arch}`;
}

/** Makes archives, bills of materials, signatures and sums. Rejects with ReleaseFailure, or a coded error. */
export async function makeRelease(options: MakeOptions): Promise<Made[]> {
  const { repository, origin, out, log } = options;
  const scratch = await mkdtemp(join(tmpdir(), 'cartwright-release-'));
  try {
    const tree = join(scratch, 'tree');
    await mkdir(tree);
    log('Exporting the sources');
    await exportTree(repository, origin, tree);
    log('Building the pages');
    await buildPages(repository, tree);
    await mkdir(out, { recursive: true });
    const createdMs = await timeOf(repository, origin, process.env);
    const made: Made[] = [];
    for (const arch of options.architectures)
      made.push(await makeOne(options, tree, await factsOf(tree, arch, createdMs, options)));
    const [{ arch } = { arch: 'x64' as const }] = made;
    await writeSums(out, (await factsOf(tree, arch, createdMs, options)).version);
    return made;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Facts = Omit<ReleaseFacts, 'unpackedBytes'>;

async function factsOf(
  tree: string,
  arch: Architecture,
  createdMs: number,
  { version, from }: Pick<MakeOptions, 'version' | 'from'>,
): Promise<Facts> {
  const { version: own } = JSON.parse(await readFile(join(tree, 'package.json'), 'utf8')) as {
    version: string;
  };
  const images = globSync('boards/firmware/*/*.hex', { cwd: tree }).sort();
  return {
    release: 1,
    version: version ?? own,
    arch,
    createdMs,
    firmware: Object.fromEntries(
      images.map((path) => [basename(dirname(path)), readImage(join(tree, path)).version]),
    ),
    formats: await formatsOf(tree),
    ...(from === undefined ? {} : { from }),
  };
}

/** The formats that the exported sources write, which need not be those of the sources that run here. */
async function formatsOf(tree: string): Promise<ReleaseFacts['formats']> {
  const load = async (path: string) => (await import(join(tree, path))) as Record<string, unknown>;
  const { configFormat } = (await load('src/config/migrate.ts')) as { configFormat: { current: number } };
  const { outboxFormat } = (await load('src/uplink/outbox-file.ts')) as { outboxFormat: number };
  const { calibrationRecordFormat } = (await load('src/calibration/store/record.ts')) as {
    calibrationRecordFormat: number;
  };
  return {
    configuration: configFormat.current,
    outbox: outboxFormat,
    calibration: calibrationRecordFormat,
  };
}

async function makeOne(options: MakeOptions, tree: string, facts: Facts): Promise<Made> {
  const { arch, version } = facts;
  const { cache, log } = options;
  log(`Installing the packages of linux-${arch}`);
  const packages = await shippedPackages(await installPackages(tree, cache, arch), arch);
  log(`Packing ${nameOf(version, arch)}.tar.gz`);
  const items = [...(await treeItems(tree, version)), ...(await packageItems(packages, arch))];
  const { dependencies, optionalDependencies } = JSON.parse(
    await readFile(join(tree, 'package.json'), 'utf8'),
  ) as Record<string, Record<string, string>>;
  const direct = Object.keys({ ...dependencies, ...optionalDependencies });
  return await writeArchive(options, facts, { items, packages, direct });
}

/** What an archive is made of: its files, the packages that some of them are, and which of these ours ask for. */
export interface Ingredients {
  readonly items: readonly Item[];
  readonly packages: readonly Shipped[];
  readonly direct: readonly string[];
}

/** Writes archive, bill of materials and, with a key, signature. */
export async function writeArchive(
  { out, key }: Pick<MakeOptions, 'out' | 'key'>,
  facts: Facts,
  { items, packages, direct }: Ingredients,
): Promise<Made> {
  const { arch, version } = facts;
  const base = join(out, nameOf(version, arch));
  const archive = `${base}.tar.gz`;
  for (const ending of ['.tar.gz', '.release', '.cdx.json']) await rm(base + ending, { force: true });
  const licences = { path: licencesFile, text: await licencesText(packages), executable: false };
  const packed = await pack([...items, licences], facts, archive);
  await writeFile(`${base}.cdx.json`, await billOfMaterials(facts, packed, packages, direct));
  if (key !== undefined) {
    const { bytes, sha256, unpackedBytes } = packed;
    await writeFile(`${base}.release`, encodeRelease({ ...facts, bytes, sha256, unpackedBytes }, key));
  }
  return { ...packed, arch, archive };
}

/** The sums of everything in `out` that is of this version, in the form that `sha256sum --check` reads. */
export async function writeSums(out: string, version: string): Promise<void> {
  const names = globSync(`cartwright-${version}-linux-*.{tar.gz,release,cdx.json}`, { cwd: out }).sort();
  const lines: string[] = [];
  for (const name of names) lines.push(`${await sha256Of(join(out, name))}  ${name}\n`);
  await writeFile(join(out, sumsFile), lines.join(''));
}

/** SHA-256 of a file, lower-case hexadecimal. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
