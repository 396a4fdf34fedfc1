import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machineFacts } from '#test/bench/support/machine.ts';
import { root } from '#test/bench/support/processes.ts';
import { type ContenderName, contenderNames, contenders } from './engine-names.ts';
import { type Figures, figuresOf, reliability } from './figures.ts';
import { goalsOf } from './goals.ts';
import { keepTrip, tellTrip } from './keep.ts';
import type { Outcome } from './outcome.ts';
import { f1Plot, reliabilityPlot } from './plot.ts';
import { Played } from './resume.ts';
import { markdown, worstTrips } from './text.ts';
import { type TierName, tierNames } from './tiers.ts';
import type { Job } from './worker.ts';

const usualTrips = 300;
const recordTrips = 2_000;
const recordSeed = 100_001;
/** Without a part of the evidence there is more to weigh, and the figures need not be as sharp. */
const ablationTrips = 100;
/** Trips with a catalogue of this size show what decisions cost there; fewer, because they take long. */
const largeCatalogue = 10_000;
const timedTrips = 40;

const help = `Measures how right the decisions are: shopping trips by chance in the simulated world, through the gateway's
own pipeline, in virtual time, compared with what really happened there.

  npm run bench:accuracy                          ${usualTrips} trips a tier, ours and the naive baseline, with ablations
  npm run bench:accuracy -- --trips 20 --engines ours,naive      a quick look
  npm run bench:accuracy -- --record              ${recordTrips} cooperative trips, for the record
  npm run bench:accuracy -- --only adversarial:17                one trip, told from beginning to end
  npm run bench:accuracy -- --only adversarial:17 --keep /tmp/trip
                                                  and written as a trace, for
      scripts/cartwright replay /tmp/trip    scripts/cartwright score /tmp/trip --verbose

Options:
  --trips <n>        trips a tier (${usualTrips})
  --ablations <n>    trips a tier of the other engines than ours and naive (${ablationTrips}, never more than --trips)
  --tiers <a,b>      of ${tierNames.join(', ')} (all)
  --engines <a,b>    of ${contenderNames.join(', ')} (all)
  --seed <n>         seed of the first trip (1, of a record ${recordSeed}: trips nobody mended by); trip k has seed n + k - 1
  --resume <file>    keep outcomes there, and go on from what it has; of one state of the code
  --jobs <n>         worker processes (as many as processors)
  --no-timing        leave out the trips with ${largeCatalogue.toLocaleString('en-US')} products
  --out <dir>        folder for accuracy.json, .md, -f1.svg, -f1.png, reliability.json, .png, worst.txt (out/accuracy)
  --docs             write the figures into docs/benchmarks.md and the plots into docs/images too
  -h, --help         this

Engines:
${contenderNames.map((name) => `  ${name.padEnd(12)} ${contenders[name].about}`).join('\n')}
`;

interface Wanted {
  readonly trips: number;
  readonly ablations: number;
  readonly tiers: readonly TierName[];
  readonly engines: readonly ContenderName[];
  readonly seed: number;
  readonly jobs: number;
  readonly timing: boolean;
  readonly out: string;
  readonly record: boolean;
  readonly resume: string | undefined;
  readonly docs: boolean;
}

/** Says what is wrong with how it was called. */
class UsageError extends Error {}

function listOf<T extends string>(text: string | undefined, all: readonly T[], option: string): readonly T[] {
  if (text === undefined) return all;
  const names = text.split(',');
  const strange = names.filter((name) => !all.includes(name as T));
  if (strange.length > 0) {
    throw new UsageError(`${option}: there is no ${strange.join(', ')}; there are ${all.join(', ')}`);
  }
  return all.filter((name) => names.includes(name));
}

