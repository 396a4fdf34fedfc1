import { DriverError } from '../errors.ts';
import type { Indication } from './indication.ts';
import { type MassUnit, toMassMg } from './mass.ts';

/**
 * Reports of USB HID scales: USB HID Point of Sale Usage Tables 1.02, usage page 0x8D. Scale data report (id 3):
 * [1] status, [2] unit, [3] power of ten (int8), [4–5] weight, little endian, unsigned. Scale control report (id 2), to
 * the scale: bit 0 enforced zero return, bit 1 zero the scale.
 */
export const scaleUsagePage = 0x8d;
const dataReport = 3;
const dataBytes = 6;
/** Attributes, control, statistics, weight limit: reports that carry no indication. */
const otherReports: ReadonlySet<number> = new Set([1, 2, 4, 5, 6]);
/** Longest input report of a full-speed device. */
const longestReport = 64;
/** Beyond this power of ten 16 bits of weight are no mass that a scale weighs. */
const largestPower = 9;

/** Zeroes the scale; some models ignore it. */
export const zeroReport: Uint8Array = Uint8Array.of(2, 2);

/** Units by number: usages 0x51 … 0x5C of the page. Taels (5) differ by country; the avoirdupois ton (9) is the short one. */
const units: readonly (MassUnit | undefined)[] = [
  undefined,
  'mg',
  'g',
  'kg',
  'ct',
  undefined,
  'gr',
  'dwt',
  't',
  'ston',
  'ozt',
  'oz',
  'lb',
];

/**
 * One input report. Undefined for reports without an indication.
 * @throws DriverError CW-DRV-006 for other reports, statuses, units and powers of ten
 */
export function parseHidScaleReport(report: Uint8Array): Indication | undefined {
  const id = report[0];
  if (id !== undefined && otherReports.has(id)) return undefined;
  if (id !== dataReport || report.length < dataBytes || report.length > longestReport) {
    throw refused(`a report of ${report.length} bytes with id ${id ?? 'none'}, not 6 with id 3`);
  }
  if (report.subarray(dataBytes).some((byte) => byte !== 0))
    throw refused('a report that is longer than its data');
  const status = report[1] ?? 0;
  switch (status) {
    case 1:
      return { condition: 'fault' };
    case 2:
      // At the centre of zero: whatever the weight field rounds to, it is none.
      return { condition: 'zero', massMg: 0, ...unitOf(report) };
    case 3:
      return { condition: 'motion', ...weightOf(report) };
    case 4:
      return { condition: 'stable', ...weightOf(report) };
    case 5:
      // The weight is unsigned: how far below zero is not said.
      return { condition: 'under-zero' };
    case 6:
      return { condition: 'over' };
    case 7:
      return { condition: 'calibrate' };
    case 8:
      return { condition: 're-zero' };
    default:
      throw refused(`the status ${status}; 1 to 8 are known`);
  }
}

function unitOf(report: Uint8Array): { readonly unit: MassUnit } {
  const number = report[2] ?? 0;
  const unit = units[number];
  if (unit === undefined) {
    throw refused(`the unit ${number}; set it to grams, kilograms, ounces or pounds`);
  }
  return { unit };
}

function weightOf(report: Uint8Array): { readonly unit: MassUnit; readonly massMg: number } {
  const { unit } = unitOf(report);
  const view = new DataView(report.buffer, report.byteOffset, report.byteLength);
  const exponent = view.getInt8(3);
  if (Math.abs(exponent) > largestPower) throw refused(`the power of ten ${exponent}`);
  return { unit, massMg: toMassMg({ coefficient: BigInt(view.getUint16(4, true)), exponent }, unit) };
}

const statuses = {
  fault: 1,
  zero: 2,
  motion: 3,
  stable: 4,
  'under-zero': 5,
  over: 6,
  calibrate: 7,
  're-zero': 8,
} as const;

/** A data report as a scale sends it. `weight` is 0 … 65535 in units of 10^`exponent` `unit`. */
export function hidScaleReport(
  condition: Indication['condition'],
  unit: MassUnit,
  exponent: number,
  weight: number,
): Uint8Array {
  const number = units.indexOf(unit);
  if (number < 0) throw new RangeError(`HID scales have no unit ${unit}`);
  if (!Number.isInteger(weight) || weight < 0 || weight > 0xffff) {
    throw new RangeError(`a weight of ${weight} does not fit 16 bits`);
  }
  return Uint8Array.of(dataReport, statuses[condition], number, exponent & 0xff, weight & 0xff, weight >> 8);
}

function refused(what: string): DriverError {
  return new DriverError('CW-DRV-006', `the scale sent ${what}`);
}
