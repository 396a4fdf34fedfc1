import { CodedError } from '#base/errors.ts';

/** What can be wrong with keys, with what they signed, and with the audit log. */
export const identityCodes = {
  'CW-IDN-001': 'A signed message is not a COSE_Sign1 as this contract has it.',
  'CW-IDN-002': 'The key that signed is not known here.',
  'CW-IDN-003': 'The signature does not fit: another topic, another content, or another key.',
  'CW-IDN-004': 'The key has been revoked.',
  'CW-IDN-005': 'The key is no longer valid.',
  'CW-IDN-006': 'The key is not valid yet.',
  'CW-IDN-007': 'A key can not be used: not Ed25519 or P-256, damaged, or readable by others.',
  'CW-IDN-008': 'A list of keys can not be read.',
  'CW-IDN-009': 'A list of keys is not newer than the one in force.',
  'CW-IDN-010': "A list of keys is not signed by the store's root key.",
  'CW-IDN-011': 'The nonce is not one of this device, is over, or was used.',
  'CW-IDN-012': 'The audit log is damaged, or records are missing.',
  'CW-IDN-013': 'The audit log can not be written.',
  'CW-IDN-014': 'A record that a power cut had torn was moved aside from the end of the audit log.',
} as const;

export class IdentityError extends CodedError<keyof typeof identityCodes> {}
