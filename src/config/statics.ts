import type { CellEntry } from './board.ts';

export interface CellLoad {
  readonly cell: string;
  readonly capacityMg: number;
  /** Share of the dead load plus Max spread evenly, mg. */
  readonly evenMg: number;
  /** Share of the dead load plus Max over this cell alone, mg: the worst that can be put down. */
  readonly worstMg: number;
}

/** Share (of 1) of a load at `at` that each cell carries, by the statics of a rigid plate on equal springs. */
export function loadShares(cells: readonly CellEntry[], at: readonly [number, number]): number[] {
  const count = cells.length;
  const meanX = sum(cells.map((cell) => cell.positionMm[0])) / count;
  const meanY = sum(cells.map((cell) => cell.positionMm[1])) / count;
  const offsets = cells.map((cell) => [cell.positionMm[0] - meanX, cell.positionMm[1] - meanY] as const);
  const xx = sum(offsets.map(([x]) => x * x));
  const yy = sum(offsets.map(([, y]) => y * y));
  const xy = sum(offsets.map(([x, y]) => x * y));
  const [dx, dy] = [at[0] - meanX, at[1] - meanY];
  const determinant = xx * yy - xy * xy;
  // Tilt of the plate: S⁻¹·d with S = Σ o·oᵀ; along the line only, where the cells stand on one.
  let tilt: readonly [number, number];
  if (determinant > 1e-9 * (xx + yy) ** 2) {
    tilt = [(yy * dx - xy * dy) / determinant, (xx * dy - xy * dx) / determinant];
  } else if (xx + yy > 0) {
    tilt = [(dx * xx + dy * xy) / (xx + yy) ** 2, (dx * xy + dy * yy) / (xx + yy) ** 2];
  } else {
    tilt = [0, 0];
  }
  return offsets.map(([x, y]) => 1 / count + tilt[0] * x + tilt[1] * y);
}

/**
 * Loads of each cell of a plate, mg. The dead load is taken to lie over the plate's centre (0, 0). A point load
 * anywhere inside the polygon of the cells loads no cell with more than itself, and reaches that over the cell: a
 * plate on more than three cells may rock, so the stiffer share of a fourth is not counted on.
 */
export function cellLoads(
  cells: readonly CellEntry[],
  maxMg: number,
  deadLoadMg: number,
): readonly CellLoad[] {
  const dead = loadShares(cells, [0, 0]).map((share) => Math.max(0, share) * deadLoadMg);
  return cells.map((cell, index) => ({
    cell: cell.id,
    capacityMg: cell.capacityMg,
    evenMg: Math.round((dead[index] ?? 0) + maxMg / cells.length),
    worstMg: Math.round((dead[index] ?? 0) + maxMg),
  }));
}

/** Whether a load over the plate's centre would tip it: some cell would have to pull. */
export function tipsAtCentre(cells: readonly CellEntry[]): boolean {
  return loadShares(cells, [0, 0]).some((share) => share < 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
