import { DriverError } from '../errors.ts';
import { hex, type RegisterChip } from '../i2c/chip.ts';
import type { Lifetime } from '../polled/lifetime.ts';
import { hx711Counts } from './hx711.ts';

/** Registers and bits of the NAU7802 (Nuvoton, datasheet revision 2.6, chapter 11). */
const control = {
  address: 0x00,
  reset: 0x01,
  digitalOn: 0x02,
  analogOn: 0x04,
  ready: 0x08,
  start: 0x10,
  cycleReady: 0x20,
  ownSupply: 0x80,
} as const;
/** Supply of the cells in bits 5–3, gain in bits 2–0. */
const control1 = 0x01;
/** Input in bit 7, rate in bits 6–4, CAL_ERR in bit 3, CALS in bit 2, what to calibrate in bits 1–0 (0: offset, internal). */
const control2 = { address: 0x02, calibrate: 0x04, failed: 0x08, input2: 0x80 } as const;
const result = 0x12;
/** Chopper clock off (bits 5–4), as the power-on sequence of chapter 9.1 asks for. */
const adc = { address: 0x15, chopperOff: 0x30 } as const;
/** A capacitor across the unused input 2 quietens the amplifier (chapter 9.14); with a cell there it must be off. */
const power = { address: 0x1c, capacitorOnInput2: 0x80 } as const;
const revision = 0x1f;

export const nau7802Rates = [10, 20, 40, 80, 320] as const;
export const nau7802Gains = [1, 2, 4, 8, 16, 32, 64, 128] as const;
/** By the setting, from 0: 000 is 4.5 V. */
export const nau7802Voltages = [4.5, 4.2, 3.9, 3.6, 3.3, 3, 2.7, 2.4] as const;
const rateSettings: Readonly<Record<(typeof nau7802Rates)[number], number>> = {
  10: 0,
  20: 1,
  40: 2,
  80: 3,
  320: 7,
};

export interface Nau7802ChipSettings {
  readonly cells: readonly string[];
  readonly samplesPerSecond: (typeof nau7802Rates)[number];
  readonly gain: (typeof nau7802Gains)[number];
  readonly supplyVolts: (typeof nau7802Voltages)[number] | 'external';
}

const msUs = 1_000;
/** From reset to a digital part that is ready takes 0.2 ms. */
const powerUpWithinUs = 100 * msUs;
/** The regulator for the cells needs this to be steady. */
const regulatorUs = 200 * msUs;
/** What the input filter still shows of before, conversions. */
const settledBeforeCalibration = 10;
/** The offset calibration takes about 344 ms at 10 samples a second. */
const calibrationWithinUs = 1_000 * msUs;

/** Its revision. Rejects with CW-DRV-006 where something else answers (the low four bits are always ones). */
export async function identifyNau7802(chip: RegisterChip): Promise<number> {
  const value = await chip.readByte(revision);
  if ((value & 0x0f) === 0x0f) return value;
  throw new DriverError(
    'CW-DRV-006',
    `the chip at ${hex(chip.address)} says revision ${hex(value)}, which no NAU7802 does; check what is wired there`,
  );
}

/** Sets up a NAU7802 and reads its conversions. */
export class Nau7802Chip {
  readonly #chip: RegisterChip;
  readonly #settings: Nau7802ChipSettings;
  #input = 0;

  constructor(chip: RegisterChip, settings: Nau7802ChipSettings) {
    this.#chip = chip;
    this.#settings = settings;
  }

  /** 0 or 1: which input is converted. */
  get input(): number {
    return this.#input;
  }

  /**
   * Power-on sequence, then the internal offset calibration of each input in use, whose registers are kept for each.
   * Rejects with CW-DRV-011 where it takes too long, with CW-DRV-020 where the chip says that a calibration failed.
   */
  async setUp(life: Lifetime): Promise<void> {
    const chip = this.#chip;
    const { supplyVolts, gain, cells, samplesPerSecond } = this.#settings;
    await chip.write(control.address, control.reset);
    await life.rest(msUs);
    await chip.write(control.address, 0);
    await chip.write(control.address, control.digitalOn | control.analogOn);
    const isReady = async () => ((await chip.readByte(control.address)) & control.ready) !== 0;
    if (!(await life.until(isReady, msUs, powerUpWithinUs))) throw late('power up');
    const voltage = supplyVolts === 'external' ? 0 : nau7802Voltages.indexOf(supplyVolts);
    await chip.write(control1, (voltage << 3) | Math.log2(gain));
    await chip.write(control2.address, rateSettings[samplesPerSecond] << 4);
    await chip.write(adc.address, adc.chopperOff);
    await chip.write(power.address, cells.length > 1 ? 0 : power.capacitorOnInput2);
    await chip.write(control.address, this.#running);
    await life.rest(regulatorUs + (settledBeforeCalibration * 1_000_000) / samplesPerSecond);
    for (let input = cells.length - 1; input >= 0; input--) await this.#calibrate(input, life);
  }

  /** Selects an input; the next conversions still show some of the other. */
  async select(input: number): Promise<void> {
    await this.#chip.write(control2.address, this.#setting(input));
    this.#input = input;
  }

  /**
   * The conversion that is ready, or undefined where none is; either way when the chip was asked. Rejects with
   * CW-DRV-018 where it has lost its settings.
   */
  async conversion(): Promise<{ readonly counts: number | undefined; readonly atUs: number }> {
    const { data, atUs } = await this.#chip.read(control.address, 1);
    const status = data[0] ?? 0;
    if ((status & ~(control.ready | control.cycleReady)) !== this.#running) {
      throw new DriverError(
        'CW-DRV-018',
        `the NAU7802 has lost its settings (control register ${hex(status)}); check its supply`,
      );
    }
    if ((status & control.cycleReady) === 0) return { counts: undefined, atUs };
    const { data: bytes } = await this.#chip.read(result, 3);
    return { counts: hx711Counts(bytes), atUs };
  }

  get #running(): number {
    const supply = this.#settings.supplyVolts === 'external' ? 0 : control.ownSupply;
    return control.digitalOn | control.analogOn | control.start | supply;
  }

  #setting(input: number): number {
    return (rateSettings[this.#settings.samplesPerSecond] << 4) | (input === 0 ? 0 : control2.input2);
  }

  async #calibrate(input: number, life: Lifetime): Promise<void> {
    await this.select(input);
    await this.#chip.write(control2.address, this.#setting(input) | control2.calibrate);
    let value = 0;
    const isDone = async () => {
      value = await this.#chip.readByte(control2.address);
      return (value & control2.calibrate) === 0;
    };
    if (!(await life.until(isDone, 10 * msUs, calibrationWithinUs))) throw late('calibrate its offset');
    if ((value & control2.failed) === 0) return;
    throw new DriverError(
      'CW-DRV-020',
      `the NAU7802 says that its calibration of input ${input + 1} failed; check the supply of the cells and their wiring`,
    );
  }
}

function late(what: string): DriverError {
  return new DriverError('CW-DRV-011', `the NAU7802 took too long to ${what}; check its supply`);
}
