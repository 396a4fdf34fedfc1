import { createReadStream } from 'node:fs';
import { createZstdDecompress } from 'node:zlib';
import { TraceError } from './errors.ts';
import { parseHeader, parseLine, type TraceHeader, type TraceLine } from './format.ts';

/** No line of a trace is longer; a file without line breaks must not fill the memory. */
const maxLineChars = 4 * 1024 * 1024;
/** Nothing is recorded so seldom: a longer jump between two lines, or within a run of samples, is damage, µs. */
const maxJumpUs = 30 * 86_400_000_000;

/** A trace being read: the header, and its lines in batches (a batch is what one read from disk gave). */
export interface TraceReader {
  readonly path: string;
  readonly header: TraceHeader;
  /** The header's own text, which names the ledger of a replay. */
  readonly headerText: string;
  /** Rejects with a TraceError at the first line that can't be read; the lines before it were given out. */
  batches(): AsyncIterable<readonly TraceLine[]>;
}

/** Opens a trace, compressed (`.zst`) or not. Rejects with TraceError CW-TRC-001 or CW-TRC-005. */
export async function openTrace(path: string): Promise<TraceReader> {
  const lines = textLines(path);
  try {
    return await readHeader(path, lines);
  } catch (error) {
    await lines.return();
    throw error;
  }
}

async function readHeader(path: string, lines: AsyncGenerator<string[], void>): Promise<TraceReader> {
  const first = await lines.next();
  const rest: string[] = first.done ? [] : first.value;
  const headerText = rest.shift();
  if (headerText === undefined)
    throw new TraceError('CW-TRC-001', `${path} is empty; a trace begins with a header`);
  const header = parseHeader(headerText, path);
  const originUs = header.originUs ?? 0;
  return {
    path,
    header,
    headerText,
    async *batches() {
      let number = 1;
      let lastT = 0;
      const parse = function* (texts: readonly string[]): Generator<TraceLine> {
        for (const text of texts) {
          number += 1;
          if (text.trim() === '') continue;
          const line = parseLine(text, number);
          if (line.t < lastT) {
            throw new TraceError(
              'CW-TRC-003',
              `line ${number}: t is ${line.t}, a line before had ${lastT}; sort the lines by t`,
            );
          }
          checkJump(line, lastT, originUs, number);
          lastT = line.t;
          yield line;
        }
      };
      yield* collected(parse, rest);
      for await (const texts of lines) yield* collected(parse, texts);
    },
  };
}

/** Throws CW-TRC-009: time that jumps absurdly is damage, and times past 2⁵³ − 1 µs are no exact numbers. */
function checkJump(line: TraceLine, lastT: number, originUs: number, number: number): void {
  const runUs = line.kind === 'counts' ? (line.counts.length - 1) * line.periodUs : 0;
  const jumpUs = Math.max(line.t - lastT, runUs);
  if (jumpUs > maxJumpUs) {
    const days = Math.round(jumpUs / 86_400_000_000);
    throw new TraceError(
      'CW-TRC-009',
      `line ${number} jumps ahead by ${days} days, 30 at most; is its ${runUs === jumpUs ? 'periodUs' : 't'} right?`,
    );
  }
  if (Number.isSafeInteger(originUs + line.t + runUs)) return;
  throw new TraceError(
    'CW-TRC-009',
    `line ${number}: t is ${line.t}, which with originUs ${originUs} is no exact number; make originUs smaller`,
  );
}

/** The lines of `texts`; those before a bad one are given out before its error is thrown. */
function* collected(
  parse: (texts: readonly string[]) => Generator<TraceLine>,
  texts: readonly string[],
): Generator<readonly TraceLine[]> {
  const batch: TraceLine[] = [];
  try {
    for (const line of parse(texts)) batch.push(line);
  } catch (error) {
    if (batch.length > 0) yield batch;
    throw error;
  }
  if (batch.length > 0) yield batch;
}

async function* textLines(path: string): AsyncGenerator<string[], void> {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  const stream = path.endsWith('.zst') ? file.pipe(createZstdDecompress()) : file;
  if (stream !== file) file.on('error', (error) => stream.destroy(error));
  const decoder = new TextDecoder('utf-8');
  let pending = '';
  try {
    for await (const chunk of stream) {
      const texts = (pending + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
      pending = texts.pop() ?? '';
      if (pending.length > maxLineChars) {
        throw new TraceError(
          'CW-TRC-006',
          `${path}: a line is longer than ${maxLineChars} characters; is it a trace?`,
        );
      }
      if (texts.length > 0) yield texts;
    }
  } catch (error) {
    if (error instanceof TraceError) throw error;
    const cause = error as NodeJS.ErrnoException;
    if (cause.code === 'ENOENT' || cause.code === 'EACCES' || cause.code === 'EISDIR') {
      throw new TraceError('CW-TRC-005', `${path} can't be read (${cause.code})`, { cause });
    }
    throw new TraceError('CW-TRC-004', `${path} is cut or damaged: ${cause.message}`, { cause });
  }
  if (pending.trim() === '') return;
  // A last line without a line break may still be whole (an editor left it off), or cut by a power loss.
  try {
    JSON.parse(pending);
  } catch {
    throw new TraceError(
      'CW-TRC-004',
      `${path} ends in the middle of a line; everything before it was used. Was the recording cut off?`,
    );
  }
  yield [pending];
}
