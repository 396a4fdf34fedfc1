import { DriverError } from '../errors.ts';
import { hex, type RegisterChip, signed16 } from '../i2c/chip.ts';
import type { PolledTools } from '../polled/polled-device.ts';
import type { FifoSettings } from './fifo-device.ts';
import type { FifoChip, FifoLevel } from './fifo-reader.ts';
import type { Vector } from './mounting.ts';

/** Registers that all of them have (ST datasheets DocID026899 of the LSM6DS3, DS12140 of the LSM6DSO). */
const register = {
  whoAmI: 0x0f,
  accelerometer: 0x10,
  control3: 0x12,
  fifoMode: 0x0a,
  fifoStatus: 0x3a,
} as const;
const control3 = { reset: 0x01, addressMovesOn: 0x04, keepTogether: 0x40 } as const;
/** Continuous: the newest overwrites the oldest. */
const continuousMode = 0x06;
/** In the high byte of the status, with both kinds of queue. */
const overrun = 0x40;

/** How a queue is laid out: the first generation has bare words, the second a tag before each sample. */
interface Generation {
  /** Where the accelerometer is switched to the queue, and what is written there for a rate setting. */
  readonly enable: { readonly register: number; readonly value: (rate: number) => number };
  /** What the mode register takes for a rate setting. */
  readonly mode: (rate: number) => number;
  /** Words or samples, in the lower bits of the status. */
  readonly perSample: number;
  readonly output: number;
  readonly sampleBytes: number;
  readonly tagged: boolean;
}

const bare: Generation = {
  enable: { register: 0x08, value: () => 0x01 },
  mode: (rate) => (rate << 3) | continuousMode,
  perSample: 3,
  output: 0x3e,
  sampleBytes: 6,
  tagged: false,
};
const tagged: Generation = {
  enable: { register: 0x09, value: (rate) => rate },
  mode: () => continuousMode,
  perSample: 1,
  output: 0x78,
  sampleBytes: 7,
  tagged: true,
};
const accelerometerTag = 0x02;

export interface Lsm6dsModel {
  readonly name: string;
  readonly generation: Generation;
  /** Of the 16-bit status: how full the queue is. */
  readonly levelMask: number;
}

/** What answers, by WHO_AM_I; those that share a number are told apart by nothing that matters here. */
export const lsm6dsModels: Readonly<Record<number, Lsm6dsModel>> = {
  105: { name: 'LSM6DS3 or LSM6DS33', generation: bare, levelMask: 0x0fff },
  106: { name: 'LSM6DS3TR-C, LSM6DSL or LSM6DSM', generation: bare, levelMask: 0x07ff },
  107: { name: 'LSM6DSR or ISM330DHCX', generation: tagged, levelMask: 0x03ff },
  108: { name: 'LSM6DSO or LSM6DSOX', generation: tagged, levelMask: 0x03ff },
};

/** Rate settings by nominal samples a second. */
export const lsm6dsRates = [26, 52, 104, 208] as const;
/** Range settings; counts are 61 µg at ±2 g and in proportion beyond, which is a little less than the range over 2¹⁵. */
const rangeSettings: Readonly<Record<number, number>> = { 2: 0, 4: 2, 8: 3, 16: 1 };
const gPerCountPerG = 61e-6 / 2;

/** One count at a range, in g. */
export function lsm6dsGPerCount(rangeG: number): number {
  return gPerCountPerG * rangeG;
}

const resetWithinUs = 50_000;
/** What the filter shows while it starts is thrown away, µs. */
const startUpUs = 30_000;

/** Its model. Rejects with CW-DRV-006 where something else answers. */
export async function identifyLsm6ds(chip: RegisterChip): Promise<Lsm6dsModel> {
  const id = await chip.readByte(register.whoAmI);
  const model = lsm6dsModels[id];
  if (model !== undefined) return model;
  throw new DriverError(
    'CW-DRV-006',
    `the chip at ${hex(chip.address)} says WHO_AM_I ${hex(id)}, which no LSM6DS3, DS33, DSL, DSR or DSO does; check what is wired there`,
  );
}

