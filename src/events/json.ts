import { Buffer } from 'node:buffer';
import { compareKeys } from './cbor.ts';
import { checkEvent, decodeEvent, decodeRecord, encodeEvent, encodeRecord, eventShape } from './codec.ts';
import { EventError } from './errors.ts';
import type { AnyEvent, CartEvent } from './event.ts';
import type { FieldTable, Infer, RecordShape, Shape } from './fields.ts';
import { isPlainObject, keyOfName, setOwn } from './plain.ts';
import { converting } from './problem.ts';
import { codecOf } from './shapes.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}
/** The JSON view of an event: its names as in memory, bytes as `{"~b64": …}`, unknown keys as `"~N"`. */
export type JsonEvent = JsonObject;

const bytesName = '~b64';
const base64Text = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** Any message's JSON is shallower; JSON from elsewhere may not be. */
const maxJsonDepth = 64;

/**
 * The JSON view of an event, its names in the order of the contract's keys whoever made the event. Throws an
 * EventError (CW-EVT-007 … 010) where the event could not be encoded.
 */
export function toJson(event: CartEvent | AnyEvent): JsonEvent {
  checkEvent(event);
  return ordered(eventShape(event.type), event) as JsonObject;
}

/** `toJson` as one line of text, without the line's end. The same event gives the same text. */
export function toJsonLine(event: CartEvent | AnyEvent): string {
  return JSON.stringify(toJson(event));
}

/** Reads the JSON view of an event, parsed. Throws an EventError, and nothing else, where it is none. */
export function fromJson(value: unknown): AnyEvent {
  const event = asRecord(value, 'event');
  return decodeEvent(encodeEvent(event as unknown as AnyEvent));
}

/** The JSON view of a payload that isn't an event. Throws as toJson does. */
export function recordToJson<Of extends RecordShape>(shape: Of, value: Infer<Of>): JsonObject {
  converting(shape.name, () => codecOf(shape).toWire(value));
  return ordered(shape, value) as JsonObject;
}

/** Reads such a view, parsed. Throws an EventError, and nothing else. */
export function recordFromJson<Of extends RecordShape>(shape: Of, value: unknown): Infer<Of> {
  const fields = asRecord(value, shape.name);
  return decodeRecord(shape, encodeRecord(shape, fields as Infer<Of>));
}

function asRecord(value: unknown, what: string): Record<string, unknown> {
  if (!isPlainObject(value)) throw new EventError('CW-EVT-011', `the ${what} is not a JSON object`);
  return withBytes(value, 0) as Record<string, unknown>;
}

const fieldsInOrder = new WeakMap<RecordShape, readonly [string, Shape][]>();

function orderOf(shape: RecordShape): readonly [string, Shape][] {
  let order = fieldsInOrder.get(shape);
  if (order === undefined) {
    order = Object.entries<FieldTable[string]>(shape.fields)
      .sort(([, a], [, b]) => compareKeys(a.key, b.key))
      .map(([name, field]): [string, Shape] => [name, field.of]);
    fieldsInOrder.set(shape, order);
  }
  return order;
}

/** A checked value as JSON, records in the order of their tables. */
function ordered(shape: Shape, value: unknown): Json {
  if (shape.shape === 'array') return (value as readonly unknown[]).map((item) => ordered(shape.item, item));
  if (shape.shape !== 'record') return plainJson(value);
  const record = value as Readonly<Record<string, unknown>>;
  const out: Record<string, Json> = {};
  let taken = 0;
  let present = 0;
  for (const [name, of] of orderOf(shape)) {
    const item = record[name];
    if (item === undefined) continue;
    out[name] = ordered(of, item);
    taken++;
  }
  for (const name in record) if (record[name] !== undefined) present++;
  if (taken < present) addUnknown(out, record);
  return out;
}

function addUnknown(out: Record<string, Json>, record: Readonly<Record<string, unknown>>): void {
  for (const name of sortedNames(record)) if (!Object.hasOwn(out, name)) out[name] = plainJson(record[name]);
}

function sortedNames(map: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(map)
    .filter((name) => map[name] !== undefined)
    .sort((a, b) => compareKeys(keyOfName(a) ?? a, keyOfName(b) ?? b));
}

function plainJson(value: unknown): Json {
  if (typeof value !== 'object' || value === null) return value as Json;
  if (value instanceof Uint8Array) {
    return { [bytesName]: Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64') };
  }
  if (Array.isArray(value)) return value.map(plainJson);
  const map = value as Readonly<Record<string, unknown>>;
  const out: Record<string, Json> = {};
  for (const name of sortedNames(map)) setOwn(out, name, plainJson(map[name]));
  return out;
}

/** JSON with its `{"~b64": …}` turned back into bytes; what else it says is checked by the codec. */
function withBytes(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > maxJsonDepth) {
    throw new EventError('CW-EVT-004', `the JSON is nested deeper than ${maxJsonDepth} levels`);
  }
  if (Array.isArray(value)) return value.map((item) => withBytes(item, depth + 1));
  const map = value as Readonly<Record<string, unknown>>;
  const names = Object.keys(map);
  if (names.length === 1 && names[0] === bytesName) return fromBase64(map[bytesName]);
  const out: Record<string, unknown> = {};
  for (const name of names) setOwn(out, name, withBytes(map[name], depth + 1));
  return out;
}

function fromBase64(text: unknown): Uint8Array {
  if (typeof text === 'string' && base64Text.test(text)) {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.toString('base64') === text) return new Uint8Array(bytes);
  }
  throw new EventError('CW-EVT-011', 'a {"~b64": …} does not hold padded base64 (RFC 4648, section 4)');
}
