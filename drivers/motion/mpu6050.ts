import { z } from 'zod';
import { type Driver, driverContract } from '../driver.ts';
import { chipAddress, hasOnePlace, i2cPlace, onePlace } from '../i2c/chip.ts';
import { openFifoAccelerometer } from './fifo-device.ts';
import { axesOption } from './mounting.ts';
import { identifyMpu, Mpu6050Chip } from './mpu6050-chip.ts';

const options = z
  .strictObject({
    ...i2cPlace,
    address: chipAddress
      .default(0x68)
      .describe('Address on the bus: 104 (0x68), or 105 (0x69) with AD0 high.'),
    rangeG: z.literal([2, 4, 8, 16]).default(2).describe('Full scale, g: 2, 4, 8 or 16.'),
    samplesPerSecond: z
      .literal([20, 25, 40, 50, 100, 125, 200, 250])
      .default(100)
      .describe('Samples a second: 20, 25, 40, 50, 100, 125, 200 or 250.'),
    axes: axesOption,
  })
  .refine(hasOnePlace, onePlace);

/** An InvenSense MPU-6050 or relative, on a board's I²C bus or the machine's own; its accelerometer is read. */
export const mpu6050: Driver<z.infer<typeof options>> = {
  contract: driverContract,
  name: 'mpu6050',
  kind: 'motion',
  options,
  open: (chosen, context) =>
    openFifoAccelerometer(
      {
        vendor: 'InvenSense',
        identify: identifyMpu,
        chip: (chip, model, settings) => new Mpu6050Chip(chip, model, settings),
        gPerCount: (rangeG) => rangeG / 32_768,
      },
      chosen,
      context,
    ),
};
