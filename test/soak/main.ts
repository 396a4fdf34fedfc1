/**
 * What takes too long for every commit: `npm run soak`, all of it or `-- --only=fuzz,firmware`. Exit 0 only when nothing
 * was lost, repeated by id, decided wrong or left unexplained, and no property, check or device failed.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { calibrationStage } from './calibrations.ts';
import { checkoutsStage } from './checkouts.ts';
import { faultsStage } from './faults.ts';
import { firmwareStage } from './firmware.ts';
import { fuzzStage } from './fuzz.ts';
import { hilStage } from './hil.ts';
import { killsStage } from './kills.ts';
import { networkStage } from './network.ts';
import { powerCutsStage } from './power-cuts.ts';
import type { SoakOptions, Stage } from './stage.ts';
import { tripsStage } from './trips.ts';
import { updatesStage } from './updates.ts';

const stages: readonly Stage[] = [
  tripsStage,
  killsStage,
  checkoutsStage,
  calibrationStage,
  faultsStage,
  firmwareStage,
  fuzzStage,
  hilStage,
  networkStage,
  powerCutsStage,
  updatesStage,
];

const help = `Tries for hours what the tests try for seconds. One line a stage; exit 1 where one failed.

  npm run soak                            everything
  npm run soak -- --only=fuzz,firmware    some stages

Stages:
${stages.map((stage) => `  ${stage.name.padEnd(11)} ${stage.about}`).join('\n')}

Options:
  --only <stages>   these, separated by commas
  --trips <n>       trips by chance (2000)
  --kills <n>       kills of the daemon, in trips, payments and calibrations (200 each)
  --cuts <n>        cuts of the power of whole machines (100)
  --seed <n>        of the first trip (1)
  --inputs <n>      inputs for each property and for the firmware (1000000)
  --cycles <n>      how often each device is pulled and put back (100)
  --jobs <n>        test files of fuzz side by side (one for each core)
  -h, --help        this
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    kills: { type: 'string', default: '200' },
    cuts: { type: 'string', default: '100' },
    trips: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    inputs: { type: 'string', default: '1000000' },
    cycles: { type: 'string', default: '100' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

/** A number of the command line; throws RangeError for anything else. */
function whole(name: 'kills' | 'cuts' | 'trips' | 'seed' | 'inputs' | 'cycles' | 'jobs'): number {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`--${name} must be a whole number`);
  return value;
}

async function soak(chosen: readonly Stage[], options: SoakOptions): Promise<number> {
  let bad = 0;
  for (const stage of chosen) {
    const started = performance.now();
    const { summary, faults, details = [] } = await stage.run(options, (line) => console.log(line));
    bad += faults.length;
    for (const line of [...faults, ...details]) console.log(`  ${line}`);
    const minutes = ((performance.now() - started) / 60_000).toFixed(1);
    console.log(`${stage.name} ${faults.length === 0 ? 'passed' : 'FAILED'} in ${minutes} min: ${summary}`);
  }
  console.log(bad === 0 ? 'soak passed' : `soak failed: ${bad} faults`);
  return bad === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const names = values.only?.split(',').map((name) => name.trim());
  const unknown = names?.filter((name) => stages.every((stage) => stage.name !== name)) ?? [];
  if (unknown.length > 0) {
    process.stderr.write(`there is no stage ${unknown.join(', ')}\n\n${help}`);
    return 2;
  }
  const chosen = stages.filter((stage) => names === undefined || names.includes(stage.name));
  return soak(chosen, {
    kills: whole('kills'),
    cuts: whole('cuts'),
    trips: whole('trips'),
    seed: whole('seed'),
    inputs: whole('inputs'),
    cycles: whole('cycles'),
    jobs: whole('jobs'),
  });
}

process.exitCode = await main();
