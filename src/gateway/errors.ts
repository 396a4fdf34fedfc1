import { CodedError } from '#base/errors.ts';

/** What keeps the gateway from starting or serving. */
export const gatewayCodes = {
  'CW-GWY-001': 'The configuration has errors; the gateway does not start with it.',
  'CW-GWY-003': 'The saved state could not be used; the gateway starts without it and keeps it aside.',
  'CW-GWY-004': 'The calibration was made on other hardware; it is not applied.',
  'CW-GWY-005': 'The embedded broker is for loopback only.',
  'CW-GWY-006': "The pictures of products for the shopper's display can't be read.",
  'CW-GWY-007': 'The gateway is stopping; it takes no more commands and tells nothing more.',
} as const;

export class GatewayError extends CodedError<keyof typeof gatewayCodes> {}
