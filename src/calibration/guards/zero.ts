import { formatMass } from '#base/units.ts';
import type { CellEntry, PlateEntry } from '#config/board.ts';
import { loadShares } from '#config/statics.ts';
import { CalibrationError } from '../errors.ts';
import { cellsOf, coversPlate, netCounts, nominalSlopes } from '../forces.ts';
import { indicate } from '../indicate.ts';
import type { Notice, PlateCalibrationEntry } from '../session.ts';
import type { GuardSettings } from '../settings.ts';
import type { Capture } from '../types.ts';

/**
 * Refuses a zero with something on the plate: far from the last zero of the session, else from that of the calibration
 * before, else from what cells of this capacity say under the dead load.
 * @param force the technician's reason to take it all the same
 * @returns what has to be told where it is taken with a reason
 * @throws CalibrationError CW-CAL-027
 */
export function checkZero(
  plate: PlateEntry,
  capture: Capture,
  before: { readonly zero: Capture | undefined; readonly former: PlateCalibrationEntry | undefined },
  slopes: readonly number[],
  settings: GuardSettings,
  force: string | undefined,
): Notice[] {
  const cells = cellsOf(plate);
  if (cells.length === 0) return [];
  const what = zeroProblem(plate, cells, capture, before, slopes, settings);
  if (what === undefined) return [];
  if (force !== undefined) {
    return [{ code: 'CW-CAL-074', message: `zero was taken although ${what}, because: ${force}` }];
  }
  throw new CalibrationError(
    'CW-CAL-027',
    `${what}: take everything off plate ${plate.id}; where it is right all the same, say why (force)`,
  );
}

function zeroProblem(
  plate: PlateEntry,
  cells: readonly CellEntry[],
  capture: Capture,
  {
    zero,
    former,
  }: { readonly zero: Capture | undefined; readonly former: PlateCalibrationEntry | undefined },
  slopes: readonly number[],
  settings: GuardSettings,
): string | undefined {
  const mostMg = settings.zeroPart * cells.reduce((sum, cell) => sum + cell.capacityMg, 0);
  if (zero !== undefined) {
    const moved = netCounts(cells, capture, zero).reduce(
      (sum, counts, index) => sum + counts * (slopes[index] ?? 0),
      0,
    );
    return Math.abs(moved) <= mostMg ? undefined : `it is ${formatMass(moved)} from the zero before`;
  }
  if (coversPlate(cells, former)) {
    const moved = indicate(capture, former);
    return Math.abs(moved) <= mostMg
      ? undefined
      : `it is ${formatMass(moved)} from the zero of the calibration in force`;
  }
  return deadLoadProblem(plate, cells, capture, settings);
}

/** Without any calibration: a cell's balance of zero is some percent of its capacity, its wires may be swapped. */
function deadLoadProblem(
  plate: PlateEntry,
  cells: readonly CellEntry[],
  capture: Capture,
  settings: GuardSettings,
): string | undefined {
  const shares = loadShares(cells, [0, 0]);
  const nominal = nominalSlopes(cells, settings);
  for (const [index, cell] of cells.entries()) {
    const mg = (capture.cells[cell.id]?.meanCounts ?? 0) * (nominal[index] ?? 0);
    const dead = (shares[index] ?? 0) * plate.deadLoadMg;
    const away = Math.min(Math.abs(mg - dead), Math.abs(-mg - dead));
    if (away <= settings.balancePart * cell.capacityMg) continue;
    return `cell ${cell.id} is ${formatMass(away)} from what the empty plate (${formatMass(plate.deadLoadMg)}) would load it with`;
  }
  return undefined;
}
