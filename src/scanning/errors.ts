import { CodedError } from '#base/errors.ts';

/** What can be wrong with a scanned code. */
export const scanningCodes = {
  'CW-SCN-001': 'The check digit of a code is wrong.',
  'CW-SCN-002': 'The code is empty.',
  'CW-SCN-003': 'The code is longer than any symbology carries.',
  'CW-SCN-004': 'The code is not valid UTF-8.',
  'CW-SCN-005': 'The code holds characters that its symbology can not carry.',
  'CW-SCN-006': 'The code does not have a length that its symbology allows.',
  'CW-SCN-007': 'The digits can be read as two different numbers.',
  'CW-SCN-008': 'A UPC-E code does not start with number system 0 or 1.',
  'CW-SCN-009': 'The price verifier digit of a retailer label is wrong.',
  'CW-SCN-010': 'A restricted-circulation number has no layout in the catalogue.',
  'CW-SCN-011': 'A layout of variable-measure codes does not fit the code.',
  'CW-SCN-012': 'A quantity can not be expressed exactly in the unit of the gateway.',
  'CW-SCN-020': 'The application identifier is not assigned.',
  'CW-SCN-021': 'An element is shorter than its format.',
  'CW-SCN-022': 'An element is longer than its format: an FNC1 separator is missing.',
  'CW-SCN-023': 'An element holds a character that its format does not allow.',
  'CW-SCN-024': 'The content of an element is not valid.',
  'CW-SCN-025': 'An element requires another one that is missing.',
  'CW-SCN-026': 'Two elements must not appear together.',
  'CW-SCN-027': 'An element appears twice with different values.',
  'CW-SCN-030': 'A GS1 Digital Link URI is malformed.',
  'CW-SCN-031': 'A GS1 Digital Link URI uses compression, which is not supported.',
  'CW-SCN-032': 'The percent-encoding of a GS1 Digital Link URI is wrong.',
} as const;

export type ScanningCode = keyof typeof scanningCodes;

/** A code that was read but is malformed: nothing may be sold on it. The message says what to do about it. */
export class ScanningError extends CodedError<ScanningCode> {}

/** A value as it may appear in a message: shortened, control characters made visible. */
export function shown(value: string): string {
  const visible = value.replace(/[^\x20-\x7e]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
  return visible.length > 48 ? `"${visible.slice(0, 45)}…"` : `"${visible}"`;
}
