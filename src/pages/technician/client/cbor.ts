/** What messages of the contract are made of. Maps of the contract have integer keys, those of arguments and answers text keys. */
export type Cbor =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Cbor[]
  | ReadonlyMap<number | string, Cbor>
  | { readonly [key: string]: Cbor | undefined };

const text = new TextEncoder();
const reading = new TextDecoder('utf-8', { fatal: true });
/** Nothing in this contract is nested deeper, or has more members. */
const mostDepth = 24;
const mostItems = 100_000;
const two32 = 0x1_0000_0000;

/**
 * Writes deterministic CBOR (RFC 8949 §4.2.1): shortest heads, definite lengths, keys of maps in the order of their bytes.
 * Throws a TypeError for a number that is no integer within ±(2⁵³ − 1). Members of objects that are undefined are left out.
 */
export function encodeCbor(value: Cbor): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  write(value, parts);
  return joined(parts);
}

/** One after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function write(value: Cbor, parts: Uint8Array[]): void {
  if (value === null) parts.push(Uint8Array.of(0xf6));
  else if (typeof value === 'boolean') parts.push(Uint8Array.of(value ? 0xf5 : 0xf4));
  else if (typeof value === 'number') writeInteger(value, parts);
  else if (typeof value === 'string') {
    const bytes = text.encode(value);
    parts.push(head(3, bytes.length), bytes);
  } else if (value instanceof Uint8Array) parts.push(head(2, value.length), value);
  else if (Array.isArray(value)) {
    parts.push(head(4, value.length));
    for (const item of value as readonly Cbor[]) write(item, parts);
  } else writeMap(value instanceof Map ? [...value] : Object.entries(value), parts);
}

function writeInteger(value: number, parts: Uint8Array[]): void {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is no integer that a message can hold`);
  parts.push(value >= 0 ? head(0, value) : head(1, -1 - value));
}

function writeMap(
  entries: readonly (readonly [number | string, Cbor | undefined])[],
  parts: Uint8Array[],
): void {
  const encoded = entries.flatMap(([key, value]) =>
    value === undefined ? [] : [{ key: encodeCbor(key), value: encodeCbor(value) }],
  );
  encoded.sort((a, b) => compare(a.key, b.key));
  parts.push(head(5, encoded.length));
  for (const { key, value } of encoded) parts.push(key, value);
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function head(major: number, value: number): Uint8Array {
  const first = major << 5;
  if (value < 24) return Uint8Array.of(first | value);
  if (value < 0x100) return Uint8Array.of(first | 24, value);
  const bytes = new DataView(new ArrayBuffer(9));
  if (value < 0x1_0000) {
    bytes.setUint8(0, first | 25);
    bytes.setUint16(1, value);
    return new Uint8Array(bytes.buffer, 0, 3);
  }
  if (value < two32) {
    bytes.setUint8(0, first | 26);
    bytes.setUint32(1, value);
    return new Uint8Array(bytes.buffer, 0, 5);
  }
  bytes.setUint8(0, first | 27);
  bytes.setBigUint64(1, BigInt(value));
  return new Uint8Array(bytes.buffer);
}

/** Reads one value. Throws an Error for anything that no message of the contract holds, whatever the bytes are. */
export function decodeCbor(bytes: Uint8Array): Cbor {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #items = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new Error('there are bytes behind the message');
  }

  value(depth: number): Cbor {
    this.#items += 1;
    if (depth > mostDepth || this.#items > mostItems)
      throw new Error('the message is nested too deep, or too long');
    const first = this.#view.getUint8(this.#take(1));
    const major = first >> 5;
    if (major === 7) return simple(first);
    const argument = this.#argument(first & 31);
    switch (major) {
      case 0:
        return argument;
      case 1:
        return -1 - argument;
      case 2:
        return this.#slice(argument);
      case 3:
        return reading.decode(this.#slice(argument));
      case 4:
        return this.#list(argument, depth);
      case 5:
        return this.#map(argument, depth);
      default:
        throw new Error('the message has a tag');
    }
  }

  #list(length: number, depth: number): Cbor {
    const list: Cbor[] = [];
    for (let index = 0; index < length; index++) list.push(this.value(depth + 1));
    return list;
  }

  #map(length: number, depth: number): Cbor {
    const map = new Map<number | string, Cbor>();
    for (let index = 0; index < length; index++) {
      const key = this.value(depth + 1);
      if (typeof key !== 'number' && typeof key !== 'string')
        throw new Error('a key is neither number nor text');
      if (map.has(key)) throw new Error('a key stands twice');
      map.set(key, this.value(depth + 1));
    }
    return map;
  }

  #argument(short: number): number {
    if (short < 24) return short;
    if (short === 24) return this.#view.getUint8(this.#take(1));
    if (short === 25) return this.#view.getUint16(this.#take(2));
    if (short === 26) return this.#view.getUint32(this.#take(4));
    if (short !== 27) throw new Error('the message has no definite length');
    const value = this.#view.getBigUint64(this.#take(8));
    if (value >= BigInt(Number.MAX_SAFE_INTEGER)) throw new Error('a number is too large');
    return Number(value);
  }

  #slice(length: number): Uint8Array {
    const from = this.#take(length);
    return this.#bytes.slice(from, from + length);
  }

  /** Where the next `length` bytes begin. */
  #take(length: number): number {
    const from = this.#at;
    if (from + length > this.#bytes.length) throw new Error('the message ends too early');
    this.#at = from + length;
    return from;
  }
}

function simple(first: number): Cbor {
  if (first === 0xf4) return false;
  if (first === 0xf5) return true;
  if (first === 0xf6) return null;
  throw new Error('the message holds a float or an unknown value');
}
