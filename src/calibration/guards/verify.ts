import { formatMass } from '#base/units.ts';
import type { PlateEntry } from '#config/board.ts';
import { CalibrationError } from '../errors.ts';
import { divisionOf } from './capture.ts';
import { unitHint } from './units.ts';

/**
 * Refuses a verification that says nothing of the scale: the load was forgotten, or its mass is in another unit. What is
 * merely wrong is judged, and kept.
 * @throws CalibrationError CW-CAL-030, -032
 */
export function checkVerifiable(plate: PlateEntry, massMg: number, indicatedMg: number): void {
  if (Math.abs(indicatedMg) <= 2 * divisionOf(plate)) {
    throw new CalibrationError(
      'CW-CAL-030',
      `plate ${plate.id} indicates ${(indicatedMg / 1000).toFixed(1)} g: put the load on; if it lay there when zero was taken, take it off and take zero again`,
      { details: { indicatedMg: Math.round(indicatedMg) } },
    );
  }
  const hint = unitHint(indicatedMg / massMg);
  if (hint === '') return;
  throw new CalibrationError(
    'CW-CAL-032',
    `${formatMass(massMg)} was stated, but plate ${plate.id} indicates ${formatMass(Math.round(indicatedMg))}${hint}`,
    { details: { massMg, indicatedMg: Math.round(indicatedMg) } },
  );
}
