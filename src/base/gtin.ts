/** GS1 check-digit arithmetic (GS1 General Specifications 7.9.1), shared by the catalogue and scanning. */

const digitsOnly = /^[0-9]+$/;

/**
 * The modulo-10 check digit that belongs after `body`: weights 3, 1, 3 … from the right. For every numeric
 * GS1 key (GTIN-8/12/13/14, SSCC, GLN, …).
 *
 * @param body the digits before the check digit
 * @throws RangeError when `body` is empty or not decimal digits: callers check what they read first
 */
export function gtinCheckDigit(body: string): number {
  if (!digitsOnly.test(body)) throw new RangeError('a check digit needs decimal digits before it');
  let sum = 0;
  for (let i = body.length - 1, weight = 3; i >= 0; i--, weight = 4 - weight) {
    sum += weight * (body.charCodeAt(i) - 48);
  }
  return (10 - (sum % 10)) % 10;
}

/** Whether `digits` are two or more decimal digits of which the last is the check digit of the others. */
export function hasValidCheckDigit(digits: string): boolean {
  if (digits.length < 2 || !digitsOnly.test(digits)) return false;
  return gtinCheckDigit(digits.slice(0, -1)) === digits.charCodeAt(digits.length - 1) - 48;
}

/**
 * A GTIN-8, -12, -13 or -14 as the 14 digits under which products are filed (padded with zeros on the left).
 * `undefined` for any other length, for what is not digits and for a wrong check digit.
 */
export function toGtin14(digits: string): string | undefined {
  if (![8, 12, 13, 14].includes(digits.length) || !hasValidCheckDigit(digits)) return undefined;
  return digits.padStart(14, '0');
}

/** Whether `text` is exactly 14 digits with a right check digit. */
export function isGtin14(text: string): boolean {
  return text.length === 14 && hasValidCheckDigit(text);
}
