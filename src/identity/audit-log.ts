import { createHash } from 'node:crypto';
import { type FileHandle, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, syncFolder } from '#base/atomic-file.ts';
import { plainCause } from '#base/system-error.ts';
import {
  type AuditFacts,
  type AuditHead,
  type AuditRecord,
  type ChainCheck,
  chainLine,
  checkChain,
  emptyHead,
} from './audit-chain.ts';
import { IdentityError } from './errors.ts';

/** A segment that would grow above this is followed by a new one, bytes. */
const largestSegment = 1_048_576;
/** Segments are named by the number of their first record. */
const segmentName = /^([0-9]{10})\.log$/;

/** Something that an operator must hear of: what was found when the log was opened. */
export interface AuditFinding {
  readonly what: 'audit.torn' | 'audit.damaged' | 'audit.truncated' | 'audit.replaced';
  readonly message: string;
  readonly details: AuditFacts;
}

/** A log as it was opened. */
interface OpenedLog {
  readonly log: AuditLog;
  readonly findings: readonly AuditFinding[];
  /** Records that are newer than the head that was given: what is noted elsewhere may be among them already. */
  readonly newer: readonly AuditRecord[];
}

/** Where the log goes on, and what was found on the way to it. */
interface Ending {
  readonly head: AuditHead;
  /** The segment that is written to, and its size; undefined where the next record begins one. */
  readonly segment: { readonly path: string; readonly bytes: number } | undefined;
  readonly findings: readonly AuditFinding[];
  readonly newer: readonly AuditRecord[];
}

/** The audit log of a device: a folder of segments, only ever appended to. */
export class AuditLog {
  readonly #folder: string;
  #head: AuditHead;
  #segment: { path: string; bytes: number } | undefined;
  #broken = false;

  /**
   * Opens the log in `folder`, which need not exist. `stored` is the head that the gateway keeps elsewhere, so that missing
   * records are noticed. A last record that a power cut tore is moved aside; what else is wrong stays as it is, is told,
   * and the log goes on in a new segment with a number above all others. Rejects with CW-IDN-013 where the folder can't be
   * read or written.
   */
  static async open(folder: string, stored: AuditHead = emptyHead): Promise<OpenedLog> {
    try {
      const ending = await findEnd(folder, stored);
      return { log: new AuditLog(folder, ending), findings: ending.findings, newer: ending.newer };
    } catch (cause) {
      throw unwritable(folder, cause);
    }
  }

  private constructor(folder: string, { head, segment }: Ending) {
    this.#folder = folder;
    this.#head = head;
    this.#segment = segment === undefined ? undefined : { ...segment };
  }

  /** The last record. */
  get head(): AuditHead {
    return this.#head;
  }

