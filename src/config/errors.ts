import { CodedError } from '#base/errors.ts';

/** What can be wrong with a configuration, a board profile or a calibration. */
export const configCodes = {
  'CW-CFG-001': 'The file can not be read.',
  'CW-CFG-002': 'The file is not valid YAML.',
  'CW-CFG-003': 'The file is larger than allowed.',
  'CW-CFG-004': 'A key is not known.',
  'CW-CFG-005': 'A required key is missing.',
  'CW-CFG-006': 'A value has the wrong type.',
  'CW-CFG-007': 'A value is outside what is allowed.',
  'CW-CFG-008': 'An environment variable that the file refers to is not set.',
  'CW-CFG-009': 'A CARTWRIGHT_ environment variable names no key.',
  'CW-CFG-010': 'The format has a version that this release does not know.',
  'CW-CFG-011': 'No board profile of this name is known.',
  'CW-CFG-012': 'Two things have the same id.',
  'CW-CFG-013': 'An id refers to nothing.',
  'CW-CFG-014': 'A plate must be carried by cells or by a scale, and an unweighed one by neither.',
  'CW-CFG-015': 'No device delivers a cell, or two do.',
  'CW-CFG-016': 'The interval does not fit the largest mass.',
  'CW-CFG-017': 'A cell would be loaded beyond its capacity.',
  'CW-CFG-018': 'The calibration does not fit the board.',
  'CW-CFG-019': 'A file that the configuration names does not exist.',
  'CW-CFG-020': 'Devices are reached through each other in a circle.',
  'CW-CFG-021': 'Something is described but never used.',
  'CW-CFG-022': 'The catalogue or the planogram can not be used.',
  'CW-CFG-023': 'The cells of a plate do not stand under it.',
} as const;

export type ConfigCode = keyof typeof configCodes;

/** One thing that a person should know about a configuration. */
export interface Finding {
  /** An error keeps the gateway from starting; a warning does not. */
  readonly severity: 'error' | 'warning';
  readonly code: string;
  /** File that it was found in; a `CARTWRIGHT_…` variable where the value came from there. */
  readonly file: string;
  /** Key in the file: `plates[0].cells[2].capacityMg`; empty for the file itself. */
  readonly path: string;
  /** From 1; absent where the place has none. */
  readonly line?: number;
  readonly column?: number;
  /** What stands there, shortened. */
  readonly found: string;
  /** What would be valid. */
  readonly expected: string;
  /** The whole finding as a sentence, without the place. */
  readonly message: string;
}

/** Thrown with every finding; the message has a line for each of the first ten. */
export class ConfigError extends CodedError<ConfigCode> {
  readonly findings: readonly Finding[];

  constructor(code: ConfigCode, findings: readonly Finding[], cause?: unknown) {
    const shown = findings.slice(0, 10).map(describeFinding);
    const more = findings.length > 10 ? [`… and ${findings.length - 10} more`] : [];
    super(code, [...shown, ...more].join('\n'), { details: { findings }, cause });
    this.findings = findings;
  }
}

/** `cartwright.yaml:7:3 broker.urll: unknown key; did you mean url?` */
export function describeFinding(finding: Finding): string {
  const line = finding.line === undefined ? '' : `:${finding.line}:${finding.column ?? 1}`;
  const path = finding.path === '' ? '' : ` ${finding.path}`;
  return `${finding.file}${line}${path}: ${finding.message}`;
}

/** Throws when at least one finding is an error; warnings pass. */
export function throwOnErrors(findings: readonly Finding[]): void {
  const errors = findings.filter((finding) => finding.severity === 'error');
  const [first] = errors;
  if (first === undefined) return;
  throw new ConfigError(first.code in configCodes ? (first.code as ConfigCode) : 'CW-CFG-022', errors);
}
