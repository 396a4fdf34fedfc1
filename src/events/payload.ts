import { decodeEvent } from './codec.ts';
import { EventError } from './errors.ts';
import type { AnyEvent } from './event.ts';
import { fromJson } from './json.ts';

const openBrace = 0x7b;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads an event as it arrives on a topic, in either encoding: a CBOR map never begins with the byte of `{`. Throws an
 * EventError, and nothing else, whatever the bytes are.
 */
export function readEventPayload(payload: Uint8Array): AnyEvent {
  if (payload[0] !== openBrace) return decodeEvent(payload);
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(payload));
  } catch (cause) {
    throw new EventError('CW-EVT-011', 'the payload begins like JSON and is none', { cause });
  }
  return fromJson(value);
}
