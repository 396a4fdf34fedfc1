import { CodedError } from '#base/errors.ts';

/** What can be wrong with a catalogue or a planogram. */
export const catalogueCodes = {
  'CW-CAT-001': 'The file is not valid JSON.',
  'CW-CAT-002': 'The file can not be read.',
  'CW-CAT-003': 'The file is larger than allowed.',
  'CW-CAT-004': 'A value is missing or has the wrong type.',
  'CW-CAT-005': 'The format has a version that this release does not know.',
  'CW-CAT-006': 'A GTIN does not have 14 digits.',
  'CW-CAT-007': 'The check digit of a GTIN is wrong.',
  'CW-CAT-008': 'A PLU is not a produce look-up code.',
  'CW-CAT-009': 'An entry has both a GTIN and a PLU, or neither.',
  'CW-CAT-010': 'Two entries have the same key.',
  'CW-CAT-011': 'A price is missing, negative or not an integer of minor units.',
  'CW-CAT-012': 'The gross mass or its standard deviation is not a positive integer of milligrams.',
  'CW-CAT-013': 'A layout of variable-measure codes is impossible or overlaps another.',
  'CW-CAT-014': 'The planogram names a product that the catalogue does not have.',
  'CW-CAT-015': 'A date is not a calendar date, or a period ends before it starts.',
  'CW-CAT-016': 'A text is empty, too long or holds control characters.',
  'CW-CAT-017': 'A promotion lacks what its kind needs.',
  'CW-CAT-018': 'A tax code has no rate, or the time zone is not known.',
  'CW-CAT-019': 'What the store offers is not usable, not complete, or can not be kept.',
} as const;

export type CatalogueCode = keyof typeof catalogueCodes;

/** Whether a code that came from elsewhere is one of this room. */
export function isCatalogueCode(code: string): code is CatalogueCode {
  return Object.hasOwn(catalogueCodes, code);
}

/** What is wrong with a catalogue or planogram as a whole, said in a sentence. */
export class StockError extends CodedError<CatalogueCode> {}

/** One thing that is wrong, with where it is and what would be right. */
export interface CatalogueFinding {
  readonly code: CatalogueCode;
  /** Place in the document: `products[3].gtin`; empty for the document itself. */
  readonly path: string;
  /** The value as found, shortened, as JSON; `nothing` where it is missing. */
  readonly found: string;
  /** What would be valid there. */
  readonly expected: string;
}

/** Thrown with every finding in `details.findings`; the message tells the first and how many more there are. */
export class CatalogueError extends CodedError<CatalogueCode> {
  readonly findings: readonly CatalogueFinding[];

  constructor(first: CatalogueFinding, rest: readonly CatalogueFinding[] = [], file = '', cause?: unknown) {
    const findings = [first, ...rest];
    super(first.code, describeFindings(findings, file), { details: { file, findings }, cause });
    this.findings = findings;
  }
}

/** `catalogue.json: products[3].gtin: found "123"; expected 14 digits (and 2 more)`. */
function describeFindings(findings: readonly CatalogueFinding[], file: string): string {
  const [first] = findings;
  if (first === undefined) return file;
  const where = [file, first.path].filter((part) => part !== '').join(': ');
  const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : '';
  return `${where === '' ? '' : `${where}: `}found ${first.found}; expected ${first.expected}${more}`;
}

/** A value as it stands in a message: JSON, at most 60 characters. */
export function shownValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
