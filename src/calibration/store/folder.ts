import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeFileAtomic } from '#base/atomic-file.ts';
import { plainCause } from '#base/system-error.ts';
import { type CalibrationRecord, decodeRecord, largestRecord, sha256Hex } from './record.ts';

/** Numbered so that a listing is in order; more digits where they are needed. */
const revisionName = /^calibration-([0-9]{8,15})\.json$/;
/** A copy of the newest revision that was committed and readable. */
export const copyName = 'last-good.json';
/** What a power cut leaves of a write that had not come to its end. */
const unfinished = /\.[0-9a-f]{12}\.tmp$/;
/** Damaged files that a whole copy took the place of. */
const aside = /^damaged-[0-9a-f]{16}-/;

/** Access to the folder and its files: what a scale is adjusted to is no secret of the machine's users, and not theirs to change. */
const fileMode = 0o640;

/** A file of the folder as it was read: a record, or why it is none. */
export interface ScannedFile {
  readonly name: string;
  readonly record: CalibrationRecord | undefined;
  readonly problem: string | undefined;
  /** SHA-256 of its bytes. */
  readonly sha256: string;
}

/** A revision's file; `revision` is what its name says, which is known also where its content is not. */
export interface ScannedRevision extends ScannedFile {
  readonly revision: number;
}

/** All of the folder. */
export interface Scan {
  /** The oldest first. */
  readonly revisions: readonly ScannedRevision[];
  readonly copy: ScannedFile | undefined;
  /** Temporary files of writes that were cut short. */
  readonly unfinished: readonly string[];
  /** Files that nobody of this room wrote. */
  readonly foreign: readonly string[];
}

export function fileOf(revision: number): string {
  return `calibration-${String(revision).padStart(8, '0')}.json`;
}

/** Reads the folder; one that does not exist is empty. Rejects with the system's error where it can't be read. */
export async function scanFolder(folder: string): Promise<Scan> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const revisions: ScannedRevision[] = [];
  let copy: ScannedFile | undefined;
  const leftOver: string[] = [];
  const foreign: string[] = [];
  for (const name of names.sort()) {
    const digits = revisionName.exec(name)?.[1];
    if (digits !== undefined && name === fileOf(Number(digits))) {
      revisions.push(revisionFrom(await scanFile(folder, name), Number(digits)));
    } else if (name === copyName) copy = await scanFile(folder, name);
    else if (unfinished.test(name)) leftOver.push(name);
    else if (!aside.test(name)) foreign.push(name);
  }
  revisions.sort((a, b) => a.revision - b.revision);
  return { revisions, copy, unfinished: leftOver, foreign };
}

function revisionFrom(file: ScannedFile, revision: number): ScannedRevision {
  if (file.record === undefined || file.record.revision === revision) return { ...file, revision };
  const problem = `it holds revision ${file.record.revision}`;
  return { ...file, revision, record: undefined, problem };
}

/** Reads one revision's file; undefined where there is none. Rejects with the system's error where it can't be read. */
export async function readRevision(folder: string, revision: number): Promise<ScannedRevision | undefined> {
  try {
    return revisionFrom(await scanFile(folder, fileOf(revision)), revision);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A file that the disk can't give is as good as damaged: it must not hide the others. Rejects where there is none. */
async function scanFile(folder: string, name: string): Promise<ScannedFile> {
  try {
    return await readWhole(folder, name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw error;
    return { name, record: undefined, problem: `it can't be read (${plainCause(error)})`, sha256: '' };
  }
}

async function readWhole(folder: string, name: string): Promise<ScannedFile> {
  const file = await open(join(folder, name), 'r');
  try {
    const { size } = await file.stat();
    if (size > largestRecord) {
      return { name, record: undefined, problem: `it has ${size} bytes, no record has`, sha256: '' };
    }
    const bytes = await file.readFile();
    const decoded = decodeRecord(bytes);
    const sha256 = sha256Hex(bytes);
    return typeof decoded === 'string'
      ? { name, record: undefined, problem: decoded, sha256 }
      : { name, record: decoded, problem: undefined, sha256 };
  } finally {
    await file.close();
  }
}

/** Writes a file so that after a power cut it is there as a whole or not at all. */
export async function writeRecordFile(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  await writeFileAtomic(join(folder, name), bytes, fileMode);
}

/** Removes a file for good: it is gone after a power cut as well. One that isn't there is no error. */
export async function removeFiles(folder: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  for (const name of names) await rm(join(folder, name), { force: true });
  await syncFolder(folder);
}

/** Keeps a damaged file under another name, so that nothing is lost without a trace. */
export async function moveAside(folder: string, { name, sha256 }: ScannedFile): Promise<string> {
  const kept = `damaged-${(sha256 === '' ? '0'.repeat(16) : sha256).slice(0, 16)}-${name}`;
  await rename(join(folder, name), join(folder, kept));
  await syncFolder(folder);
  return kept;
}
