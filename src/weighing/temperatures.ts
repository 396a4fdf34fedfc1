import { isSameJson } from '#base/canonical-json.ts';
import { usPerMs } from '#base/units.ts';
import type { Calibration, PlateEntry } from '#config/board.ts';
import type { TemperatureReading } from '#readings/readings.ts';
import { followsTemperature } from './calibrated.ts';
import type { FaultBoard } from './faults.ts';
import type { CellPlate } from './plates.ts';
import { fastestPerS, Thermometer } from './temperature.ts';

/** At a start a plate waits for its sensor's first word for so long, µs. */
const awaitUs = 3_000 * usPerMs;

/** Temperatures that drift was taken out by, m°C, by sensor. */
export type SavedTemperatures = Readonly<Record<string, number>>;

/** The sensors of a board whose plates' drift with temperature is taken out, and what they say. */
export class Temperatures {
  readonly #plates: readonly PlateEntry[];
  readonly #cellPlates: readonly CellPlate[];
  readonly #faults: FaultBoard;
  readonly #creepMgPerS: number;
  readonly #saved: SavedTemperatures;
  #thermometers: ReadonlyMap<string, Thermometer> = new Map();

  /** `cellPlates` is the list that the weigher fills, `creepMgPerS` the fastest drift that its baselines follow. */
  constructor(options: {
    readonly plates: readonly PlateEntry[];
    readonly cellPlates: readonly CellPlate[];
    readonly faults: FaultBoard;
    readonly creepMgPerS: number;
    readonly saved: SavedTemperatures | undefined;
  }) {
    this.#plates = options.plates;
    this.#cellPlates = options.cellPlates;
    this.#faults = options.faults;
    this.#creepMgPerS = options.creepMgPerS;
    this.#saved = options.saved ?? {};
  }

  /** Finds the sensors that drift is taken out by under a calibration; those that are known already go on. */
  follow(calibration: Calibration | undefined): void {
    const byId = new Map<string, string[]>();
    for (const plate of this.#plates) {
      const { temperature } = plate;
      if (temperature === undefined || !followsTemperature(plate, calibration)) continue;
      byId.set(temperature, [...(byId.get(temperature) ?? []), plate.id]);
    }
    const thermometers = [...byId].map(([source, plates]) => {
      const known = this.#thermometers.get(source);
      if (known !== undefined && isSameJson(known.plates, plates)) return known;
      const used = known?.usedMilliCelsius ?? this.#saved[source];
      const last = used === undefined || Number.isNaN(used) ? undefined : used;
      return new Thermometer(source, plates, this.#faults, last);
    });
    this.#thermometers = new Map(thermometers.map((one) => [one.source, one]));
    for (const one of thermometers) {
      one.limitPerS = this.#limitOf(one.plates, calibration);
      this.#compensate(one);
    }
  }

  /** Fastest change, m°C/s, at which no plate's mass moves by more than half of what its baseline follows. */
  #limitOf(plates: readonly string[], calibration: Calibration | undefined): number {
    const drifts = plates.map((plate) => {
      const cells = Object.values(calibration?.plates[plate]?.cells ?? {});
      return cells.reduce((sum, { milligramsPerKelvin = 0 }) => sum + Math.abs(milligramsPerKelvin), 0);
    });
    const worst = Math.max(0, ...drifts);
    return worst === 0 ? fastestPerS : Math.min(fastestPerS, (500 * this.#creepMgPerS) / worst);
  }

  /** Time begins: weighed by an old temperature first, a plate would seem to have changed when the present one comes. */
  begin(atUs: number): void {
    for (const { plates, isAwaited } of this.#thermometers.values()) {
      if (isAwaited) this.#holdUntil(plates, atUs + awaitUs);
    }
  }

  /** Takes a reading; true where drift is taken out by it. */
  accept({ source, atUs, milliCelsius }: TemperatureReading): boolean {
    const thermometer = this.#thermometers.get(source);
    if (thermometer === undefined || !Number.isFinite(milliCelsius)) return false;
    const { plates } = thermometer;
    const isFresh = this.#of(plates).every(({ tracker }) => !tracker.resting);
    thermometer.accept(atUs, milliCelsius, isFresh);
    this.#compensate(thermometer);
    this.#holdUntil(plates, Number.NEGATIVE_INFINITY);
    return true;
  }

  /** When something is to be said of a sensor's silence, µs; nothing is due before. */
  dueUs(startUs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const thermometer of this.#thermometers.values()) next = Math.min(next, thermometer.dueUs(startUs));
    return next;
  }

  /** Says what is due at `atUs`. */
  fire(startUs: number, atUs: number): void {
    for (const thermometer of this.#thermometers.values()) {
      if (thermometer.dueUs(startUs) <= atUs) thermometer.miss(atUs);
    }
  }

  /** To a tenth of a kelvin; undefined where no drift is taken out. */
  saveState(): SavedTemperatures | undefined {
    const known = [...this.#thermometers.values()]
      .filter(({ usedMilliCelsius }) => !Number.isNaN(usedMilliCelsius))
      .map(({ source, usedMilliCelsius }) => [source, Math.round(usedMilliCelsius / 100) * 100]);
    return known.length === 0 ? undefined : Object.fromEntries(known);
  }

  #of(plates: readonly string[]): readonly CellPlate[] {
    return this.#cellPlates.filter(({ tracker }) => plates.includes(tracker.id));
  }

  #holdUntil(plates: readonly string[], atUs: number): void {
    for (const plate of this.#of(plates)) plate.notBeforeUs = atUs;
  }

  #compensate({ plates, usedMilliCelsius }: Thermometer): void {
    if (Number.isNaN(usedMilliCelsius)) return;
    for (const { cells } of this.#of(plates)) for (const cell of cells) cell.setTemperature(usedMilliCelsius);
  }
}
