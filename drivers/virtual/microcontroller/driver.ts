import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { systemClock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import { type Driver, type DriverContext, driverContract } from '../../driver.ts';
import { DriverError } from '../../errors.ts';
import { findFile, findWorld } from '../world.ts';
import { VirtualBridge } from './bridge-device.ts';
import { faultSchema } from './faults.ts';
import { readHex } from './hex.ts';
import type { RunningEvents } from './running.ts';
import type { SimulatorOptions } from './simulator.ts';

const source = z.string().min(1);
const options = z.strictObject({
  world: source.describe('Device of the profile that is the virtual world.'),
  channels: z
    .array(z.union([z.literal('-'), z.null(), source]))
    .min(1)
    .max(8)
    .describe('Cell of the world wired to each channel, from channel 0; `-` or null for none.'),
  chips: z
    .array(
      z.strictObject({
        chip: z.enum(['mpu6050', 'nau7802']).describe('Which chip.'),
        source: source.describe('What of the world it measures: a motion sensor or a cell, by its id.'),
        address: z
          .number()
          .int()
          .min(8)
          .max(0x77)
          .optional()
          .describe("Address. Default: the chip's usual one."),
      }),
    )
    .default([])
    .describe('Chips on the I²C bus. Default: none.'),
  firmware: z
    .string()
    .default('boards/firmware/load-cell-bridge/load-cell-bridge.hex')
    .describe(
      'Intel HEX file, from the working directory or else the installation. Default: the shipped one.',
    ),
  seed: z
    .number()
    .int()
    .nonnegative()
    .default(1)
    .describe('Seed of oscillators and disturbances. Default 1.'),
  crystalPpm: z
    .number()
    .min(-20_000)
    .max(20_000)
    .default(0)
    .describe('How much faster than 16 MHz the crystal runs, parts per million. Default 0.'),
  strappedRate: z
    .literal([10, 80])
    .default(80)
    .describe('Rate that the converters are strapped to where channel 7 is in use, samples/s. Default 80.'),
  baudRate: z
    .number()
    .int()
    .positive()
    .default(115_200)
    .describe("What the host's end of the line is set to, Bd. Default 115200."),
  resetOnOpen: z
    .boolean()
    .default(true)
    .describe('Opening the line resets the board, as DTR does on an Uno or Nano. Default true.'),
  faults: z
    .array(
      z.strictObject({
        what: faultSchema.describe('What goes wrong.'),
        fromS: z.number().nonnegative().default(0).describe('When, s after the start. Default 0.'),
        untilS: z
          .number()
          .nonnegative()
          .optional()
          .describe('When it ends, s after the start. Default: never.'),
      }),
    )
    .default([])
    .describe('What goes wrong by itself; more can be done by calls. Default: nothing.'),
});
export type MicrocontrollerOptions = z.infer<typeof options>;

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
  options,
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
