import { gtinCheckDigit } from '#base/gtin.ts';
import type { VariableMeasureLayout } from '#catalogue/products.ts';
import { ScanningError, shown } from './errors.ts';
import type { ScanMeaning } from './meaning.ts';
import { massDecimals, scaled } from './quantity.ts';

/** What of the rules for scans concerns labels of a retailer's own. */
export interface LabelRules {
  readonly variableMeasure: readonly VariableMeasureLayout[];
  readonly currencyDecimals: number;
}

/**
 * The layout for a 13-digit number (a UPC-A has its leading zero): the longest prefix that fits. A number without a
 * layout is never taken apart: the same digits mean a price in one country and a mass in the next.
 */
export function findLayout(
  digits: string,
  layouts: readonly VariableMeasureLayout[],
): VariableMeasureLayout | undefined {
  let best: VariableMeasureLayout | undefined;
  for (const layout of layouts) {
    if (layout.prefix === '' || !digits.startsWith(layout.prefix)) continue;
    if (best === undefined || layout.prefix.length > best.prefix.length) best = layout;
  }
  return best;
}

/**
 * Whether a 14-digit GTIN is a restricted-circulation number: GS1 prefixes 02 and 20–29 (UPC number system 2 is 02), and
 * GTIN-8 prefixes 0 and 2 (General Specifications 1.4.2 and 1.4.3). Prefix 04 (UPC number system 4) is a retailer's own
 * too, but many real products bear it: it is one only where a layout names it.
 */
export function isRestricted(gtin: string): boolean {
  if (gtin.startsWith('000000')) return /^000000[02]/.test(gtin);
  return /^0(?:02|2)/.test(gtin);
}

/**
 * Takes a label apart by its layout. A value of zero means that the label doesn't say (the price book of a till lists
 * items so) and is left out.
 *
 * @param digits 13 digits, check digit verified
 * @throws ScanningError CW-SCN-009 wrong price verifier, CW-SCN-011 impossible layout, CW-SCN-012 more decimals than the currency has
 */
export function readLabel(digits: string, layout: VariableMeasureLayout, rules: LabelRules): ScanMeaning {
  const item = span(digits, layout.item, layout);
  const value = span(digits, layout.value, layout);
  if (layout.verifier !== undefined) verifyPrice(digits, value, layout.verifier, layout);
  const result = { meaning: 'variable-measure', item, itemGtin: itemGtin(digits, layout) } as const;
  if (/^0+$/.test(value)) return result;
  switch (layout.meaning) {
    case 'price':
      return { ...result, priceMinor: scaled(value, layout.decimals, rules.currencyDecimals, 'price') };
    case 'mass':
      return { ...result, massMg: scaled(value, layout.decimals, massDecimals, 'mass') };
    case 'count':
      return { ...result, count: scaled(value, layout.decimals, 0, 'count') };
  }
}

/** What is neither prefix nor item number (value, verifier, digits that the layout doesn't name) may differ between two labels of one item. */
function itemGtin(digits: string, { prefix, item: [start, length] }: VariableMeasureLayout): string {
  let body = '';
  for (let i = 0; i < digits.length - 1; i++) {
    const names = i < prefix.length || (i >= start && i < start + length);
    body += names ? digits.charAt(i) : '0';
  }
  return `0${body}${gtinCheckDigit(body)}`;
}

function span(digits: string, [start, length]: readonly [number, number], layout: VariableMeasureLayout) {
  const text = digits.slice(start, start + length);
  // The last of the 13 digits is the check digit and can belong to nothing else.
  if (start < 0 || length < 1 || start + length > digits.length - 1) throw impossible(layout);
  return text;
}

function verifyPrice(digits: string, value: string, position: number, layout: VariableMeasureLayout): void {
  const expected = priceVerifier(value);
  const found = digits.charAt(position);
  if (expected === undefined || found === '') throw impossible(layout);
  if (String(expected) !== found) {
    throw new ScanningError(
      'CW-SCN-009',
      `The label ${shown(digits)} has price verifier ${found} where ${expected} belongs; weigh or label it again.`,
    );
  }
}

function impossible(layout: VariableMeasureLayout): ScanningError {
  return new ScanningError(
    'CW-SCN-011',
    `The layout of prefix ${layout.prefix} does not fit a 13-digit code; correct variableMeasure in the catalogue.`,
  );
}

/** Weighted digits of General Specifications 7.9.2: the product less or plus its tens, modulo 10. */
const twoMinus = (digit: number) => (2 * digit - Math.floor((2 * digit) / 10)) % 10;
const three = (digit: number) => (3 * digit) % 10;
const fiveMinus = (digit: number) => (5 * digit - Math.floor((5 * digit) / 10)) % 10;
const fivePlus = (digit: number) => (5 * digit + Math.floor((5 * digit) / 10)) % 10;

/** The inverse of 5−, which is a permutation of the digits. */
const fiveMinusOf = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => fiveMinus(digit));

/**
 * Price verifier digit of a four- or five-digit field (General Specifications 7.9.3 and 7.9.4): 2875 → 9, 14685 → 6.
 * `undefined` for other lengths, for which none is defined.
 */
export function priceVerifier(field: string): number | undefined {
  if (!/^[0-9]{4,5}$/.test(field)) return undefined;
  const weights =
    field.length === 4
      ? [twoMinus, twoMinus, three, fiveMinus]
      : [fivePlus, twoMinus, fiveMinus, fivePlus, twoMinus];
  const sum = weights.reduce((total, weigh, index) => total + weigh(Number(field[index])), 0);
  if (field.length === 4) return (sum * 3) % 10;
  return fiveMinusOf.indexOf((10 - (sum % 10)) % 10);
}
