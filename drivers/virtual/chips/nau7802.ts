import { I2cChip } from './i2c-chip.ts';

/** Where a NAU7802 answers; it has no other. */
export const nau7802Address = 0x2a;

/** What its inputs are set to. */
export interface Nau7802Input {
  readonly channel: 1 | 2;
  /** 1, 2, 4 … 128. */
  readonly gain: number;
}

export interface Nau7802Options {
  /** Time of the chip, µs. */
  readonly nowUs: () => number;
  /** Counts (24 bits, signed) that a conversion which ends at `atUs` gives, before the calibration registers. */
  readonly counts: (atUs: number, input: Nau7802Input) => number;
  /** How much faster its oscillator runs than nominal: 0.01 is 1 %. */
  readonly skew?: number;
}

/** What can be wrong with it besides being absent. */
export interface Nau7802Troubles {
  /** The oscillator stands: no conversion ever ends. */
  stopped: boolean;
  /** Every conversion gives the same counts. */
  frozen: boolean;
  /** The input is beyond full scale, with this sign. */
  saturated: -1 | 0 | 1;
  /** Calibrations end with CAL_ERR. */
  calibrationFails: boolean;
}

const puCtrl = {
  address: 0x00,
  reset: 0x01,
  digital: 0x02,
  analog: 0x04,
  ready: 0x08,
  start: 0x10,
  cycleReady: 0x20,
};
const ctrl1Address = 0x01;
const ctrl2 = {
  address: 0x02,
  calibrationMode: 0x03,
  calibrate: 0x04,
  calibrationError: 0x08,
  channel: 0x80,
};
const offsetAddress = { 1: 0x03, 2: 0x0a } as const;
const gainAddress = { 1: 0x06, 2: 0x0d } as const;
const resultAddress = 0x12;
const adcAddress = 0x15;
const pgaAddress = 0x1b;
const revisionAddress = 0x1f;

/** After PUD, the digital part takes this long to be ready (PUR), µs (datasheet rev. 1.7, 9.1, power-on sequencing). */
const powerUpUs = 200;
/** An offset calibration at 10 samples/s takes about 344 ms. */
const calibrationPeriods = 3.44;
/** Conversions from a start or a change of input until the filter has settled. */
const settlingConversions = 4;
/** What the filter shows of the final value meanwhile, in sixteenths. */
const settling = [1, 5, 11] as const;

const maximumCode = 0x7fffff;
const minimumCode = -0x800000;

/**
 * Register model of the Nuvoton NAU7802 24-bit converter after its datasheet: reset, power-up with PUR, cycle start,
 * CR, conversion rates, channels and gains, calibration with its registers, coherent reading of the result. Analog
 * details (PGA, LDO, chopper) are registers that are kept and change nothing.
 */
export class Nau7802 extends I2cChip {
  readonly troubles: Nau7802Troubles = {
    stopped: false,
    frozen: false,
    saturated: 0,
    calibrationFails: false,
  };
  /** Conversions that ended, and those that nobody read before the next. */
  readonly statistics = { conversions: 0, overwritten: 0, calibrations: 0 };
  readonly #options: Nau7802Options;
  readonly #registers = new Uint8Array(0x20);
  #readyAtUs = Number.POSITIVE_INFINITY;
  /** When the conversions that run now began; undefined while none run. */
  #startedAtUs: number | undefined;
  #done = 0;
  #calibratedAtUs: number | undefined;
  #fresh = false;
  #result = 0;
  #latched = 0;
  #latchedDone = 0;

  constructor(options: Nau7802Options) {
    super();
    this.#options = options;
    this.#reset();
  }

