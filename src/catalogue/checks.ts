import { gtinCheckDigit, isGtin14, toGtin14 } from '#base/gtin.ts';
import type { Findings } from './collect.ts';

/** IFPS produce look-up codes: 3000–4999, organic with a leading 9, and 83000–84999. */
const pluPattern = /^(?:9?[34][0-9]{3}|8[34][0-9]{3})$/;
const calendarDate = /^(\d{4})-(\d{2})-(\d{2})$/;
const currencyPattern = /^[A-Z]{3}$/;
/** Control characters would reach terminals, logs and displays. */
const controlCharacters = /\p{Cc}/u;
const longestText = 200;

/** Checks a text that people or topics read: 1 to 200 characters, none of them a control character. */
export function checkText(value: string, path: string, findings: Findings): void {
  if (value.trim() === '' || value.length > longestText || controlCharacters.test(value)) {
    findings.add('CW-CAT-016', path, value, `1 to ${longestText} printable characters`);
  }
}

export function checkCurrency(value: string, findings: Findings): void {
  if (!currencyPattern.test(value)) {
    findings.add('CW-CAT-004', 'currency', value, 'an ISO 4217 code such as "EUR"');
  }
}

/** What a GTIN should have been: the padded form, the right check digit, or the rule. */
function checkGtin(gtin: string, path: string, findings: Findings): void {
  if (isGtin14(gtin)) return;
  const padded = toGtin14(gtin);
  if (padded !== undefined) {
    findings.add('CW-CAT-006', path, gtin, `14 digits: "${padded}"`);
  } else if (/^\d{14}$/.test(gtin)) {
    const body = gtin.slice(0, -1);
    findings.add('CW-CAT-007', path, gtin, `check digit ${gtinCheckDigit(body)}, if "${body}" is right`);
  } else if (/^(?:\d{8}|\d{12}|\d{13})$/.test(gtin)) {
    const expected = `check digit ${gtinCheckDigit(gtin.slice(0, -1))} and zeros in front up to 14 digits`;
    findings.add('CW-CAT-007', path, gtin, expected);
  } else {
    findings.add('CW-CAT-006', path, gtin, '14 digits');
  }
}

/**
 * The key of an entry that names a product by exactly one of `gtin` and `plu`: `gtin:04006381333931` or
 * `plu:4011`. `undefined` (and a finding) when it names none, both, or a wrong one.
 */
export function checkKey(
  entry: { readonly gtin?: string | undefined; readonly plu?: string | undefined },
  path: string,
  findings: Findings,
): string | undefined {
  const { gtin, plu } = entry;
  if ((gtin === undefined) === (plu === undefined)) {
    findings.add('CW-CAT-009', path, { gtin, plu }, 'exactly one of gtin and plu');
    return undefined;
  }
  const before = findings.all.length;
  if (gtin !== undefined) checkGtin(gtin, `${path}.gtin`, findings);
  if (plu !== undefined && !pluPattern.test(plu)) {
    findings.add('CW-CAT-008', `${path}.plu`, plu, '3000 to 4999, 93000 to 94999 or 83000 to 84999');
  }
  if (findings.all.length > before) return undefined;
  return gtin === undefined ? `plu:${plu}` : `gtin:${gtin}`;
}

/** Whether `text` is a day of the Gregorian calendar, YYYY-MM-DD. */
function isCalendarDate(text: string): boolean {
  const match = calendarDate.exec(text);
  if (match === null) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/** Checks first and last day of something, where they are given. */
export function checkPeriod(
  product: { readonly validFrom?: string | undefined; readonly validTo?: string | undefined },
  path: string,
  findings: Findings,
): void {
  for (const name of ['validFrom', 'validTo'] as const) {
    const date = product[name];
    if (date !== undefined && !isCalendarDate(date)) {
      findings.add('CW-CAT-015', `${path}.${name}`, date, 'a calendar date, YYYY-MM-DD');
    }
  }
  const { validFrom, validTo } = product;
  if (validFrom !== undefined && validTo !== undefined && validTo < validFrom) {
    findings.add('CW-CAT-015', `${path}.validTo`, validTo, `a date not before validFrom (${validFrom})`);
  }
}
