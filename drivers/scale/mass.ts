import { DriverError } from '../errors.ts';

/** How many milligrams a unit has, as an exact fraction. */
interface UnitDefinition {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

const exactly = (numerator: bigint, denominator = 1n): UnitDefinition => ({ numerator, denominator });

/**
 * Units of mass by their exact definitions. Metric: BIPM SI Brochure (carat: CGPM 1907, 200 mg). Avoirdupois and troy:
 * international yard and pound agreement of 1959, 1 lb = 453.59237 g = 7,000 gr; NIST Handbook 44, appendix C.
 * Taels and long tons are left out: which mass they are depends on the country.
 */
const definitions = {
  ug: exactly(1n, 1_000n),
  mg: exactly(1n),
  g: exactly(1_000n),
  kg: exactly(1_000_000n),
  t: exactly(1_000_000_000n),
  ct: exactly(200n),
  gr: exactly(6_479_891n, 100_000n),
  dwt: exactly(155_517_384n, 100_000n),
  oz: exactly(45_359_237n, 1_600n),
  ozt: exactly(311_034_768n, 10_000n),
  lb: exactly(45_359_237n, 100n),
  ston: exactly(907_184_740n),
  mom: exactly(3_750n),
} as const;

export type MassUnit = keyof typeof definitions;

/** Units as scales write them (compared in lower case). What isn't here is refused, never guessed. */
const spellings: Readonly<Record<string, MassUnit>> = {
  ug: 'ug',
  µg: 'ug',
  mg: 'mg',
  g: 'g',
  gm: 'g',
  kg: 'kg',
  t: 't',
  ct: 'ct',
  gn: 'gr',
  grn: 'gr',
  dwt: 'dwt',
  oz: 'oz',
  ozt: 'ozt',
  lb: 'lb',
  mom: 'mom',
  mo: 'mom',
};

/** The unit that a scale names, or undefined where it is none of mass that is known. */
export function massUnit(name: string): MassUnit | undefined {
  const key = name.trim().toLowerCase();
  return Object.hasOwn(spellings, key) ? spellings[key] : undefined;
}

/** A decimal number as it was written: `coefficient` × 10^`exponent`. */
export interface Decimal {
  readonly coefficient: bigint;
  readonly exponent: number;
}

/** Most digits of an indication; a scale has six or seven. */
const mostDigits = 15;
/** No scale behind a checkout indicates more: 10 t. */
export const largestMassMg = 10_000_000_000;

/**
 * A number as scales write it: optional sign, blanks after it, digits with at most one point. Undefined for anything
 * else, exponents, commas and more than 15 digits among it.
 */
export function parseDecimal(text: string): Decimal | undefined {
  const match = /^([+-]?) *(\d*)(?:\.(\d*))?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, sign = '', whole = '', part = ''] = match;
  const digits = whole + part;
  if (digits === '' || digits.length > mostDigits) return undefined;
  const coefficient = BigInt(digits);
  return { coefficient: sign === '-' ? -coefficient : coefficient, exponent: -part.length };
}

/**
 * The mass in whole milligrams, computed exactly and rounded half to even.
 * @throws DriverError CW-DRV-006 beyond ±10 t or where the exponent is not within ±15
 */
export function toMassMg(value: Decimal, unit: MassUnit): number {
  const { coefficient, exponent } = value;
  if (!Number.isInteger(exponent) || Math.abs(exponent) > mostDigits) {
    throw new DriverError(
      'CW-DRV-006',
      `the scale sent a mass with the power of ten ${exponent}; check its settings`,
    );
  }
  const { numerator, denominator } = definitions[unit];
  const scale = 10n ** BigInt(Math.abs(exponent));
  const mg =
    exponent < 0
      ? divideHalfEven(coefficient * numerator, denominator * scale)
      : divideHalfEven(coefficient * numerator * scale, denominator);
  if (mg > BigInt(largestMassMg) || mg < -BigInt(largestMassMg)) {
    throw new DriverError(
      'CW-DRV-006',
      `the scale sent a mass of ${mg} mg, more than any scale; check its settings`,
    );
  }
  return Number(mg);
}

/** Quotient rounded to the nearest integer, ties to even. `divisor` > 0. */
function divideHalfEven(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const rest = dividend - quotient * divisor;
  const twice = (rest < 0n ? -rest : rest) * 2n;
  if (twice < divisor || (twice === divisor && quotient % 2n === 0n)) return quotient;
  return dividend < 0n ? quotient - 1n : quotient + 1n;
}

/**
 * `massMg` as a scale that shows `decimals` of `unit` would write it (rounded half to even), without padding. For
 * simulated scales and for masses that are sent to one.
 */
export function formatMassIn(massMg: number, unit: MassUnit, decimals: number): string {
  const { numerator, denominator } = definitions[unit];
  const scale = 10n ** BigInt(decimals);
  const shown = divideHalfEven(BigInt(Math.round(massMg)) * denominator * scale, numerator);
  const digits = String(shown < 0n ? -shown : shown).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const sign = shown < 0n ? '-' : '';
  return decimals === 0 ? `${sign}${whole}` : `${sign}${whole}.${digits.slice(-decimals)}`;
}
