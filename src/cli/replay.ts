import { once } from 'node:events';
import { createWriteStream, existsSync, type WriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { plainCause } from '#base/system-error.ts';
import type { CartEvent } from '#events/event.ts';
import { toJsonLine } from '#events/json.ts';
import type { Judgement } from '#fusion/judgement.ts';
import type { TraceError } from '#traces/errors.ts';
import { openTrace } from '#traces/reader.ts';
import { type ReplayResult, replay } from '#traces/replay.ts';
import { loadReplaySetup, type ReplayFiles } from '#traces/setup.ts';
import { CliError } from './errors.ts';
import { EventPrinter } from './event-line.ts';
import { exitCodes } from './exit.ts';
import { printJson, useColour } from './terminal.ts';
import type { TellSpoilt, TraceEyes } from './trace-eyes.ts';

interface ReplayOptions extends ReplayFiles {
  readonly events?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly reinfer?: boolean;
  readonly model?: string;
  readonly gallery?: string;
}

/** The options with which a trace's own files are replaced. */
export function withReplayFiles(command: Command): Command {
  return command
    .option('--board <file>', 'board profile, in place of the one the trace names')
    .option('--calibration <file>', 'calibration')
    .option('--catalogue <file>', 'catalogue')
    .option('--planogram <file>', 'planogram')
    .option('--config <file>', 'configuration whose weighing, fusion and session sections are used');
}

/** `cartwright replay`: a trace through the daemon's own pipeline, in virtual time. */
export function registerReplay(program: Command): void {
  withReplayFiles(
    program
      .command('replay')
      .description('run a trace through the decisions of the gateway, as fast as the machine allows')
      .argument('<trace>', 'trace (.ndjson, or .ndjson.zst), or the folder of one'),
  )
    .option('-e, --events <file>', 'write the JSON view of every event, one a line')
    .option('--json', 'print the result as JSON')
    .option('-q, --quiet', 'do not print the events')
    .option('--reinfer', 'look at the frames of the trace anew, in place of the sightings in it')
    .option('--model <path>', 'model for --reinfer: its folder, or a name in config/models', 'groceries')
    .option('--gallery <file>', 'gallery for --reinfer (default: gallery.cwg beside the model)')
    .addHelpText(
      'after',
      `
The same trace gives the same bytes, on every machine and in every time zone. A trace that is cut is replayed as
far as it goes: its code is on standard error, and the exit code is 1. With --reinfer, so is that of each frame that
is missing or damaged; the others are looked at.

Examples:
  scripts/cartwright simulate config/scenarios/demo-trip.yaml --trace /tmp/trip
  scripts/cartwright replay /tmp/trip
  scripts/cartwright replay /tmp/trip --catalogue config/catalogues/demo.json --events /tmp/trip/events.ndjson --quiet
  scripts/cartwright replay /tmp/trip --json | jq .timesRealTime`,
    )
    .action(async (trace: string, options: ReplayOptions) => {
      const printer = new EventPrinter({ colour: useColour() });
      const silent = options.quiet === true || options.json === true;
      const file = options.events === undefined ? undefined : new EventFile(options.events);
      const started = process.hrtime.bigint();
      const spoilt: TraceError[] = [];
      const eyes = options.reinfer === true ? { ...options, tell: spoilt.push.bind(spoilt) } : undefined;
      const take = (event: CartEvent) => {
        file?.write(event);
        if (!silent) process.stdout.write(`${printer.line(event)}\n`);
      };
      const result = await replayTrace(trace, options, take, { eyes });
      const wallUs = Number((process.hrtime.bigint() - started) / 1000n);
      await file?.close();
      const { truths: _truths, error, ...figures } = result;
      const speed = Math.round(result.durationUs / Math.max(1, wallUs));
      if (options.json) {
        const failure = error === undefined ? {} : { error: { code: error.code, message: error.message } };
        printJson({ ...figures, wallUs, timesRealTime: speed, ...failure });
      } else {
        process.stdout.write(
          `${result.events} events of ${(result.durationUs / 1e6).toFixed(1)} s, ${result.cellSamples} cell samples, ${speed} × real time\n`,
        );
      }
      for (const one of error === undefined ? spoilt : [...spoilt, error]) {
        process.stderr.write(`${one.code} ${one.message}\n`);
        process.exitCode = exitCodes.findings;
      }
    });
}

/**
 * Opens and replays a trace with the files beside it or those given. Rejects with coded errors.
 *
 * @param more `eyes`: to look at its frames anew with; `tell` hears of those that are missing or damaged. `onJudged` hears what each
 *   decision and question was judged by
 */
export async function replayTrace(
  path: string,
  files: ReplayFiles,
  sink: (event: CartEvent) => void,
  more: {
    readonly eyes?: (TraceEyes & { readonly tell: TellSpoilt }) | undefined;
    readonly onJudged?: ((judgement: Judgement) => void) | undefined;
  } = {},
): Promise<ReplayResult> {
  const { eyes, onJudged } = more;
  const file = await traceFile(path);
  const reader = await openTrace(file);
  const setup = await loadReplaySetup(file, reader.header, files);
  if (eyes === undefined) return replay(reader, setup, sink, { onJudged });
  const { reinfer } = await import('./trace-eyes.ts');
  return replay(reader, setup, sink, { onJudged, sightings: await reinfer(file, setup, eyes) });
}

/** A folder stands for the trace in it, as `simulate` and `record` made it. */
async function traceFile(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return path;
  const plain = join(path, 'trace.ndjson');
  const packed = `${plain}.zst`;
  return !existsSync(plain) && existsSync(packed) ? packed : plain;
}

/** Events as JSON lines; a disk that is full is an error, not a shorter file. */
class EventFile {
  readonly #path: string;
  readonly #stream: WriteStream;
  #failure: Error | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#stream = createWriteStream(path);
    this.#stream.on('error', (error) => {
      this.#failure = error;
    });
  }

  write(event: CartEvent): void {
    this.#stream.write(`${toJsonLine(event)}\n`);
  }

  async close(): Promise<void> {
    if (this.#failure === undefined) {
      this.#stream.end();
      await Promise.race([once(this.#stream, 'finish'), once(this.#stream, 'error')]).catch(() => {});
    }
    if (this.#failure === undefined) return;
    throw new CliError('CW-CLI-004', `${this.#path} can't be written: ${plainCause(this.#failure)}`, {
      cause: this.#failure,
    });
  }
}
