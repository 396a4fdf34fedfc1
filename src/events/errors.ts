import { CodedError } from '#base/errors.ts';

/** What can be wrong with a message, whichever of its three forms it came in. */
export const eventCodes = {
  'CW-EVT-001': 'The bytes are not well-formed CBOR, or end too early.',
  'CW-EVT-002':
    'The CBOR holds something that messages never do: a float, a tag, an indefinite length, a huge integer.',
  'CW-EVT-003': 'A map holds the same key twice.',
  'CW-EVT-004': 'The message is larger, longer or nested deeper than allowed.',
  'CW-EVT-005': 'Bytes follow the end of the message.',
  'CW-EVT-006': 'The CBOR is not encoded deterministically (RFC 8949, section 4.2).',
  'CW-EVT-007': 'A field that must be there is missing.',
  'CW-EVT-008': 'A field has a value of the wrong type.',
  'CW-EVT-009': 'An integer is outside the range of its field.',
  'CW-EVT-010': 'A field has a name or key that the contract does not allow.',
  'CW-EVT-011': 'The JSON is not the JSON view of a message.',
  'CW-EVT-012': 'The JSON is not the CloudEvents view of an event.',
} as const;

export type EventCode = keyof typeof eventCodes;

export class EventError extends CodedError<EventCode> {}
