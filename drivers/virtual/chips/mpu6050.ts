import { standardGravityMmS2 } from '#base/units.ts';
import { I2cChip } from './i2c-chip.ts';

/** Where an MPU-6050 answers with AD0 low; 0x69 with AD0 high. */
export const mpu6050Address = 0x68;

/** mm/s², axes of the chip. */
export type Acceleration = readonly [x: number, y: number, z: number];

export interface Mpu6050Options {
  /** Time of the chip, µs. */
  readonly nowUs: () => number;
  /** What it feels at `atUs`, gravity included, mm/s². */
  readonly acceleration: (atUs: number) => Acceleration;
  /** Rates of turn at `atUs`, thousandths of a degree a second; still where left out. */
  readonly rotation?: (atUs: number) => readonly [number, number, number];
  /** 25,000 where left out. */
  readonly milliCelsius?: (atUs: number) => number;
  /** What WHO_AM_I answers: 0x68; clones and relatives answer 0x70, 0x71, 0x98 … */
  readonly whoAmI?: number;
}

export interface Mpu6050Troubles {
  /** No new sample comes, registers stay as they are. */
  frozen: boolean;
}

const register = {
  sampleDivider: 0x19,
  config: 0x1a,
  gyroscope: 0x1b,
  accelerometer: 0x1c,
  fifoEnable: 0x23,
  interruptPin: 0x37,
  interruptEnable: 0x38,
  interruptStatus: 0x3a,
  firstMeasurement: 0x3b,
  lastMeasurement: 0x48,
  signalPathReset: 0x68,
  userControl: 0x6a,
  power1: 0x6b,
  power2: 0x6c,
  fifoCount: 0x72,
  fifo: 0x74,
  whoAmI: 0x75,
} as const;

const statusBits = { dataReady: 0x01, fifoOverflow: 0x10 } as const;
const powerBits = { reset: 0x80, sleep: 0x40, temperatureOff: 0x08 } as const;
const userBits = { fifoEnable: 0x40, fifoReset: 0x04 } as const;
const fifoBytes = 1024;
/** After DEVICE_RESET, writes are lost for this long, µs (start-up time for register access is 20 to 100 ms at power-on). */
const resetUs = 10_000;
/** Samples worked out in one go after a pause: as many as the queue holds of the smallest. */
const mostSamples = fifoBytes / 2;

/**
 * Register model of the InvenSense MPU-6050 after its register map (RM-MPU-6000A): reset and sleep, sample rate and
 * filter settings, ranges, data-ready status, coherent bursts, the queue with its count and overflow, WHO_AM_I. The
 * filter's setting changes the rates, not the values.
 */
export class Mpu6050 extends I2cChip {
  readonly troubles: Mpu6050Troubles = { frozen: false };
  readonly statistics = { samples: 0, overflows: 0 };
  readonly #options: Mpu6050Options;
  readonly #registers = new Uint8Array(0x80);
  /** Measurements as they were when the read began (registers 0x3b to 0x48). */
  readonly #shadow = new Uint8Array(14);
  #fifo: number[] = [];
  #countLow = 0;
  #busyUntilUs = 0;
  #awakeSinceUs: number | undefined;
  #sampled = 0;

  constructor(options: Mpu6050Options) {
    super();
    this.#options = options;
    this.#reset();
  }

