import { compilePlate, type PlateScales, type ScaleConditions } from '#calibration/cell-scale.ts';
import type { Calibration, PlateEntry } from '#config/board.ts';

/** Looks up the calibration of each cell of a plate. A plate with any cell missing gives no mass at all. */
export function calibratePlate(
  plate: PlateEntry,
  calibration: Calibration | undefined,
  conditions: ScaleConditions = {},
): PlateScales {
  const entry = Object.hasOwn(calibration?.plates ?? {}, plate.id)
    ? calibration?.plates[plate.id]
    : undefined;
  return compilePlate(
    (plate.cells ?? []).map(({ id }) => id),
    entry,
    conditions,
  );
}
