import { type EventType, eventTypes } from './catalog.ts';
import { type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import { type CborLimits, defaultLimits } from './cbor-check.ts';
import { type AnyEvent, type CartEvent, dataKey, envelope } from './event.ts';
import { anyMap, type Infer, must, type RecordShape, record } from './fields.ts';
import { converting, problem, within } from './problem.ts';
import { codecOf } from './shapes.ts';

export type { CborLimits } from './cbor-check.ts';

/** The media type of an encoded event. */
export const eventMediaType = 'application/vnd.cartwright.event+cbor';

/** An event of a type that only a newer version knows: the envelope is the same, `data` is some map. */
const strangeEvent = record('event', { ...envelope.fields, data: must(dataKey, anyMap, 'what happened') });

const eventShapes = new Map<string, RecordShape>(
  Object.entries(eventTypes).map(([type, { data }]) => [
    type,
    record(type, { ...envelope.fields, data: must<RecordShape>(dataKey, data, 'what happened') }),
  ]),
);

/** The whole record of an event of this type, envelope and data. */
export function eventShape(type: string): RecordShape {
  return eventShapes.get(type) ?? strangeEvent;
}

/** True for a type of this version's catalogue. */
export function isKnownType(type: string): type is EventType {
  return Object.hasOwn(eventTypes, type);
}

/** True for an event that this version could have made, though it may carry more than this version knows. */
export function isKnown(event: AnyEvent | CartEvent): event is CartEvent {
  return isKnownType(event.type);
}

/** A type's name travels as levels of a topic: `item.added` on `event/item/added`. */
const typeName = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/;

function checkType(type: unknown): void {
  if (typeof type !== 'string' || typeName.test(type)) return;
  within('type', () => {
    throw problem(
      'CW-EVT-008',
      `is ${JSON.stringify(type.slice(0, 40))}, not lower-case words with dots between`,
    );
  });
}

const shapeFor = (type: unknown) => eventShape(typeof type === 'string' ? type : '');

function eventToWire(event: CartEvent | AnyEvent): CborValue {
  const wire = codecOf(shapeFor(event.type)).toWire(event);
  checkType(event.type);
  return wire;
}

/** Throws the EventError that encodeEvent would throw. */
export function checkEvent(event: CartEvent | AnyEvent): void {
  converting('event', () => eventToWire(event));
}

/** What every reader would refuse is not written. */
function limited(bytes: Uint8Array): Uint8Array {
  const { maxBytes } = defaultLimits;
  if (bytes.length > maxBytes)
    throw problem('CW-EVT-004', `takes ${bytes.length} bytes; at most ${maxBytes} are read`);
  return bytes;
}

/**
 * Writes an event as deterministic CBOR (RFC 8949 §4.2) with integer keys. The same event gives the same bytes
 * everywhere. Throws an EventError where a field is missing, of the wrong type, out of range or unknown
 * (CW-EVT-007 … 010).
 */
export function encodeEvent(event: CartEvent | AnyEvent): Uint8Array {
  return converting('event', () => {
    return limited(encodeCbor(eventToWire(event)));
  });
}

/**
 * Reads an event. What a newer version added is kept under `"~N"`, N being the key, and encodeEvent writes it back.
 * Throws an EventError, and nothing else, whatever the bytes are.
 */
export function decodeEvent(bytes: Uint8Array, limits: Partial<CborLimits> = {}): AnyEvent {
  const value = decodeCbor(bytes, { ...defaultLimits, ...limits });
  return converting('event', () => {
    if (!(value instanceof Map)) throw problem('CW-EVT-008', 'is not a map');
    const type: unknown = value.get(envelope.fields.type.key);
    const event = codecOf(shapeFor(type)).fromWire(value);
    checkType(type);
    return event as AnyEvent;
  });
}

/** Writes a payload that isn't an event: a basket's snapshot, a state, a request. Throws as encodeEvent does. */
export function encodeRecord<Shape extends RecordShape>(shape: Shape, value: Infer<Shape>): Uint8Array {
  return converting(shape.name, () => limited(encodeCbor(codecOf(shape).toWire(value))));
}

/**
 * Reads such a payload. Since these also come from other people's programs, keys in any order and heads longer than
 * needed are accepted unless `limits.deterministic` is set. Throws an EventError, and nothing else.
 */
export function decodeRecord<Shape extends RecordShape>(
  shape: Shape,
  bytes: Uint8Array,
  limits: Partial<CborLimits> = {},
): Infer<Shape> {
  const value = decodeCbor(bytes, { ...defaultLimits, deterministic: false, ...limits });
  // The codec was compiled from the shape whose type this is.
  return converting(shape.name, () => codecOf(shape).fromWire(value) as Infer<Shape>);
}
