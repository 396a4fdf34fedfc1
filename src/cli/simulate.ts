import type { Command } from 'commander';
import { loadScenarioFiles } from '#simulation/files.ts';
import { simulatedCalibration } from '#simulation/hardware.ts';
import { playScenario } from '#simulation/play.ts';
import { loadScenario } from '#simulation/scenario.ts';
import { createTrace } from '#traces/folder.ts';
import { printJson, shortPath } from './terminal.ts';
import { integerFrom } from './values.ts';

interface SimulateOptions {
  readonly trace: string;
  readonly seed?: number;
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
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
The same scenario and seed give the same bytes. Scenarios come in config/scenarios; docs/scenarios.md tells how to
write one.

Examples:
  scripts/cartwright simulate config/scenarios/demo-trip.yaml --trace /tmp/trip
  scripts/cartwright replay /tmp/trip
  scripts/cartwright score /tmp/trip`,
    )
    .action(async (path: string, options: SimulateOptions) => {
      const result = await simulate(path, options.trace, options.seed);
      if (options.json) return printJson(result);
      const { durationUs, inputs, truths } = result;
      process.stdout.write(
        `${shortPath(result.trace)}: ${(durationUs / 1e6).toFixed(1)} s, ${inputs} inputs, ${truths} truths\n`,
      );
    });
}

/** Plays a scenario into a trace folder. The same scenario and seed give the same bytes. Rejects with coded errors. */
export async function simulate(
  path: string,
  out: string,
  seed?: number,
): Promise<{ trace: string; inputs: number; truths: number; durationUs: number }> {
  const scenario = await loadScenario(path);
  const { board, catalogue, planogram } = await loadScenarioFiles(scenario);
  const items = playScenario({ scenario, board, catalogue, planogram, seed });
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
  let inputs = 0;
  let truths = 0;
  let durationUs = 0;
  for (let next = first; !next.done; next = items.next()) {
    const item = next.value;
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
