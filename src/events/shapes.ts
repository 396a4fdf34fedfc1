import { Buffer } from 'node:buffer';
import { type CborValue, compareKeys, type WireMap, wireInteger, wireMap } from './cbor.ts';
import type { FieldTable, HexShape, IntegerShape, RecordShape, Shape } from './fields.ts';
import { formatUuid } from './ledger.ts';
import {
  describeType,
  isPlainObject,
  keyOfName,
  nameOfKey,
  plainFromWire,
  plainMapFromWire,
  plainMapToWire,
  plainToWire,
  quote,
  sortedEntries,
  wireText,
} from './plain.ts';
import { problem, ShapeProblem, within } from './problem.ts';

/** Both directions of one shape, compiled from its table. They throw a ShapeProblem. */
export interface Codec {
  /** In-memory value → what cbor-x writes. */
  readonly toWire: (value: unknown) => CborValue;
  /** What cbor-x read → in-memory value. */
  readonly fromWire: (value: CborValue) => unknown;
}

const compiled = new WeakMap<Shape, Codec>();

/** The codec of a shape, made once. */
export function codecOf(shape: Shape): Codec {
  let codec = compiled.get(shape);
  if (codec === undefined) {
    codec = compile(shape);
    compiled.set(shape, codec);
  }
  return codec;
}

const wrongType = (value: unknown, expected: string) =>
  problem(
    'CW-EVT-008',
    value === undefined ? 'is missing' : `is ${describeType(value)} instead of ${expected}`,
  );

function compile(shape: Shape): Codec {
  switch (shape.shape) {
    case 'int':
      return integerCodec(shape);
    case 'text':
    // A choice is carried whatever it says: newer versions may know more values.
    case 'choice':
      return textCodec;
    case 'uuid':
      return uuidCodec;
    case 'hex':
      return hexCodec(shape);
    case 'bytes':
      return bytesCodec;
    case 'bool':
      return booleanCodec;
    case 'map':
      return mapCodec(shape.keys === 'text');
    case 'array':
      return arrayCodec(codecOf(shape.item));
    case 'record':
      return recordCodec(shape);
  }
}

const mapCodec = (textKeys: boolean): Codec => ({
  toWire: (value) => plainMapToWire(value, textKeys),
  fromWire: (value) => plainMapFromWire(value, textKeys),
});

function integerCodec({ minimum, maximum }: IntegerShape): Codec {
  const check = (value: unknown): number => {
    if (typeof value !== 'number') throw wrongType(value, 'an integer');
    if (!Number.isInteger(value)) throw wrongType(value, 'an integer');
    if (value < minimum || value > maximum) {
      throw problem('CW-EVT-009', `is ${value}, which is not within ${minimum} … ${maximum}`);
    }
    return value;
  };
  return { toWire: (value) => wireInteger(check(value)), fromWire: check };
}

const textCodec: Codec = {
  toWire(value) {
    if (typeof value !== 'string') throw wrongType(value, 'text');
    return wireText(value);
  },
  fromWire(value) {
    if (typeof value !== 'string') throw wrongType(value, 'text');
    return value;
  },
};

/** Where the first digit of each byte of a UUID stands in its text. */
const uuidDigits = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;

/** 0 … 15 for a lower-case hexadecimal digit, −1 for anything else. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
}

/** By hand, because each event bears several and a regular expression with Buffer.from takes ten times as long. */
function uuidBytes(text: string): Uint8Array | undefined {
  if (text.length !== 36) return undefined;
  if (text[8] !== '-' || text[13] !== '-' || text[18] !== '-' || text[23] !== '-') return undefined;
  const out = new Uint8Array(16);
  for (let i = 0; i < 16; i++) {
    const at = uuidDigits[i] ?? 0;
    const high = hexDigit(text.charCodeAt(at));
    const low = hexDigit(text.charCodeAt(at + 1));
    if (high < 0 || low < 0) return undefined;
    out[i] = (high << 4) | low;
  }
  return out;
}

const uuidCodec: Codec = {
  toWire(value) {
    const octets = typeof value === 'string' ? uuidBytes(value) : undefined;
    if (octets === undefined) throw wrongType(value, 'a UUID in lower-case hexadecimal with hyphens');
    return octets;
  },
  fromWire(value) {
    if (!(value instanceof Uint8Array) || value.length !== 16) throw wrongType(value, '16 bytes (a UUID)');
    return formatUuid(hexOf(value));
  },
};

const hexOf = (value: Uint8Array) =>
  Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex');

function hexCodec({ bytes }: HexShape): Codec {
  const hexText = new RegExp(`^[0-9a-f]{${2 * bytes}}$`);
  return {
    toWire(value) {
      if (typeof value !== 'string' || !hexText.test(value)) {
        throw wrongType(value, `${2 * bytes} lower-case hexadecimal digits`);
      }
      return Buffer.from(value, 'hex');
    },
    fromWire(value) {
      if (!(value instanceof Uint8Array) || value.length !== bytes) throw wrongType(value, `${bytes} bytes`);
      return hexOf(value);
    },
  };
}

