import { ScanningError, shown } from './errors.ts';

/** A kilogram has 10⁶ milligrams. */
export const massDecimals = 6;

/**
 * An integer with implied decimals in another unit, exactly: `scaled('199', 2, 3)` is 1990.
 *
 * @param digits decimal digits as the code has them
 * @param decimals how many of them stand after the implied decimal point
 * @param wanted decimals of the unit wanted (2: cents; 6: mg of kg; 0: pieces)
 * @throws ScanningError CW-SCN-012 where the result is no integer, or too large for one: a price is never rounded silently
 */
export function scaled(digits: string, decimals: number, wanted: number, what: string): number {
  const shift = wanted - decimals;
  const value = BigInt(digits);
  const factor = 10n ** BigInt(Math.abs(shift));
  const exact = shift >= 0 || value % factor === 0n;
  const result = Number(shift >= 0 ? value * factor : value / factor);
  if (!exact || !Number.isSafeInteger(result)) {
    throw new ScanningError(
      'CW-SCN-012',
      `The ${what} ${shown(digits)} with ${decimals} decimals is no whole number of units with ${wanted} decimals; check the label and the currency.`,
    );
  }
  return result;
}

/** 1 lb = 453,592.37 mg exactly (international avoirdupois pound, 1959). */
const hundredthsOfMgPerPound = 45_359_237n;

/** Pounds with implied decimals as the nearest milligram, by integer arithmetic. Ties go up. */
export function poundsToMg(digits: string, decimals: number): number {
  const divisor = 10n ** BigInt(decimals) * 100n;
  const numerator = BigInt(digits) * hundredthsOfMgPerPound;
  return Number((numerator * 2n + divisor) / (divisor * 2n));
}