export class Lsm6dsChip implements FifoChip {
  readonly #chip: RegisterChip;
  readonly #model: Lsm6dsModel;
  readonly #settings: FifoSettings<(typeof lsm6dsRates)[number]>;

  constructor(chip: RegisterChip, model: Lsm6dsModel, settings: FifoSettings<(typeof lsm6dsRates)[number]>) {
    this.#chip = chip;
    this.#model = model;
    this.#settings = settings;
  }

  async setUp({ life }: PolledTools): Promise<void> {
    const chip = this.#chip;
    const { enable } = this.#model.generation;
    await chip.write(register.control3, control3.reset);
    await life.rest(1_000);
    const isReset = async () => ((await chip.readByte(register.control3)) & control3.reset) === 0;
    if (!(await life.until(isReset, 1_000, resetWithinUs))) {
      throw new DriverError('CW-DRV-011', `the ${this.#model.name} took too long to reset; check its supply`);
    }
    await chip.write(register.control3, control3.keepTogether | control3.addressMovesOn);
    await chip.write(register.accelerometer, this.#accelerometer);
    await chip.write(enable.register, enable.value(this.#rate));
    await life.rest(startUpUs);
    await this.flush();
  }

  async level(): Promise<FifoLevel> {
    const { data, atUs } = await this.#chip.read(register.fifoStatus, 2);
    const status = (data[0] ?? 0) | ((data[1] ?? 0) << 8);
    const samples = Math.floor((status & this.#model.levelMask) / this.#model.generation.perSample);
    return { samples, atUs, overflowed: ((data[1] ?? 0) & overrun) !== 0 };
  }

  async read(samples: number): Promise<readonly Vector[]> {
    const { output, sampleBytes } = this.#model.generation;
    const atOnce = Math.max(1, Math.floor(this.#settings.longestRead / sampleBytes));
    const vectors: Vector[] = [];
    for (let left = samples; left > 0; left -= atOnce) {
      const count = Math.min(left, atOnce);
      const { data } = await this.#chip.read(output, count * sampleBytes);
      for (let index = 0; index < count; index++) {
        vectors.push(lsm6dsSample(data, index * sampleBytes, this.#model.generation.tagged));
      }
    }
    return vectors;
  }

  /** Bypass mode empties it. */
  async flush(): Promise<void> {
    await this.#chip.write(register.fifoMode, 0);
    await this.#chip.write(register.fifoMode, this.#model.generation.mode(this.#rate));
  }

  async check(): Promise<void> {
    if ((await this.#chip.readByte(register.accelerometer)) === this.#accelerometer) return;
    throw new DriverError('CW-DRV-018', `the ${this.#model.name} has lost its settings; check its supply`);
  }

  /** 2 is 26 Hz, 3 is 52 Hz, and so on. */
  get #rate(): number {
    return 2 + lsm6dsRates.indexOf(this.#settings.samplesPerSecond);
  }

  get #accelerometer(): number {
    return (this.#rate << 4) | ((rangeSettings[this.#settings.rangeG] ?? 0) << 2);
  }
}

/**
 * The three axes in a sample of the queue, each least significant byte first. Throws CW-DRV-006 for one of another
 * sensor: then the queue is not read from where a sample begins, or not set up.
 */
export function lsm6dsSample(data: Uint8Array, offset: number, isTagged: boolean): Vector {
  const start = isTagged ? offset + 1 : offset;
  if (isTagged && (data[offset] ?? 0) >> 3 !== accelerometerTag) {
    throw new DriverError(
      'CW-DRV-006',
      `its queue holds a sample with tag ${(data[offset] ?? 0) >> 3}, not ${accelerometerTag} (acceleration); check the bus`,
    );
  }
  const axis = (index: number) => signed16(data[start + 2 * index + 1] ?? 0, data[start + 2 * index] ?? 0);
  return [axis(0), axis(1), axis(2)];
}
