import { type EventCode, EventError } from './errors.ts';

/** What is wrong with a value, before it is known where in the message the value stands. */
export class ShapeProblem extends Error {
  readonly code: EventCode;
  readonly path: (string | number)[] = [];

  constructor(code: EventCode, message: string) {
    super(message);
    this.code = code;
    this.name = 'ShapeProblem';
  }
}

/** @param message goes on from the field's name, as `is text instead of an integer` */
export function problem(code: EventCode, message: string): ShapeProblem {
  // The stack would be thrown away with the problem, and costs more than the rest of a refusal.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return new ShapeProblem(code, message);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Runs one step into a value; a problem found there learns where it was. */
export function within<Result>(step: string | number, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof ShapeProblem) error.path.unshift(step);
    throw error;
  }
}

/** Runs a conversion of the whole message `what`; a problem becomes the EventError that callers know. */
export function converting<Result>(what: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ShapeProblem)) throw error;
    throw new EventError(error.code, `${formatPath(what, error.path)} ${error.message}`, {
      details: { path: error.path },
    });
  }
}

function formatPath(what: string, path: readonly (string | number)[]): string {
  let text = what;
  for (const step of path) text += typeof step === 'number' ? `[${step}]` : `.${step}`;
  return text;
}
