import type { Calibration, PlateEntry } from '#config/board.ts';

/** Counts of one cell to mg on its plate, compiled for the hot path. */
export class CellScale {
  readonly #zeroCounts: number;
  readonly #slope: number;
  readonly #gain: number;
  /** Linearity: indicated and true mg, rising; empty where the cell is straight enough. */
  readonly #indicated: readonly number[];
  readonly #true: readonly number[];

  constructor(
    zeroCounts: number,
    milligramsPerCount: number,
    gain: number,
    points: readonly (readonly [number, number])[],
  ) {
    this.#zeroCounts = zeroCounts;
    this.#slope = milligramsPerCount;
    this.#gain = gain;
    const usable = points.length >= 2 ? points : [];
    this.#indicated = usable.map(([indicated]) => indicated);
    this.#true = usable.map(([, mass]) => mass);
  }

  /**
   * Load of the cell, mg, unrounded: (counts − zero) · slope with its sign (a cell wired the other way round has a
   * negative one), straightened between linearity points, times the gain of the corner trim.
   */
  toMg(counts: number): number {
    const indicated = (counts - this.#zeroCounts) * this.#slope;
    return (this.#indicated.length === 0 ? indicated : this.#straighten(indicated)) * this.#gain;
  }

  /** Linear between points; beyond the ends the outer segments go on, so that no step arises there. */
  #straighten(indicated: number): number {
    const xs = this.#indicated;
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
export interface PlateCalibration {
  readonly scales: ReadonlyMap<string, CellScale>;
  readonly missing: readonly string[];
}

/** Looks up the calibration of each cell of a plate. A plate with any cell missing gives no mass at all. */
export function calibratePlate(plate: PlateEntry, calibration: Calibration | undefined): PlateCalibration {
  const entry = Object.hasOwn(calibration?.plates ?? {}, plate.id)
    ? calibration?.plates[plate.id]
    : undefined;
  const scales = new Map<string, CellScale>();
  const missing: string[] = [];
  for (const { id } of plate.cells ?? []) {
    const cell = entry !== undefined && Object.hasOwn(entry.cells, id) ? entry.cells[id] : undefined;
    if (cell === undefined || !Number.isFinite(cell.zeroCounts) || !isSlope(cell.milligramsPerCount)) {
      missing.push(id);
      continue;
    }
    const gain = entry?.cornerGains?.[id] ?? 1;
    scales.set(id, new CellScale(cell.zeroCounts, cell.milligramsPerCount, gain, cell.points ?? []));
  }
  return { scales, missing };
}

function isSlope(value: number): boolean {
  return Number.isFinite(value) && value !== 0;
}
