import type { CellEntry } from '#config/board.ts';

/** What the guards of a calibration go by. Defaults suit carts and shelves on cells of 2 mV/V. */
export interface GuardSettings {
  /** Output of a cell at its capacity, µV/V: cells of scales have 1,000 … 3,000, nearly all 2,000. */
  readonly ratedMicroVoltsPerVolt: number;
  /** Gain of the converter (HX711 channel A, NAU7802: 128). */
  readonly converterGain: number;
  /** By how many times a slope may differ from the nominal one; pounds taken for kilograms are 2.2. */
  readonly nominalFactor: number;
  /** Part by which the span may differ from that of the calibration before, unless a reason is given. */
  readonly formerPart: number;
  /** Part by which a load in the middle may differ from those before. */
  readonly loadPart: number;
  /** Part by which a load over a cell may differ from those in the middle. */
  readonly cornerPart: number;
  /** Least part of the converter's range (2²³ counts) that the first load spans. */
  readonly spanPart: number;
  /** Part of the cells' capacities by which zero may move, unless a reason is given. */
  readonly zeroPart: number;
  /** Part of its capacity by which a cell without calibration may be away from its dead load: balance of zero. */
  readonly balancePart: number;
  /** How far from the middle the centre of force may lie, as part of the way to the cells' rim. */
  readonly centrePart: number;
  /** How far from the cell the centre of force may lie, as part of the way from the middle to the cell. */
  readonly cellPart: number;
  /** Time from switching on until steps are taken, µs. */
  readonly warmUpUs: number;
  /** Largest drift at rest, d a second. */
  readonly driftDivisionsPerS: number;
  /** Largest drift of cells that still warm up, where that is what is looked at, d a second. */
  readonly coldDriftDivisionsPerS: number;
  /** Least difference of temperature for a temperature point, K. */
  readonly temperatureKelvin: number;
  /** Trim beyond which the fault is a mechanical one, and beyond which it is told. */
  readonly trimPart: number;
  readonly trimNoticePart: number;
  /** Largest condition number of the loads' places. */
  readonly conditionLimit: number;
  /** Part of the largest fitted load that a verification with other weights has to reach. */
  readonly verifyPart: number;
  /** Part of the maximum permissible error that the weights may take up (OIML R 76-1, 3.7.1). */
  readonly weightsPart: number;
  /** Difference of indication at which a substitution load counts as the same, e. */
  readonly substituteIntervals: number;
}

export const defaultSettings: GuardSettings = {
  ratedMicroVoltsPerVolt: 2_000,
  converterGain: 128,
  nominalFactor: 2.1,
  formerPart: 0.1,
  loadPart: 0.02,
  cornerPart: 0.1,
  spanPart: 0.01,
  zeroPart: 0.005,
  balancePart: 0.12,
  centrePart: 0.4,
  cellPart: 0.65,
  warmUpUs: 600_000_000,
  driftDivisionsPerS: 0.25,
  coldDriftDivisionsPerS: 1,
  temperatureKelvin: 5,
  trimPart: 0.07,
  trimNoticePart: 0.03,
  conditionLimit: 10,
  verifyPart: 0.2,
  weightsPart: 1 / 3,
  substituteIntervals: 5,
};

/** Counts of a converter from zero to the end of its range: 24 bits, signed. */
export const rangeCounts = 2 ** 23;

/**
 * Slope that a cell of this capacity should have, mg a count, without its sign: capacity over 2²⁴ · gain · S. HX711 and
 * NAU7802 measure against their cells' supply, so that the voltage cancels out.
 */
export function nominalSlope(cell: CellEntry, settings: GuardSettings): number {
  return cell.capacityMg / (2 ** 24 * settings.converterGain * settings.ratedMicroVoltsPerVolt * 1e-6);
}
