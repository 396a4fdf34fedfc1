import { CodedError } from '#base/errors.ts';

/** What can be refused about a shopping session. */
export const basketCodes = {
  'CW-BSK-001': 'A session is already open on this cart.',
  'CW-BSK-002': 'No session is open on this cart.',
  'CW-BSK-003': 'The saved basket is of a version that this software does not read.',
  'CW-BSK-004': 'The state of the basket does not allow the command.',
  'CW-BSK-005': 'The checkout attempt that was named is not the one that is open, or none is.',
  'CW-BSK-006': 'The basket has changed since the revision that was named.',
  'CW-BSK-007': 'The total that was named is not what the basket comes to.',
  'CW-BSK-008': 'Lines have to be priced before the basket can be paid.',
  'CW-BSK-009': "The buyer's age has to be approved before the basket can be paid.",
  'CW-BSK-010': 'Something is being put in or taken out.',
  'CW-BSK-011': 'There is nothing to check out.',
  'CW-BSK-012': 'The token is not the one that opened the session.',
  'CW-BSK-013': 'The command is for staff.',
  'CW-BSK-014': 'The checkout attempt was settled otherwise before.',
  'CW-BSK-015': 'The line or event that was named is not there, or does not take what was given.',
  'CW-BSK-016': 'The basket of the other cart can not be taken over.',
} as const;

export class BasketError extends CodedError<keyof typeof basketCodes> {}
