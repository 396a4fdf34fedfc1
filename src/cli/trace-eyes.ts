import { join } from 'node:path';
import type { Catalogue } from '#catalogue/products.ts';
import type { Board } from '#config/board.ts';
import type { TraceError } from '#traces/errors.ts';
import type { SightingLine } from '#traces/format.ts';
import { frameOfTrace } from '#traces/frames.ts';
import { lookThrough, type Sighting, sightingLine, type TakenFrame } from '#traces/looking.ts';
import { openTrace } from '#traces/reader.ts';
import { type ReplaySetup, replay } from '#traces/replay.ts';
import { loadRecognizer } from '#vision/process/recognizer.ts';
import type { Movement } from '#weighing/outputs.ts';
import { modelPath } from './vision-eyes.ts';

/** What a trace's frames are looked at with. */
export interface TraceEyes {
  /** Folder, or name in config/models; `groceries` where left out. */
  readonly model?: string | undefined;
  /** Else the one beside the model. */
  readonly gallery?: string | undefined;
}

/** Hears of each frame that is missing or damaged, with CW-TRC-010. */
export type TellSpoilt = (error: TraceError) => void;

/** What the scales of a trace tell, and the frames that it names. */
interface Watched {
  readonly movements: readonly Movement[];
  readonly frames: readonly TakenFrame[];
}

/** Runs a trace once for its movements and frames. */
export async function watchTrace(path: string, setup: ReplaySetup, tell: TellSpoilt): Promise<Watched> {
  const movements: Movement[] = [];
  const frames: TakenFrame[] = [];
  const reader = await openTrace(path);
  await replay(reader, setup, () => {}, {
    onWeighed: (output) => {
      if (output.kind === 'movement') movements.push(output);
    },
    onFrame: (line) => frames.push(frameOfTrace(path, line, reader.header.originUs ?? 0, tell)),
  });
  return { movements, frames };
}

/** What the cameras of a board say of the movements, by model and gallery. Rejects with a coded VisionError. */
export async function inferSightings(
  watched: Watched,
  { board, catalogue }: { readonly board: Board; readonly catalogue: Catalogue },
  eyes: TraceEyes,
): Promise<Sighting[]> {
  const model = modelPath(eyes.model ?? 'groceries');
  const recognizer = await loadRecognizer({
    model,
    backend: 'onnx-int8',
    threads: 1,
    gallery: eyes.gallery ?? join(model, 'gallery.cwg'),
    looks: [...catalogue.byLook.keys()],
  });
  try {
    if (recognizer.galleryProblem !== undefined) throw recognizer.galleryProblem;
    return await lookThrough({ board, catalogue, recognizer, ...watched });
  } finally {
    await recognizer.close();
  }
}

/** Looks at the frames of a trace anew: its sightings. Rejects with coded errors. */
export async function reinfer(
  path: string,
  setup: ReplaySetup,
  eyes: TraceEyes & { readonly tell: TellSpoilt },
): Promise<SightingLine[]> {
  const { header } = await openTrace(path);
  const sightings = await inferSightings(await watchTrace(path, setup, eyes.tell), setup, eyes);
  return sightings.map((one) => sightingLine(one, header.originUs ?? 0));
}
