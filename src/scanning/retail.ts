import { gtinCheckDigit, hasValidCheckDigit } from '#base/gtin.ts';
import { ScanningError, shown } from './errors.ts';
import type { ScanMeaning } from './meaning.ts';
import { findLayout, isRestricted, type LabelRules, readLabel } from './restricted.ts';
import { expandUpcE } from './upc-e.ts';

export interface RetailRules extends LabelRules {
  /**
   * Whether the catalogue lists exactly this GTIN-14: then a retailer's own number needs no layout, and of two readings of
   * eight digits that one counts.
   */
  readonly isListed?: (gtin: string) => boolean;
}

/** Coupons: GS1 prefixes 05 (UPC number system 5), 980 (refund receipts), 981–984 and 99. */
const couponPrefix = /^(?:05|98[0-4]|99)/;

/** Digits of the number proper, by the length of a code with an add-on of two or five digits. */
const eanWithAddOn: Readonly<Record<number, number>> = { 14: 12, 15: 13, 17: 12, 18: 13 };
const ean8WithAddOn: Readonly<Record<number, number>> = { 10: 8, 13: 8 };

/**
 * What a GTIN means at a till: a product, a retailer's label taken apart by its layout, or a coupon.
 *
 * @param gtin 14 digits, check digit verified
 * @throws ScanningError CW-SCN-010 a restricted-circulation number without a layout, and what `readLabel` throws
 */
export function gtinMeaning(gtin: string, rules: RetailRules): ScanMeaning {
  if (gtin.startsWith('0') && !gtin.startsWith('000000')) {
    const digits = gtin.slice(1);
    if (couponPrefix.test(digits)) return { meaning: 'coupon', data: digits };
    const layout = findLayout(digits, rules.variableMeasure);
    if (layout !== undefined) return readLabel(digits, layout, rules);
  }
  if (isRestricted(gtin) && rules.isListed?.(gtin) !== true) {
    throw new ScanningError(
      'CW-SCN-010',
      `${gtin} is a retailer's own number and neither a layout nor a product of the catalogue explains it; ` +
        'add its prefix to variableMeasure, or the number itself to products.',
    );
  }
  return { meaning: 'product', gtin };
}

/** EAN-13, UPC-A or UPC-E as a scanner reports it under ]E0 or ]E3; an add-on is left out. */
export function readEan(text: string, rules: RetailRules): ScanMeaning {
  const digits = onlyDigits(text);
  if (digits.length === 13 || digits.length === 12) return gtinMeaning(checked(digits), rules);
  // EAN-8 has an identifier of its own (]E4): eight digits here are a UPC-E that the reader did not expand.
  if (digits.length === 8) return gtinMeaning(checked(expandUpcE(digits)), rules);
  const proper = eanWithAddOn[digits.length];
  if (proper === undefined) throw wrongLength(digits, '12 or 13 digits (set the scanner to expand UPC-E)');
  return gtinMeaning(checked(digits.slice(0, proper)), rules);
}

/** EAN-8 under ]E4; an add-on is left out. */
export function readEan8(text: string, rules: RetailRules): ScanMeaning {
  const digits = onlyDigits(text);
  const proper = digits.length === 8 ? 8 : ean8WithAddOn[digits.length];
  if (proper === undefined) throw wrongLength(digits, '8 digits');
  return gtinMeaning(checked(digits.slice(0, proper)), rules);
}

/**
 * Interleaved 2 of 5. Only fourteen digits name a product: a beam that leaves an ITF symbol early reads a shorter number,
 * so shorter ones are never looked up.
 *
 * @param stripped the reader verified the check digit and removed it (]I2)
 */
export function readItf(text: string, stripped: boolean, rules: RetailRules): ScanMeaning {
  const digits = onlyDigits(text);
  if (stripped && digits.length === 13) return gtinMeaning(`${digits}${gtinCheckDigit(digits)}`, rules);
  if (!stripped && digits.length === 14) return gtinMeaning(checked(digits), rules);
  return { meaning: 'unknown', text };
}

/**
 * Digits of which nothing says what they are: keyed in, or from a reader without identifiers. `undefined` where the length
 * is none of a GTIN.
 *
 * @throws ScanningError CW-SCN-001 no reading has a right check digit, CW-SCN-007 both EAN-8 and UPC-E have and nothing decides
 */
export function readBareDigits(digits: string, rules: RetailRules): ScanMeaning | undefined {
  switch (digits.length) {
    case 8:
      return gtinMeaning(checked(eightDigits(digits, rules)), rules);
    case 12:
    case 13:
    case 14:
      return gtinMeaning(checked(digits), rules);
    case 15:
    case 18:
      // Only books and periodicals bear add-ons; other numbers of this length are something else.
      return /^97[789]/.test(digits) && hasValidCheckDigit(digits.slice(0, 13))
        ? gtinMeaning(checked(digits.slice(0, 13)), rules)
        : undefined;
    default:
      return undefined;
  }
}

/**
 * EAN-8 or UPC-E: more than half of the numbers that start with 0 or 1 have a right check digit as both. What the
 * catalogue lists decides; else a leading 0 means UPC-E, because EAN-8 numbers with it are a retailer's own.
 */
function eightDigits(digits: string, rules: RetailRules): string {
  const expanded = expandedOrNothing(digits);
  if (expanded === undefined || !hasValidCheckDigit(digits)) return expanded ?? digits;
  const isListed = (number: string) => rules.isListed?.(number.padStart(14, '0')) === true;
  if (isListed(digits) !== isListed(expanded)) return isListed(digits) ? digits : expanded;
  if (digits.startsWith('0')) return expanded;
  throw new ScanningError(
    'CW-SCN-007',
    `${digits} is both an EAN-8 and the UPC-E of ${expanded}; set the scanner to send AIM identifiers, or key in all 12 digits.`,
  );
}

function expandedOrNothing(digits: string): string | undefined {
  try {
    return expandUpcE(digits);
  } catch (error) {
    if (error instanceof ScanningError) return undefined;
    throw error;
  }
}

function onlyDigits(text: string): string {
  if (/^[0-9]+$/.test(text)) return text;
  throw new ScanningError(
    'CW-SCN-005',
    `${shown(text)} is not only digits, as its symbology requires; check the scanner's prefix and suffix settings.`,
  );
}

/** The 14 digits of a GTIN of 8 to 14. */
function checked(digits: string): string {
  if (!hasValidCheckDigit(digits)) {
    throw new ScanningError(
      'CW-SCN-001',
      `${digits} ends in ${digits.slice(-1)} where ${gtinCheckDigit(digits.slice(0, -1))} belongs; scan or key it in again.`,
    );
  }
  return digits.padStart(14, '0');
}

function wrongLength(digits: string, expected: string): ScanningError {
  return new ScanningError(
    'CW-SCN-006',
    `${shown(digits)} has ${digits.length} digits where ${expected} belong; scan it again.`,
  );
}
