import { CodedError } from '#base/errors.ts';

/** What can go wrong with the store's certificate authority. */
export const authorityCodes = {
  'CW-CAU-001': 'The folder of the authority can not be used.',
  'CW-CAU-002': 'There is an authority already, or none yet.',
  'CW-CAU-003': 'A claim does not hold: unknown, used by another device, over, or of another device.',
  'CW-CAU-004': 'A certificate request can not be used.',
  'CW-CAU-005': 'A device has a certificate already, or a name that no device may have.',
  'CW-CAU-006': 'A certificate can not be renewed.',
  'CW-CAU-007': 'A request to the enrolment service is not one that it takes.',
  'CW-CAU-008': 'The broker could not be told of a revocation.',
} as const;

export class AuthorityError extends CodedError<keyof typeof authorityCodes> {}
