import { gtinCheckDigit } from '#base/gtin.ts';
import type { VariableMeasureLayout } from '#catalogue/products.ts';
import { SimulationError } from './errors.ts';

/** What a scanner says: the data of a code and its AIM identifier (ISO/IEC 15424). */
export interface Payload {
  readonly data: Uint8Array;
  readonly symbology: string;
}

export const productSymbologies = [
  'ean-13',
  'upc-a',
  'ean-8',
  'databar',
  'databar-expanded',
  'gs1-128',
  'gs1-datamatrix',
  'gs1-qr',
  'digital-link',
] as const;
export type ProductSymbology = (typeof productSymbologies)[number];

/** What a code may say beyond the GTIN. */
export interface ProductElements {
  readonly lot?: string | undefined;
  readonly serial?: string | undefined;
  /** YYYY-MM-DD. */
  readonly expiry?: string | undefined;
  readonly massMg?: number | undefined;
  readonly priceMinor?: number | undefined;
}

const groupSeparator = '\x1d';
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** The symbology that a product of this GTIN-14 bears at a till: EAN-8 or EAN-13 (UPC-A reads as EAN-13 with a leading 0). */
export function usualSymbology(gtin: string, elements: ProductElements): ProductSymbology {
  if (Object.values(elements).some((value) => value !== undefined)) return 'databar-expanded';
  if (gtin.startsWith('000000')) return 'ean-8';
  return gtin.startsWith('0') ? 'ean-13' : 'databar';
}

/**
 * The code of a product as a scanner delivers it. Throws CW-SIM-007 when the symbology can't carry what is asked for.
 */
export function productPayload(gtin: string, as: ProductSymbology, elements: ProductElements = {}): Payload {
  const plain = (symbology: string, digits: number): Payload => {
    const head = gtin.slice(0, 14 - digits);
    if (/[^0]/.test(head))
      throw impossible(`${as} carries ${digits} digits, which GTIN ${gtin} does not fit`);
    if (Object.values(elements).some((value) => value !== undefined)) {
      throw impossible(`${as} carries a GTIN only; use databar-expanded, gs1-128, gs1-datamatrix or gs1-qr`);
    }
    return { data: text(gtin.slice(14 - digits)), symbology };
  };
  const gs1 = (symbology: string): Payload => ({
    data: text(elementString(gtin, elements)),
    symbology,
  });
  switch (as) {
    case 'ean-13':
      return plain(']E0', 13);
    case 'upc-a':
      return plain(']E0', 12);
    case 'ean-8':
      return plain(']E4', 8);
    case 'databar':
      return { data: text(`01${gtin}`), symbology: ']e0' };
    case 'databar-expanded':
      return gs1(']e0');
    case 'gs1-128':
      return gs1(']C1');
    case 'gs1-datamatrix':
      return gs1(']d2');
    case 'gs1-qr':
      return gs1(']Q3');
    case 'digital-link':
      return { data: text(digitalLink(gtin, elements)), symbology: ']Q1' };
  }
}

/** AIs in the order of their values here; FNC1 (as GS) follows only those of variable length, and not at the end. */
function elementString(gtin: string, elements: ProductElements): string {
  const fixed = [`01${gtin}`];
  if (elements.massMg !== undefined) fixed.push(`3103${sixDigits(elements.massMg / 1_000, 'a mass in g')}`);
  if (elements.expiry !== undefined) fixed.push(`17${elements.expiry.slice(2).replaceAll('-', '')}`);
  const variable: string[] = [];
  if (elements.priceMinor !== undefined) variable.push(`3922${elements.priceMinor}`);
  if (elements.lot !== undefined) variable.push(`10${elements.lot}`);
  if (elements.serial !== undefined) variable.push(`21${elements.serial}`);
  return fixed.join('') + variable.join(groupSeparator);
}

function sixDigits(value: number, what: string): string {
  const rounded = Math.round(value);
  if (rounded < 0 || rounded > 999_999) throw impossible(`${what} of ${rounded} does not fit six digits`);
  return String(rounded).padStart(6, '0');
}

