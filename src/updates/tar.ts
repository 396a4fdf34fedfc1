import { UpdateError } from './errors.ts';
import { refusedEntry } from './paths.ts';

/**
 * The part of the ustar format (POSIX.1-1988) that archives of releases use, and no more: folders, files and symbolic
 * links of root, with three modes. Whatever else an archive may hold (extended headers, hard links, devices) is refused,
 * so that what one program reads from an archive is what every other one reads.
 */

export const blockBytes = 512;
/** Bytes of a path from the archive's top: what `prefix` and `name` hold. */
const longestName = 100;
const longestPrefix = 155;

export type EntryType = 'folder' | 'file' | 'link';
/** The type flags of the format. */
const flags: Readonly<Record<EntryType, string>> = { file: '0', link: '2', folder: '5' };
const types = new Map(Object.entries(flags).map(([type, flag]) => [flag, type as EntryType]));
/** What else the format has, for messages. */
const otherTypes = new Map([
  ['1', 'a hard link'],
  ['3', 'a character device'],
  ['4', 'a block device'],
  ['6', 'a pipe'],
  ['7', 'a contiguous file'],
  ['x', 'an extended header'],
  ['g', 'an extended header for all'],
  ['L', 'a long name of GNU'],
  ['K', 'a long link of GNU'],
  ['S', 'a sparse file'],
]);

export interface Entry {
  readonly type: EntryType;
  /** From the archive's top, parts divided by `/`, without one at the end. */
  readonly path: string;
  readonly executable: boolean;
  /** Of a file. */
  readonly bytes: number;
  /** UTC s. */
  readonly modifiedS: number;
  /** Where a link leads. */
  readonly target?: string;
}

/** The mode that an entry has in an archive, and on the disk. */
export function modeOf({ type, executable }: Pick<Entry, 'type' | 'executable'>): number {
  if (type === 'link') return 0o777;
  return type === 'folder' || executable ? 0o755 : 0o644;
}

/** The header of an entry. Throws CW-UPD-012 for what the format can't hold. */
export function writeHeader(entry: Entry): Buffer {
  const block = Buffer.alloc(blockBytes);
  const path = entry.type === 'folder' ? `${entry.path}/` : entry.path;
  const [prefix, name] = splitPath(path);
  put(block, 0, longestName, name, path);
  block.write(octal(modeOf(entry), 8), 100, 'latin1');
  block.write(octal(0, 8), 108, 'latin1');
  block.write(octal(0, 8), 116, 'latin1');
  block.write(octal(entry.type === 'file' ? entry.bytes : 0, 12), 124, 'latin1');
  block.write(octal(entry.modifiedS, 12), 136, 'latin1');
  block.write(flags[entry.type], 156, 'latin1');
  put(block, 157, longestName, entry.target ?? '', path);
  block.write('ustar\u000000', 257, 'latin1');
  block.write('root', 265, 'latin1');
  block.write('root', 297, 'latin1');
  block.write(octal(0, 8), 329, 'latin1');
  block.write(octal(0, 8), 337, 'latin1');
  put(block, 345, longestPrefix, prefix, path);
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/**
 * Reads a header; undefined for a block of zeros, which ends an archive. Throws CW-UPD-010 where it is damaged, -012 for
 * what no release has.
 */
export function readHeader(block: Buffer): Entry | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (number(block, 148, 8, 'checksum') !== checksum(block))
    throw unreadableArchive('a header has a wrong checksum');
  if (block.toString('latin1', 257, 265) !== 'ustar\u000000')
    throw unreadableArchive('a header is not of the format ustar');
  const prefix = text(block, 345, longestPrefix);
  const name = text(block, 0, longestName);
  const full = prefix === '' ? name : `${prefix}/${name}`;
  const flag = block.toString('latin1', 156, 157);
  const type = types.get(flag);
  if (type === undefined)
    throw refusedEntry(
      full,
      `it is ${otherTypes.get(flag) ?? `of the unknown type ${JSON.stringify(flag)}`}`,
    );
  const path = type === 'folder' && full.endsWith('/') ? full.slice(0, -1) : full;
  const mode = number(block, 100, 8, 'mode');
  const executable = type !== 'file' || mode === 0o755;
  if (mode !== modeOf({ type, executable })) throw refusedEntry(path, `its mode is ${mode.toString(8)}`);
  if (number(block, 108, 8, 'owner') !== 0 || number(block, 116, 8, 'group') !== 0)
    throw refusedEntry(path, 'it is not of root');
  const bytes = number(block, 124, 12, 'size');
  if (type !== 'file' && bytes !== 0)
    throw refusedEntry(path, `it is a ${type} with ${bytes} bytes of content`);
  const target = text(block, 157, longestName);
  if ((type === 'link') !== (target !== ''))
    throw refusedEntry(path, `it is a ${type} with the target '${target}'`);
  const modifiedS = number(block, 136, 12, 'time');
  return { type, path, executable, bytes, modifiedS, ...(type === 'link' ? { target } : {}) };
}

/** Zeros that fill the last block of a file of so many bytes. */
export function paddingOf(bytes: number): number {
  return (blockBytes - (bytes % blockBytes)) % blockBytes;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function text(block: Buffer, from: number, length: number): string {
  const field = block.subarray(from, from + length);
  const end = field.indexOf(0);
  if (end >= 0 && field.subarray(end).some((byte) => byte !== 0))
    throw unreadableArchive('a header has more behind the end of a name');
  try {
    return utf8.decode(end < 0 ? field : field.subarray(0, end));
  } catch {
    throw unreadableArchive('a header has a name that is not UTF-8');
  }
}

/** Octal digits and one end mark, as `octal` writes them; the other forms of the field are refused. */
function number(block: Buffer, from: number, length: number, what: string): number {
  const field = block.toString('latin1', from, from + length);
  const digits = /^([0-7]+)(?:\0 |\0| )$/.exec(field)?.[1];
  if (digits === undefined) throw unreadableArchive(`a header's ${what} is not an octal number`);
  return Number.parseInt(digits, 8);
}

function octal(value: number, length: number): string {
  const digits = value.toString(8).padStart(length - 1, '0');
  if (!Number.isSafeInteger(value) || value < 0 || digits.length >= length)
    throw new RangeError(`${value} does not fit into ${length} bytes of a header`);
  return `${digits}\0`;
}

/** The sum of a header's bytes, those of the sum itself taken as spaces. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < blockBytes; i++) if (i < 148 || i >= 156) sum += block[i] ?? 0;
  return sum;
}

function put(block: Buffer, at: number, length: number, value: string, path: string): void {
  const bytes = Buffer.from(value);
  if (bytes.length > length) throw refusedEntry(path, `'${value}' is longer than ${length} bytes`);
  bytes.copy(block, at);
}

/** Prefix and name: the whole path where it fits into the name, else divided at the first `/` that lets both fit. */
function splitPath(path: string): [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= longestName) return ['', path];
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (name !== '' && Buffer.byteLength(name) <= longestName && Buffer.byteLength(prefix) <= longestPrefix)
      return [prefix, name];
  }
  throw refusedEntry(path, `its name is too long for an archive (${longestPrefix} and ${longestName} bytes)`);
}

/** The refusal of an archive as a whole. */
export function unreadableArchive(why: string, cause?: unknown): UpdateError {
  return new UpdateError('CW-UPD-010', `the archive can't be read: ${why}; fetch it again`, { cause });
}
