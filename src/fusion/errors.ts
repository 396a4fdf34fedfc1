import { CodedError } from '#base/errors.ts';

export const fusionCodes = {
  'CW-FUS-001': 'An observation or a question names a plate that the board does not have.',
  'CW-FUS-002': 'A product was picked that the catalogue does not have.',
  'CW-FUS-003': 'An answer names a question that is not open.',
  'CW-FUS-004': 'The mass contradicts the product that was picked.',
  'CW-FUS-006': 'Something is said to lie on a rack, or to leave it, that can not.',
  'CW-FUS-005': 'Saved fusion state is of another format.',
} as const;

export class FusionError extends CodedError<keyof typeof fusionCodes> {}
