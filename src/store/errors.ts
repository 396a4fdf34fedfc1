import { CodedError } from '#base/errors.ts';

/** What can go wrong with the reference store. */
export const storeCodes = {
  'CW-STO-001': "The store's book can not be opened, read or written.",
  'CW-STO-002': "The store's book is in use by another process.",
  'CW-STO-003': "The store's book is of another version or of another store.",
  'CW-STO-004': 'There is no such basket or sale, or it is not at the till.',
  'CW-STO-005': 'A price is not one that the till can give.',
  'CW-STO-006': 'What was typed is no command of the till.',
  'CW-STO-007': 'The cart refuses what the till asks.',
  'CW-STO-008': 'What a cart tells of a payment contradicts the book.',
} as const;

export class StoreError extends CodedError<keyof typeof storeCodes> {}
