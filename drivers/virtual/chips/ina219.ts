import { I2cChip } from './i2c-chip.ts';

/** Where an INA219 answers with A0 and A1 low. */
export const ina219Address = 0x40;

/** What is connected to it. */
export interface Ina219Options {
  /** Time of the chip, µs. */
  readonly nowUs: () => number;
  readonly busMillivolt: (atUs: number) => number;
  /** Through the shunt, signed. */
  readonly milliamp: (atUs: number) => number;
  readonly shuntMilliohm: number;
}

const afterReset = 0x399f;
const resetBit = 0x8000;
/** Ranges of the shunt's voltage by PG, µV. */
const shuntRanges = [40_000, 80_000, 160_000, 320_000] as const;

/**
 * Register model of TI's INA219: 16-bit registers, most significant byte first, the pointer stays; configuration with
 * reset, ranges, bus and shunt voltage. Averaging changes how often it measures, not the values.
 */
export class Ina219 extends I2cChip {
  readonly #options: Ina219Options;
  #configuration = afterReset;
  #calibration = 0;
  #high = 0;
  #isLow = false;
  #latched = 0;

  constructor(options: Ina219Options) {
    super();
    this.#options = options;
  }

  override powerOn(): void {
    this.#configuration = afterReset;
    this.#calibration = 0;
  }

  override beginWrite(): void {
    super.beginWrite();
    this.#isLow = false;
  }

  protected override latch(): void {
    this.#isLow = false;
  }

  protected override next(address: number): number {
    return address;
  }

  protected override readRegister(address: number): number {
    if (!this.#isLow) this.#latched = this.#value(address);
    this.#isLow = !this.#isLow;
    return this.#isLow ? this.#latched >> 8 : this.#latched & 0xff;
  }

  protected override writeRegister(address: number, value: number): void {
    this.#isLow = !this.#isLow;
    if (this.#isLow) {
      this.#high = value;
      return;
    }
    const word = (this.#high << 8) | value;
    if (address === 0x00) {
      if ((word & resetBit) !== 0) this.powerOn();
      else this.#configuration = word;
    } else if (address === 0x05) this.#calibration = word & 0xfffe;
  }

  #value(address: number): number {
    const atUs = this.#options.nowUs();
    switch (address) {
      case 0x00:
        return this.#configuration;
      case 0x01: {
        const range = shuntRanges[(this.#configuration >> 11) & 3] ?? 320_000;
        const microvolt = this.#options.milliamp(atUs) * this.#options.shuntMilliohm;
        return Math.round(Math.max(-range, Math.min(range, microvolt)) / 10) & 0xffff;
      }
      case 0x02: {
        const most = (this.#configuration & 0x2000) === 0 ? 16_000 : 32_000;
        const millivolt = Math.max(0, Math.min(most, this.#options.busMillivolt(atUs)));
        // Conversion ready beside the voltage.
        return (Math.round(millivolt / 4) << 3) | 0x02;
      }
      case 0x05:
        return this.#calibration;
      default:
        return 0;
    }
  }
}
