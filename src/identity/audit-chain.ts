import { createHash } from 'node:crypto';
import { describeError } from '#base/errors.ts';
import { IdentityError } from './errors.ts';

/**
 * A hash-chained log, one JSON object a line. Each record holds the hash of the one before (`previous`) and a number one
 * above its; `hash`, always last, is the SHA-256 of everything before `,"hash":` in its own line. So every bit counts:
 * of the content by the hash, of hash and frame because they have one form only.
 */
export interface AuditHead {
  /** Number of the last record; 0 before the first. */
  readonly number: number;
  /** Its hash, lower-case hexadecimal; zeros before the first. */
  readonly hash: string;
}

/** What a record says beside its place in the chain: plain JSON values. */
export type AuditFacts = Readonly<Record<string, unknown>>;

export interface AuditRecord extends AuditHead {
  readonly previous: string;
  readonly facts: AuditFacts;
}

/** Before the first record. */
export const emptyHead: AuditHead = { number: 0, hash: '0'.repeat(64) };

/** No record is longer, bytes with its line feed; more is cut by whoever writes it. */
const longestRecord = 65_536;
const tail = /,"hash":"([0-9a-f]{64})"\}$/;
/** `,"hash":"…"}` */
const tailLength = 75;
const beginning = /^\{"number":(0|[1-9][0-9]{0,15}),"previous":"([0-9a-f]{64})"/;
const lineFeed = 0x0a;

/** The next line after `head`, with its line feed, and the head that it makes. `facts` must not name number, previous or hash. */
export function chainLine(
  head: AuditHead,
  facts: AuditFacts,
): { readonly line: Buffer; readonly head: AuditHead } {
  const number = head.number + 1;
  const body = JSON.stringify({ number, previous: head.hash, ...facts }).slice(0, -1);
  const hash = sha256(Buffer.from(body));
  return { line: Buffer.from(`${body},"hash":"${hash}"}\n`), head: { number, hash } };
}

/** Reads one line without its line feed. Throws CW-IDN-012, which says what is wrong with it. */
export function readLine(line: Uint8Array): AuditRecord {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.length);
  if (bytes.length >= longestRecord) throw damaged(`a line has ${bytes.length} bytes`);
  const hash = tail.exec(bytes.subarray(-tailLength).toString('latin1'))?.[1];
  if (hash === undefined) throw damaged('a line does not end with its hash');
  const body = bytes.subarray(0, -tailLength);
  if (sha256(body) !== hash) throw damaged('a line is not what its hash says');
  const place = beginning.exec(body.toString('latin1'));
  if (place === null) throw damaged('a line does not begin with its number and the hash before it');
  const { number, previous, ...facts } = parsed(body);
  return { number: Number(number), previous: String(previous), hash, facts };
}

/** A body that somebody gave the right hash need not be JSON. */
function parsed(body: Buffer): AuditFacts {
  try {
    return JSON.parse(`${body.toString('utf8')}}`) as AuditFacts;
  } catch (cause) {
    throw damaged(`a line is not JSON (${describeError(cause)})`);
  }
}

/** What a check of lines found: how far they are whole, and what was wrong behind that. */
export interface ChainCheck {
  readonly records: readonly AuditRecord[];
  /** Bytes of the whole records. */
  readonly wholeBytes: number;
  readonly head: AuditHead;
  /** What is wrong with what follows, where something does. */
  readonly problem: { readonly why: string; readonly line: number; readonly isLast: boolean } | undefined;
}

/** Follows the chain through `bytes`, from `head` on; where that is undefined, from whatever the first record says. Pure. */
export function checkChain(bytes: Uint8Array, from: AuditHead | undefined): ChainCheck {
  const records: AuditRecord[] = [];
  let head = from;
  let at = 0;
  while (at < bytes.length) {
    const feed = bytes.indexOf(lineFeed, at);
    const end = feed < 0 ? bytes.length : feed;
    let why = feed < 0 ? 'the last line has no end' : undefined;
    if (why === undefined) {
      try {
        const record = readLine(bytes.subarray(at, end));
        why = misplaced(record, head);
        if (why === undefined) {
          records.push(record);
          head = record;
          at = end + 1;
          continue;
        }
      } catch (error) {
        if (!(error instanceof IdentityError)) throw error;
        why = error.message;
      }
    }
    const problem = { why, line: records.length + 1, isLast: feed < 0 || feed === bytes.length - 1 };
    return { records, wholeBytes: at, head: placeOf(head), problem };
  }
  return { records, wholeBytes: at, head: placeOf(head), problem: undefined };
}

function misplaced({ number, previous }: AuditRecord, head: AuditHead | undefined): string | undefined {
  if (head === undefined) return undefined;
  if (number !== head.number + 1) return `record ${number} follows record ${head.number}`;
  if (previous !== head.hash) return `record ${number} does not follow from record ${head.number}`;
  return undefined;
}

const placeOf = ({ number, hash }: AuditHead = emptyHead): AuditHead => ({ number, hash });

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function damaged(why: string): IdentityError {
  return new IdentityError('CW-IDN-012', why);
}
