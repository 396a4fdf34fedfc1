import { Decoder, Encoder } from 'cbor-x';
import { type CborLimits, checkCbor, defaultLimits } from './cbor-check.ts';

/** What messages are made of, as cbor-x takes and gives it. Integers above 2³² are BigInt on the way in only. */
export type CborValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<number | bigint | string, CborValue>;
/** A map on its way to cbor-x. */
export type WireMap = Map<number | bigint | string, CborValue>;

const encoder = new Encoder({ useRecords: false, mapsAsObjects: false, tagUint8Array: false });
const decoder = new Decoder({ useRecords: false, mapsAsObjects: false, int64AsNumber: true } as object);

/** cbor-x writes a number outside 32 bits as a float; told as BigInt, it stays an integer. */
export function wireInteger(value: number): number | bigint {
  return value > 0xffff_ffff || value < -0x1_0000_0000 ? BigInt(value) : value;
}

/**
 * Orders keys as RFC 8949 §4.2.1 says, bytewise by their encoding: integers from 0 up, then from −1 down, then text,
 * shorter first.
 */
export function compareKeys(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') {
    if (a >= 0 !== b >= 0) return a >= 0 ? -1 : 1;
    return a >= 0 ? a - b : b - a;
  }
  if (typeof a === 'string' && typeof b === 'string') {
    const left = Buffer.from(a);
    const right = Buffer.from(b);
    return left.length - right.length || Buffer.compare(left, right);
  }
  return typeof a === 'number' ? -1 : 1;
}

/** A map of these entries as it goes to cbor-x: in wire order, keys as wireInteger wants them. */
export function wireMap(entries: [number | string, CborValue][]): WireMap {
  const map: WireMap = new Map();
  for (const [key, value] of entries.sort(([a], [b]) => compareKeys(a, b))) {
    map.set(typeof key === 'number' ? wireInteger(key) : key, value);
  }
  return map;
}

/**
 * Writes a value whose maps are already in the order of `compareKeys` and whose integers went through `wireInteger`.
 * The result is a view of a buffer that nobody writes to again.
 */
export function encodeCbor(value: CborValue): Uint8Array {
  return encoder.encode(value);
}

/** Reads one value of the contract's profile of CBOR; anything else is an EventError (see checkCbor). */
export function decodeCbor(bytes: Uint8Array, limits: CborLimits = defaultLimits): CborValue {
  checkCbor(bytes, limits);
  return decoder.decode(bytes);
}
