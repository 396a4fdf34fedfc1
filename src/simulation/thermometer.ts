import type { Board } from '#config/board.ts';
import type { SimulationItem } from './items.ts';

/** As a sensor on one wire is read. */
const periodUs = 1_000_000;
/** Temperature at which virtual cells were calibrated, m°C. */
const referenceMilliCelsius = 20_000;
/** It tells sixteenths of a kelvin, as such sensors do. */
const stepMilliCelsius = 62.5;

/** Ids of the temperature sensors that plates name. */
export function findThermometers(board: Board): string[] {
  const named = board.plates.flatMap(({ temperature }) => (temperature === undefined ? [] : [temperature]));
  return [...new Set(named)];
}

/** A temperature sensor on a frame: one reading a second. */
export class Thermometer {
  readonly #id: string;
  #nextUs = 0;

  constructor(id: string) {
    this.#id = id;
  }

  get nextUs(): number {
    return this.#nextUs;
  }

  /** @param world kelvins above the reference at an instant */
  sample(world: { kelvin(atUs: number): number }): SimulationItem {
    const atUs = this.#nextUs;
    this.#nextUs += periodUs;
    const exact = referenceMilliCelsius + 1_000 * world.kelvin(atUs);
    const milliCelsius = Math.round(Math.round(exact / stepMilliCelsius) * stepMilliCelsius);
    return { kind: 'input', input: { kind: 'temperature', source: this.#id, atUs, milliCelsius } };
  }
}
