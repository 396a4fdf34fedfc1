import { DriverError } from '../../errors.ts';
import type { I2cChip } from '../chips/i2c-chip.ts';
import { type Acceleration, Mpu6050, mpu6050Address } from '../chips/mpu6050.ts';
import { Nau7802, nau7802Address } from '../chips/nau7802.ts';
import { beginFault, type McuFault } from './faults.ts';
import { readHex } from './hex.ts';
import type { CellSource } from './hx711.ts';
import { Microcontroller, type MicrocontrollerStatistics } from './microcontroller.ts';
import { Timeline } from './timeline.ts';

/** A chip on the bridge's I²C bus, and the source in the world that it measures. */
export interface ChipEntry {
  readonly chip: 'mpu6050' | 'nau7802';
  readonly source: string;
  readonly address?: number | undefined;
}

/** What a simulated bridge is made of; it can be sent to a worker. */
export interface SimulatorOptions {
  /** The firmware, Intel HEX. */
  readonly hex: string;
  /** Source in the world of each channel's cell; `undefined` where no converter is wired. */
  readonly channels: readonly (string | undefined)[];
  readonly chips: readonly ChipEntry[];
  readonly seed: number;
  readonly crystalPpm: number;
  readonly strappedRate: 10 | 80;
  readonly baudRate: number;
}

/** Readings of one source of the world. */
export interface SourceBatch {
  readonly source: string;
  readonly timesUs: readonly number[];
  /** One number a time for a cell, three for a motion sensor. */
  readonly values: readonly number[];
}

/** What the world was worked out to. */
export interface WorldBatch {
  readonly sources: readonly SourceBatch[];
  readonly knownUntilUs: number;
}

/** A cell that delivers nothing for four conversions has failed; its converter stops, too. */
const cellHoldUs = 50_000;
const motionHoldUs = 1_000_000;
/** The half of the counts that a cell gives on input A at gain 64. */
const referenceGain = 128;

/**
 * A microcontroller in the time of the gateway's clock: measures the readings of a world, carries out faults, and can
 * be let fall behind.
 */
export class Simulator {
  readonly mcu: Microcontroller;
  readonly #cells = new Map<string, Timeline<number>>();
  readonly #motions = new Map<string, Timeline<Acceleration>>();
  readonly #faults = new Map<number, () => void>();
  /** What the clock showed when the microcontroller's time was 0. */
  #originUs: number;

  /** Throws CW-DRV-016 where the firmware can't be read. */
  constructor(options: SimulatorOptions, atUs: number) {
    this.#originUs = atUs;
    const { channels, chips, seed, crystalPpm, strappedRate, baudRate } = options;
    this.mcu = new Microcontroller({
      program: readHex(options.hex),
      cells: channels.map((source) => (source === undefined ? undefined : this.#cellSource(source))),
      chips: (nowUs) => new Map(chips.map((entry) => this.#makeChip(entry, nowUs))),
      seed,
      crystalPpm,
      strappedRate,
      baudRate,
    });
  }

  /** How far the clock is ahead, µs. */
  behindUs(clockUs: number): number {
    return clockUs - this.#originUs - this.mcu.nowUs;
  }

  /** Runs until the clock's `clockUs`; returns what came over the line. */
  run(clockUs: number): Uint8Array {
    this.mcu.run(clockUs - this.#originUs);
    return this.mcu.take();
  }

  /** Gives `us` up: the microcontroller's time stood still meanwhile. */
  slip(us: number): void {
    this.#originUs += us;
  }

  /** What the world's sources read, ahead of time. */
  feed({ sources, knownUntilUs }: WorldBatch): void {
    for (const { source, timesUs, values } of sources) {
      const cells = this.#cells.get(source);
      const motions = this.#motions.get(source);
      for (const [index, atUs] of timesUs.entries()) {
        cells?.push(atUs, values[index] ?? 0);
        motions?.push(atUs, [values[3 * index] ?? 0, values[3 * index + 1] ?? 0, values[3 * index + 2] ?? 0]);
      }
    }
    for (const timeline of this.#cells.values()) timeline.known(knownUntilUs);
  }

  /** Begins a fault under a number. Throws as `beginFault` does. */
  beginFault(id: number, fault: McuFault): void {
    this.endFault(id);
    this.#faults.set(id, beginFault(this.mcu, fault));
  }

  endFault(id: number): void {
    this.#faults.get(id)?.();
    this.#faults.delete(id);
  }

  statistics(): MicrocontrollerStatistics {
    return this.mcu.statistics;
  }

  #cellSource(source: string): CellSource {
    const timeline = this.#cellTimeline(source);
    return (atUs, { input, gain }) => {
      const counts = timeline.at(this.#originUs + atUs);
      if (counts === undefined) return undefined;
      // Nothing is wired to input B: its pins are short-circuited.
      return input === 'B' ? 0 : (counts * gain) / referenceGain;
    };
  }

  #cellTimeline(source: string): Timeline<number> {
    const timeline = this.#cells.get(source) ?? new Timeline<number>(cellHoldUs);
    this.#cells.set(source, timeline);
    return timeline;
  }

  #makeChip({ chip, source, address }: ChipEntry, nowUs: () => number): [number, I2cChip] {
    if (chip === 'mpu6050') {
      const timeline = new Timeline<Acceleration>(motionHoldUs);
      this.#motions.set(source, timeline);
      const acceleration = (atUs: number) => timeline.at(this.#originUs + atUs) ?? ([0, 0, 0] as const);
      return [address ?? mpu6050Address, new Mpu6050({ nowUs, acceleration })];
    }
    if (address !== undefined && address !== nau7802Address) {
      throw new DriverError('CW-DRV-002', `a NAU7802 answers at address ${nau7802Address} only`);
    }
    const timeline = this.#cellTimeline(source);
    const counts = (atUs: number, input: { readonly channel: number; readonly gain: number }) =>
      input.channel === 1 ? ((timeline.at(this.#originUs + atUs) ?? 0) * input.gain) / referenceGain : 0;
    return [nau7802Address, new Nau7802({ nowUs, counts })];
  }
}
