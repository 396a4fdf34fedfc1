import { standardGravityMmS2 } from '#base/units.ts';
import { I2cChip } from './i2c-chip.ts';

/** Where an LSM6DS answers with SA0 low; 0x6b with SA0 high. */
export const lsm6dsAddress = 0x6a;

export interface Lsm6dsOptions {
  /** Time of the chip, µs. */
  readonly nowUs: () => number;
  /** What it feels at `atUs` along its own axes, gravity included, mm/s². */
  readonly acceleration: (atUs: number) => readonly [x: number, y: number, z: number];
  /** What WHO_AM_I answers: 0x69, 0x6a (bare queue), 0x6b, 0x6c (queue with tags); 0x6c where left out. */
  readonly whoAmI?: number;
  /** How much faster its oscillator runs than nominal: 0.03 is 3 %. */
  readonly skew?: number;
}

const register = {
  fifo3: 0x08,
  fifo3Tagged: 0x09,
  fifoMode: 0x0a,
  whoAmI: 0x0f,
  accelerometer: 0x10,
  control3: 0x12,
  status: 0x1e,
  acceleration: 0x28,
  fifoStatus: 0x3a,
  fifoOut: 0x3e,
  fifoTag: 0x78,
} as const;
const softwareReset = 0x01;
const addressMovesOn = 0x04;
/** A reset takes this long, µs (datasheet: 50 µs typically). */
const resetUs = 50;
const ranges = [2, 16, 4, 8] as const;
const rates = [0, 12.5, 26, 52, 104, 208, 416, 833, 1660, 3330, 6660] as const;
const microgPerCountPerG = 61 / 2;
const accelerometerTag = 0x02;

/**
 * Register model of ST's LSM6DS3 and LSM6DSO families, their accelerometer and its queue: reset, rates and ranges,
 * continuous and bypass mode, the level with its overrun, samples bare or with tags, bursts that stay on the queue.
 */
export class Lsm6ds extends I2cChip {
  readonly troubles = { frozen: false };
  readonly statistics = { samples: 0, overruns: 0 };
  readonly #options: Lsm6dsOptions;
  readonly #registers = new Uint8Array(0x80);
  /** Bytes of the queue, whole samples unless read in part. */
  #fifo: number[] = [];
  #overrun = false;
  #resetUntilUs = 0;
  #runsSinceUs: number | undefined;
  #sampled = 0;
  #statusHigh = 0;

  constructor(options: Lsm6dsOptions) {
    super();
    this.#options = options;
    this.#reset();
  }

