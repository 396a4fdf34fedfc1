import { setImmediate } from 'node:timers/promises';
import { VirtualClock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { Reading } from '#readings/readings.ts';
import type { Device, Driver } from '../../driver.ts';
import { DriverError } from '../../errors.ts';
import { parseDriverOptions } from '../../registry.ts';
import type { RawRecording } from './format.ts';
import { writeFailure } from './format.ts';
import { ReplayPorts } from './replay.ts';

export interface PlayListener {
  reading(reading: Reading): void;
  fault(fault: DeviceFault, atUs: number): void;
}

export interface PlaySummary {
  readonly readings: number;
  readonly faults: number;
  readonly openings: number;
  /** From the first line to the last, µs. */
  readonly durationUs: number;
}

/** Loading a library for the first time takes real time in which the recording's must not pass, ms. */
const loadWithinMs = 20_000;

/**
 * Runs a driver on a recording in virtual time, opening it when it was opened then, and anew after each loss as the
 * gateway did. `options` replace the recorded ones. Rejects with CW-DRV-002 where they don't fit the driver, and with
 * CW-DRV-019 where the driver asks for other ports than were recorded.
 */
export async function playRaw(
  recording: RawRecording,
  driver: Driver,
  listener: PlayListener,
  log: Logger,
  options: unknown = recording.header.options,
): Promise<PlaySummary> {
  const { header, lines } = recording;
  const parsed = parseDriverOptions(driver, options, header.device);
  const firstUs = header.originUs + (lines[0]?.t ?? 0);
  const endUs = header.originUs + (lines.at(-1)?.t ?? 0);
  const clock = new VirtualClock(firstUs, header.started === undefined ? 0 : Date.parse(header.started));
  const ports = new ReplayPorts(recording, clock);
  const player = new Player(clock, listener);
  for (;;) {
    if (player.idle) {
      const openingUs = ports.nextOpeningUs;
      if (openingUs === undefined) break;
      await player.advanceTo(openingUs);
      const { claimed } = ports;
      player.open(driver.open(parsed, { id: header.device, clock, log, ports, buses: new Map() }));
      await inRealTime(() => ports.claimed > claimed || !player.opening);
      if (ports.claimed === claimed) throw unopened(driver, player.failure);
    }
    if (player.opening) await inRealTime(() => !player.opening || clock.nextDueUs !== undefined);
    if (player.idle) continue;
    const nextUs = clock.nextDueUs ?? Number.POSITIVE_INFINITY;
    await player.advanceTo(Math.min(nextUs, endUs));
    if (nextUs > endUs) break;
  }
  await player.close();
  return {
    readings: player.readings,
    faults: player.faults,
    openings: ports.claimed,
    durationUs: endUs - firstUs,
  };
}

function unopened(driver: Driver, cause: unknown): DriverError {
  const why = cause === undefined ? '' : `: ${describeError(cause)}`;
  return new DriverError('CW-DRV-019', `${driver.name} opens none of the recorded ports${why}`, { cause });
}

/** Real time passes, the recording's doesn't: a library is being loaded. */
async function inRealTime(done: () => boolean): Promise<void> {
  const limit = performance.now() + loadWithinMs;
  while (!done() && performance.now() < limit) await setImmediate();
}

/** The device that is open, as a supervisor has it. */
class Player {
  readonly #clock: VirtualClock;
  readonly #listener: PlayListener;
  #device: Device | undefined;
  #opening = false;
  readings = 0;
  faults = 0;
  /** Why the latest opening failed. */
  failure: unknown;

  constructor(clock: VirtualClock, listener: PlayListener) {
    this.#clock = clock;
    this.#listener = listener;
  }

  get idle(): boolean {
    return this.#device === undefined && !this.#opening;
  }

  get opening(): boolean {
    return this.#opening;
  }

  open(opening: Promise<Device>): void {
    this.#opening = true;
    this.failure = undefined;
    void this.#start(opening)
      .catch((error: unknown) => {
        this.failure = error;
        this.#fault({ fault: 'disconnected', ...writeFailure(error) });
        return this.close();
      })
      .finally(() => {
        this.#opening = false;
      });
  }

  async #start(opening: Promise<Device>): Promise<void> {
    const device = await opening;
    this.#device = device;
    device.faults.subscribe((fault) => {
      this.#fault(fault);
      const lost = fault.fault === 'disconnected' && fault.cleared !== true && fault.channel === undefined;
      if (lost) void this.close();
    });
    await device.start((reading) => {
      if (this.#device !== device) return;
      this.readings += 1;
      this.#listener.reading(reading);
    });
  }

  #fault(fault: DeviceFault): void {
    this.faults += 1;
    this.#listener.fault(fault, this.#clock.nowUs());
  }

  async close(): Promise<void> {
    const device = this.#device;
    this.#device = undefined;
    await device?.stop();
  }

  /** Lets time pass, and everything that it sets going come to rest. */
  async advanceTo(atUs: number): Promise<void> {
    this.#clock.advanceTo(atUs);
    // Twice: what the first turn resolves may write, and hear the answer in the second.
    await setImmediate();
    await setImmediate();
  }
}