function whole(text: string | undefined, usual: number, option: string): number {
  const value = text === undefined ? usual : Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new UsageError(`${option} must be a whole number from 1`);
  return value;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      trips: { type: 'string' },
      ablations: { type: 'string' },
      tiers: { type: 'string' },
      engines: { type: 'string' },
      seed: { type: 'string' },
      jobs: { type: 'string' },
      timing: { type: 'boolean', default: true },
      record: { type: 'boolean', default: false },
      only: { type: 'string' },
      keep: { type: 'string' },
      resume: { type: 'string' },
      docs: { type: 'boolean', default: false },
      out: { type: 'string', default: join(root, 'out/accuracy') },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const engines = listOf(values.engines, contenderNames, '--engines');
  if (values.only !== undefined) return await tellOne(values.only, engines, values.keep);
  await measure({
    trips: whole(values.trips, usualTrips, '--trips'),
    ablations: whole(values.ablations, ablationTrips, '--ablations'),
    tiers: listOf(values.tiers, tierNames, '--tiers'),
    engines,
    seed: whole(values.seed, values.record ? recordSeed : 1, '--seed'),
    jobs: whole(values.jobs, availableParallelism(), '--jobs'),
    timing: values.timing,
    record: values.record,
    out: values.out,
    resume: values.resume,
    docs: values.docs,
  });
  return 0;
}

/** One trip in full on standard output and, where a folder is given, as a trace. */
async function tellOne(
  only: string,
  engines: readonly ContenderName[],
  keep: string | undefined,
): Promise<number> {
  const [name, number] = only.split(':');
  const [tier] = listOf(name, tierNames, '--only');
  const seed = whole(number, 1, '--only TIER:SEED');
  if (tier === undefined) throw new UsageError('--only needs TIER:SEED');
  process.stdout.write(await tellTrip(tier, seed, engines[0] ?? 'ours'));
  if (keep !== undefined) await keepTrip(tier, seed, engines[0] ?? 'ours', keep);
  return 0;
}

/** All trips to play, by seed first: what a run that was stopped has kept is of all tiers and engines alike. */
function jobsOf({ tiers, engines, trips, ablations, record, seed }: Wanted): Job[] {
  const jobs: Job[] = [];
  for (let index = 0; index < Math.max(trips, record ? recordTrips : 0); index++) {
    for (const tier of tiers) {
      for (const engine of engines) {
        const main = engine === 'ours' || engine === 'naive';
        const usual = main ? trips : Math.min(trips, ablations);
        const most = main && record && tier === 'cooperative' ? Math.max(recordTrips, trips) : usual;
        if (index < most) jobs.push({ tier, engine, seed: seed + index });
      }
    }
  }
  return jobs;
}

/** The same few trips with the catalogue as it is, and with a large one. */
function timingJobs({ tiers, seed, timing, trips }: Wanted, products: number | undefined): Job[] {
  if (!timing) return [];
  return tiers.flatMap((tier) =>
    Array.from({ length: Math.min(timedTrips, trips) }, (_, index): Job => {
      return { tier, engine: 'ours', seed: seed + index, timed: true, products };
    }),
  );
}

async function measure(wanted: Wanted): Promise<void> {
  const machine = machineFacts();
  const jobs = jobsOf(wanted);
  const facts = `Seeds from ${wanted.seed}, ${wanted.trips} trips a tier; ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.date}, load ${machine.load}.`;
  process.stderr.write(`${facts}\n`);
  const timed = timingJobs(wanted, undefined);
  const large = timingJobs(wanted, largeCatalogue);
  const played = new Played(wanted.resume);
  await played.load();
  const total = played.missing([...jobs, ...timed, ...large]);
  const started = performance.now();
  const step = Math.max(1, Math.floor(total / 20));
  let done = 0;
  const tell = () => {
    done += 1;
    const minutes = (performance.now() - started) / 60_000;
    if (done % step === 0) process.stderr.write(`… ${done} of ${total} trips, ${minutes.toFixed(1)} min\n`);
  };
  const outcomes = await played.play(jobs, wanted.jobs, tell);
  const costs = [await played.play(timed, wanted.jobs, tell), await played.play(large, wanted.jobs, tell)];
  await report(wanted, facts, machine, outcomes, costs);
}

