import { CodedError } from '#base/errors.ts';

/** What can be wrong with a trace. */
export const traceCodes = {
  'CW-TRC-001': 'The file is not a trace of a version that this software reads.',
  'CW-TRC-002': 'A line of the trace is not valid.',
  'CW-TRC-003': 'The lines of the trace are not in order of time.',
  'CW-TRC-004': 'The trace ends in the middle of a line.',
  'CW-TRC-005': 'A file that the trace needs is missing or not readable.',
  'CW-TRC-006': 'A line of the trace is too long.',
  'CW-TRC-007': 'The trace has no truth lines to score against.',
  'CW-TRC-008': 'The trace can not be written any further; the recording ends here.',
  'CW-TRC-009': 'The time in the trace jumps by more than 30 days, or beyond what a number holds.',
  'CW-TRC-010': 'A frame of the trace is missing or damaged; it is left out.',
} as const;

export class TraceError extends CodedError<keyof typeof traceCodes> {}
