import { hasValidCheckDigit } from '#base/gtin.ts';
import { cset32, cset82 } from './characters.ts';
import { countryLetters, countryNumbers, currencyNumbers, isMediaType, packageTypes } from './code-lists.ts';
import { checkCouponCode, checkPositiveOffer } from './coupons.ts';
import { isYymmd0, isYymmdd, isYyyymmdd } from './dates.ts';

/** Checks the content of a component. @returns what it has that is wrong, or `undefined` where nothing is */
export type Linter = (value: string) => string | undefined;

const unless =
  (valid: (value: string) => boolean, problem: string): Linter =>
  (value) =>
    valid(value) ? undefined : problem;

const matching = (pattern: RegExp, problem: string): Linter =>
  unless((value) => pattern.test(value), problem);
const within = (list: ReadonlySet<string>, problem: string): Linter =>
  unless((value) => list.has(value), problem);
const upTo = (highest: number, problem: string): Linter =>
  unless((value) => Number(value) <= highest, problem);

/**
 * A GS1 Company Prefix begins at `position`: at least four digits. Whether it is allocated, and its length, only GS1's
 * registry knows; it isn't consulted.
 */
const companyPrefix = (position: number): Linter =>
  matching(position === 1 ? /^[0-9]{4}/ : /^.[0-9]{4}/, 'no GS1 Company Prefix');

/** The first 97 primes, which weigh the characters of an alphanumeric key from right to left. */
const primes = Array.from({ length: 508 }, (_, i) => i + 2).filter((n) => {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
});

/**
 * The pair of check characters of an alphanumeric key (General Specifications 7.9.5). `undefined` where `body` holds a
 * character outside CSET 82 or is longer than any element.
 */
export function checkCharacters(body: string): string | undefined {
  let sum = 0;
  for (let i = 0; i < body.length; i++) {
    const value = cset82.indexOf(body.charAt(i));
    const weight = primes[body.length - 1 - i];
    if (value < 0 || weight === undefined) return undefined;
    sum += value * weight;
  }
  sum %= 1021;
  return `${cset32.charAt(sum >> 5)}${cset32.charAt(sum & 31)}`;
}

/** International bank account number, ISO 13616: country, two check digits, ISO 7064 MOD 97-10. */
function isIban(value: string): boolean {
  if (!/^[A-Z]{2}[0-9]{2}[0-9A-Z]{7,}$/.test(value) || !countryLetters.has(value.slice(0, 2))) return false;
  let remainder = 0;
  for (const character of value.slice(4) + value.slice(0, 4)) {
    const number = Number.parseInt(character, 36);
    remainder = (remainder * (number < 10 ? 10 : 100) + number) % 97;
  }
  return remainder === 1;
}

/** Piece and total of equal width, both above zero, the piece not above the total. */
function isPieceOfTotal(value: string): boolean {
  const half = value.length / 2;
  const piece = Number(value.slice(0, half));
  const total = Number(value.slice(half));
  return Number.isInteger(half) && piece >= 1 && piece <= total;
}

/** `2/3`: the second of three, both without leading zeros. */
function isPositionInSequence(value: string): boolean {
  const match = /^([1-9][0-9]*)\/([1-9][0-9]*)$/.exec(value);
  return match !== null && Number(match[1]) <= Number(match[2]);
}

/** Every check that the syntax dictionary names. Those of check digits have their own error code: see `isCheckDigit`. */
export const linters: Readonly<Record<string, Linter>> = {
  csum: unless(hasValidCheckDigit, 'a wrong check digit'),
  csumalpha: unless(
    (value) => value.length > 2 && checkCharacters(value.slice(0, -2)) === value.slice(-2),
    'wrong check characters',
  ),
  gcppos1: companyPrefix(1),
  gcppos2: companyPrefix(2),
  yymmdd: unless(isYymmdd, 'no date YYMMDD'),
  yymmd0: unless(isYymmd0, 'no date YYMMDD (day 00 for the last of the month)'),
  yyyymmdd: unless(isYyyymmdd, 'no date YYYYMMDD'),
  hhmi: matching(/^(?:[01][0-9]|2[0-3])[0-5][0-9]$/, 'no time HHMM'),
  hh: matching(/^(?:[01][0-9]|2[0-3])$/, 'no hour'),
  mi: matching(/^[0-5][0-9]$/, 'no minute'),
  ss: matching(/^[0-5][0-9]$/, 'no second'),
  hyphen: matching(/^-+$/, 'another character where only a minus sign may be'),
  iban: unless(isIban, 'no bank account number (IBAN)'),
  importeridx: matching(/^[-0-9A-Z_a-z]$/, 'no importer index'),
  iso3166: within(countryNumbers, 'a number that ISO 3166-1 assigns to no country'),
  iso3166999: unless((value) => value === '999' || countryNumbers.has(value), 'a number of no country'),
  iso3166alpha2: within(countryLetters, 'letters that ISO 3166-1 assigns to no country'),
  iso4217: within(currencyNumbers, 'a number that ISO 4217 assigns to no currency'),
  iso5218: matching(/^[0129]$/, 'no code of ISO/IEC 5218'),
  latitude: upTo(1_800_000_000, 'no latitude'),
  longitude: upTo(3_600_000_000, 'no longitude'),
  mediatype: unless(isMediaType, 'no assigned media type'),
  nonzero: matching(/[^0]/, 'zero where none may be'),
  nozeroprefix: matching(/^[^0]/, 'a leading zero'),
  hasnondigit: matching(/[^0-9]/, 'digits only'),
  packagetype: within(packageTypes, 'no package type of UN/ECE Recommendation 21'),
  pcenc: matching(/^(?:[^%]|%[0-9A-Fa-f]{2})*$/, 'broken percent-encoding'),
  pieceoftotal: unless(isPieceOfTotal, 'no piece of a total'),
  posinseqslash: unless(isPositionInSequence, 'no position in a sequence'),
  winding: matching(/^[019]$/, 'no winding direction'),
  yesno: matching(/^[01]$/, 'neither 0 nor 1'),
  zero: matching(/^0+$/, 'something other than zero'),
  couponcode: checkCouponCode,
  couponposoffer: checkPositiveOffer,
};

/** Whether a check compares check digits or check characters: a failure then means a misread or a typing error. */
export function isCheckDigit(name: string): boolean {
  return name === 'csum' || name === 'csumalpha';
}
