import { decodeRecord, encodeRecord } from '#events/codec.ts';
import type { Infer, RecordShape } from '#events/fields.ts';
import { recordFromJson, recordToJson } from '#events/json.ts';
import { ackPayload, statePayload } from '#events/mqtt-payloads.ts';

type State = Infer<typeof statePayload>;

/** What the gateway says of itself in its birth; the uplink adds connection, ledger and boot. */
export type BirthFields = Omit<State, 'online' | 'connection' | 'ledger' | 'boot' | 'instance' | 'broker'>;
/** What the uplink knows of the link. */
export type LinkState = Pick<State, 'online' | 'connection' | 'ledger' | 'boot' | 'instance' | 'broker'>;
export type StateSeen = LinkState;

const openBrace = 0x7b;

/** A record as it travels: deterministic CBOR, or its JSON view. Throws an EventError. */
export function encodePayload<Shape extends RecordShape>(
  shape: Shape,
  value: Infer<Shape>,
  encoding: 'cbor' | 'json',
): Uint8Array {
  return encoding === 'cbor'
    ? encodeRecord(shape, value)
    : Buffer.from(JSON.stringify(recordToJson(shape, value)));
}

/** Reads a record in either encoding: a CBOR map never begins with the byte of `{`. Throws where it is neither. */
export function decodePayload<Shape extends RecordShape>(shape: Shape, payload: Uint8Array): Infer<Shape> {
  if (payload[0] !== openBrace) return decodeRecord(shape, payload);
  return recordFromJson(shape, JSON.parse(Buffer.from(payload).toString('utf8')));
}

/** `state`: the birth with its fields, or a will or farewell, which has none. */
export function encodeState(
  birth: BirthFields | undefined,
  link: LinkState,
  encoding: 'cbor' | 'json',
): Uint8Array {
  return encodePayload(statePayload, { ...(link.online ? birth : undefined), ...link }, encoding);
}

/** A `state`, or undefined for what isn't one (another version's, or anybody's). */
export function readState(payload: Uint8Array): StateSeen | undefined {
  try {
    return decodePayload(statePayload, payload);
  } catch {
    return undefined;
  }
}

/** An `ack`. Throws where it isn't one. */
export function readAck(payload: Uint8Array): Infer<typeof ackPayload> {
  return decodePayload(ackPayload, payload);
}
