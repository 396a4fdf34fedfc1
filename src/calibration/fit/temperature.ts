import type { CellEntry } from '#config/board.ts';
import type { KnownLoad } from '../forces.ts';
import { indicate } from '../indicate.ts';
import type { Notice, PlateCalibrationEntry } from '../session.ts';
import type { Capture } from '../types.ts';
import { atReference, significant, withZero } from './entry.ts';

/** The plate at another temperature: empty, or under a known load with the empty plate of that temperature. */
export type TemperaturePoint =
  | { readonly kind: 'empty'; readonly capture: Capture; readonly zero: Capture }
  | { readonly kind: 'loaded'; readonly load: KnownLoad };

interface TemperatureFit {
  readonly cells: readonly CellEntry[];
  readonly zero: Capture;
  readonly loads: readonly KnownLoad[];
  readonly temperatures: readonly TemperaturePoint[];
}

/**
 * Coefficients of drift from temperature points, by least squares: of the span one for all cells (a load says their
 * sum), of zero one for each. Slopes are those of the temperature that the loads had (without loads, of the calibration
 * before), told for that of zero.
 * @returns the entry with reference temperature and coefficients; a notice where those of before can't be used any more
 */
export function fitTemperature(
  fit: TemperatureFit,
  entry: PlateCalibrationEntry,
): { readonly entry: PlateCalibrationEntry; readonly notices: readonly Notice[] } {
  const cells: PlateCalibrationEntry['cells'] = {};
  if (fit.zero.milliCelsius === undefined) {
    const had = Object.values(entry.cells).some(
      (cell) => cell.milligramsPerKelvin !== undefined || cell.spanPpmPerKelvin !== undefined,
    );
    for (const [id, { referenceMilliCelsius: _gone, ...rest }] of Object.entries(entry.cells))
      cells[id] = rest;
    const message =
      'the temperature was not measured with zero, so coefficients of drift are kept but have no effect';
    return { entry: { ...entry, cells }, notices: had ? [{ code: 'CW-CAL-077', message }] : [] };
  }
  const before = Object.values(entry.cells).find((cell) => cell.referenceMilliCelsius !== undefined);
  // Without loads the slopes are those of before, told for the temperature of before.
  const reference = loadTemperature(fit) ?? before?.referenceMilliCelsius ?? fit.zero.milliCelsius;
  const told = Object.entries(entry.cells).map(([id, cell]) => [id, atReference(cell, reference)] as const);
  const span = spanPpmPerKelvin(fit, { ...entry, cells: Object.fromEntries(told) }, reference);
  for (const [id, cell] of told) {
    const own = span === undefined ? cell : { ...cell, spanPpmPerKelvin: significant(span) };
    const drift = zeroDrift(fit, id, own, reference);
    cells[id] = {
      ...own,
      ...(drift === undefined ? {} : { milligramsPerKelvin: significant(drift) }),
      referenceMilliCelsius: reference,
    };
  }
  return { entry: withZero({ ...entry, cells }, fit.zero), notices: [] };
}

/** Mean temperature of the loads that the slopes are fitted to, m°C; undefined where it was not measured with each. */
function loadTemperature({ loads }: TemperatureFit): number | undefined {
  let sum = 0;
  for (const { capture } of loads) {
    if (capture.milliCelsius === undefined) return undefined;
    sum += capture.milliCelsius;
  }
  return loads.length === 0 ? undefined : sum / loads.length;
}

/** Load that a warming by 1 K feigns on one cell, mg: Σ k·Δ / Σ k² over the points of the empty plate. */
function zeroDrift(
  fit: TemperatureFit,
  id: string,
  cell: PlateCalibrationEntry['cells'][string],
  reference: number,
): number | undefined {
  let above = 0;
  let below = 0;
  for (const point of fit.temperatures) {
    if (point.kind !== 'empty') continue;
    const [warm, cold] = [point.capture.milliCelsius, point.zero.milliCelsius];
    if (warm === undefined || cold === undefined) continue;
    const kelvin = (warm - cold) / 1000;
    const net = (point.capture.cells[id]?.meanCounts ?? 0) - (point.zero.cells[id]?.meanCounts ?? 0);
    const slope = cell.milligramsPerCount * (1 + (cell.spanPpmPerKelvin ?? 0) * 1e-9 * (warm - reference));
    above += kelvin * net * slope;
    below += kelvin * kelvin;
  }
  return below === 0 ? undefined : above / below;
}

/** Change of the slopes with temperature, ppm/K: what a known load lacks at slopes of the reference temperature. */
function spanPpmPerKelvin(
  fit: TemperatureFit,
  entry: PlateCalibrationEntry,
  reference: number,
): number | undefined {
  let above = 0;
  let below = 0;
  for (const point of fit.temperatures) {
    if (point.kind !== 'loaded') continue;
    const { capture, zero, massMg } = point.load;
    if (capture.milliCelsius === undefined) continue;
    const kelvin = (capture.milliCelsius - reference) / 1000;
    const indicated = indicate(capture, entry, { milliCelsius: reference }, zero);
    above += kelvin * (massMg / indicated - 1);
    below += kelvin * kelvin;
  }
  return below === 0 ? undefined : (1e6 * above) / below;
}
