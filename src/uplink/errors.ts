import { CodedError } from '#base/errors.ts';

/** What can go wrong between an event and the store's broker. */
export const uplinkCodes = {
  'CW-UPL-001': 'The outbox can not be opened.',
  'CW-UPL-002': 'The outbox was damaged; it was set aside and a new ledger was begun.',
  'CW-UPL-003': 'The outbox was written by a newer version of the gateway.',
  'CW-UPL-004': 'Another process holds the outbox.',
  'CW-UPL-005': 'Events do not continue the row of the ledger.',
  'CW-UPL-006': 'The ledger was replaced while the gateway ran.',
  'CW-UPL-007': "The ledger's share of the outbox is full.",
  'CW-UPL-008': 'The outbox can not be written.',
  'CW-UPL-009': 'Too many events wait to be written.',
  'CW-UPL-010': 'An event is too large.',
  'CW-UPL-011': 'The uplink is stopped.',
  'CW-UPL-012': 'The uplink worker ended.',
  'CW-UPL-013': 'A stored event can not be read.',
  'CW-UPL-014': 'The uplink worker hangs; a new one takes over.',
  'CW-UPL-020': 'The broker can not be reached.',
  'CW-UPL-021': 'The broker refused the connection.',
  'CW-UPL-022': 'Another device uses the identity of this one.',
  'CW-UPL-023': 'The broker stopped answering.',
  'CW-UPL-024': 'The broker refused a message.',
  'CW-UPL-025': 'A message from the broker is too large.',
  'CW-UPL-026': 'A message from the broker is not understood.',
  'CW-UPL-027': 'The store acknowledges events that this ledger never gave.',
  'CW-UPL-028': 'The broker refused a subscription.',
  'CW-UPL-029': 'Messages to the store were given up while it was away.',
  'CW-UPL-030': 'A topic or one of its names is not valid.',
  'CW-UPL-031': 'The address or the credentials of the broker are not usable.',
  'CW-UPL-032': 'No trust between the gateway and the broker: TLS failed.',
  'CW-UPL-033': 'The broker ends each connection soon after it accepted it.',
  'CW-UPL-034': 'The broker sent what is no MQTT.',
  'CW-UPL-040': 'The embedded broker can not listen.',
} as const;

export type UplinkCode = keyof typeof uplinkCodes;

export class UplinkError extends CodedError<UplinkCode> {}

/** An error as it crosses a thread: only plain values survive. */
export interface PlainError {
  readonly code: UplinkCode;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export function toPlain(error: UplinkError): PlainError {
  return { code: error.code, message: error.message, details: error.details };
}

export function fromPlain(plain: PlainError): UplinkError {
  return new UplinkError(plain.code, plain.message, { details: plain.details });
}
