import type { PlateEntry } from '#config/board.ts';
import { CalibrationError } from '../errors.ts';
import { cellsOf } from '../forces.ts';
import type { GuardSettings } from '../settings.ts';
import type { Capture, CellCapture } from '../types.ts';

/** Fewest readings of a mean. */
const fewestSamples = 8;

/**
 * Refuses readings that say nothing: of another plate, of a silent, saturated or frozen cell, or drifting.
 * @param magnitudes mg a count of each cell, without sign
 * @throws CalibrationError CW-CAL-023, -020, -026, -022
 */
export function checkCapture(
  plate: PlateEntry,
  capture: Capture,
  magnitudes: readonly number[],
  settings: GuardSettings,
): void {
  if (capture.plate !== plate.id) {
    throw new CalibrationError(
      'CW-CAL-029',
      `the readings are of plate ${capture.plate}, not of ${plate.id}`,
    );
  }
  if (plate.scale !== undefined && plate.cells === undefined) {
    if (capture.indication === undefined || capture.indication.samples === 0) throw silent(plate.scale);
    return;
  }
  cellsOf(plate).forEach(({ id }, index) => {
    const cell = capture.cells[id];
    if (cell === undefined || cell.samples < fewestSamples) throw silent(id);
    checkRange(id, cell);
    checkDrift(id, cell, magnitudes[index] ?? 0, divisionOf(plate), settings);
  });
}

/** d of a plate, mg: e where it has no other, 1 g where neither is known. */
export function divisionOf(plate: PlateEntry): number {
  return plate.divisionMg ?? plate.intervalMg ?? 1_000;
}

function silent(id: string): CalibrationError {
  return new CalibrationError(
    'CW-CAL-023',
    `${id} sent too few readings; see its faults, check its cable and its bridge`,
    { details: { source: id } },
  );
}

function checkRange(id: string, cell: CellCapture): void {
  if (cell.saturated) {
    throw new CalibrationError(
      'CW-CAL-020',
      `cell ${id} reads the end of its converter's range: take load off, check its wiring and its gain`,
      { details: { cell: id, minCounts: cell.minCounts, maxCounts: cell.maxCounts } },
    );
  }
  if (cell.minCounts === cell.maxCounts) {
    throw new CalibrationError(
      'CW-CAL-026',
      `cell ${id} repeats ${cell.minCounts} without any noise, which no converter does: restart its bridge`,
      { details: { cell: id, counts: cell.minCounts } },
    );
  }
}

function checkDrift(
  id: string,
  cell: CellCapture,
  magnitude: number,
  divisionMg: number,
  settings: GuardSettings,
): void {
  const mgPerS = cell.driftCountsPerS * magnitude;
  const most = settings.driftDivisionsPerS * divisionMg;
  if (Math.abs(mgPerS) <= most) return;
  throw new CalibrationError(
    'CW-CAL-022',
    `cell ${id} drifts by ${(mgPerS / 1000).toFixed(2)} g a second, more than ${(most / 1000).toFixed(2)}: let it rest, and see that nothing leans on the plate`,
    { details: { cell: id, mgPerS } },
  );
}
