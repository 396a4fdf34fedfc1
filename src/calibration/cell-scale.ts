import type { Calibration } from '#config/board.ts';

/** Calibration of one cell, as far as its arithmetic goes; a cell of `Calibration` is one. */
interface CellCalibration {
  readonly zeroCounts: number;
  readonly milligramsPerCount: number;
  /** Linearity: pairs of indicated and true load of this cell, mg, rising. They go before a quadratic term. */
  readonly points?: readonly (readonly [number, number])[] | undefined;
  /** Linearity: true = x·(1 + q·1e-6·x[kg]), x the indicated load. */
  readonly quadraticPpmPerKg?: number | undefined;
  /** Drift of zero: the load that a warming by 1 K feigns, mg. */
  readonly milligramsPerKelvin?: number | undefined;
  /** Drift of the slope (mg a count) by a warming of 1 K, ppm. */
  readonly spanPpmPerKelvin?: number | undefined;
  /** Temperature at which zero and slope were taken, m°C; without it drift can't be taken out. */
  readonly referenceMilliCelsius?: number | undefined;
}

/** What a cell's scale depends on beyond its calibration. */
export interface ScaleConditions {
  /** g where it was calibrated over g where it is used; 1 where either is unknown. */
  readonly gravityFactor?: number | undefined;
  /** Temperature at the plate, m°C; undefined: that of calibration. */
  readonly milliCelsius?: number | undefined;
}

/** Counts of one cell to mg on its plate, compiled for the hot path. */
export class CellScale {
  readonly #cell: CellCalibration;
  readonly #gain: number;
  readonly #quadratic: number;
  /** Linearity: indicated and true mg, rising; empty where the cell is straight enough. */
  readonly #indicated: readonly number[];
  readonly #true: readonly number[];
  /** Zero and slope at the present temperature: drift costs nothing a sample. */
  #zeroCounts: number;
  #slope: number;

  /** @param gain of the corner trim */
  constructor(cell: CellCalibration, gain = 1, conditions: ScaleConditions = {}) {
    this.#cell = cell;
    this.#gain = gain * (conditions.gravityFactor ?? 1);
    const points = cell.points ?? [];
    const usable = points.length >= 2 ? points : [];
    this.#indicated = usable.map(([indicated]) => indicated);
    this.#true = usable.map(([, mass]) => mass);
    // ppm a kg over mg: 1e-6 · 1e-6.
    this.#quadratic = usable.length > 0 ? 0 : (cell.quadraticPpmPerKg ?? 0) * 1e-12;
    this.#zeroCounts = cell.zeroCounts;
    this.#slope = cell.milligramsPerCount;
    this.setTemperature(conditions.milliCelsius);
  }

  /** Takes drift with temperature out from now on; undefined (no sensor, or it is silent): that of calibration. */
  setTemperature(milliCelsius: number | undefined): void {
    const { zeroCounts, milligramsPerCount, referenceMilliCelsius } = this.#cell;
    const kelvin =
      milliCelsius === undefined || referenceMilliCelsius === undefined
        ? 0
        : (milliCelsius - referenceMilliCelsius) / 1000;
    this.#slope = milligramsPerCount * (1 + (this.#cell.spanPpmPerKelvin ?? 0) * 1e-6 * kelvin);
    this.#zeroCounts = zeroCounts + ((this.#cell.milligramsPerKelvin ?? 0) * kelvin) / this.#slope;
  }

  /**
   * Load of the cell, mg, unrounded: (counts − zero) · slope with its sign (a cell wired the other way round has a
   * negative one), straightened by linearity points or a quadratic, times the gain of the corner trim and gravity's.
   */
  toMg(counts: number): number {
    return this.straighten(this.indicated(counts)) * this.#gain;
  }

  /** (counts − zero) · slope, mg: what linearity points are pairs of. */
  indicated(counts: number): number {
    return (counts - this.#zeroCounts) * this.#slope;
  }

  /** Linear between points; beyond the ends the outer segments go on, so that no step arises there. */
  straighten(indicated: number): number {
    const xs = this.#indicated;
    if (xs.length === 0) return indicated + this.#quadratic * indicated * indicated;
    let i = 1;
    while (i < xs.length - 1 && indicated > (xs[i] ?? 0)) i++;
    const x0 = xs[i - 1] ?? 0;
    const x1 = xs[i] ?? 0;
    const y0 = this.#true[i - 1] ?? 0;
    const y1 = this.#true[i] ?? 0;
    return x1 === x0 ? y0 : y0 + ((indicated - x0) * (y1 - y0)) / (x1 - x0);
  }
}

/** What is missing for a plate to be weighed, as ids of cells; and the scales of those that have one. */
export interface PlateScales {
  readonly scales: ReadonlyMap<string, CellScale>;
  readonly missing: readonly string[];
}

/** Compiles a plate's entry of a calibration for its cells. A plate with any cell missing gives no mass at all. */
export function compilePlate(
  cells: readonly string[],
  entry: Calibration['plates'][string] | undefined,
  conditions: ScaleConditions = {},
): PlateScales {
  const scales = new Map<string, CellScale>();
  const missing: string[] = [];
  for (const id of cells) {
    const cell = entry !== undefined && Object.hasOwn(entry.cells, id) ? entry.cells[id] : undefined;
    if (cell === undefined || !Number.isFinite(cell.zeroCounts) || !isSlope(cell.milligramsPerCount)) {
      missing.push(id);
      continue;
    }
    scales.set(id, new CellScale(cell, entry?.cornerGains?.[id] ?? 1, conditions));
  }
  return { scales, missing };
}

function isSlope(value: number): boolean {
  return Number.isFinite(value) && value !== 0;
}
