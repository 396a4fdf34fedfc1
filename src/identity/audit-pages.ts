import { readFile } from 'node:fs/promises';
import { type AuditHead, readLine } from './audit-chain.ts';
import { segmentsOf } from './audit-log.ts';
import { IdentityError } from './errors.ts';

/** A stretch of an audit log, as a page of a console shows it. */
export interface AuditPage {
  /** Whole records as they stand on the disk, the oldest first: whoever gets them can check hash and chain. */
  readonly lines: readonly string[];
  /** Number of the first of them; 0 where there is none. */
  readonly first: number;
  /** Lines in that stretch that are damaged, and left out. */
  readonly damaged: number;
}

/** What is asked for: `count` records from number `from` on, or the newest where that is left out. */
export interface AuditAsked {
  readonly from?: number | undefined;
  readonly count: number;
  /** No more characters than that; one record at least is given. */
  readonly mostCharacters: number;
}

interface Line {
  readonly number: number;
  readonly text: string;
}

/**
 * Reads some records of the log in `folder`. `head` is its end as the gateway knows it. Of many segments only those are read
 * that the stretch lies in. Rejects with the system's own error where a file can't be read.
 */
export async function readAuditPage(folder: string, head: AuditHead, asked: AuditAsked): Promise<AuditPage> {
  const newest = asked.from === undefined;
  const from = asked.from ?? Math.max(1, head.number - asked.count + 1);
  const last = Math.min(from + asked.count - 1, head.number);
  const found: Line[] = [];
  let damaged = 0;
  const segments = await segmentsOf(folder);
  for (const [index, { path, first }] of segments.entries()) {
    const next = segments[index + 1]?.first ?? Number.POSITIVE_INFINITY;
    if (first > last || next <= from) continue;
    const { lines, bad } = readSegment(await readFile(path));
    found.push(...lines.filter(({ number }) => number >= from && number <= last));
    damaged += bad;
  }
  const kept = bounded(newest ? found.reverse() : found, asked.mostCharacters);
  const lines = newest ? kept.reverse() : kept;
  return { lines: lines.map(({ text }) => text), first: lines[0]?.number ?? 0, damaged };
}

/** The first of these lines that are together no longer than `mostCharacters`, one at least. */
function bounded(lines: readonly Line[], mostCharacters: number): Line[] {
  let characters = 0;
  const end = lines.findIndex(({ text }, index) => {
    characters += text.length;
    return index > 0 && characters > mostCharacters;
  });
  return lines.slice(0, end < 0 ? lines.length : end);
}

function readSegment(bytes: Buffer): { readonly lines: readonly Line[]; readonly bad: number } {
  const lines: Line[] = [];
  let bad = 0;
  for (const text of bytes.toString('utf8').split('\n')) {
    if (text === '') continue;
    try {
      lines.push({ number: readLine(Buffer.from(text)).number, text });
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error;
      bad += 1;
    }
  }
  return { lines, bad };
}