  /** Samples a second to registers and queue: 1 kHz (8 kHz without filter) by the divider. */
  get samplesPerSecond(): number {
    const filter = this.#at(register.config) & 7;
    return (filter === 0 || filter === 7 ? 8_000 : 1_000) / (1 + this.#at(register.sampleDivider));
  }

  /** Full scale of the accelerometer, in g. */
  get rangeG(): number {
    return 2 << ((this.#at(register.accelerometer) >> 3) & 3);
  }

  /** Supply comes back: asleep, all settings gone. */
  powerOn(): void {
    this.#reset();
  }

  protected override latch(): void {
    this.#run();
    this.#shadow.set(this.#registers.subarray(register.firstMeasurement, register.lastMeasurement + 1));
  }

  protected override readRegister(address: number): number {
    this.#run();
    if (address >= register.firstMeasurement && address <= register.lastMeasurement) {
      this.#clearOnAnyRead();
      return this.#shadow[address - register.firstMeasurement] ?? 0;
    }
    switch (address) {
      case register.interruptStatus: {
        const status = this.#at(address);
        this.#registers[address] = 0;
        return status;
      }
      case register.fifoCount:
        this.#countLow = this.#fifo.length & 0xff;
        return this.#fifo.length >> 8;
      case register.fifoCount + 1:
        return this.#countLow;
      case register.fifo:
        return this.#fifo.shift() ?? 0xff;
      default:
        return this.#at(address);
    }
  }

  protected override writeRegister(address: number, value: number): void {
    this.#run();
    if (this.#options.nowUs() < this.#busyUntilUs) return;
    switch (address) {
      case register.power1:
        this.#power(value);
        return;
      case register.userControl:
        if ((value & userBits.fifoReset) !== 0) this.#fifo = [];
        this.#registers[address] = value & ~0x07;
        return;
      case register.fifo:
        this.#queue(value);
        return;
      case register.sampleDivider:
      case register.config:
        this.#registers[address] = value;
        this.#pace();
        return;
      case register.signalPathReset:
      case register.interruptStatus:
      case register.whoAmI:
        return;
      default:
        if (address < register.firstMeasurement || address > register.lastMeasurement) {
          if (address < this.#registers.length) this.#registers[address] = value;
        }
    }
  }

  /** The queue's register stays: bursts read on from the queue. */
  protected override next(address: number): number {
    return address === register.fifo ? address : super.next(address);
  }

  #at(address: number): number {
    return this.#registers[address] ?? 0;
  }

  #reset(): void {
    this.#registers.fill(0);
    this.#registers[register.power1] = powerBits.sleep;
    this.#registers[register.whoAmI] = this.#options.whoAmI ?? 0x68;
    this.#fifo = [];
    this.#awakeSinceUs = undefined;
    this.#sampled = 0;
  }

  #power(value: number): void {
    if ((value & powerBits.reset) !== 0) {
      this.#reset();
      this.#busyUntilUs = this.#options.nowUs() + resetUs;
      return;
    }
    const wasAsleep = this.#awakeSinceUs === undefined;
    this.#registers[register.power1] = value;
    if ((value & powerBits.sleep) !== 0) this.#awakeSinceUs = undefined;
    else if (wasAsleep) this.#pace();
  }

  /** Sampling begins anew at the present rate, where it isn't asleep. */
  #pace(): void {
    const isAsleep = (this.#at(register.power1) & powerBits.sleep) !== 0;
    this.#awakeSinceUs = isAsleep ? undefined : this.#options.nowUs();
    this.#sampled = 0;
  }

  /** Takes the samples that have become due since the last look. */
  #run(): void {
    if (this.#awakeSinceUs === undefined || this.troubles.frozen) return;
    const periodUs = 1e6 / this.samplesPerSecond;
    const due = Math.floor((this.#options.nowUs() - this.#awakeSinceUs) / periodUs);
    if (due <= this.#sampled) return;
    const queues = (this.#at(register.userControl) & userBits.fifoEnable) !== 0;
    const from = queues ? Math.max(this.#sampled, due - mostSamples) : due - 1;
    for (let sample = from + 1; sample <= due; sample++) {
      this.#measure(this.#awakeSinceUs + sample * periodUs);
      if (queues) this.#queueMeasurement();
    }
    this.statistics.samples += due - this.#sampled;
    this.#sampled = due;
    this.#registers[register.interruptStatus] = this.#at(register.interruptStatus) | statusBits.dataReady;
  }

  #measure(atUs: number): void {
    const standby = this.#at(register.power2);
    const perG = 32_768 / this.rangeG;
    this.#options.acceleration(atUs).forEach((value, axis) => {
      if ((standby & (0x20 >> axis)) !== 0) return;
      this.#put(register.firstMeasurement + 2 * axis, (value / standardGravityMmS2) * perG);
    });
    if ((this.#at(register.power1) & powerBits.temperatureOff) === 0) {
      const celsius = (this.#options.milliCelsius?.(atUs) ?? 25_000) / 1_000;
      this.#put(register.firstMeasurement + 6, (celsius - 36.53) * 340);
    }
    const perDegree = 131 / (1 << ((this.#at(register.gyroscope) >> 3) & 3));
    (this.#options.rotation?.(atUs) ?? [0, 0, 0]).forEach((value, axis) => {
      if ((standby & (0x04 >> axis)) !== 0) return;
      this.#put(register.firstMeasurement + 8 + 2 * axis, (value / 1_000) * perDegree);
    });
  }

  #put(address: number, value: number): void {
    const code = Math.max(-32_768, Math.min(32_767, Math.round(value)));
    this.#registers[address] = (code >> 8) & 0xff;
    this.#registers[address + 1] = code & 0xff;
  }

  /** What FIFO_EN lists, in the order of the registers: acceleration, temperature, rates of turn. */
  #queueMeasurement(): void {
    const enabled = this.#at(register.fifoEnable);
    const parts = [
      [0x08, 0, 6],
      [0x80, 6, 2],
      [0x40, 8, 2],
      [0x20, 10, 2],
      [0x10, 12, 2],
    ] as const;
    for (const [bit, offset, length] of parts) {
      if ((enabled & bit) === 0) continue;
      const start = register.firstMeasurement + offset;
      for (const byte of this.#registers.subarray(start, start + length)) this.#queue(byte);
    }
  }

  /** A full queue loses its oldest byte. */
  #queue(byte: number): void {
    this.#fifo.push(byte);
    if (this.#fifo.length <= fifoBytes) return;
    this.#fifo.shift();
    this.statistics.overflows += 1;
    this.#registers[register.interruptStatus] = this.#at(register.interruptStatus) | statusBits.fifoOverflow;
  }

  /** INT_RD_CLEAR: any read ends the interrupt, not that of INT_STATUS alone. */
  #clearOnAnyRead(): void {
    if ((this.#at(register.interruptPin) & 0x10) !== 0) this.#registers[register.interruptStatus] = 0;
  }
}