  /** Appends a record; resolves with the new head when it is on the disk. One at a time. Rejects with CW-IDN-013. */
  async append(facts: AuditFacts): Promise<AuditHead> {
    const { line, head } = chainLine(this.#head, facts);
    try {
      if (this.#broken) throw new Error('an earlier record could not be taken back');
      await this.#write(line, head.number);
    } catch (cause) {
      throw unwritable(this.#folder, cause);
    }
    this.#head = head;
    return head;
  }

  async #write(line: Buffer, number: number): Promise<void> {
    const isFull = this.#segment !== undefined && this.#segment.bytes + line.length > largestSegment;
    if (this.#segment === undefined || isFull) {
      const path = join(this.#folder, `${String(number).padStart(10, '0')}.log`);
      await makeFolder(this.#folder, 0o750);
      // Never over something that is there, whatever its name promises.
      const file = await open(path, 'wx', 0o640);
      this.#segment = { path, bytes: 0 };
      await this.#appendTo(file, line);
      await syncFolder(this.#folder);
    } else await this.#appendTo(await open(this.#segment.path, 'a'), line);
    this.#segment.bytes += line.length;
  }

  async #appendTo(file: FileHandle, line: Buffer): Promise<void> {
    try {
      await file.writeFile(line);
      await file.sync();
    } catch (error) {
      // Half a record must not stand before the next one.
      await file.truncate(this.#segment?.bytes ?? 0).catch(() => {
        this.#broken = true;
      });
      throw error;
    } finally {
      await file.close();
    }
  }
}

/** Segments of a folder, the oldest first; none where there is no folder. */
export async function segmentsOf(
  folder: string,
): Promise<{ readonly path: string; readonly first: number }[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .flatMap((name) => {
      const first = segmentName.exec(name)?.[1];
      return first === undefined ? [] : [{ path: join(folder, name), first: Number(first) }];
    })
    .sort((a, b) => a.first - b.first);
}

const emptyCheck: ChainCheck = { records: [], wholeBytes: 0, head: emptyHead, problem: undefined };

async function findEnd(folder: string, stored: AuditHead): Promise<Ending> {
  const segments = await segmentsOf(folder);
  const last = segments.at(-1);
  if (last === undefined) return goOn(emptyCheck, undefined, stored, []);
  const before = segments.at(-2);
  const bytes = await readFile(last.path);
  const check = checkChain(bytes, undefined);
  const earlier = before === undefined ? emptyCheck : checkChain(await readFile(before.path), undefined);
  const hasRecords = check.records.length > 0;
  const whole = hasRecords ? check : earlier;
  // What was confirmed can't be what a power cut tore.
  const isTorn = check.problem?.isLast === true && whole.head.number >= stored.number;
  if (check.problem !== undefined && !isTorn) return afterDamage(check, last, whole, stored);
  const findings = check.problem === undefined ? [] : [await moveAside(folder, bytes, check)];
  if (hasRecords) {
    if (isTorn) await cutTo(last.path, check.wholeBytes);
    const records = [...earlier.records, ...check.records];
    return goOn({ ...check, records }, { path: last.path, bytes: check.wholeBytes }, stored, findings);
  }
  // A segment was begun and nothing of it got to the disk.
  await rm(last.path);
  await syncFolder(folder);
  const segment =
    before === undefined || earlier.problem !== undefined
      ? undefined
      : { path: before.path, bytes: earlier.wholeBytes };
  return goOn(earlier, segment, stored, findings);
}

/** Compares the end of a whole chain with what is kept elsewhere. */
function goOn(
  { records, head }: ChainCheck,
  segment: Ending['segment'],
  stored: AuditHead,
  findings: readonly AuditFinding[],
): Ending {
  const newer = records.filter(({ number }) => number > stored.number);
  if (head.number < stored.number) {
    const missing: AuditFinding = {
      what: 'audit.truncated',
      message: `the audit log ends with record ${head.number}, and ${stored.number} were written: somebody took the last ${stored.number - head.number} away`,
      details: { last: head.number, expected: stored.number, hash: stored.hash },
    };
    return { head: stored, segment: undefined, findings: [...findings, missing], newer };
  }
  const confirmed = records.find(({ number }) => number === stored.number);
  if (confirmed !== undefined && confirmed.hash !== stored.hash) {
    const replaced: AuditFinding = {
      what: 'audit.replaced',
      message: `record ${stored.number} of the audit log is not the one that was written: the log was replaced`,
      details: { number: stored.number, found: confirmed.hash, expected: stored.hash },
    };
    return { head, segment, findings: [...findings, replaced], newer: [] };
  }
  return { head, segment, findings, newer };
}

/** What is damaged stays where it is; the log goes on behind it, above every number that was ever given. */
function afterDamage(
  check: ChainCheck,
  last: { readonly path: string; readonly first: number },
  whole: ChainCheck,
  stored: AuditHead,
): Ending {
  const { why = '', line = 0 } = check.problem ?? {};
  const number = Math.max(stored.number, whole.head.number, last.first);
  const hash = stored.number >= whole.head.number ? stored.hash : whole.head.hash;
  const finding: AuditFinding = {
    what: 'audit.damaged',
    message: `the audit log is damaged in line ${line} of ${last.path}: ${why}; it is left as it is, and goes on in a new file`,
    details: { file: last.path, line, why, last: whole.head.number, expected: stored.number },
  };
  return { head: { number, hash }, segment: undefined, findings: [finding], newer: [] };
}

/** Keeps what a power cut left of a record, so that nothing is lost without a trace. */
async function moveAside(
  folder: string,
  bytes: Uint8Array,
  { wholeBytes, head, problem }: ChainCheck,
): Promise<AuditFinding> {
  const torn = bytes.subarray(wholeBytes);
  const sha256 = createHash('sha256').update(torn).digest('hex');
  const path = join(folder, `torn-${sha256.slice(0, 16)}.bin`);
  const file = await open(path, 'w', 0o640);
  try {
    await file.writeFile(torn);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(folder);
  return {
    what: 'audit.torn',
    message: `a power cut tore the record after number ${head.number} of the audit log (${problem?.why ?? ''}); its ${torn.length} bytes were moved to ${path}`,
    details: { file: path, bytes: torn.length, sha256, last: head.number },
  };
}

async function cutTo(path: string, length: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.truncate(length);
    await file.sync();
  } finally {
    await file.close();
  }
}

function unwritable(folder: string, cause: unknown): IdentityError {
  return new IdentityError(
    'CW-IDN-013',
    `the audit log in ${folder} can't be read or written: ${plainCause(cause)}; what happens is kept in the outbox until it can`,
    { cause },
  );
}

/** What a check of a whole log found. */
export interface AuditReport {
  readonly records: readonly AuditRecord[];
  readonly head: AuditHead;
  readonly files: readonly string[];
  /** One sentence each; empty where the chain is whole. */
  readonly problems: readonly string[];
}

/**
 * Follows the chain through all segments of `path`, a folder, or through that one file. `expected` is the head that is kept
 * elsewhere: records up to it must be there. Rejects with the system's own error where nothing can be read.
 */
export async function verifyAudit(path: string, expected?: AuditHead): Promise<AuditReport> {
  const isFile = await isOneFile(path);
  const files = isFile ? [path] : (await segmentsOf(path)).map((segment) => segment.path);
  const records: AuditRecord[] = [];
  const problems: string[] = [];
  let head: AuditHead | undefined = isFile ? undefined : emptyHead;
  for (const file of files) {
    const check: ChainCheck = checkChain(await readFile(file), head);
    records.push(...check.records);
    if (check.problem === undefined) {
      head = check.head;
      continue;
    }
    problems.push(`${file}, line ${check.problem.line}: ${check.problem.why}`);
    // What follows may be whole in itself; the break is told once.
    head = undefined;
  }
  const last = records.at(-1) ?? emptyHead;
  if (expected !== undefined) problems.push(...against(records, last, expected));
  return { records, head: { number: last.number, hash: last.hash }, files, problems };
}

function against(records: readonly AuditRecord[], last: AuditHead, expected: AuditHead): string[] {
  if (last.number < expected.number) {
    return [
      `the log ends with record ${last.number}, and ${expected.number} were written: the rest was taken away`,
    ];
  }
  const same = records.find(({ number }) => number === expected.number);
  if (expected.number === 0 || same?.hash === expected.hash) return [];
  return [`record ${expected.number} is not the one that was written: its hash should be ${expected.hash}`];
}

async function isOneFile(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    return (await handle.stat()).isFile();
  } finally {
    await handle.close();
  }
}
