import { createHash } from 'node:crypto';
import { describeError } from '#base/errors.ts';
import type { Catalogue, Planogram } from '#catalogue/products.ts';
import type { BasketConfig } from '#config/basket.ts';
import type { Board, Calibration } from '#config/board.ts';
import type { FusionConfig, WeighingConfig } from '#config/schema.ts';
import type { CartEvent, Versions } from '#events/event.ts';
import { Ledger } from '#events/ledger.ts';
import type { Judgement } from '#fusion/judgement.ts';
import { Pipeline, type PipelineOptions, type PipelineState } from '#pipeline/pipeline.ts';
import type { WeighingOutput } from '#weighing/outputs.ts';
import { TraceError } from './errors.ts';
import { TraceExpander } from './expand.ts';
import type { FrameLine, SightingLine, TraceHeader, TraceLine, Truth } from './format.ts';
import type { TraceReader } from './reader.ts';
import { readStoreMessage } from './store-messages.ts';

/** What a trace is replayed against; see `loadReplaySetup` for where it comes from. */
export interface ReplaySetup {
  readonly board: Board;
  readonly calibration: Calibration | undefined;
  readonly catalogue: Catalogue;
  readonly planogram: Planogram | undefined;
  readonly weighing: WeighingConfig;
  /** Acceleration of gravity where the device was used, µm/s²; none where the trace does not say. */
  readonly gravityUmS2?: number;
  readonly fusion: FusionConfig;
  readonly tokenPattern: RegExp;
  readonly loyaltyPattern?: RegExp;
  readonly basket?: BasketConfig;
  readonly versions: Versions;
}

export interface TimedTruth {
  readonly truth: Truth;
  readonly atUs: number;
}

export interface ReplayResult {
  readonly events: number;
  readonly truths: readonly TimedTruth[];
  readonly cellSamples: number;
  /** Time from the first to the last thing in the trace, µs. */
  readonly durationUs: number;
  /** Why the trace could not be read to its end; everything before was replayed. */
  readonly error?: TraceError;
}

/** Changes of a replay from what the trace alone says. */
interface ReplayChanges {
  /** In place of the trace's own sightings, in order of time. */
  readonly sightings?: readonly SightingLine[] | undefined;
  /** Hears what the scales say. */
  readonly onWeighed?: ((output: WeighingOutput) => void) | undefined;
  /** Hears what each decision and question was judged by. */
  readonly onJudged?: ((judgement: Judgement) => void) | undefined;
  /** Hears of every frame, at its time. */
  readonly onFrame?: ((frame: FrameLine) => void) | undefined;
}

/** Eight bytes that name the ledger of a replay: SHA-256 of the header's text, so the same trace gives the same ledger. */
export function replayLedger(headerText: string): string {
  return createHash('sha256').update(headerText).digest('hex').slice(0, 16);
}

/**
 * Runs a trace through the daemon's own pipeline in virtual time, as fast as the machine allows. `sink` gets each event
 * in order. Two replays of one trace with one setup give identical events.
 */
export async function replay(
  reader: TraceReader,
  setup: ReplaySetup,
  sink: (event: CartEvent) => void,
  changes: ReplayChanges = {},
): Promise<ReplayResult> {
  const { header, headerText, path } = reader;
  const originUs = header.originUs ?? 0;
  const id = replayLedger(headerText);
  let events = 0;
  const ledger = new Ledger(
    { store: header.store ?? 'replay', device: header.device, ledger: id },
    { boot: 1, nextSequence: 1, versions: setup.versions },
  );
  const pipeline = makePipeline(path, header, {
    ledger,
    board: setup.board,
    calibration: setup.calibration,
    catalogue: setup.catalogue,
    planogram: setup.planogram,
    weighing: setup.weighing,
    gravityUmS2: setup.gravityUmS2,
    fusion: setup.fusion,
    tokenPattern: setup.tokenPattern,
    loyaltyPattern: setup.loyaltyPattern,
    basket: setup.basket,
    sessionSalt: header.sessionSalt ?? id,
    startUs: originUs,
    onWeighed: changes.onWeighed,
    onJudged: changes.onJudged,
    sink: (event) => {
      events += 1;
      sink(event);
    },
  });
  if (header.started !== undefined) {
    pipeline.accept({ kind: 'clock', atUs: originUs, utcMs: Date.parse(header.started), quality: 'synced' });
  }
  const truths: TimedTruth[] = [];
  let cellSamples = 0;
  const expander = new TraceExpander(
    {
      cell: (source, atUs, counts, sequence) => {
        cellSamples += 1;
        pipeline.cell(source, atUs, counts, sequence);
      },
      input: (input) => {
        pipeline.accept(input);
      },
      truth: (truth, atUs) => {
        truths.push({ truth, atUs });
      },
    },
    originUs,
  );
  let error: TraceError | undefined;
  const waiting = [...(changes.sightings ?? [])];
  const take = (line: TraceLine) => {
    for (let next = waiting[0]; next !== undefined && next.t <= line.t; next = waiting[0]) {
      waiting.shift();
      expander.line(next);
    }
    if (line.kind === 'frame') changes.onFrame?.(line);
    if (line.kind !== 'sighting' || changes.sightings === undefined) expander.line(line);
  };
  try {
    for await (const batch of reader.batches()) {
      for (const line of batch) {
        take(line);
        if (line.kind !== 'message') continue;
        const given = await readStoreMessage(path, line.message, originUs + line.t);
        if (given !== undefined) pipeline.accept(given);
      }
    }
  } catch (caught) {
    if (!(caught instanceof TraceError)) throw caught;
    error = caught;
  }
  const lastUs = expander.finish();
  pipeline.advance(lastUs);
  return {
    events,
    truths,
    cellSamples,
    durationUs: lastUs - originUs,
    ...(error === undefined ? {} : { error }),
  };
}

/** The pipeline with the state of the header, which may be anybody's: throws TraceError CW-TRC-001 where it is no state. */
function makePipeline(path: string, header: TraceHeader, options: PipelineOptions): Pipeline {
  if (header.state === undefined) return new Pipeline(options);
  try {
    // Written by a pipeline's saveState; the rooms check their versions when they restore it.
    return new Pipeline({ ...options, state: header.state as PipelineState });
  } catch (cause) {
    throw new TraceError(
      'CW-TRC-001',
      `${path}: the state in the header can't be used: ${describeError(cause)}; leave it out to start empty`,
      { cause },
    );
  }
}
