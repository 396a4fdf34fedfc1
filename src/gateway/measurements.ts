import type { Reading } from '#readings/readings.ts';

/** What a power or temperature sensor said last. */
export interface Measurement {
  readonly milliCelsius?: number;
  readonly externalPower?: boolean;
  readonly batteryPpm?: number;
}

/** The last readings that no decision needs: of power and temperature, by device, for health and the status page. */
export class LastMeasurements {
  readonly #last = new Map<string, Measurement>();

  /** HOT PATH: every reading comes by. */
  see(reading: Reading): void {
    if (reading.kind === 'temperature') {
      this.#last.set(reading.source, { milliCelsius: reading.milliCelsius });
    } else if (reading.kind === 'power') {
      const { source, externalPower, batteryPpm } = reading;
      this.#last.set(source, { externalPower, ...(batteryPpm === undefined ? {} : { batteryPpm }) });
    }
  }

  of(device: string): Measurement | undefined {
    return this.#last.get(device);
  }
}
