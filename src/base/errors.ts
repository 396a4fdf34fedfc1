/**
 * The base of every error that a person may read. `code` is stable and documented (docs/errors.md is made
 * from the rooms' tables); the message says what was found and what to do about it.
 *
 * Each room has one table of codes and one subclass, in its `errors.ts`:
 *
 *     export const scanningCodes = { 'CW-SCN-001': 'The check digit of a code is wrong.' } as const;
 *     export class ScanningError extends CodedError<keyof typeof scanningCodes> {}
 */
export abstract class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  /** Facts for logs and answers: plain JSON values, never secrets. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: Code,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    this.name = new.target.name;
  }

  /** `CW-DRV-003 port is held by process 812 (ModemManager)` */
  override toString(): string {
    return `${this.code} ${this.message}`;
  }
}

/** True for an error that carries a documented code, whichever room it came from (identity is the code, not the class). */
export function isCoded(error: unknown): error is CodedError {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('CW-')
  );
}

/** One line for a person: code and message, of anything that was thrown. */
export function describeError(error: unknown): string {
  if (isCoded(error)) return `${error.code} ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
