import { join } from 'node:path';
import { Ledger } from '#events/ledger.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import { Pipeline } from '#pipeline/pipeline.ts';
import { TraceExpander } from '#traces/expand.ts';
import { openTrace } from '#traces/reader.ts';
import { loadReplaySetup } from '#traces/setup.ts';
import { Weigher } from '#weighing/weigher.ts';
import type { BenchContext, Part } from './support/part.ts';
import { runNode } from './support/processes.ts';
import { measured } from './support/report.ts';
import { recordTrips } from './trace.ts';

const name = 'samples';

interface SampleCosts {
  readonly pipeline: number[];
  readonly weighing: number[];
  readonly events: number;
}

/** Processor time per cell sample: of all decisions, and of weighing alone. */
export const samplesPart: Part = {
  name,
  about: 'µs CPU per cell sample through the pipeline, and through weighing alone',
  async run(context: BenchContext) {
    const trace = await recordTrips(join(context.folder, 'samples'), context.quick ? 1 : 5);
    context.say(`deciding on ${trace.cellSamples} cell samples from memory`);
    const { value } = await runNode<SampleCosts>([
      import.meta.filename,
      trace.path,
      context.quick ? '2' : '7',
    ]);
    const note = `from memory, motion sensor and ${value.events} events included; first run (cold) ${(value.pipeline[0] ?? 0).toFixed(2)}`;
    return [
      measured(name, 'whole pipeline, readings to events', 'µs CPU/cell sample', value.pipeline.slice(1), {
        note,
      }),
      measured(name, 'weighing alone', 'µs CPU/cell sample', value.weighing.slice(1)),
    ];
  },
};

/** Everything of a trace in the order in which the pipeline takes it. */
async function readInputs(path: string): Promise<{ inputs: PipelineInput[]; cells: number }> {
  const reader = await openTrace(path);
  const inputs: PipelineInput[] = [];
  let cells = 0;
  const expander = new TraceExpander(
    {
      cell: (source, atUs, counts, sequence) => {
        cells += 1;
        inputs.push({ kind: 'cell', source, atUs, counts, sequence });
      },
      input: (input) => inputs.push(input),
      truth: () => {},
    },
    0,
  );
  for await (const batch of reader.batches()) for (const line of batch) expander.line(line);
  expander.finish();
  return { inputs, cells };
}

async function measure(path: string, runs: number): Promise<SampleCosts> {
  const { header } = await openTrace(path);
  const setup = await loadReplaySetup(path, header);
  const { inputs, cells } = await readInputs(path);
  const costs: SampleCosts & { events: number } = { pipeline: [], weighing: [], events: 0 };
  for (let run = 0; run < runs; run++) {
    let events = 0;
    const ledger = new Ledger(
      { store: 'bench', device: 'cart', ledger: '0'.repeat(16) },
      { boot: 1, nextSequence: 1, versions: setup.versions },
    );
    const pipeline = new Pipeline({
      ...setup,
      ledger,
      sessionSalt: 'bench',
      startUs: 0,
      sink: () => {
        events += 1;
      },
    });
    costs.pipeline.push(
      cpuOf(() => {
        for (const input of inputs) pipeline.accept(input);
      }) / cells,
    );
    costs.events = events;
    const weigher = new Weigher({
      plates: setup.board.plates,
      calibration: setup.calibration,
      config: setup.weighing,
      sink: () => {},
    });
    costs.weighing.push(
      cpuOf(() => {
        for (const input of inputs) {
          if (input.kind === 'cell') weigher.cell(input.source, input.atUs, input.counts, input.sequence);
          else if (input.kind === 'motion') weigher.motion(input);
        }
      }) / cells,
    );
  }
  return costs;
}

/** Processor time of this process, the collector's threads included, µs. */
function cpuOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const used = process.cpuUsage(before);
  return used.user + used.system;
}

if (import.meta.main) {
  const [path = '', runs = '7'] = process.argv.slice(2);
  console.log(JSON.stringify(await measure(path, Number(runs))));
}
