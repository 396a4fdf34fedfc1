import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { Reading } from '#readings/readings.ts';
import type { Device, Driver, DriverContext } from '../../driver.ts';
import { parseDriverOptions } from '../../registry.ts';
import { findReadingFault, readingOfKind } from './reading-check.ts';
import type { CheckResult } from './suite.ts';
import { trialId } from './trial.ts';

export interface AttachedTrial {
  readonly options: unknown;
  readonly context: Omit<DriverContext, 'id' | 'clock'>;
  /** How long to wait for readings, s. */
  readonly seconds: number;
  /** Also asks the person to unplug the device and to put it back. */
  readonly unplug: boolean;
  /** Tells the person what to do. */
  readonly ask: (what: string) => void;
}

/** A person needs so long to find the plug, s. */
const unplugWithinS = 60;

/**
 * Tries a driver on the device that is really attached: opening, readings, stopping and, with `unplug`, pulling the plug
 * and putting it back. Never rejects for what driver or device do.
 */
export async function verifyAttached(driver: Driver, trial: AttachedTrial): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  const check = async (sentence: string, run: () => Promise<string | undefined>) => {
    try {
      const finding = await run();
      results.push({
        check: sentence,
        passed: finding === undefined,
        ...(finding === undefined ? {} : { finding }),
      });
    } catch (error) {
      results.push({ check: sentence, passed: false, finding: describeError(error) });
    }
    return results.at(-1)?.passed === true;
  };
  const attached = new Attached(driver, trial);
  if (!(await check('opens, and says who the device is', () => attached.open()))) return results;
  await check(`delivers readings within ${trial.seconds} s, whole and in order of time`, () =>
    attached.reads(),
  );
  await check('frees the device when it is stopped, also twice', () => attached.stops());
  if (trial.unplug) {
    await check('says within a second that it was unplugged', () => attached.tellsUnplug());
    await check('reads again after it was put back', () => attached.comesBack());
  }
  await attached.end();
  return results;
}

class Attached {
  readonly #driver: Driver;
  readonly #trial: AttachedTrial;
  readonly #readings: Reading[] = [];
  readonly #faults: DeviceFault[] = [];
  #device: Device | undefined;
  #fault: string | undefined;

  constructor(driver: Driver, trial: AttachedTrial) {
    this.#driver = driver;
    this.#trial = trial;
  }

  async open(): Promise<string | undefined> {
    const options = parseDriverOptions(this.#driver, this.#trial.options, trialId);
    this.#device = await this.#driver.open(options, {
      ...this.#trial.context,
      id: trialId,
      clock: systemClock,
    });
    this.#device.faults.subscribe((fault) => this.#faults.push(fault));
    return Object.values(this.#device.identity).some((part) => part !== undefined)
      ? undefined
      : 'its identity is empty';
  }

  async reads(): Promise<string | undefined> {
    const startedUs = systemClock.nowUs();
    this.#readings.length = 0;
    this.#fault = undefined;
    await this.#device?.start((reading) => this.#keep(reading));
    const kind = readingOfKind[this.#driver.kind];
    if (kind === undefined) return undefined;
    if (kind === 'scan' || kind === 'tag')
      this.#trial.ask('Scan a code, or hold a tag before the reader, now.');
    await waitFor(() => this.#readings.length > 0, this.#trial.seconds);
    if (kind !== 'scan' && kind !== 'tag') await sleep(1000);
    if (this.#readings.length === 0) {
      const faults = this.#faults.map(({ code, message }) => `${code} ${message}`).join('; ');
      return `no reading came${faults === '' ? '' : `; it said: ${faults}`}`;
    }
    return this.#findFault(startedUs);
  }

  /** Looks at a reading when it comes: a frame is lent for the call, and would be too much to keep. */
  #keep(reading: Reading): void {
    this.#fault ??= findReadingFault(reading);
    this.#readings.push(reading.kind === 'frame' ? { ...reading, data: new Uint8Array() } : reading);
  }

  #findFault(startedUs: number): string | undefined {
    const latest = new Map<string, number>();
    if (this.#fault !== undefined) return this.#fault;
    for (const reading of this.#readings) {
      if (reading.kind !== readingOfKind[this.#driver.kind]) return `a reading of kind ${reading.kind} came`;
      if (reading.atUs > systemClock.nowUs() || reading.atUs < startedUs - 1_000_000) {
        return `a time stamp is ${reading.atUs - startedUs} µs from the start: not the monotonic clock's`;
      }
      if (reading.atUs < (latest.get(reading.source) ?? 0)) return `time stamps of ${reading.source} go back`;
      latest.set(reading.source, reading.atUs);
    }
    return undefined;
  }

  async stops(): Promise<string | undefined> {
    await this.#device?.stop();
    await this.#device?.stop();
    const before = this.#readings.length;
    await sleep(500);
    if (this.#readings.length > before) return 'readings came after stop';
    return this.open();
  }

  async tellsUnplug(): Promise<string | undefined> {
    await this.#device?.start((reading) => this.#keep(reading));
    this.#faults.length = 0;
    this.#trial.ask(`Unplug the device now (within ${unplugWithinS} s).`);
    const told = await waitFor(
      () => this.#faults.some(({ fault }) => fault === 'disconnected'),
      unplugWithinS,
    );
    return told ? undefined : 'no fault "disconnected" came';
  }

  async comesBack(): Promise<string | undefined> {
    await this.#device?.stop();
    this.#device = undefined;
    this.#trial.ask(`Put it back in now (within ${unplugWithinS} s), on any port.`);
    let reason = 'it could not be opened again';
    const opened = await waitFor(async () => {
      try {
        return (await this.open()) === undefined;
      } catch (error) {
        reason = describeError(error);
        return false;
      }
    }, unplugWithinS);
    return opened ? this.reads() : reason;
  }

  async end(): Promise<void> {
    await this.#device?.stop().catch(() => {});
  }
}

async function waitFor(done: () => boolean | Promise<boolean>, seconds: number): Promise<boolean> {
  const limit = performance.now() + seconds * 1000;
  while (performance.now() < limit) {
    if (await done()) return true;
    await sleep(50);
  }
  return false;
}
