import type { CellEntry, PlateEntry } from '#config/board.ts';
import type { LoadFigures, PlateCalibrationEntry } from './session.ts';
import { type GuardSettings, nominalSlope } from './settings.ts';
import type { Capture, Placement } from './types.ts';

/** A known load on a plate: what lay there, and the empty plate that goes with it. */
export interface KnownLoad {
  /** With what was substituted. */
  readonly massMg: number;
  readonly at: Placement;
  readonly direction: 'up' | 'down';
  readonly weights: readonly string[];
  readonly capture: Capture;
  readonly zero: Capture;
}

/** Counts by which a load changed each cell, in the order of the plate's cells. */
export function netCounts(cells: readonly CellEntry[], capture: Capture, zero: Capture): number[] {
  return cells.map(({ id }) => (capture.cells[id]?.meanCounts ?? 0) - (zero.cells[id]?.meanCounts ?? 0));
}

/** Whether a load in this place is carried by all cells as one in the middle is: on a single cell every load is. */
export function isCentral(cells: readonly CellEntry[], at: Placement): boolean {
  return at === 'centre' || cells.length === 1;
}

/** What slopes are known of the cells before anything is fitted. */
export interface ReferenceSlopes {
  /** mg a count, without sign. */
  readonly magnitudes: readonly number[];
  /** +1 or −1 (a cell wired the other way round); undefined until a load in the middle or a calibration tells. */
  readonly signs: readonly (1 | -1)[] | undefined;
  readonly former: boolean;
}

/** Whether an entry of a calibration has every cell of the plate. */
export function coversPlate(
  cells: readonly CellEntry[],
  entry: PlateCalibrationEntry | undefined,
): entry is PlateCalibrationEntry {
  return entry !== undefined && cells.every(({ id }) => Object.hasOwn(entry.cells, id));
}

/** Nominal slopes of a plate's cells, mg a count, without sign. */
export function nominalSlopes(cells: readonly CellEntry[], settings: GuardSettings): number[] {
  return cells.map((cell) => nominalSlope(cell, settings));
}

/** Magnitudes by the calibration before, else nominal; signs by the largest load in the middle, else by the calibration. */
export function referenceSlopes(
  cells: readonly CellEntry[],
  former: PlateCalibrationEntry | undefined,
  loads: readonly KnownLoad[],
  settings: GuardSettings,
): ReferenceSlopes {
  const known = coversPlate(cells, former) ? former : undefined;
  const formerSlopes = known === undefined ? undefined : effectiveSlopes(cells, known);
  const central = loads.filter(({ at }) => isCentral(cells, at)).sort((a, b) => b.massMg - a.massMg)[0];
  const signed = central === undefined ? formerSlopes : netCounts(cells, central.capture, central.zero);
  return {
    magnitudes: (formerSlopes ?? nominalSlopes(cells, settings)).map(Math.abs),
    signs: signed?.map((value) => (value < 0 ? -1 : 1)),
    former: formerSlopes !== undefined,
  };
}

/** Slope times gain of each cell, mg a count. */
export function effectiveSlopes(cells: readonly CellEntry[], entry: PlateCalibrationEntry): number[] {
  return cells.map(
    ({ id }) => (entry.cells[id]?.milligramsPerCount ?? Number.NaN) * (entry.cornerGains?.[id] ?? 1),
  );
}

/** What the cells make of a load by given slopes (mg a count, with sign), and where it pulls. */
export function loadFigures(
  cells: readonly CellEntry[],
  net: readonly number[],
  slopes: readonly number[],
  massMg: number,
): LoadFigures {
  const loads = net.map((counts, index) => counts * (slopes[index] ?? 0));
  const apparentMg = loads.reduce((sum, load) => sum + load, 0);
  const moment = (axis: 0 | 1) =>
    cells.reduce((sum, cell, index) => sum + (loads[index] ?? 0) * cell.positionMm[axis], 0) / apparentMg;
  return {
    massMg,
    apparentMg,
    cells: Object.fromEntries(cells.map(({ id }, index) => [id, loads[index] ?? 0])),
    ...(cells.length > 1 && apparentMg > 0 ? { centreMm: [moment(0), moment(1)] as const } : {}),
  };
}

/** Mean of the cells' positions, mm, and how far they reach from it along each axis. */
export function cellFrame(cells: readonly CellEntry[]): {
  readonly centre: readonly [number, number];
  readonly reach: readonly [number, number];
} {
  const mean = (axis: 0 | 1) => cells.reduce((sum, cell) => sum + cell.positionMm[axis], 0) / cells.length;
  const centre = [mean(0), mean(1)] as const;
  const reach = (axis: 0 | 1) =>
    Math.max(...cells.map((cell) => Math.abs(cell.positionMm[axis] - centre[axis])));
  return { centre, reach: [reach(0), reach(1)] };
}

/** Modes of a rigid plate on these cells: its sum, and a tilt about each axis along which they are spread. */
export function rigidModes(cells: readonly CellEntry[]): number {
  const { centre } = cellFrame(cells);
  const offsets = cells.map(({ positionMm: [x, y] }) => [x - centre[0], y - centre[1]] as const);
  const xx = offsets.reduce((sum, [x]) => sum + x * x, 0);
  const yy = offsets.reduce((sum, [, y]) => sum + y * y, 0);
  const xy = offsets.reduce((sum, [x, y]) => sum + x * y, 0);
  if (xx + yy === 0) return 1;
  return xx * yy - xy * xy > 1e-9 * (xx + yy) ** 2 ? 3 : 2;
}

/** Cells of a plate; none where a complete scale carries it. */
export function cellsOf(plate: PlateEntry): readonly CellEntry[] {
  return plate.cells ?? [];
}