  /** What the conversions run at now, samples a second. */
  get samplesPerSecond(): number {
    return ratesBySetting[((this.#registers[ctrl2.address] ?? 0) >> 4) & 7] ?? 10;
  }

  get input(): Nau7802Input {
    return {
      channel: ((this.#registers[ctrl2.address] ?? 0) & ctrl2.channel) === 0 ? 1 : 2,
      gain: 1 << ((this.#registers[ctrl1Address] ?? 0) & 7),
    };
  }

  /** Supply comes back: everything is as after power-on. */
  powerOn(): void {
    this.#reset();
  }

  protected override latch(): void {
    this.#run();
    this.#latched = this.#result;
    this.#latchedDone = this.#done;
  }

  protected override readRegister(address: number): number {
    this.#run();
    if (address === puCtrl.address) return this.#powerStatus();
    if (address >= resultAddress && address < resultAddress + 3) {
      // A conversion that ended since the read began is still to be read.
      if (address === resultAddress && this.#latchedDone === this.#done) this.#fresh = false;
      return (this.#latched >> (8 * (resultAddress + 2 - address))) & 0xff;
    }
    if (address === revisionAddress) return 0x0f;
    return this.#registers[address] ?? 0;
  }

  protected override writeRegister(address: number, value: number): void {
    this.#run();
    if (address === puCtrl.address) this.#power(value);
    else if (this.#isInReset()) return;
    else if (address === ctrl2.address) this.#control2(value);
    else if (address < resultAddress || address === adcAddress || isKept(address)) {
      this.#registers[address] = value;
      if (address === ctrl1Address) this.#restart();
    }
  }

  #isInReset(): boolean {
    return ((this.#registers[puCtrl.address] ?? 0) & puCtrl.reset) !== 0;
  }

  #powerStatus(): number {
    const kept = (this.#registers[puCtrl.address] ?? 0) & ~(puCtrl.ready | puCtrl.cycleReady);
    const ready = this.#options.nowUs() >= this.#readyAtUs ? puCtrl.ready : 0;
    return kept | ready | (this.#fresh ? puCtrl.cycleReady : 0);
  }

  #power(value: number): void {
    if ((value & puCtrl.reset) !== 0) {
      this.#reset();
      this.#registers[puCtrl.address] = puCtrl.reset;
      return;
    }
    const before = this.#registers[puCtrl.address] ?? 0;
    this.#registers[puCtrl.address] = value & ~(puCtrl.ready | puCtrl.cycleReady);
    const rising = value & ~before;
    if ((value & puCtrl.digital) === 0) this.#readyAtUs = Number.POSITIVE_INFINITY;
    else if ((rising & puCtrl.digital) !== 0) this.#readyAtUs = this.#options.nowUs() + powerUpUs;
    if (((value ^ before) & (puCtrl.digital | puCtrl.analog | puCtrl.start)) !== 0) this.#restart();
  }

  #control2(value: number): void {
    const before = this.#registers[ctrl2.address] ?? 0;
    const isBusy = (before & ctrl2.calibrate) !== 0;
    const kept = value & ~(ctrl2.calibrate | ctrl2.calibrationError);
    this.#registers[ctrl2.address] = kept | (before & (ctrl2.calibrate | ctrl2.calibrationError));
    if ((value & ctrl2.calibrate) !== 0 && !isBusy) {
      this.#registers[ctrl2.address] = kept | ctrl2.calibrate;
      this.#calibratedAtUs = this.#options.nowUs() + calibrationPeriods * this.#periodUs();
      this.#startedAtUs = undefined;
    } else if (((value ^ before) & 0xf0) !== 0) {
      this.#restart();
    }
  }

  #reset(): void {
    this.#registers.fill(0);
    for (const channel of [1, 2] as const) this.#registers[gainAddress[channel] + 1] = 0x80;
    this.#readyAtUs = Number.POSITIVE_INFINITY;
    this.#startedAtUs = undefined;
    this.#calibratedAtUs = undefined;
    this.#fresh = false;
    this.#result = 0;
  }

  /** Conversions begin anew, where they are switched on. */
  #restart(): void {
    const needed = puCtrl.digital | puCtrl.analog | puCtrl.start;
    const isOn = ((this.#registers[puCtrl.address] ?? 0) & needed) === needed;
    this.#fresh = false;
    this.#done = 0;
    this.#startedAtUs =
      isOn && this.#calibratedAtUs === undefined
        ? Math.max(this.#options.nowUs(), Number.isFinite(this.#readyAtUs) ? this.#readyAtUs : 0)
        : undefined;
  }

  #periodUs(): number {
    return 1e6 / (this.samplesPerSecond * (1 + (this.#options.skew ?? 0)));
  }

  /** Does what has happened since the last look. */
  #run(): void {
    const nowUs = this.#options.nowUs();
    if (this.#calibratedAtUs !== undefined && nowUs >= this.#calibratedAtUs) this.#endCalibration();
    if (this.#startedAtUs === undefined || this.troubles.stopped) return;
    const periodUs = this.#periodUs();
    const due = Math.floor((nowUs - this.#startedAtUs) / periodUs);
    if (due <= this.#done) return;
    const passed = due - this.#done;
    this.statistics.conversions += passed;
    this.statistics.overwritten += passed - (this.#fresh ? 0 : 1);
    this.#done = due;
    this.#result = this.#convert(this.#startedAtUs + due * periodUs);
    this.#fresh = true;
  }

  #convert(atUs: number): number {
    const { troubles } = this;
    if (troubles.frozen) return this.#result;
    if (troubles.saturated !== 0) return troubles.saturated > 0 ? maximumCode : minimumCode;
    const { channel } = this.input;
    const raw = this.#options.counts(atUs, this.input);
    const corrected = (raw - this.#offset(channel)) * this.#gain(channel);
    const part = this.#done < settlingConversions ? (settling[this.#done - 1] ?? 0) / 16 : 1;
    return Math.max(minimumCode, Math.min(maximumCode, Math.round(corrected * part)));
  }

  #endCalibration(): void {
    const nowUs = this.#calibratedAtUs ?? 0;
    this.#calibratedAtUs = undefined;
    this.statistics.calibrations += 1;
    const control = this.#registers[ctrl2.address] ?? 0;
    const { channel } = this.input;
    const failed = this.troubles.calibrationFails;
    this.#registers[ctrl2.address] =
      (control & ~(ctrl2.calibrate | ctrl2.calibrationError)) | (failed ? ctrl2.calibrationError : 0);
    const mode = control & ctrl2.calibrationMode;
    // Internal (0): the inputs are shorted inside, which an ideal converter reads as 0. External offset (2): what is there.
    if (!failed && mode === 0) this.#setOffset(channel, 0);
    if (!failed && mode === 2) this.#setOffset(channel, Math.round(this.#options.counts(nowUs, this.input)));
    this.#restart();
  }

  /** Sign and magnitude, 23 bits. */
  #offset(channel: 1 | 2): number {
    const base = offsetAddress[channel];
    const [high = 0, middle = 0, low = 0] = this.#registers.subarray(base, base + 3);
    const magnitude = ((high & 0x7f) << 16) | (middle << 8) | low;
    return (high & 0x80) === 0 ? magnitude : -magnitude;
  }

  #setOffset(channel: 1 | 2, counts: number): void {
    const magnitude = Math.min(maximumCode, Math.abs(counts));
    const sign = counts < 0 ? 0x80 : 0;
    this.#registers.set(
      [(magnitude >> 16) | sign, (magnitude >> 8) & 0xff, magnitude & 0xff],
      offsetAddress[channel],
    );
  }

  /** 32 bits, 2⁻²³ each. */
  #gain(channel: 1 | 2): number {
    const base = gainAddress[channel];
    const bytes = this.#registers.subarray(base, base + 4);
    return bytes.reduce((sum, byte) => sum * 256 + byte, 0) / 2 ** 23;
  }
}

/** CRS, CTRL2 bits 6–4; 4 to 6 are reserved. */
const ratesBySetting: Readonly<Record<number, number>> = { 0: 10, 1: 20, 2: 40, 3: 80, 7: 320 };

/** Registers of the analog part, PGA (0x1b) and power (0x1c). */
function isKept(address: number): boolean {
  return address === pgaAddress || address === pgaAddress + 1;
}
