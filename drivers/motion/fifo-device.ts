import { standardGravityMmS2 } from '#base/units.ts';
import type { Device, DriverContext } from '../driver.ts';
import { type I2cPlace, longestRead, openChip, placeName, type RegisterChip } from '../i2c/chip.ts';
import { polledDevice } from '../polled/polled-device.ts';
import { emptyEveryUs, type FifoChip, FifoReader, motionSilenceUs } from './fifo-reader.ts';
import type { MotionStreamOptions } from './motion-stream.ts';

/** Full scales that every family has, g. */
export type RangeG = 2 | 4 | 8 | 16;

/** What every accelerometer on I²C is set to. */
export interface FifoAccelerometerOptions<Rate extends number> extends I2cPlace {
  readonly address: number;
  readonly rangeG: RangeG;
  readonly samplesPerSecond: Rate;
  readonly axes: MotionStreamOptions['axes'];
}

export interface FifoSettings<Rate extends number = number> {
  readonly rangeG: RangeG;
  readonly samplesPerSecond: Rate;
  /** Bytes that one read on this bus may have. */
  readonly longestRead: number;
}

/** What differs between families of accelerometers. */
export interface FifoFamily<Model extends { readonly name: string }, Rate extends number> {
  readonly vendor: string;
  /** Which of the family it is. Rejects with coded errors where it is none. */
  identify(chip: RegisterChip): Promise<Model>;
  chip(chip: RegisterChip, model: Model, settings: FifoSettings<Rate>): FifoChip;
  /** Of one count at a range, g. */
  gPerCount(rangeG: RangeG): number;
}

/** Counts of 16 bits, but for the lowest: beyond them the axis is at its limit. */
const limit = 32_767;

/** Opens an accelerometer that queues its samples. Rejects as `Ports.i2c` does, and with what `identify` says. */
export async function openFifoAccelerometer<Model extends { readonly name: string }, Rate extends number>(
  family: FifoFamily<Model, Rate>,
  options: FifoAccelerometerOptions<Rate>,
  context: DriverContext,
): Promise<Device> {
  const { address, rangeG, samplesPerSecond, axes } = options;
  const { chip, identified: model } = await openChip(options, address, context, family.identify);
  const settings = { rangeG, samplesPerSecond, longestRead: longestRead(options) };
  const reader = new FifoReader(family.chip(chip, model, settings), samplesPerSecond, {
    source: context.id,
    axes,
    mmS2PerCount: family.gPerCount(rangeG) * standardGravityMmS2,
    limit,
  });
  return polledDevice(
    {
      identity: { vendor: family.vendor, model: model.name, address: placeName(options, address) },
      port: chip.port,
      onLost: (listener) => chip.port.onLost(listener),
      periodUs: emptyEveryUs,
      silenceUs: motionSilenceUs,
      setUp: (tools) => reader.setUp(tools),
      round: (tools) => reader.round(tools),
    },
    context,
  );
}
