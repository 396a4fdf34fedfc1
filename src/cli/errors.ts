import { CodedError } from '#base/errors.ts';

/** What keeps a command of the command line from doing its work. */
export const cliCodes = {
  'CW-CLI-001': 'The command was used wrongly.',
  'CW-CLI-002': 'The broker can not be reached.',
  'CW-CLI-003': 'No answer came in time.',
  'CW-CLI-004': 'A file can not be read or written.',
  'CW-CLI-005': 'The gateway did not start.',
  'CW-CLI-006': 'A fault of this software; please report it.',
  'CW-CLI-007': 'The device refuses, or its answer is not understood.',
  'CW-CLI-008': 'The broker refuses.',
} as const;

export class CliError extends CodedError<keyof typeof cliCodes> {}
