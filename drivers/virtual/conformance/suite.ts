import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { Reading } from '#readings/readings.ts';
import type { Device, Driver } from '../../driver.ts';
import type { BenchTrouble, MakeBench } from '../bench.ts';
import { findReadingFault, readingOfKind } from './reading-check.ts';
import { Trial, trialId } from './trial.ts';

export interface CheckResult {
  /** A sentence about behaviour. */
  readonly check: string;
  readonly passed: boolean;
  /** What was found instead. */
  readonly finding?: string;
}

interface Check {
  readonly check: string;
  run(trial: Trial): Promise<void>;
}

const second = 1_000_000;
/** A consumer that slept wakes to no more than this many readings: beyond, memory would grow with its sleep. */
const mostAtOnce = 20_000;

/**
 * Holds a driver against the contract of `drivers/driver.ts`, each check on a bench of its own: life cycle, readings,
 * unplugging, faults, time stamps, back-pressure. Never rejects for what the driver does.
 */
export async function verifyDriver(
  driver: Driver,
  makeBench: MakeBench,
  log: Logger,
  seed = 1,
): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { check, run } of await listChecks(driver, makeBench, log, seed)) {
    results.push(
      await outcome(check, async () => {
        const trial = await Trial.make(driver, makeBench, seed, log);
        try {
          await run(trial);
        } finally {
          await trial.end();
        }
      }),
    );
  }
  results.push(
    await outcome('gives the same readings when the same happens twice', async () => {
      const [first, second] = [await course(), await course()];
      must(first === second, 'two runs on the same bench with the same seed differ');
    }),
  );
  return results;

  async function course(): Promise<string> {
    const trial = await Trial.make(driver, makeBench, seed, log);
    try {
      const device = await trial.running();
      await trial.readingsWithin(second);
      await trial.readingsWithin(second);
      await trial.stop(device);
      return JSON.stringify(
        trial.readings.map(({ atUs, ...reading }) => ({ ...reading, atUs: Math.round(atUs) })),
      );
    } finally {
      await trial.end();
    }
  }
}

async function outcome(check: string, run: () => Promise<void>): Promise<CheckResult> {
  try {
    await run();
    return { check, passed: true };
  } catch (error) {
    return { check, passed: false, finding: describeError(error) };
  }
}

async function listChecks(
  driver: Driver,
  makeBench: MakeBench,
  log: Logger,
  seed: number,
): Promise<readonly Check[]> {
  const trial = await Trial.make(driver, makeBench, seed, log);
  const { troubles, babble } = trial.bench;
  await trial.end();
  const delivers = readingOfKind[driver.kind] !== undefined;
  return [
    {
      check: 'refuses an option that it does not know',
      run: async ({ bench }) => refusesUnknown(driver, bench.options),
    },
    { check: 'says who the device is', run: identifies },
    ...(delivers
      ? [
          { check: 'delivers readings of its kind, whole and in order of time', run: reads(driver) },
          { check: 'goes on when the gateway was busy for five seconds', run: outlivesPause },
          { check: 'delivers a burst in order', run: burst },
        ]
      : []),
    { check: 'leaves nothing behind when it is stopped, and can be stopped twice', run: stops },
    { check: 'can be stopped before it was started', run: stopsUnstarted },
    { check: 'can be opened again, three times', run: reopens(delivers) },
    { check: 'says once that it was unplugged, within a second', run: tellsUnplug },
    { check: 'refuses with a code to open what is not attached', run: refusesAbsent },
    { check: 'reads again after it was put back', run: comesBack(delivers) },
    { check: 'refuses a call that it does not know', run: refusesCall },
    ...troubles.map(({ name, fault }, index) => ({
      check: `tells "${name}" as ${fault} within a second, and when it is over`,
      run: tellsTrouble(index, delivers),
    })),
    ...(babble === undefined
      ? []
      : [{ check: 'survives bytes that no device sends, and reads on', run: survivesBabble(delivers) }]),
  ];
}

function must(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise);
}

function refusesUnknown(driver: Driver, options: unknown): void {
  const misspelt = { ...(options as object), noSuchOption: 1 };
  must(
    !driver.options.safeParse(misspelt).success,
    'the key noSuchOption passed; refuse keys that you do not know',
  );
}

async function identifies(trial: Trial): Promise<void> {
  const device = await trial.open();
  const known = Object.values(device.identity).filter((part) => typeof part === 'string' && part !== '');
  await trial.stop(device);
  must(known.length > 0, 'identity is empty; give at least a model or an address');
}

