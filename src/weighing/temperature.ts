import { usPerMinute, usPerSecond } from '#base/units.ts';
import type { FaultBoard } from './faults.ts';

/** The slowest sensor is read once a minute: silence of more than two readings is one. */
const silenceUs = 150 * usPerSecond;
/** A temperature is a good guess of the present one for so long. */
const holdUs = 30 * usPerMinute;
/** Cells follow the air slowly, and so does what is taken out: time constant, and fastest change, m°C/s. */
const timeConstantUs = 60 * usPerSecond;
export const fastestPerS = 20;

/**
 * The temperature at some plates, as their compensation follows it: smoothed and never in a step, because the step in mass
 * that it makes is nobody's purchase. Without a sensor's word the last one holds.
 */
export class Thermometer {
  readonly source: string;
  readonly plates: readonly string[];
  readonly #faults: FaultBoard;
  /** What compensation goes by, m°C; NaN while nothing is known. */
  usedMilliCelsius: number;
  /** First reading of this run is still awaited. */
  isAwaited = true;
  /** Fastest change of what compensation goes by, m°C/s. */
  limitPerS = fastestPerS;
  #measured: number;
  /** Last word of the sensor, µs; NaN before the first of this run. */
  #lastUs = Number.NaN;
  #silent = false;
  #stale = false;

  /** @param saved temperature that an earlier run went by, m°C */
  constructor(source: string, plates: readonly string[], faults: FaultBoard, saved: number | undefined) {
    this.source = source;
    this.plates = plates;
    this.#faults = faults;
    this.usedMilliCelsius = saved ?? Number.NaN;
    this.#measured = this.usedMilliCelsius;
  }

  /** Takes a reading. At once where nothing was weighed by another temperature in this run, else slowly. */
  accept(atUs: number, milliCelsius: number, isFresh: boolean): void {
    const elapsedUs = Number.isNaN(this.#lastUs) ? 0 : Math.max(0, atUs - this.#lastUs);
    if (Number.isNaN(this.usedMilliCelsius) || (this.isAwaited && isFresh)) {
      this.usedMilliCelsius = milliCelsius;
    } else {
      const gap = this.#measured - this.usedMilliCelsius;
      const step = gap * (1 - Math.exp(-elapsedUs / timeConstantUs));
      // After a silence it goes on from where it was, not by all that could have changed meanwhile.
      const limit = (this.limitPerS * Math.min(elapsedUs, silenceUs)) / usPerSecond;
      this.usedMilliCelsius += Math.max(-limit, Math.min(limit, step));
    }
    this.isAwaited = false;
    this.#measured = milliCelsius;
    this.#lastUs = atUs;
    if (this.#silent) this.#recover(atUs);
  }

  /** When something has to be said of its silence, µs. */
  dueUs(startUs: number): number {
    if (this.#stale) return Number.POSITIVE_INFINITY;
    const lastUs = Number.isNaN(this.#lastUs) ? startUs : this.#lastUs;
    return lastUs + (this.#silent ? holdUs : silenceUs);
  }

  /** Says what is due at `atUs`. */
  miss(atUs: number): void {
    const where = this.plates.join(', ');
    const last = `${(this.usedMilliCelsius / 1000).toFixed(1)} °C`;
    if (!this.#silent) {
      this.#silent = true;
      const holds = Number.isNaN(this.usedMilliCelsius)
        ? `drift of ${where} with temperature is not taken out`
        : `the last temperature, ${last}, is taken for that of ${where} for 30 minutes`;
      const message = `Temperature sensor ${this.source} sends no readings; ${holds}.`;
      this.#faults.raise(this.source, 'missing', 'CW-WGH-012', message, atUs);
      return;
    }
    this.#stale = true;
    const message = Number.isNaN(this.usedMilliCelsius)
      ? `Temperature sensor ${this.source} has been silent for 30 minutes; ${where} may read wrong by its drift: repair the sensor, or calibrate.`
      : `Temperature sensor ${this.source} has been silent for 30 minutes; compensation of ${where} stays at ${last}, and may be wrong by now: repair the sensor.`;
    this.#faults.raise(this.source, 'integrity', 'CW-WGH-013', message, atUs);
  }

  #recover(atUs: number): void {
    const message = `Temperature sensor ${this.source} works again.`;
    this.#faults.clear(this.source, 'missing', 'CW-WGH-012', message, atUs);
    if (this.#stale) this.#faults.clear(this.source, 'integrity', 'CW-WGH-013', message, atUs);
    this.#silent = false;
    this.#stale = false;
  }
}
