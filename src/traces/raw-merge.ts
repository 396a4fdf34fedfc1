import { copyFile, mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { PipelineInput } from '#pipeline/inputs.ts';
import { TraceError } from './errors.ts';
import { TraceExpander } from './expand.ts';
import { tracePath } from './folder.ts';
import type { Truth } from './format.ts';
import { LineFile } from './line-file.ts';
import type { TraceReader } from './reader.ts';
import { TraceRecorder } from './recorder.ts';

type Item = { readonly atUs: number; readonly order: number } & (
  | { readonly input: PipelineInput }
  | { readonly truth: Truth }
);

/**
 * Writes a trace anew with other readings for some sources, as drivers that were mended give them: everything else, and
 * the files beside it, stay what they were. Holds the whole trace in memory. Rejects with the errors of the trace, with
 * CW-TRC-005 and CW-TRC-008.
 *
 * @param replaced sources whose readings and faults of the old trace are left out
 * @returns path of the new trace
 */
export async function mergeTrace(
  reader: TraceReader,
  out: string,
  replaced: ReadonlySet<string>,
  inputs: readonly PipelineInput[],
): Promise<string> {
  const { header } = reader;
  const path = tracePath(out);
  if (dirname(path) === dirname(reader.path)) {
    throw new TraceError('CW-TRC-005', `${path} lies beside the trace it is made from; name another folder`);
  }
  await copyAssets(reader, dirname(path));
  const items = await readItems(reader, replaced);
  for (const input of inputs) items.push({ atUs: input.atUs, order: items.length, input });
  items.sort((a, b) => a.atUs - b.atUs || a.order - b.order);
  const file = new LineFile(path, () => {});
  const recorder = new TraceRecorder((line) => file.write(line), header);
  for (const item of items) {
    if ('truth' in item) recorder.truth(item.truth, item.atUs);
    else recorder.input(item.input);
    await file.drain();
  }
  recorder.flush();
  await file.close();
  return path;
}

async function copyAssets({ path, header }: TraceReader, folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    for (const name of [
      header.board,
      header.calibration,
      header.catalogue,
      header.planogram,
      header.config,
    ]) {
      // A board may be a profile's name, which is no file.
      if (name === undefined || basename(name) !== name || !name.includes('.')) continue;
      await copyFile(join(dirname(path), name), join(folder, name));
    }
  } catch (cause) {
    throw new TraceError('CW-TRC-005', `${folder} can't be written: ${(cause as Error).message}`, { cause });
  }
}

async function readItems(reader: TraceReader, replaced: ReadonlySet<string>): Promise<Item[]> {
  const items: Item[] = [];
  const add = (input: PipelineInput) => {
    if (!('source' in input && replaced.has(input.source))) {
      items.push({ atUs: input.atUs, order: items.length, input });
    }
  };
  const expander = new TraceExpander(
    {
      cell: (source, atUs, counts, sequence) => add({ kind: 'cell', source, atUs, counts, sequence }),
      input: add,
      truth: (truth, atUs) => items.push({ atUs, order: items.length, truth }),
    },
    reader.header.originUs ?? 0,
  );
  for await (const batch of reader.batches()) for (const line of batch) expander.line(line);
  expander.finish();
  return items;
}