const reads =
  ({ kind }: Driver) =>
  async (trial: Trial): Promise<void> => {
    const device = await trial.running();
    const startedUs = trial.clock.nowUs();
    const readings = await trial.readingsWithin(2 * second);
    await trial.stop(device);
    const least = Math.max(1, trial.bench.readingsPerSecond * 1.8);
    must(readings.length >= least, `${readings.length} readings in two seconds, at least ${least} were due`);
    for (const reading of readings) {
      must(
        reading.kind === readingOfKind[kind],
        `a ${kind} device delivered a reading of kind ${reading.kind}`,
      );
      const fault = findReadingFault(reading);
      must(
        fault === undefined,
        `${fault}: ${reading.kind === 'frame' ? 'a frame' : JSON.stringify(reading)}`,
      );
      must(
        reading.atUs <= trial.clock.nowUs(),
        `a time stamp lies ${reading.atUs - trial.clock.nowUs()} µs ahead`,
      );
      must(reading.atUs >= startedUs - second, 'a time stamp lies more than a second before the start');
    }
    inOrder(readings);
    const own = readings.every(({ source }) => kind === 'load-cell' || source === trialId);
    must(own, `source must be the device's id, ${trialId}; only cells have ids of their own`);
  };

function inOrder(readings: readonly Reading[]): void {
  const latest = new Map<string, number>();
  for (const { source, atUs } of readings) {
    const before = latest.get(source) ?? Number.NEGATIVE_INFINITY;
    must(atUs >= before, `time stamps of ${source} go back by ${before - atUs} µs`);
    latest.set(source, atUs);
  }
}

async function outlivesPause(trial: Trial): Promise<void> {
  const device = await trial.running();
  await trial.readingsWithin(second);
  const before = trial.readings.length;
  trial.bench.stimulate();
  trial.pause(5 * second);
  await trial.bench.advance(second);
  const backlog = trial.readings.length - before;
  must(backlog <= mostAtOnce, `${backlog} readings came at once; bound what waits`);
  inOrder(trial.readings);
  await trial.bench.advance(2 * second);
  const after = await trial.readingsWithin(second);
  await trial.stop(device);
  must(after.length > 0, 'no reading came in the fourth second after the pause');
}

async function burst(trial: Trial): Promise<void> {
  const device = await trial.running();
  for (let count = 0; count < 100; count++) trial.bench.stimulate();
  await trial.bench.advance(2 * second);
  const after = await trial.readingsWithin(2 * second);
  await trial.stop(device);
  inOrder(trial.readings);
  must(after.length > 0, 'no reading came after a burst of a hundred');
}

async function stops(trial: Trial): Promise<void> {
  const device = await trial.running();
  await trial.readingsWithin(second / 2);
  await trial.stop(device);
  const before = trial.readings.length;
  trial.bench.stimulate();
  await trial.bench.advance(second);
  must(trial.readings.length === before, 'readings came after stop');
  leavesNothing(trial);
  await trial.stop(device);
  must(
    trial.faults.every(({ fault }) => fault !== 'disconnected'),
    'stopping was told as a disconnection',
  );
}

function leavesNothing(trial: Trial): void {
  must(trial.openPorts === 0, `${trial.openPorts} ports are still open after stop`);
  must(trial.timers === 0, `${trial.timers} timers still wait after stop`);
}

async function stopsUnstarted(trial: Trial): Promise<void> {
  const device = await trial.open();
  await trial.stop(device);
  await trial.bench.advance(second / 2);
  leavesNothing(trial);
}

const reopens = (delivers: boolean) => async (trial: Trial) => {
  for (let count = 1; count <= 3; count++) {
    const device = await trial.running();
    const readings = await trial.readingsWithin(2 * second);
    must(!delivers || readings.length > 0, `no reading came after opening it for the ${count}. time`);
    await trial.stop(device);
    leavesNothing(trial);
  }
};

/** Faults that say that the whole device is gone. */
function losses(trial: Trial): number {
  return trial.faults.filter(
    ({ fault, channel, cleared }) => fault === 'disconnected' && channel === undefined && cleared !== true,
  ).length;
}

async function unplugged(trial: Trial): Promise<Device> {
  const device = await trial.running();
  await trial.readingsWithin(second / 2);
  trial.bench.unplug();
  return device;
}