const bytesCodec: Codec = {
  toWire(value) {
    if (!(value instanceof Uint8Array)) throw wrongType(value, 'bytes');
    return value;
  },
  fromWire(value) {
    if (!(value instanceof Uint8Array)) throw wrongType(value, 'bytes');
    // A copy: what cbor-x gives may share the message's memory.
    return new Uint8Array(value);
  },
};

const checkBoolean = (value: unknown): boolean => {
  if (typeof value !== 'boolean') throw wrongType(value, 'a boolean');
  return value;
};
const booleanCodec: Codec = { toWire: checkBoolean, fromWire: checkBoolean };

function arrayCodec(item: Codec): Codec {
  const each = <In, Out>(values: unknown, convert: (value: In) => Out): Out[] => {
    if (!Array.isArray(values)) throw wrongType(values, 'an array');
    const out: Out[] = [];
    try {
      for (const value of values as In[]) out.push(convert(value));
    } catch (error) {
      if (error instanceof ShapeProblem) error.path.unshift(out.length);
      throw error;
    }
    return out;
  };
  return {
    toWire: (value) => each(value, item.toWire),
    fromWire: (value) => each(value, item.fromWire),
  };
}

interface CompiledField extends Codec {
  readonly name: string;
  readonly key: number;
  readonly optional: boolean;
}

function recordCodec(shape: RecordShape): Codec {
  const fields: CompiledField[] = Object.entries<FieldTable[string]>(shape.fields)
    .map(([name, { key, of, optional }]) => ({ name, key, optional, ...codecOf(of) }))
    .sort((a, b) => compareKeys(a.key, b.key));
  const names = new Set(fields.map((field) => field.name));
  const keys = new Set<number | string>(fields.map((field) => field.key));
  return {
    toWire: (value) => recordToWire(value, fields, names, keys),
    fromWire: (value) => recordFromWire(value, fields, keys),
  };
}

function recordToWire(
  value: unknown,
  fields: readonly CompiledField[],
  names: ReadonlySet<string>,
  keys: ReadonlySet<number | string>,
): WireMap {
  if (!isPlainObject(value)) throw wrongType(value, 'a map');
  const map: WireMap = new Map();

  for (const field of fields) {
    const item = value[field.name];
    if (item !== undefined) map.set(field.key, convert(field, field.toWire, item));
    else if (!field.optional) throw missing(field);
  }
  let properties = 0;
  for (const _ in value) properties++;
  return properties === map.size ? map : withUnknown(map, value, names, keys);
}

/** Adds what a newer version wrote, in its place among the keys. */
function withUnknown(
  known: WireMap,
  value: Readonly<Record<string, unknown>>,
  names: ReadonlySet<string>,
  keys: ReadonlySet<number | string>,
): WireMap {
  const entries: [number | string, CborValue][] = [];
  for (const [key, item] of known) entries.push([Number(key), item]);
  for (const [name, item] of Object.entries(value)) {
    if (names.has(name) || item === undefined) continue;
    const key = keyOfName(name);
    if (typeof key !== 'number' || keys.has(key)) {
      throw problem('CW-EVT-010', `has a field named ${quote(name)}, which its type doesn't know`);
    }
    entries.push([key, within(name, () => plainToWire(item, false))]);
  }
  return wireMap(entries);
}

function recordFromWire(
  value: CborValue,
  fields: readonly CompiledField[],
  keys: ReadonlySet<number | string>,
): Record<string, unknown> {
  if (!(value instanceof Map)) throw wrongType(value, 'a map');
  const out: Record<string, unknown> = {};
  let known = 0;
  for (const field of fields) {
    const item: CborValue | undefined = value.get(field.key);
    if (item !== undefined) {
      out[field.name] = convert(field, field.fromWire, item);
      known++;
    } else if (!field.optional) {
      throw missing(field);
    }
  }
  if (known === value.size) return out;
  for (const [key, item] of sortedEntries(value)) {
    if (keys.has(key)) continue;
    if (typeof key !== 'number') {
      throw problem('CW-EVT-010', `has the key ${quote(key)}, where keys are integers`);
    }
    const name = nameOfKey(key);
    out[name] = within(name, () => plainFromWire(item, false));
  }
  return out;
}

function convert<In, Out>(field: CompiledField, conversion: (value: In) => Out, value: In): Out {
  try {
    return conversion(value);
  } catch (error) {
    if (error instanceof ShapeProblem) error.path.unshift(field.name);
    throw error;
  }
}

function missing(field: CompiledField): ShapeProblem {
  const error = problem('CW-EVT-007', `is missing (key ${field.key})`);
  error.path.unshift(field.name);
  return error;
}
