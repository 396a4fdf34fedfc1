/** A calendar date, UTC. */
export interface CalendarDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** Where nobody knows the date, two-digit years are read as if in this year: 00–76 are 20xx, 77–99 are 19xx. */
export const referenceYear = 2026;

/** Days of a month (1–12) in the Gregorian calendar; 0 for a month that doesn't exist. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [31, 0, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
}

/**
 * The year of two digits, at most 49 years before and 50 years after the current one (General Specifications 7.12).
 */
export function fullYear(twoDigits: number, currentYear: number): number {
  const century = currentYear - (currentYear % 100);
  const difference = twoDigits - (currentYear % 100);
  if (difference >= 51) return century - 100 + twoDigits;
  if (difference <= -50) return century + 100 + twoDigits;
  return century + twoDigits;
}

function isDay(value: string, lowest: number): boolean {
  if (!/^[0-9]{6}$/.test(value)) return false;
  // Without a century, each fourth year may have a 29 February: 00 is 2000 until 2050.
  const year = 2000 + Number(value.slice(0, 2));
  const day = Number(value.slice(4, 6));
  return day >= lowest && day <= daysInMonth(year, Number(value.slice(2, 4)));
}

/** YYMMDD of a day of the calendar. */
export function isYymmdd(value: string): boolean {
  return isDay(value, 1);
}

/** YYMMDD where day 00 stands for the last of the month. */
export function isYymmd0(value: string): boolean {
  const month = Number(value.slice(2, 4));
  return isDay(value, 0) && month >= 1 && month <= 12;
}

/** YYYYMMDD of a day of the calendar. */
export function isYyyymmdd(value: string): boolean {
  if (!/^[0-9]{8}$/.test(value)) return false;
  const day = Number(value.slice(6, 8));
  return day >= 1 && day <= daysInMonth(Number(value.slice(0, 4)), Number(value.slice(4, 6)));
}

/**
 * A date of an element (YYMMDD, day 00 the last of the month) as YYYY-MM-DD. `undefined` where the century makes it a day
 * that doesn't exist (29 February 2100).
 *
 * @param today the current date, for the century; without it that of `referenceYear`
 */
export function isoDate(value: string, today: CalendarDate | undefined): string | undefined {
  const year = fullYear(Number(value.slice(0, 2)), today?.year ?? referenceYear);
  const month = value.slice(2, 4);
  const last = daysInMonth(year, Number(month));
  const day = value.slice(4, 6) === '00' ? last : Number(value.slice(4, 6));
  if (day > last) return undefined;
  return `${String(year).padStart(4, '0')}-${month}-${String(day).padStart(2, '0')}`;
}
