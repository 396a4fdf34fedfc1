import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { describeError } from '#base/errors.ts';
import { UpdateError } from './errors.ts';
import { mostUnpackedBytes, releaseFacts } from './facts.ts';
import { faultOfPath, foldedPath, refusedEntry, targetOfLink } from './paths.ts';

/** The list of a release's files, in its top folder. It is the one file that it does not list. */
export const contentsFile = 'release.json';
/** A list of some thousand files is half a megabyte. */
export const longestContents = 16 * 1024 * 1024;

const contentsSchema = releaseFacts.extend({
  /** Every file by its path from the release's top. */
  files: z.record(
    z.string(),
    z.strictObject({
      bytes: z.number().int().min(0).max(mostUnpackedBytes),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      executable: z.literal(true).optional(),
    }),
  ),
  /** Every symbolic link, and where it leads: to a file of the release. */
  links: z.record(z.string(), z.string().min(1).max(100)),
});

/** What is in a release. */
export type ReleaseContents = z.infer<typeof contentsSchema>;
export type ListedFile = ReleaseContents['files'][string];

/** The text of a list, with its names in order. */
export function writeContents(contents: ReleaseContents): string {
  const sorted = <Value>(record: Readonly<Record<string, Value>>) =>
    Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
  const { files, links, ...facts } = checked(contents);
  return `${JSON.stringify({ ...facts, files: sorted(files), links: sorted(links) }, null, 1)}\n`;
}

/** Reads a list. Throws CW-UPD-015 where it is none, -012 for a path or a link that no release has, -013 for a name that is there twice. */
export function readContents(text: string): ReleaseContents {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unreadable(`it is not JSON (${describeError(cause)})`, cause);
  }
  return checked(value);
}

/**
 * Compares an unpacked release with its list, file by file, and answers the list. Rejects with CW-UPD-015 where there is
 * none that can be read, -017 where files are missing, changed, or not of it.
 */
export async function checkUnpacked(folder: string): Promise<ReleaseContents> {
  const text = await readFile(join(folder, contentsFile), 'utf8').catch((cause: unknown) => {
    throw unreadable(`${join(folder, contentsFile)}: ${describeError(cause)}`, cause);
  });
  const contents = readContents(text);
  const wanted = new Set([...Object.keys(contents.files), ...Object.keys(contents.links)]);
  const folders = foldersOf(wanted);
  const findings: string[] = [];
  const walk = async (inside: string): Promise<void> => {
    for (const name of (await readdir(join(folder, inside))).sort()) {
      const path = inside === '' ? name : `${inside}/${name}`;
      const full = join(folder, path);
      const status = await lstat(full);
      if (status.isDirectory() && folders.has(path)) await walk(path);
      else if (wanted.delete(path)) {
        const [file, link] = [contents.files[path], contents.links[path]];
        const fault =
          file === undefined ? await faultOfLink(full, status, link) : await faultOfFile(full, status, file);
        if (fault !== undefined) findings.push(`${path}: ${fault}`);
      } else if (path !== contentsFile) findings.push(`${path}: it is not of this release`);
    }
  };
  await walk('');
  for (const path of wanted) findings.push(`${path}: it is missing`);
  if (findings.length === 0) return contents;
  const more = findings.length > 3 ? `, and ${findings.length - 3} more` : '';
  throw new UpdateError(
    'CW-UPD-017',
    `${folder} is not release ${contents.version} as it was made: ${findings.slice(0, 3).join('; ')}${more}; unpack the archive again`,
    { details: { findings: findings.slice(0, 100) } },
  );
}

/** The folders that these paths lie in. */
export function foldersOf(paths: Iterable<string>): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) folders.add(path.slice(0, at));
  }
  return folders;
}

type Status = Awaited<ReturnType<typeof lstat>>;

async function faultOfFile(path: string, status: Status, listed: ListedFile): Promise<string | undefined> {
  if (!status.isFile()) return 'it is no file';
  if (status.size !== listed.bytes) return `it has ${status.size} bytes in place of ${listed.bytes}`;
  const isExecutable = (Number(status.mode) & 0o111) !== 0;
  if (isExecutable !== (listed.executable ?? false))
    return isExecutable ? 'it is executable' : 'it is not executable';
  if ((Number(status.mode) & 0o7022) !== 0)
    return `its mode is ${(Number(status.mode) & 0o7777).toString(8)}`;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex') === listed.sha256 ? undefined : 'its content differs';
}

async function faultOfLink(path: string, status: Status, listed: string | undefined) {
  if (!status.isSymbolicLink()) return 'it is no link';
  const target = await readlink(path);
  return target === listed ? undefined : `it leads to ${target}`;
}

function checked(value: unknown): ReleaseContents {
  const result = contentsSchema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw unreadable(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  const contents = result.data;
  checkNames([...Object.keys(contents.files), ...Object.keys(contents.links), contentsFile]);
  for (const [path, target] of Object.entries(contents.links)) {
    const reached = targetOfLink(path, target);
    if (reached === undefined || contents.files[reached] === undefined)
      throw refusedEntry(path, `the link leads to '${target}', which is no file of the release`);
  }
  const sum = Object.values(contents.files).reduce((total, { bytes }) => total + bytes, 0);
  if (sum !== contents.unpackedBytes)
    throw unreadable(`its files have ${sum} bytes, and it says ${contents.unpackedBytes}`);
  return contents;
}

/** No name that may lead outside, none twice, and none that is a file and a folder. */
function checkNames(paths: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const path of paths) {
    const fault = faultOfPath(path);
    if (fault !== undefined) throw refusedEntry(path, fault);
  }
  for (const path of [...paths, ...foldersOf(paths)]) {
    const folded = foldedPath(path);
    const other = seen.get(folded);
    if (other !== undefined)
      throw new UpdateError(
        'CW-UPD-013',
        `the release has the names '${other}' and '${path}', which some disks take for one; get it from its maker again`,
      );
    seen.set(folded, path);
  }
}

function unreadable(why: string, cause?: unknown): UpdateError {
  return new UpdateError(
    'CW-UPD-015',
    `the list of the release's files (${contentsFile}) can't be used: ${why}; unpack the archive again, or get it from its maker`,
    { cause },
  );
}
