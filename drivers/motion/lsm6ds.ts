import { z } from 'zod';
import { type Driver, driverContract } from '../driver.ts';
import { chipAddress, hasOnePlace, i2cPlace, onePlace } from '../i2c/chip.ts';
import { openFifoAccelerometer } from './fifo-device.ts';
import { identifyLsm6ds, Lsm6dsChip, lsm6dsGPerCount, lsm6dsRates } from './lsm6ds-chip.ts';
import { axesOption } from './mounting.ts';

const options = z
  .strictObject({
    ...i2cPlace,
    address: chipAddress
      .default(0x6a)
      .describe('Address on the bus: 106 (0x6A), or 107 (0x6B) with SA0 high.'),
    rangeG: z.literal([2, 4, 8, 16]).default(2).describe('Full scale, g: 2, 4, 8 or 16.'),
    samplesPerSecond: z
      .literal(lsm6dsRates)
      .default(104)
      .describe('Samples a second: 26, 52, 104 or 208; the oscillator may be off by some percent.'),
    axes: axesOption,
  })
  .refine(hasOnePlace, onePlace);

/** An accelerometer of ST's LSM6DS family, on a board's I²C bus or the machine's own. */
export const lsm6ds: Driver<z.infer<typeof options>> = {
  contract: driverContract,
  name: 'lsm6ds',
  kind: 'motion',
  options,
  open: (chosen, context) =>
    openFifoAccelerometer(
      {
        vendor: 'STMicroelectronics',
        identify: identifyLsm6ds,
        chip: (chip, model, settings) => new Lsm6dsChip(chip, model, settings),
        gPerCount: lsm6dsGPerCount,
      },
      chosen,
      context,
    ),
};
