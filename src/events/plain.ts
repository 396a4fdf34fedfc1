import { type CborValue, compareKeys, type WireMap, wireInteger, wireMap } from './cbor.ts';
import type { PlainMap, PlainValue } from './fields.ts';
import { problem, within } from './problem.ts';

const integerName = /^~(?:0|-?[1-9][0-9]{0,15})$/;

/** `5` → `"~5"`, `"x"` → `"x"`, `"~x"` → `"~~x"`: the name in memory and JSON of a key that the contract doesn't fix. */
export function nameOfKey(key: number | string): string {
  if (typeof key === 'number') return `~${key}`;
  return key.startsWith('~') ? `~${key}` : key;
}

/** The key that `nameOfKey` gave this name, or undefined where it can't have given it. */
export function keyOfName(name: string): number | string | undefined {
  if (!name.startsWith('~')) return name;
  if (name.startsWith('~~')) return name.slice(1);
  const key = integerName.test(name) ? Number(name.slice(1)) : undefined;
  return Number.isSafeInteger(key) ? key : undefined;
}

/** Sets a property also where its name is `__proto__`. */
export function setOwn(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[name] = value;
  }
}

/** True for an object that is a record or map: not an array, not bytes, not an instance of some class. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** How deep a value of free shape may be nested: with the records around it, less than a whole message may be. */
const maxPlainDepth = 16;
const tooDeep = () => problem('CW-EVT-004', `is nested deeper than ${maxPlainDepth} levels`);

/**
 * Prepares a value of free shape for the wire, its keys in wire order. Throws a ShapeProblem where it holds what
 * messages can't. With `textKeys`, integer keys (`"~5"`) are refused.
 */
export function plainToWire(value: unknown, textKeys: boolean, depth = 0): CborValue {
  if (depth > maxPlainDepth) throw tooDeep();
  if (typeof value === 'string') return wireText(value);
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) {
      throw problem('CW-EVT-009', `is ${value}, which is not an integer within ±(2^53 − 1)`);
    }
    return wireInteger(value);
  }
  if (value === null) return null;
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) {
    return value.map((item, index) => within(index, () => plainToWire(item, textKeys, depth + 1)));
  }
  return plainMapToWire(value, textKeys, depth);
}

/** The same for a value that must be a map. */
export function plainMapToWire(value: unknown, textKeys: boolean, depth = 0): WireMap {
  if (!isPlainObject(value))
    throw problem('CW-EVT-008', `is ${describeType(value)}, which messages can't hold here`);
  const entries: [number | string, CborValue][] = [];
  for (const [name, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const key = keyOfName(name);
    if (key === undefined || (textKeys && typeof key === 'number')) {
      throw problem('CW-EVT-010', `has a field named ${quote(name)}, which stands for no key`);
    }
    if (typeof key === 'string') wireText(key);
    entries.push([key, within(name, () => plainToWire(item, textKeys, depth + 1))]);
  }
  return wireMap(entries);
}

/** Text as it may be written: half a surrogate pair has no UTF-8. */
export function wireText(value: string): string {
  if (!value.isWellFormed()) throw problem('CW-EVT-008', 'is text with half a surrogate pair in it');
  return value;
}

/** What plainToWire was given, read back. */
export function plainFromWire(value: CborValue, textKeys: boolean, depth = 0): PlainValue {
  if (depth > maxPlainDepth) throw tooDeep();
  if (value instanceof Map) return plainMapFromWire(value, textKeys, depth);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) {
    return value.map((item: CborValue, index) =>
      within(index, () => plainFromWire(item, textKeys, depth + 1)),
    );
  }
  return value as PlainValue;
}

/** The same for a value that must be a map; its names come in the order of the keys. */
export function plainMapFromWire(value: CborValue, textKeys: boolean, depth = 0): PlainMap {
  if (!(value instanceof Map)) throw problem('CW-EVT-008', `is ${describeType(value)} instead of a map`);
  const out: Record<string, PlainValue> = {};
  for (const [key, item] of sortedEntries(value)) {
    const name = nameOfKey(key);
    if (textKeys && typeof key === 'number') {
      throw problem('CW-EVT-010', `has the integer key ${key}, where keys are text`);
    }
    setOwn(
      out,
      name,
      within(name, () => plainFromWire(item, textKeys, depth + 1)),
    );
  }
  return out;
}

/** A map's entries in wire order, in which a lenient reader may not have met them. */
export function sortedEntries(map: ReadonlyMap<number | string, CborValue>): [number | string, CborValue][] {
  return [...map].sort(([a], [b]) => compareKeys(a, b));
}

/** `text`, `an array`, `null` …: what a value is, for messages to people. */
export function describeType(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return 'bytes';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Map || isPlainObject(value)) return 'a map';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number')
    return Number.isInteger(value) ? 'an integer' : 'a number that is no integer';
  return typeof value === 'boolean' ? 'a boolean' : `of type ${typeof value}`;
}

/** A name from a message as text for people, however long it is. */
export const quote = (name: string): string =>
  JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
