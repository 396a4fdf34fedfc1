import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bridgePart } from './bridge.ts';
import { brokersPart } from './brokers.ts';
import { calibrationsPart } from './calibrations.ts';
import { eventsPart } from './events.ts';
import { eyesPart } from './eyes.ts';
import { galleryPart } from './gallery.ts';
import { loadPart } from './load.ts';
import { peerPart } from './peer.ts';
import { replayPart } from './replay.ts';
import { samplesPart } from './samples.ts';
import { startPart } from './start.ts';
import { stormPart } from './storm.ts';
import { machineFacts } from './support/machine.ts';
import type { BenchContext, Part } from './support/part.ts';
import { root } from './support/processes.ts';
import { formatTable, type Row, type Skipped, verdict } from './support/report.ts';

const parts: readonly Part[] = [
  replayPart,
  samplesPart,
  eventsPart,
  startPart,
  bridgePart,
  galleryPart,
  eyesPart,
  loadPart,
  calibrationsPart,
  peerPart,
  stormPart,
  brokersPart,
];

const help = `Measures the gateway and prints a table; out/bench.json has every single measurement.

  npm run bench                       everything, about 30 minutes
  npm run bench -- replay samples     some parts
  npm run bench -- --quick            shorter, to see that it works

Parts:
${parts.map((part) => `  ${part.name.padEnd(10)} ${part.about}`).join('\n')}

Options:
  --quick          fewer and shorter runs; the figures are not to be quoted
  --prefer         load: run the gateway before everything else on a busy machine, as on one of its own (root)
  --out <file>     JSON goes there (out/bench.json)
  --folder <dir>   work there: the disk under it is the one that is measured (out/)
  -h, --help       this
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      prefer: { type: 'boolean', default: false },
      out: { type: 'string', default: join(root, 'out/bench.json') },
      folder: { type: 'string', default: join(root, 'out') },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const unknown = positionals.filter((name) => parts.every((part) => part.name !== name));
  if (unknown.length > 0) {
    process.stderr.write(`there is no part ${unknown.join(', ')}\n\n${help}`);
    return 2;
  }
  const machine = machineFacts();
  process.stdout.write(
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryMiB} MiB, ${machine.system}, Node ${machine.node}, ${machine.date}, load ${machine.load}\n`,
  );
  await mkdir(values.folder, { recursive: true });
  const folder = await mkdtemp(join(values.folder, 'bench-'));
  const context: BenchContext = {
    quick: values.quick,
    prefer: values.prefer,
    folder,
    say: (text) => process.stderr.write(`… ${text}\n`),
  };
  try {
    const chosen = positionals.length === 0 ? parts : parts.filter((part) => positionals.includes(part.name));
    const { rows, skipped, failed } = await runAll(chosen, context);
    process.stdout.write(`\n${formatTable(rows)}\n`);
    for (const { part, why } of skipped) process.stdout.write(`skipped in ${part}: ${why}\n`);
    for (const { part, why } of failed) process.stdout.write(`failed: ${part}: ${why}\n`);
    const results = rows.map((row) => ({ ...row, verdict: verdict(row) || undefined }));
    const report = { bench: 1, quick: values.quick, machine, rows: results, skipped, failed };
    await writeFile(values.out, `${JSON.stringify(report, null, 2)}\n`);
    return failed.length > 0 ? 1 : 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One part that fails doesn't take the others' figures with it. */
async function runAll(chosen: readonly Part[], context: BenchContext) {
  const rows: Row[] = [];
  const skipped: Skipped[] = [];
  const failed: Skipped[] = [];
  for (const part of chosen) {
    context.say(part.about);
    try {
      for (const result of await part.run(context)) {
        if ('why' in result) skipped.push(result);
        else rows.push(result);
      }
    } catch (error) {
      failed.push({ part: part.name, why: describe(error) });
    }
  }
  return { rows, skipped, failed };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}\n  because ${describe(error.cause)}`;
}

process.exitCode = await main();
