import { isYymmdd } from './dates.ts';

/** Reads a coupon from left to right; the first field that doesn't fit ends it. */
class Fields {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get ended(): boolean {
    return this.#at === this.#text.length;
  }

  /** Takes the next digit if it is `digit`. */
  option(digit: string): boolean {
    if (this.#text.charAt(this.#at) !== digit) return false;
    this.#at++;
    return true;
  }

  /** `length` digits, or `undefined` where fewer are left. */
  take(length: number): string | undefined {
    if (this.#at + length > this.#text.length) return undefined;
    this.#at += length;
    return this.#text.slice(this.#at - length, this.#at);
  }

  /** One digit out of `allowed`. */
  oneOf(allowed: string): boolean {
    const digit = this.take(1);
    return digit !== undefined && allowed.includes(digit);
  }

  /** A field of variable length: a digit out of `allowed`, which plus `extra` is the length, and the field. */
  measured(allowed: string, extra: number): boolean {
    const digit = this.take(1);
    if (digit === undefined || !allowed.includes(digit)) return false;
    return this.take(Number(digit) + extra) !== undefined;
  }
}

const anyDigit = '0123456789';
const requirementCodes = '012349';

/** A purchase requirement: its measured value, its code, and a family code of three digits. */
function purchase(fields: Fields): boolean {
  return fields.measured('12345', 0) && fields.oneOf(requirementCodes) && fields.take(3) !== undefined;
}

/** The company prefix of a further purchase; 9 stands for the primary one. */
function otherCompany(fields: Fields): boolean {
  return fields.option('9') || fields.measured('0123456', 6);
}

/** Optional fields in their order: the digit that announces them and how they are read. */
function optionalFields(fields: Fields): string | undefined {
  if (fields.option('1')) {
    if (!fields.oneOf('0123')) return 'a rules code of the second purchase that is not 0 to 3';
    if (!purchase(fields) || !otherCompany(fields)) return 'a malformed second purchase';
  }
  if (fields.option('2') && !(purchase(fields) && otherCompany(fields))) return 'a malformed third purchase';
  let expires: string | undefined;
  if (fields.option('3')) {
    expires = fields.take(6);
    if (expires === undefined || !isYymmdd(expires)) return 'an expiration date that is none';
  }
  if (fields.option('4')) {
    const starts = fields.take(6);
    if (starts === undefined || !isYymmdd(starts)) return 'a start date that is none';
    if (expires !== undefined && starts > expires) return 'a start date after its expiration';
  }
  if (fields.option('5') && !fields.measured(anyDigit, 6)) return 'a truncated serial number';
  if (fields.option('6') && !fields.measured('1234567', 6)) return 'a malformed retailer identification';
  if (fields.option('9')) {
    if (!fields.oneOf('01256')) return 'a save value code that is not 0, 1, 2, 5 or 6';
    if (!fields.oneOf('012')) return 'a save value that applies to no item';
    if (!fields.oneOf(anyDigit) || !fields.oneOf('01')) return 'malformed flags';
  }
  return undefined;
}

/**
 * North American coupon code of AI 8110 (GS1 US, "North American Coupon Application Guideline Using GS1 DataBar Expanded
 * Symbols"). @returns what is wrong, or `undefined`
 */
export function checkCouponCode(value: string): string | undefined {
  if (!/^[0-9]+$/.test(value)) return 'a character that is not a digit';
  const fields = new Fields(value);
  if (!fields.measured('0123456', 6)) return 'a malformed company prefix';
  if (fields.take(6) === undefined) return 'a truncated offer code';
  if (!fields.measured('12345', 0)) return 'a malformed save value';
  if (!purchase(fields)) return 'a malformed purchase requirement';
  return optionalFields(fields) ?? (fields.ended ? undefined : 'digits that belong to no field');
}

/**
 * Positive offer file coupon of AI 8112 ("GS1 AI (8112) Coupon Data Specification"). @returns what is wrong, or `undefined`
 */
export function checkPositiveOffer(value: string): string | undefined {
  if (!/^[0-9]+$/.test(value)) return 'a character that is not a digit';
  const fields = new Fields(value);
  if (!fields.oneOf('01')) return 'a format code that is not 0 or 1';
  if (!fields.measured('0123456', 6)) return 'a malformed funder';
  if (fields.take(6) === undefined) return 'a truncated offer code';
  if (!fields.measured(anyDigit, 6)) return 'a truncated serial number';
  return fields.ended ? undefined : 'digits after the serial number';
}
