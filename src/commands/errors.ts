import { CodedError } from '#base/errors.ts';

/** Why a request over MQTT is refused before anything is done. */
export const commandCodes = {
  'CW-CMD-001': 'The request could not be read.',
  'CW-CMD-002': 'No such command.',
  'CW-CMD-003': 'The request has expired.',
  'CW-CMD-004': 'The request was delivered from retention.',
  'CW-CMD-005': 'The transaction was used before with other arguments.',
  'CW-CMD-006': 'The request is valid for longer than a day, or its times are not plausible.',
  'CW-CMD-007': 'Too many requests are being worked on.',
  'CW-CMD-008': "The command's arguments are not valid.",
  'CW-CMD-009': 'The command failed for a reason that should not occur.',
  'CW-CMD-010': 'The command has to be signed.',
  'CW-CMD-011': 'The key that signed has not the role that the command needs.',
  'CW-CMD-012': 'The command says another person than the key that signed it.',
  'CW-CMD-013': 'The clock is unset: the signed command needs a nonce of this device.',
} as const;

export class CommandError extends CodedError<keyof typeof commandCodes> {}
