import { z } from 'zod';
import { standardGravityMmS2 } from '#base/units.ts';
import { type Driver, driverContract } from '../driver.ts';
import {
  chipAddress,
  hasOnePlace,
  i2cPlace,
  longestRead,
  onePlace,
  openChip,
  placeName,
} from '../i2c/chip.ts';
import { polledDevice } from '../polled/polled-device.ts';
import { emptyEveryUs, FifoReader, motionSilenceUs } from './fifo-reader.ts';
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
  async open(chosen, context) {
    const { address, rangeG, samplesPerSecond, axes } = chosen;
    const { chip, identified: model } = await openChip(chosen, address, context, identifyMpu);
    const settings = { rangeG, samplesPerSecond, longestRead: longestRead(chosen) };
    const reader = new FifoReader(new Mpu6050Chip(chip, model, settings), samplesPerSecond, {
      source: context.id,
      axes,
      mmS2PerCount: (rangeG * standardGravityMmS2) / 32_768,
      limit: 32_767,
    });
    return polledDevice(
      {
        identity: { vendor: 'InvenSense', model: model.name, address: placeName(chosen, address) },
        port: chip.port,
        onLost: (listener) => chip.port.onLost(listener),
        periodUs: emptyEveryUs,
        silenceUs: motionSilenceUs,
        setUp: (tools) => reader.setUp(tools),
        round: (tools) => reader.round(tools),
      },
      context,
    );
  },
};
