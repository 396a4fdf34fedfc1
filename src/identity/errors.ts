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
  'CW-IDN-015': 'A claim, or a claim file, can not be used: mistyped, or not a claim.',
  'CW-IDN-016': "The store's authority can not be reached.",
  'CW-IDN-017': "What answers is not the store's authority.",
  'CW-IDN-018': "The store's authority refuses.",
  'CW-IDN-019': 'The identity of this device is not there, or can not be used.',
  'CW-IDN-020': 'The identity belongs to other hardware: a card that was copied, or moved.',
  'CW-IDN-021': 'A backup can not be read: damaged, of another version, or another passphrase.',
  'CW-IDN-022': 'The broker does not take the new certificate; the former one stays in use.',
} as const;

export class IdentityError extends CodedError<keyof typeof identityCodes> {}
