import { dirname } from 'node:path';
import type { Command } from 'commander';
import { compileScenario } from '#simulation/compile.ts';
import { loadScenarioFiles } from '#simulation/files.ts';
import { simulatedCalibration } from '#simulation/hardware.ts';
import { itemTime } from '#simulation/items.ts';
import { FilmMaker } from '#simulation/pictures/film.ts';
import { type PlayOptions, playScenario } from '#simulation/play.ts';
import { loadScenario } from '#simulation/scenario.ts';
import { createTrace, type TraceWriter } from '#traces/folder.ts';
import { openTrace } from '#traces/reader.ts';
import { loadReplaySetup } from '#traces/setup.ts';
import { printJson, shortPath } from './terminal.ts';
import { integerFrom } from './values.ts';

interface SimulateOptions {
  readonly trace: string;
  readonly seed?: number;
  readonly pictures?: boolean;
  readonly json?: boolean;
}

/** A simulated trip starts here: a fixed instant, so that the same scenario gives the same trace. */
const started = '2026-01-05T10:00:00.000Z';

/** `cartwright simulate`: a scenario as a trace with truth lines. */
export function registerSimulate(program: Command): void {
  program
    .command('simulate')
    .description('play a scenario in the simulated world and write it as a trace, with what really happened')
    .argument('<scenario>', 'scenario (YAML), as config/scenarios/demo-trip.yaml')
    .requiredOption(
      '-t, --trace <out>',
      'folder, or a file ending in .ndjson; board and catalogue go beside it',
    )
    .option(
      '--seed <number>',
      "another run of the same scenario (default: the scenario's own)",
      integerFrom('--seed', 0),
    )
    .option('--pictures', 'also take pictures through its cameras, and recognize what is on them')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
The same scenario and seed give the same bytes; with --pictures, what is recognized on them may differ in the last
digits between processors. Scenarios come in config/scenarios; docs/scenarios.md tells how to
write one.

Examples:
  scripts/cartwright simulate config/scenarios/demo-trip.yaml --trace /tmp/trip
  scripts/cartwright simulate config/scenarios/demo-trip.yaml --trace /tmp/trip --pictures
  scripts/cartwright replay /tmp/trip
  scripts/cartwright score /tmp/trip`,
    )
    .action(async (path: string, options: SimulateOptions) => {
      const result = await simulate(path, options.trace, options.seed, options.pictures);
      if (options.json) return printJson(result);
      const { durationUs, inputs, truths, pictures, sightings } = result;
      const seen = pictures === undefined ? '' : `, ${pictures} pictures, ${sightings ?? 0} sightings`;
      process.stdout.write(
        `${shortPath(result.trace)}: ${(durationUs / 1e6).toFixed(1)} s, ${inputs} inputs, ${truths} truths${seen}\n`,
      );
    });
}

export interface Simulated {
  readonly trace: string;
  readonly inputs: number;
  readonly truths: number;
  readonly durationUs: number;
  readonly pictures?: number;
  readonly sightings?: number;
}

/** What is written into the trace besides what the world yields, in order of time. */
interface Extra {
  readonly atUs: number;
  readonly write: (recorder: TraceWriter['recorder']) => void;
}

/**
 * Plays a scenario into a trace folder. The same scenario and seed give the same bytes, but for what is recognized on
 * pictures, which differs between processors. Rejects with coded errors.
 *
 * @param pictures also takes pictures around what is moved, and tells what the shipped model sees on them
 */
export async function simulate(
  path: string,
  out: string,
  seed?: number,
  pictures = false,
): Promise<Simulated> {
  const scenario = await loadScenario(path);
  const files = await loadScenarioFiles(scenario);
  const played = { scenario, ...files, ...(seed === undefined ? {} : { seed }) };
  const plain = await writeTrace(played, out, []);
  if (!pictures) return plain;
  const { takePictures } = await import('./simulate-pictures.ts');
  const { inferSightings, watchTrace } = await import('./trace-eyes.ts');
  const folder = dirname(plain.trace);
  const film = new FilmMaker(seed ?? scenario.seed).film(compileScenario(played));
  const taken = await takePictures({
    board: files.board,
    film,
    seed: seed ?? scenario.seed,
    endUs: plain.durationUs,
    folder,
  });
  const extras = taken.map(
    ({ source, atUs, path: frame }): Extra => ({
      atUs,
      write: (recorder) => recorder.frame(source, atUs, frame),
    }),
  );
  await writeTrace(played, out, extras);
  const setup = await loadReplaySetup(plain.trace, (await openTrace(plain.trace)).header);
  const watched = await watchTrace(plain.trace, setup, (error) => {
    throw error;
  });
  const sightings = await inferSightings(watched, setup, {});
  extras.push(
    ...sightings.map((input): Extra => ({ atUs: input.atUs, write: (recorder) => recorder.input(input) })),
  );
  const whole = await writeTrace(played, out, extras);
  return { ...whole, pictures: taken.length, sightings: sightings.length };
}

async function writeTrace(played: PlayOptions, out: string, extras: readonly Extra[]): Promise<Simulated> {
  const { scenario, board } = played;
  const items = playScenario(played);
  // The first works the scenario out: one that can't be played leaves no folder behind.
  const first = items.next();
  const writer = await createTrace(out, {
    device: scenario.name,
    board,
    calibration: simulatedCalibration(board),
    catalogue: scenario.catalogue,
    planogram: scenario.planogram,
    extra: { started },
  });
  const waiting = [...extras].sort((a, b) => a.atUs - b.atUs);
  let inputs = 0;
  let truths = 0;
  let durationUs = 0;
  for (let next = first; !next.done; next = items.next()) {
    const item = next.value;
    const atUs = itemTime(item);
    while (waiting[0] !== undefined && waiting[0].atUs < atUs) waiting.shift()?.write(writer.recorder);
    if (item.kind === 'input') {
      writer.recorder.input(item.input);
      inputs += 1;
      if (inputs % 20_000 === 0) await writer.drain();
    } else if (item.kind === 'truth') {
      writer.recorder.truth(item.truth, item.atUs);
      truths += 1;
    } else {
      writer.recorder.end(item.atUs);
      durationUs = item.atUs;
    }
  }
  await writer.close();
  return { trace: writer.path, inputs, truths, durationUs };
}
