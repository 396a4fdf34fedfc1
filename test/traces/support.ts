import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { PipelineInput } from '#pipeline/inputs.ts';
import { TraceExpander } from '#traces/expand.ts';
import { parseHeader, parseLine, type TraceLine } from '#traces/format.ts';
import { openTrace } from '#traces/reader.ts';
import type { TimedTruth } from '#traces/replay.ts';

export const headerLine = '{"trace":1,"device":"cart-1","board":"board.yaml"}';

/** A folder that is gone after the test. */
export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-trace-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A trace file with this content. */
export async function traceFile(
  t: ExecutionContext,
  content: string | Uint8Array,
  name = 'trace.ndjson',
): Promise<string> {
  const path = join(await temporaryFolder(t), name);
  await writeFile(path, content);
  return path;
}

/** Every line up to the end or the error, and that error. */
export async function readAll(path: string): Promise<{ lines: TraceLine[]; error: unknown }> {
  const lines: TraceLine[] = [];
  try {
    for await (const batch of (await openTrace(path)).batches()) lines.push(...batch);
  } catch (error) {
    return { lines, error };
  }
  return { lines, error: undefined };
}

export interface Expanded {
  readonly inputs: PipelineInput[];
  readonly truths: TimedTruth[];
  readonly lastUs: number;
}

/** What replay would show the pipeline of these lines, in order. */
export function expand(lines: readonly TraceLine[], originUs = 0): Expanded {
  const inputs: PipelineInput[] = [];
  const truths: TimedTruth[] = [];
  const expander = new TraceExpander(
    {
      cell: (source, atUs, counts, sequence) => inputs.push({ kind: 'cell', source, atUs, counts, sequence }),
      input: (input) => inputs.push(input),
      truth: (truth, atUs) => truths.push({ truth, atUs }),
    },
    originUs,
  );
  for (const line of lines) expander.line(line);
  return { inputs, truths, lastUs: expander.finish() };
}

/** The same of lines as they stand in a file, header first. */
export function expandText(texts: readonly string[]): Expanded {
  const [first = '', ...rest] = texts;
  const header = parseHeader(first, 'trace.ndjson');
  return expand(
    rest.map((text, index) => parseLine(text, index + 2)),
    header.originUs,
  );
}