async function tellsUnplug(trial: Trial): Promise<void> {
  const device = await unplugged(trial);
  must(await trial.until(() => losses(trial) > 0, second), 'no fault "disconnected" came within a second');
  await trial.bench.advance(2 * second);
  must(losses(trial) === 1, `"disconnected" was told ${losses(trial)} times; the supervisor needs it once`);
  for (const { code, message } of trial.faults) {
    must(
      /^CW-[A-Z]+-\d{3}$/.test(code),
      `the fault's code is ${JSON.stringify(code)}, none of docs/errors.md`,
    );
    must(message.length > 10, 'the fault does not say what to do');
  }
  await trial.stop(device);
  leavesNothing(trial);
}

async function refusesAbsent(trial: Trial): Promise<void> {
  trial.bench.unplug();
  let error: unknown;
  try {
    const device = await trial.open();
    try {
      await trial.start(device);
    } finally {
      await trial.stop(device);
    }
  } catch (reason) {
    error = reason;
  }
  must(error !== undefined, 'it opened and started though nothing is attached');
  must(isCoded(error), `opening failed without a code: ${describeError(error)}`);
  leavesNothing(trial);
}

const comesBack = (delivers: boolean) => async (trial: Trial) => {
  const device = await unplugged(trial);
  await trial.until(() => losses(trial) > 0, second);
  await trial.stop(device);
  trial.bench.replug();
  const again = await trial.running();
  const readings = await trial.readingsWithin(2 * second);
  await trial.stop(again);
  must(!delivers || readings.length > 0, 'no reading came within two seconds after it was put back');
};

async function refusesCall(trial: Trial): Promise<void> {
  const device = await trial.running();
  try {
    if (device.call === undefined) return;
    const error = await trial.settle(
      device.call('no-such-action', {}).then(
        () => undefined,
        (reason: unknown) => reason,
      ),
      'an unknown call',
    );
    must(isCoded(error) && error.code === 'CW-DRV-009', 'an unknown call was not refused with CW-DRV-009');
  } finally {
    await trial.stop(device);
  }
}

const tellsTrouble = (index: number, delivers: boolean) => async (trial: Trial) => {
  const trouble = trial.bench.troubles[index];
  must(trouble !== undefined, 'the bench has other troubles each time it is made');
  const device = await trial.running();
  await trial.readingsWithin(second);
  trouble.begin();
  trial.bench.stimulate();
  const told = await trial.until(() => standing(trial, trouble), second);
  must(told, `no fault "${trouble.fault}" came within a second; came: ${listFaults(trial)}`);
  await trial.bench.advance(second);
  trouble.end();
  trial.bench.stimulate();
  const cleared = await trial.until(() => !standing(trial, trouble), 3 * second);
  must(
    cleared,
    `"${trouble.fault}" was not cleared within three seconds of its end; came: ${listFaults(trial)}`,
  );
  const readings = await trial.readingsWithin(2 * second);
  await trial.stop(device);
  must(!delivers || readings.length > 0, 'no reading came after the trouble was over');
  leavesNothing(trial);
};

/** Whether the latest that was told of this fault, on any channel, is that it is there. */
function standing(trial: Trial, { fault }: BenchTrouble): boolean {
  const latest = new Map<string, boolean>();
  for (const seen of trial.faults) {
    if (seen.fault === fault) latest.set(seen.channel ?? '', seen.cleared !== true);
  }
  return [...latest.values()].includes(true);
}

function listFaults(trial: Trial): string {
  const told = trial.faults.map(
    ({ fault, code, cleared }) => `${fault} ${code}${cleared === true ? ' over' : ''}`,
  );
  return told.length === 0 ? 'none' : told.join(', ');
}

const survivesBabble = (delivers: boolean) => async (trial: Trial) => {
  const device = await trial.running();
  for (let seed = 1; seed <= 20; seed++) {
    trial.bench.babble?.(seed);
    await trial.bench.advance(100_000);
  }
  const lost = losses(trial) > 0;
  if (lost) await trial.stop(device);
  const current = lost ? await trial.running() : device;
  await trial.bench.advance(2 * second);
  const readings = await trial.readingsWithin(2 * second);
  await trial.stop(current);
  for (const reading of trial.readings) {
    const fault = findReadingFault(reading);
    must(fault === undefined, `noise became a reading: ${fault}`);
  }
  must(!delivers || readings.length > 0, 'no reading came after the noise');
};