function digitalLink(gtin: string, elements: ProductElements): string {
  const qualifiers = [
    elements.lot === undefined ? '' : `/10/${encodeURIComponent(elements.lot)}`,
    elements.serial === undefined ? '' : `/21/${encodeURIComponent(elements.serial)}`,
  ].join('');
  const attributes = [
    elements.expiry === undefined ? [] : [`17=${elements.expiry.slice(2).replaceAll('-', '')}`],
    elements.massMg === undefined ? [] : [`3103=${sixDigits(elements.massMg / 1_000, 'a mass in g')}`],
    elements.priceMinor === undefined ? [] : [`3922=${elements.priceMinor}`],
  ].flat();
  const query = attributes.length === 0 ? '' : `?${attributes.join('&')}`;
  return `https://id.gs1.org/01/${gtin}${qualifiers}${query}`;
}

/** What the label of a shop's own scale says. */
export interface LabelContent {
  readonly prefix: string;
  /** Digits of the item number, padded to the layout's length. */
  readonly item: string;
  readonly massMg?: number | undefined;
  readonly priceMinor?: number | undefined;
}

/**
 * A restricted-circulation EAN-13 by the retailer's layout, check digit included. Throws CW-SIM-007 when no layout has
 * the prefix, the value is of another kind, or it doesn't fit.
 */
export function labelPayload(content: LabelContent, layouts: readonly VariableMeasureLayout[]): Payload {
  const layout = layouts.find((other) => other.prefix === content.prefix);
  if (layout === undefined) {
    const known = layouts.map((other) => other.prefix).join(', ') || 'none';
    throw impossible(`the catalogue lays out no codes of prefix ${content.prefix}; it has ${known}`);
  }
  const raw = layout.meaning === 'mass' ? content.massMg : content.priceMinor;
  if (raw === undefined || layout.meaning === 'count') {
    throw impossible(`codes of prefix ${content.prefix} carry a ${layout.meaning}; give that`);
  }
  // The value counts units of 10^-decimals kg, or of the currency (whose minor unit is 1/100).
  const unit = layout.meaning === 'mass' ? 1_000_000 : 100;
  const value = Math.round((raw / unit) * 10 ** layout.decimals);
  const digits = '0'.repeat(12).split('');
  place(digits, 0, content.prefix.length, content.prefix);
  place(digits, layout.item[0], layout.item[1], content.item);
  place(digits, layout.value[0], layout.value[1], String(value));
  if (layout.verifier !== undefined) {
    digits[layout.verifier] = String(priceVerifier(digits.slice(...span(layout.value)).join('')));
  }
  const body = digits.join('');
  return { data: text(`${body}${gtinCheckDigit(body)}`), symbology: ']E0' };
}

const span = ([start, length]: readonly [number, number]): [number, number] => [start, start + length];

function place(digits: string[], start: number, length: number, value: string): void {
  if (value.length > length) throw impossible(`${value} does not fit the ${length} digits of the layout`);
  const padded = value.padStart(length, '0');
  for (let i = 0; i < length; i++) digits[start + i] = padded[i] ?? '0';
}

/** Weighting 2−: twice the digit, less its tens (GS1 General Specifications 7.9.2); 3: thrice; 5+ and 5− alike. */
const weightings = {
  '2-': (digit: number) => (2 * digit - Math.floor((2 * digit) / 10)) % 10,
  '3': (digit: number) => (3 * digit) % 10,
  '5+': (digit: number) => (5 * digit + Math.floor((5 * digit) / 10)) % 10,
  '5-': (digit: number) => (((5 * digit - Math.floor((5 * digit) / 10)) % 10) + 10) % 10,
} as const;

/** Check digit of the price of a four- or five-digit price field (GS1 General Specifications 7.9.3 and 7.9.4). */
export function priceVerifier(price: string): number {
  const four = ['2-', '2-', '3', '5-'] as const;
  const five = ['5+', '2-', '5-', '5+', '2-'] as const;
  const weights = price.length === 4 ? four : price.length === 5 ? five : undefined;
  if (weights === undefined) throw impossible('a price verifier exists for four and five digits only');
  const sum = weights.reduce((total, kind, i) => total + weightings[kind](Number(price[i])), 0);
  if (price.length === 4) return (sum * 3) % 10;
  // Five digits: the check digit is the one whose 5− weighting completes the sum to a multiple of ten.
  const rest = (10 - (sum % 10)) % 10;
  return (
    Array.from({ length: 10 }, (_, digit) => digit).find((digit) => weightings['5-'](digit) === rest) ?? 0
  );
}

/** A session token in a plain QR code. */
export function tokenPayload(token: string): Payload {
  return { data: text(token), symbology: ']Q1' };
}

function impossible(message: string): SimulationError {
  return new SimulationError('CW-SIM-007', message);
}
