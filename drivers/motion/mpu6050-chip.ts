import { DriverError } from '../errors.ts';
import { hex, type RegisterChip, signed16 } from '../i2c/chip.ts';
import type { PolledTools } from '../polled/polled-device.ts';
import type { FifoSettings } from './fifo-device.ts';
import type { FifoChip, FifoLevel } from './fifo-reader.ts';
import type { Vector } from './mounting.ts';

/** Registers and bits of the MPU-6050 and its relatives (InvenSense RM-MPU-6000A-00, revision 4.2). */
const register = {
  sampleDivider: 0x19,
  config: 0x1a,
  accelerometer: 0x1c,
  /** Of the MPU-6500 and later: there the accelerometer has a filter setting of its own. */
  accelerometer2: 0x1d,
  fifoEnable: 0x23,
  userControl: 0x6a,
  power1: 0x6b,
  power2: 0x6c,
  fifoCount: 0x72,
  fifo: 0x74,
  whoAmI: 0x75,
} as const;
const power1 = { reset: 0x80, clockOfGyroscopeX: 0x01 } as const;
/** Gyroscopes y and z off; x stays on, whose oscillator is the chip's steady clock. */
const gyroscopesYzOff = 0x03;
const accelerationToFifo = 0x08;
const userControl = { fifoOn: 0x40, fifoReset: 0x04 } as const;
const sampleBytes = 6;

export interface MpuModel {
  readonly name: string;
  readonly fifoBytes: number;
  /** Has the register `accelerometer2`. */
  readonly ownFilter: boolean;
}

/** What answers, by WHO_AM_I. Boards sold as MPU-6050 often carry a later chip, whose accelerometer works the same. */
export const mpuModels: Readonly<Record<number, MpuModel>> = {
  104: { name: 'MPU-6050', fifoBytes: 1024, ownFilter: false },
  112: { name: 'MPU-6500', fifoBytes: 512, ownFilter: true },
  113: { name: 'MPU-9250', fifoBytes: 512, ownFilter: true },
  115: { name: 'MPU-9255', fifoBytes: 512, ownFilter: true },
  116: { name: 'MPU-6515', fifoBytes: 512, ownFilter: true },
  152: { name: 'ICM-20689', fifoBytes: 512, ownFilter: true },
};

const resetWithinUs = 200_000;
/** The accelerometer's start-up time after waking, µs (the kernel's driver waits 20 ms; 30 ms for later chips). */
const startUpUs = 30_000;

/** Its model. Rejects with CW-DRV-006 where something else answers. */
export async function identifyMpu(chip: RegisterChip): Promise<MpuModel> {
  const id = await chip.readByte(register.whoAmI);
  const model = mpuModels[id];
  if (model !== undefined) return model;
  throw new DriverError(
    'CW-DRV-006',
    `the chip at ${hex(chip.address)} says WHO_AM_I ${hex(id)}, which no MPU-6050 or relative does; check what is wired there`,
  );
}

/** Filter setting (DLPF_CFG) whose bandwidth is at most half the rate, so that nothing folds back. */
export function mpuFilter(samplesPerSecond: number): number {
  const bandwidths = [260, 184, 94, 44, 21, 10, 5];
  const found = bandwidths.findIndex((hertz) => hertz <= samplesPerSecond / 2);
  return found === -1 ? 6 : Math.max(1, found);
}

export class Mpu6050Chip implements FifoChip {
  readonly #chip: RegisterChip;
  readonly #model: MpuModel;
  readonly #settings: FifoSettings;

  constructor(chip: RegisterChip, model: MpuModel, settings: FifoSettings) {
    this.#chip = chip;
    this.#model = model;
    this.#settings = settings;
  }

  async setUp({ life }: PolledTools): Promise<void> {
    const chip = this.#chip;
    const { samplesPerSecond } = this.#settings;
    await chip.write(register.power1, power1.reset);
    await life.rest(20_000);
    const isReset = async () => ((await chip.readByte(register.power1)) & power1.reset) === 0;
    if (!(await life.until(isReset, 10_000, resetWithinUs))) {
      throw new DriverError('CW-DRV-011', `the ${this.#model.name} took too long to reset; check its supply`);
    }
    await chip.write(register.power1, power1.clockOfGyroscopeX);
    await chip.write(register.power2, gyroscopesYzOff);
    await life.rest(startUpUs);
    const filter = mpuFilter(samplesPerSecond);
    await chip.write(register.config, filter);
    if (this.#model.ownFilter) await chip.write(register.accelerometer2, filter);
    await chip.write(register.sampleDivider, Math.round(1000 / samplesPerSecond) - 1);
    await chip.write(register.accelerometer, this.#range);
    await chip.write(register.fifoEnable, accelerationToFifo);
    await this.flush();
  }

  async level(): Promise<FifoLevel> {
    const { data, atUs } = await this.#chip.read(register.fifoCount, 2);
    const bytes = ((data[0] ?? 0) << 8) | (data[1] ?? 0);
    const { fifoBytes } = this.#model;
    if (bytes > fifoBytes) {
      throw new DriverError(
        'CW-DRV-006',
        `its queue of ${fifoBytes} bytes says it holds ${bytes}; check the bus`,
      );
    }
    // A full one has lost bytes, and with them where a sample begins.
    const overflowed = bytes > fifoBytes - sampleBytes;
    return { samples: Math.floor(bytes / sampleBytes), atUs, overflowed };
  }

  async read(samples: number): Promise<readonly Vector[]> {
    const atOnce = Math.max(1, Math.floor(this.#settings.longestRead / sampleBytes));
    const vectors: Vector[] = [];
    for (let left = samples; left > 0; left -= atOnce) {
      const count = Math.min(left, atOnce);
      const { data } = await this.#chip.read(register.fifo, count * sampleBytes);
      for (let index = 0; index < count; index++) vectors.push(mpuSample(data, index * sampleBytes));
    }
    return vectors;
  }

  async flush(): Promise<void> {
    await this.#chip.write(register.userControl, userControl.fifoReset);
    await this.#chip.write(register.userControl, userControl.fifoOn);
  }

  async check(): Promise<void> {
    const range = await this.#chip.readByte(register.accelerometer);
    const power = await this.#chip.readByte(register.power1);
    if (range === this.#range && power === power1.clockOfGyroscopeX) return;
    throw new DriverError('CW-DRV-018', `the ${this.#model.name} has lost its settings; check its supply`);
  }

  get #range(): number {
    return Math.log2(this.#settings.rangeG / 2) << 3;
  }
}

/** The three axes in six bytes, each most significant byte first. */
export function mpuSample(data: Uint8Array, offset: number): Vector {
  const axis = (index: number) => signed16(data[offset + 2 * index] ?? 0, data[offset + 2 * index + 1] ?? 0);
  return [axis(0), axis(1), axis(2)];
}
