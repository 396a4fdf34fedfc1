import { z } from 'zod';
import { faultSchema } from './faults.ts';

const source = z.string().min(1);
/** Options of `virtual-microcontroller`. */
export const microcontrollerOptions = z.strictObject({
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
export type MicrocontrollerOptions = z.infer<typeof microcontrollerOptions>;
