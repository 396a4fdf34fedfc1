import { gtinCheckDigit } from '#base/gtin.ts';
import { ScanningError, shown } from './errors.ts';

/**
 * The UPC-A (12 digits) that a UPC-E stands for: number system, six digits, check digit (General Specifications 5.2.2.4.2).
 * The sixth digit says where zeros were left out.
 *
 * @param digits eight decimal digits
 * @throws ScanningError CW-SCN-008 number system other than 0 and 1, CW-SCN-001 wrong check digit
 */
export function expandUpcE(digits: string): string {
  const system = digits.charAt(0);
  if (system !== '0' && system !== '1') {
    throw new ScanningError('CW-SCN-008', `UPC-E ${shown(digits)} starts with ${system}; scan it again.`);
  }
  const [a, b, c, d, e, last] = digits.slice(1, 7).split('');
  const body = system + zeroesRestored(`${a}${b}`, `${c}`, `${d}`, `${e}`, `${last}`);
  const check = gtinCheckDigit(body);
  if (String(check) !== digits.charAt(7)) {
    throw new ScanningError(
      'CW-SCN-001',
      `UPC-E ${shown(digits)} ends in ${digits.charAt(7)} where ${check} belongs; scan it again.`,
    );
  }
  return `${body}${check}`;
}

/** The ten digits between number system and check digit. */
function zeroesRestored(ab: string, c: string, d: string, e: string, last: string): string {
  switch (last) {
    case '0':
    case '1':
    case '2':
      return `${ab}${last}0000${c}${d}${e}`;
    case '3':
      return `${ab}${c}00000${d}${e}`;
    case '4':
      return `${ab}${c}${d}00000${e}`;
    default:
      return `${ab}${c}${d}${e}0000${last}`;
  }
}