/** Figures of each tier and engine, in the order of their names. */
function figuresBy(outcomes: readonly Outcome[], { tiers, engines }: Wanted): Figures[] {
  return tiers.flatMap((tier) =>
    engines.flatMap((engine) => {
      const some = outcomes.filter((one) => one.tier === tier && one.engine === engine);
      return some.length === 0 ? [] : [figuresOf(some)];
    }),
  );
}

async function report(
  wanted: Wanted,
  facts: string,
  machine: ReturnType<typeof machineFacts>,
  outcomes: readonly Outcome[],
  costs: readonly (readonly Outcome[])[],
): Promise<void> {
  const { out } = wanted;
  const figures = figuresBy(outcomes, wanted);
  const ours = outcomes.filter(({ engine }) => engine === 'ours');
  const bins = reliability(ours);
  const sizes = ['1,163', largeCatalogue.toLocaleString('en-US')];
  const timing = costs.flatMap((some, index) =>
    figuresBy(some, wanted).map(({ tier, trips, decisionP50, decisionP99 }) => {
      return { tier, products: sizes[index] ?? '', trips, decisionP50, decisionP99 };
    }),
  );
  const document = markdown(facts, figures, bins, timing);
  const f1 = f1Plot(figures);
  const diagram = reliabilityPlot(bins);
  const { default: sharp } = await import('sharp');
  await mkdir(out, { recursive: true });
  const json = (value: unknown) => `${JSON.stringify(value, null, 1)}\n`;
  await Promise.all([
    writeFile(
      join(out, 'accuracy.json'),
      json({ accuracy: 1, machine, wanted, goals: goalsOf(figures), figures, timing }),
    ),
    writeFile(join(out, 'accuracy.md'), document),
    writeFile(join(out, 'accuracy-f1.svg'), f1),
    sharp(Buffer.from(f1)).png().toFile(join(out, 'accuracy-f1.png')),
    writeFile(join(out, 'reliability.json'), json({ reliability: 1, engine: 'ours', bins })),
    writeFile(join(out, 'reliability.svg'), diagram),
    sharp(Buffer.from(diagram)).png().toFile(join(out, 'reliability.png')),
    writeFile(join(out, 'worst.txt'), worstTrips(ours, 60)),
  ]);
  process.stdout.write(`${document}\nwritten to ${out}\n`);
  if (wanted.docs) await writeDocs(document, f1, diagram);
}

const figuresBegin = '<!-- figures of npm run bench:accuracy -- --docs -->';
const figuresEnd = '<!-- end of figures -->';

/** Puts the figures where the documentation has them, and the plots beside it. */
async function writeDocs(document: string, f1: string, diagram: string): Promise<void> {
  const page = join(root, 'docs/benchmarks.md');
  const text = await readFile(page, 'utf8');
  const [before, rest] = text.split(figuresBegin);
  const after = rest?.split(figuresEnd)[1];
  if (before === undefined || after === undefined) {
    throw new UsageError(`${page} lacks the lines ${figuresBegin} and ${figuresEnd}`);
  }
  const plots =
    '![F1 of all engines in all tiers](images/accuracy-f1.png)\n\n![Reliability diagram](images/accuracy-reliability.png)\n';
  const figures = document.replace(/^# .*\n\n/u, '').replaceAll(/^## /gmu, '### ');
  await writeFile(page, `${before}${figuresBegin}\n\n${figures}\n${plots}\n${figuresEnd}${after}`);
  const { default: sharp } = await import('sharp');
  const png = (svg: string, name: string) =>
    sharp(Buffer.from(svg))
      .png({ palette: true })
      .toFile(join(root, 'docs/images', name));
  await Promise.all([png(f1, 'accuracy-f1.png'), png(diagram, 'accuracy-reliability.png')]);
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof TypeError && 'code' in error)) throw error;
  process.stderr.write(`${error.message}\n\n${help}`);
  process.exitCode = 2;
}
