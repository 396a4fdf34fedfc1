import { readFile } from 'node:fs/promises';
import { systemClock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import { type Driver, type DriverContext, driverContract } from '../../driver.ts';
import { DriverError } from '../../errors.ts';
import { findFile } from '../../ports/find-file.ts';
import { findWorld } from '../world.ts';
import { VirtualBridge } from './bridge-device.ts';
import { readHex } from './hex.ts';
import { type MicrocontrollerOptions, microcontrollerOptions } from './options.ts';
import type { RunningEvents } from './running.ts';
import type { SimulatorOptions } from './simulator.ts';

/**
 * The load-cell bridge as a simulated microcontroller that runs the real firmware: an ATmega328P with HX711 at its pins,
 * chips on its I²C bus, and a serial line, fed by a virtual world. Another device reaches it by its option `bus`. On the
 * machine's own clock it runs in a thread of its own, on any other in slices of that clock.
 *
 * Calls: `inject` with a fault answers `{ id }`, `heal` with `{ id }` (or nothing: all) ends it, `statistics` tells what
 * happened at the pins and on the line.
 */
export const virtualMicrocontroller: Driver<MicrocontrollerOptions> = {
  contract: driverContract,
  name: 'virtual-microcontroller',
  kind: 'bus',
  options: microcontrollerOptions,
  async open(chosen, context) {
    const world = findWorld(chosen.world, context);
    return VirtualBridge.open(chosen, context, world, await prepare(chosen, context));
  },
};

/** What makes a simulator run by the context's clock. */
async function prepare(chosen: MicrocontrollerOptions, context: DriverContext) {
  const simulator: SimulatorOptions = {
    hex: await readFirmware(chosen.firmware),
    channels: chosen.channels.map((cell) => (cell === null || cell === '-' ? undefined : cell)),
    chips: chosen.chips,
    seed: chosen.seed,
    crystalPpm: chosen.crystalPpm,
    strappedRate: chosen.strappedRate,
    baudRate: chosen.baudRate,
  };
  readHex(simulator.hex);
  // avr8js is loaded by those that have such a device only.
  return async (events: RunningEvents) =>
    context.clock === systemClock
      ? (await import('./thread.ts')).runInThread(simulator, events)
      : (await import('./inline.ts')).runInline(simulator, context.clock, events);
}

/** Rejects with CW-DRV-016. */
async function readFirmware(path: string): Promise<string> {
  try {
    return await readFile(findFile(path), 'utf8');
  } catch (cause) {
    throw new DriverError('CW-DRV-016', `the firmware ${path} can not be read: ${describeError(cause)}`, {
      cause,
    });
  }
}
