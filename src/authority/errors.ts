import { CodedError } from '#base/errors.ts';

/** What can go wrong with the store's certificate authority. */
export const authorityCodes = {
  'CW-CA-001': 'The folder of the authority can not be used.',
  'CW-CA-002': 'There is an authority already, or none yet.',
  'CW-CA-003': 'A claim does not hold: unknown, used by another device, over, or of another device.',
  'CW-CA-004': 'A certificate request can not be used.',
  'CW-CA-005': 'A device has a certificate already, or a name that no device may have.',
  'CW-CA-006': 'A certificate can not be renewed.',
  'CW-CA-007': 'A request to the enrolment service is not one that it takes.',
  'CW-CA-008': 'The broker could not be told of a revocation.',
} as const;

export class AuthorityError extends CodedError<keyof typeof authorityCodes> {}