  /** Has a queue whose samples bear tags. */
  get isTagged(): boolean {
    return (this.#options.whoAmI ?? 0x6c) >= 0x6b;
  }

  /** Full scale, g. */
  get rangeG(): number {
    return ranges[(this.#at(register.accelerometer) >> 2) & 3] ?? 2;
  }

  get samplesPerSecond(): number {
    const nominal = rates[this.#at(register.accelerometer) >> 4] ?? 0;
    return nominal * (1 + (this.#options.skew ?? 0));
  }

  /** Supply comes back: powered down, all settings gone. */
  override powerOn(): void {
    this.#reset();
  }

  protected override latch(): void {
    this.#run();
  }

  protected override readRegister(address: number): number {
    this.#run();
    switch (address) {
      case register.control3: {
        const isResetting = this.#options.nowUs() < this.#resetUntilUs;
        return this.#at(address) | (isResetting ? softwareReset : 0);
      }
      case register.fifoStatus:
        return this.#level();
      case register.fifoStatus + 1:
        return this.#statusHigh;
      default:
        return this.#isFifo(address) ? (this.#fifo.shift() ?? 0) : this.#at(address);
    }
  }

  protected override writeRegister(address: number, value: number): void {
    this.#run();
    if (address === register.control3 && (value & softwareReset) !== 0) {
      this.#reset();
      this.#resetUntilUs = this.#options.nowUs() + resetUs;
      return;
    }
    if (
      address === register.whoAmI ||
      address >= register.status ||
      this.#options.nowUs() < this.#resetUntilUs
    )
      return;
    this.#registers[address] = value;
    if (address === register.accelerometer) this.#pace();
    if (address === register.fifoMode && (value & 7) === 0) this.#empty();
  }

  /** Bursts roll over within the queue's registers; without IF_INC the address stays as it is everywhere. */
  protected override next(address: number): number {
    if ((this.#at(register.control3) & addressMovesOn) === 0) return address;
    const last = this.isTagged ? register.fifoTag + 6 : register.fifoOut + 1;
    const first = this.isTagged ? register.fifoTag : register.fifoOut;
    return address === last ? first : super.next(address);
  }

  #isFifo(address: number): boolean {
    const first = this.isTagged ? register.fifoTag : register.fifoOut;
    return address >= first && address <= (this.isTagged ? first + 6 : first + 1);
  }

  #at(address: number): number {
    return this.#registers[address] ?? 0;
  }

  #reset(): void {
    this.#registers.fill(0);
    this.#registers[register.whoAmI] = this.#options.whoAmI ?? 0x6c;
    this.#registers[register.control3] = addressMovesOn;
    this.#empty();
    this.#runsSinceUs = undefined;
    this.#sampled = 0;
  }

  #empty(): void {
    this.#fifo = [];
    this.#overrun = false;
  }

  #pace(): void {
    this.#runsSinceUs = this.samplesPerSecond === 0 ? undefined : this.#options.nowUs();
    this.#sampled = 0;
  }

  #sampleBytes(): number {
    return this.isTagged ? 7 : 6;
  }

  /** Samples that the queue holds: 8 kB of the LSM6DS3, 4 kB of its successors, 3 kB (512 words) with tags. */
  #capacity(): number {
    if (this.isTagged) return 512;
    return this.#at(register.whoAmI) === 0x69 ? 1365 : 682;
  }

  /** The low byte; the high one stays with it. */
  #level(): number {
    const samples = Math.floor(this.#fifo.length / this.#sampleBytes());
    const level = this.isTagged ? samples : Math.floor(this.#fifo.length / 2);
    const isEmpty = this.#fifo.length === 0 && !this.isTagged;
    this.#statusHigh = (level >> 8) | (this.#overrun ? 0x40 : 0) | (isEmpty ? 0x10 : 0);
    return level & 0xff;
  }

  #queues(): boolean {
    const mode = this.#at(register.fifoMode);
    if ((mode & 7) !== 6) return false;
    if (this.isTagged) return (this.#at(register.fifo3Tagged) & 0x0f) !== 0;
    return (this.#at(register.fifo3) & 7) === 1 && ((mode >> 3) & 0x0f) !== 0;
  }

  #run(): void {
    if (this.#runsSinceUs === undefined || this.troubles.frozen) return;
    const periodUs = 1e6 / this.samplesPerSecond;
    const due = Math.floor((this.#options.nowUs() - this.#runsSinceUs) / periodUs);
    const queues = this.#queues();
    const from = Math.max(this.#sampled, due - (queues ? this.#capacity() + 1 : 1));
    for (let sample = from + 1; sample <= due; sample++)
      this.#measure(this.#runsSinceUs + sample * periodUs, queues);
    this.statistics.samples += Math.max(0, due - this.#sampled);
    this.#sampled = Math.max(this.#sampled, due);
  }

  #measure(atUs: number, queues: boolean): void {
    const bytes = this.#options.acceleration(atUs).flatMap((value) => {
      const microg = (value / standardGravityMmS2) * 1e6;
      const code = Math.round(microg / (microgPerCountPerG * this.rangeG));
      const bounded = Math.max(-32_768, Math.min(32_767, code));
      return [bounded & 0xff, (bounded >> 8) & 0xff];
    });
    this.#registers.set(bytes, register.acceleration);
    if (!queues) return;
    if (this.isTagged) this.#fifo.push(accelerometerTag << 3);
    this.#fifo.push(...bytes);
    if (this.#fifo.length <= this.#capacity() * this.#sampleBytes()) return;
    this.#fifo.splice(0, this.#sampleBytes());
    this.#overrun = true;
    this.statistics.overruns += 1;
  }
}
