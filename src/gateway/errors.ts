import { CodedError } from '#base/errors.ts';

/** What keeps the gateway from starting or serving. */
export const gatewayCodes = {
  'CW-GWY-001': 'The configuration has errors; the gateway does not start with it.',
  'CW-GWY-003': 'The saved state could not be used; the gateway starts without it and keeps it aside.',
  'CW-GWY-004': 'The calibration was made on other hardware; it is not applied.',
  'CW-GWY-005': 'The embedded broker is for loopback only.',
  'CW-GWY-006': "The pictures of products for the shopper's display can't be read.",
  'CW-GWY-007': 'The gateway is stopping; it takes no more commands and tells nothing more.',
  'CW-GWY-008': 'A device that runs delivers nothing; it is opened anew.',
  'CW-GWY-009': 'A part of the gateway hangs; the gateway ends, and is started anew.',
  'CW-GWY-010': 'A shopper is there; the machine is not restarted or switched off.',
  'CW-GWY-011': 'Nothing here can restart or switch off this machine.',
  'CW-GWY-012':
    'The machine is about to be switched off: the battery is nearly empty, or its sign to be on is away.',
  'CW-GWY-013': 'The supply of the machine is below its voltage.',
  'CW-GWY-014': 'The processor is too hot.',
  'CW-GWY-015': "The device's certificate expires within 30 days.",
  'CW-GWY-016': "The device's certificate can not be read.",
  'CW-GWY-017': "The device's certificate expires within 7 days.",
  'CW-GWY-018': "The device's certificate has expired.",
  'CW-GWY-019': 'The disk is nearly full.',
  'CW-GWY-020': 'The clock is behind what is known to have been.',
} as const;

export class GatewayError extends CodedError<keyof typeof gatewayCodes> {}
