import { CodedError } from '#base/errors.ts';

/** What can go wrong when serving a page. */
export const pagesCodes = {
  'CW-PAG-001': 'The page has not been built.',
  'CW-PAG-002': 'The port of the page is taken or not allowed.',
  'CW-PAG-003': 'The request was not addressed to this page.',
  'CW-PAG-004': 'The page is asked for something it does not have.',
  'CW-PAG-005': 'Too many clients watch the page.',
  'CW-PAG-006': 'The page may be served on loopback only.',
  'CW-PAG-007': 'A page asked for something that it may not ask for.',
  'CW-PAG-008': 'A page asks too often.',
} as const;

export class PagesError extends CodedError<keyof typeof pagesCodes> {}
