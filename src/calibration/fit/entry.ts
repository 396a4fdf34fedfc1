import type { CellEntry } from '#config/board.ts';
import { CalibrationError } from '../errors.ts';
import { effectiveSlopes, nominalSlopes } from '../forces.ts';
import type { Notice, PlateCalibrationEntry } from '../session.ts';
import type { GuardSettings } from '../settings.ts';
import type { Capture } from '../types.ts';
import type { FitSolution } from './alternate.ts';

/**
 * The fit as it is stored: numbers are rounded far below a division first, so that residuals are those of the very entry.
 * Coefficients of temperature of the calibration before stay until new ones are taken.
 */
export function makeEntry(
  cells: readonly CellEntry[],
  solution: FitSolution,
  zero: Capture,
  trimmed: boolean,
  former: PlateCalibrationEntry | undefined,
): PlateCalibrationEntry {
  const entries: PlateCalibrationEntry['cells'] = {};
  cells.forEach(({ id }, index) => {
    const { points, quadraticPpmPerKg } = solution.curve.cells[index] ?? {};
    const before = former?.cells[id];
    entries[id] = {
      zeroCounts: round(zero.cells[id]?.meanCounts ?? Number.NaN, 2),
      milligramsPerCount: significant(solution.slopes[index] ?? Number.NaN),
      ...(points === undefined
        ? {}
        : { points: points.map(([x, y]): [number, number] => [round(x, 1), round(y, 1)]) }),
      ...(quadraticPpmPerKg === undefined ? {} : { quadraticPpmPerKg: significant(quadraticPpmPerKg) }),
      ...(before?.milligramsPerKelvin === undefined
        ? {}
        : { milligramsPerKelvin: before.milligramsPerKelvin }),
      ...(before?.spanPpmPerKelvin === undefined ? {} : { spanPpmPerKelvin: before.spanPpmPerKelvin }),
    };
  });
  const gains = trimmed
    ? Object.fromEntries(cells.map(({ id }, index) => [id, significant(solution.gains[index] ?? 1)]))
    : former?.cornerGains;
  return { cells: entries, ...(gains === undefined ? {} : { cornerGains: gains }) };
}

type CellCalibration = PlateCalibrationEntry['cells'][string];

/**
 * A cell's slope and its drift told for another temperature, m°C: s·(1 + α·ΔT) and α/(1 + α·ΔT) are the same straight line,
 * so that going there and back again leaves nothing behind. A cell without a reference takes this one.
 */
export function atReference(cell: CellCalibration, milliCelsius: number): CellCalibration {
  const { referenceMilliCelsius: before, spanPpmPerKelvin: span } = cell;
  const kelvin = before === undefined ? 0 : (milliCelsius - before) / 1000;
  const factor = 1 + (span ?? 0) * 1e-6 * kelvin;
  return {
    ...cell,
    milligramsPerCount: significant(cell.milligramsPerCount * factor),
    ...(span === undefined ? {} : { spanPpmPerKelvin: significant(span / factor) }),
    referenceMilliCelsius: milliCelsius,
  };
}

/** The same slopes from another zero: where its temperature is another one, they are told for that. */
export function withZero(entry: PlateCalibrationEntry, zero: Capture): PlateCalibrationEntry {
  const cells: PlateCalibrationEntry['cells'] = {};
  for (const [id, cell] of Object.entries(entry.cells)) {
    const { referenceMilliCelsius: _before, ...untold } = cell;
    const told = zero.milliCelsius === undefined ? untold : atReference(cell, zero.milliCelsius);
    cells[id] = { ...told, zeroCounts: round(zero.cells[id]?.meanCounts ?? Number.NaN, 2) };
  }
  return { ...entry, cells };
}

/**
 * How far each cell's slope is from that of the others, capacities allowed for.
 * @returns notices of trims that are large
 * @throws CalibrationError CW-CAL-053 where one is larger than cells of one make differ
 */
export function checkTrim(
  cells: readonly CellEntry[],
  entry: PlateCalibrationEntry,
  settings: GuardSettings,
): Notice[] {
  const nominal = nominalSlopes(cells, settings);
  const relative = effectiveSlopes(cells, entry).map(
    (slope, index) => Math.abs(slope) / (nominal[index] ?? 1),
  );
  const mean = relative.reduce((sum, value) => sum + value, 0) / relative.length;
  const notices: Notice[] = [];
  cells.forEach(({ id }, index) => {
    const trim = (relative[index] ?? 1) / mean - 1;
    const percent = (100 * trim).toFixed(1);
    if (Math.abs(trim) > settings.trimPart) {
      throw new CalibrationError(
        'CW-CAL-053',
        `cell ${id} differs from the others by ${percent} %, more than ${100 * settings.trimPart} %: it is damaged, of another make, or something carries part of the load; look below the plate`,
        { details: { cell: id, trimPpm: Math.round(1e6 * trim) } },
      );
    }
    if (Math.abs(trim) <= settings.trimNoticePart) return;
    notices.push({ code: 'CW-CAL-073', message: `cell ${id} differs from the others by ${percent} %` });
  });
  return notices;
}

/** `value` with so many decimals. */
export function round(value: number, decimals: number): number {
  const factor = 10 ** decimals;
  return Math.round(value * factor) / factor;
}

/** Ten significant figures: below 1e-9 of Max nothing is measured. */
export function significant(value: number): number {
  return Number(value.toPrecision(10));
}
