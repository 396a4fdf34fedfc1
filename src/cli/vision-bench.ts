import type { Command } from 'commander';
import { printable, printJson } from './terminal.ts';
import { integerFrom } from './values.ts';
import { modelPath } from './vision-eyes.ts';
import { type BenchFigures, measure } from './vision-measure.ts';

interface BenchOptions {
  readonly model: string;
  readonly threads: number;
  readonly rounds: number;
  readonly json?: boolean;
}

/** `cartwright vision bench`: how fast this machine sees. */
export function registerVisionBench(vision: Command): void {
  vision
    .command('bench')
    .description('measure how fast this machine embeds and recognizes, and in how much memory')
    .option('--model <path>', 'model: its folder, or a name in config/models', 'groceries')
    .option('--threads <n>', 'threads of one inference', integerFrom('--threads', 1, 64), 1)
    .option(
      '--rounds <n>',
      'rounds; what is compared takes turns in each',
      integerFrom('--rounds', 3, 1000),
      20,
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
All in one run, in turns, so that a busy machine slows all alike: times are medians, ratios medians over the rounds.
  int8 / fp32   pictures a second of the quantized network over those of the network in floats
  overhead      a frame's whole way (1280 × 720 YUV: crop the middle square, resize, embed, look up) over the
                inference alone, of the same session with a ready tensor
MJPEG frames are decoded before that, which is told apart.

Examples:
  scripts/cartwright vision bench
  scripts/cartwright vision bench --model /tmp/model --threads 2 --json`,
    )
    .action(async ({ model, threads, rounds, json }: BenchOptions) => {
      const figures = await measure(modelPath(model), threads, rounds);
      if (json) printJson(figures);
      else process.stdout.write(asText(figures));
    });
}

function asText(figures: BenchFigures): string {
  const { machine, ms, perSecond, ratios, residentMB } = figures;
  const time = (value: number) => `${value.toFixed(2)} ms`;
  const rate = (value: number | undefined) => (value === undefined ? '–' : `${value.toFixed(1)} pictures/s`);
  const rows: readonly (readonly [string, string])[] = [
    ['model', `${figures.model}, ${figures.threads === 1 ? '1 thread' : `${figures.threads} threads`}`],
    ['processor', `${machine.processor} (${machine.instructions.join(' ') || 'instructions not known'})`],
    [
      'int8 dot products',
      machine.dotProducts ? 'yes, in hardware' : 'no: int8 gains little on this processor',
    ],
    ['onnx-int8', rate(perSecond.int8)],
    ['onnx-fp32', rate(perSecond.fp32)],
    ['tfjs-wasm', rate(perSecond.tfjsWasm)],
    ['int8 / fp32', ratios.int8OverFp32.toFixed(2)],
    ['inference', time(ms.inference)],
    ['frame to product', time(ms.frame)],
    ['overhead', ratios.frameOverInference.toFixed(3)],
    ['crop and resize', time(ms.sample)],
    [
      'look up',
      `${time(ms.lookUp)} in ${figures.looks} looks, ${time(ms.fullLookUp)} in 10,000 of 5 references`,
    ],
    ['decode MJPEG', `${time(ms.decode)} (1280 × 720)`],
    [
      'memory (RSS)',
      `${residentMB.start} MB, ${residentMB.int8} MB with int8 and gallery, ${residentMB.end} MB with fp32, TensorFlow.js and a full gallery as well`,
    ],
  ];
  return rows.map(([label, value]) => `${label.padEnd(18)} ${printable(value)}\n`).join('');
}
