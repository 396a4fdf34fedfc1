import { CodedError } from '#base/errors.ts';

/** What can be refused about a shopping session. */
export const basketCodes = {
  'CW-BSK-001': 'A session is already open on this cart.',
  'CW-BSK-002': 'No session is open on this cart.',
  'CW-BSK-003': 'The saved basket is of a version that this software does not read.',
} as const;

export class BasketError extends CodedError<keyof typeof basketCodes> {}
