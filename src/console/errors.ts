import { CodedError } from '#base/errors.ts';

/** What can go wrong with the technicians' console. */
export const consoleCodes = {
  'CW-CON-001': 'A certificate can not be made or used.',
  'CW-CON-002': 'The request was not addressed to this console.',
  'CW-CON-003': 'A page asked for something that it may not ask for.',
  'CW-CON-004': 'There is nothing at this address.',
  'CW-CON-005': 'The code for enrolling a key does not hold.',
  'CW-CON-006': 'A page asks too often.',
  'CW-CON-007': 'The list of keys can not be changed now.',
  'CW-CON-008': 'A key may not revoke keys.',
} as const;

export class ConsoleError extends CodedError<keyof typeof consoleCodes> {}
