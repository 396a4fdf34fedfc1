import { compilePlate, type ScaleConditions } from './cell-scale.ts';
import { CalibrationError } from './errors.ts';
import type { PlateCalibrationEntry } from './session.ts';
import type { Capture } from './types.ts';

/** What each cell of a capture carries under a calibration, mg, by id: the arithmetic of weighing. */
export function indicateCells(
  capture: Capture,
  entry: PlateCalibrationEntry,
  conditions: ScaleConditions = {},
): Record<string, number> {
  const ids = Object.keys(entry.cells);
  const temperature = capture.milliCelsius;
  const { scales } = compilePlate(ids, entry, {
    ...(temperature === undefined ? {} : { milliCelsius: temperature }),
    ...conditions,
  });
  const loads: Record<string, number> = {};
  for (const [id, scale] of scales) {
    const cell = capture.cells[id];
    if (cell === undefined) {
      throw new CalibrationError(
        'CW-CAL-023',
        `cell ${id} sent nothing while plate ${capture.plate} was read`,
      );
    }
    loads[id] = scale.toMg(cell.meanCounts);
  }
  return loads;
}

/**
 * What a plate indicates under a calibration, mg, unrounded: from its zero, without tare. A complete scale indicates what
 * it says itself.
 * @param zero where given, what it indicates above that capture of the empty plate, as a scale does that was set to zero
 * @throws CalibrationError CW-CAL-023 where a cell of the entry is not in the capture
 */
export function indicate(
  capture: Capture,
  entry: PlateCalibrationEntry | undefined,
  conditions: ScaleConditions = {},
  zero?: Capture,
): number {
  const empty = zero === undefined ? 0 : indicate(zero, entry, conditions);
  if (capture.indication !== undefined) return capture.indication.meanMg - empty;
  if (entry === undefined) {
    throw new CalibrationError(
      'CW-CAL-012',
      `plate ${capture.plate} has no calibration that could be tried; calibrate it first`,
    );
  }
  return sum(Object.values(indicateCells(capture, entry, conditions))) - empty;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
