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

/** Whether drift with temperature is known of a cell of this plate, and from where: without either nothing can be taken out. */
export function followsTemperature(plate: PlateEntry, calibration: Calibration | undefined): boolean {
  const cells = Object.hasOwn(calibration?.plates ?? {}, plate.id)
    ? Object.values(calibration?.plates[plate.id]?.cells ?? {})
    : [];
  return cells.some(
    ({ milligramsPerKelvin = 0, spanPpmPerKelvin = 0, referenceMilliCelsius }) =>
      referenceMilliCelsius !== undefined && (milligramsPerKelvin !== 0 || spanPpmPerKelvin !== 0),
  );
}
