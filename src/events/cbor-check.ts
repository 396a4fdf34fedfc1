import { Buffer, isUtf8 } from 'node:buffer';
import { EventError } from './errors.ts';

/** What a message may cost its reader. */
export interface CborLimits {
  /** Bytes of the whole message. */
  readonly maxBytes: number;
  /** Maps and arrays within one another. */
  readonly maxDepth: number;
  /** Values in the message, keys included. */
  readonly maxItems: number;
  /** Refuse what isn't encoded as RFC 8949 §4.2 says: longer heads than needed, keys out of order. */
  readonly deterministic: boolean;
}

/** Well above the largest message this version makes, whose depth is 6. */
export const defaultLimits: CborLimits = {
  maxBytes: 262_144,
  maxDepth: 24,
  maxItems: 262_144,
  deterministic: true,
};

const simpleNames = new Map([
  [23, 'undefined'],
  [25, 'a half-precision float'],
  [26, 'a single-precision float'],
  [27, 'a double-precision float: write numbers as integers, from JavaScript above 2^32 as BigInt'],
  [31, 'a break without an indefinite length'],
]);

const truncated = (at: number) =>
  new EventError('CW-EVT-001', `the message ends in the middle, at byte ${at}`);

/**
 * Walks a message once and refuses whatever the contract's profile of CBOR excludes, so that the parser behind it
 * only ever sees definite lengths, safe integers, valid UTF-8 and keys that occur once.
 */
class Checker {
  readonly #bytes: Uint8Array;
  readonly #limits: CborLimits;
  #at = 0;
  #items = 0;
  /** Major type and argument of the head read last. */
  #major = 0;
  #argument = 0;

  constructor(bytes: Uint8Array, limits: CborLimits) {
    this.#bytes = bytes;
    this.#limits = limits;
  }

  message(): void {
    const { length } = this.#bytes;
    const { maxBytes } = this.#limits;
    if (length > maxBytes) {
      throw new EventError('CW-EVT-004', `the message has ${length} bytes; at most ${maxBytes} are read`);
    }
    this.#value(0);
    if (this.#at < length) {
      throw new EventError(
        'CW-EVT-005',
        `${length - this.#at} bytes follow the message's end at byte ${this.#at}`,
      );
    }
  }

  #value(depth: number): void {
    this.#head();
    if (this.#major === 2) this.#skip(this.#argument);
    else if (this.#major === 3) this.#text(this.#argument);
    else if (this.#major === 4) this.#array(depth + 1, this.#argument);
    else if (this.#major === 5) this.#map(depth + 1, this.#argument);
  }

  #array(depth: number, length: number): void {
    this.#nest(depth, length);
    for (let i = 0; i < length; i++) this.#value(depth);
  }

  #map(depth: number, length: number): void {
    this.#nest(depth, 2 * length);
    // Ascending keys prove by themselves that none is there twice; in any order and form, they must be remembered.
    const seen = this.#limits.deterministic ? undefined : new Set<number | string>();
    let previousStart = -1;
    let previousEnd = -1;
    for (let i = 0; i < length; i++) {
      const start = this.#at;
      const key = this.#key(seen !== undefined);
      if (seen === undefined) {
        if (i > 0) this.#mustAscend(previousStart, previousEnd, start);
        previousStart = start;
        previousEnd = this.#at;
      } else {
        if (seen.has(key))
          throw new EventError('CW-EVT-003', `a map's key is there twice, again at byte ${start}`);
        seen.add(key);
      }
      this.#value(depth);
    }
  }

  /** Reads a key; its identity (a number, or its UTF-8 bytes as text) only where somebody wants to compare it. */
  #key(identify: boolean): number | string {
    const start = this.#at;
    this.#head();
    if (this.#major === 0) return this.#argument;
    if (this.#major === 1) return -1 - this.#argument;
    if (this.#major !== 3) {
      throw new EventError('CW-EVT-002', `a map's key at byte ${start} is neither an integer nor text`);
    }
    const from = this.#at;
    this.#text(this.#argument);
    if (!identify) return '';
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + from, this.#at - from).toString('latin1');
  }

  #mustAscend(previousStart: number, previousEnd: number, start: number): void {
    const bytes = this.#bytes;
    const length = Math.min(previousEnd - previousStart, this.#at - start);
    for (let i = 0; i < length; i++) {
      const difference = (bytes[start + i] ?? 0) - (bytes[previousStart + i] ?? 0);
      if (difference > 0) return;
      if (difference < 0) {
        throw new EventError('CW-EVT-006', `a map's keys are not in bytewise order at byte ${start}`);
      }
    }
    // No key's encoding is the beginning of another's, so equal so far means equal.
    throw new EventError('CW-EVT-003', `a map's key is there twice, again at byte ${start}`);
  }

  #nest(depth: number, values: number): void {
    const { maxDepth, maxItems } = this.#limits;
    if (depth > maxDepth)
      throw new EventError('CW-EVT-004', `the message is nested deeper than ${maxDepth} levels`);
    // Each value takes a byte at least, so a length that can't be true is refused before anything is counted to it.
    if (values > this.#bytes.length - this.#at) throw truncated(this.#bytes.length);
    this.#items += values;
    if (this.#items > maxItems)
      throw new EventError('CW-EVT-004', `the message has more than ${maxItems} values`);
  }

  #text(length: number): void {
    const start = this.#at;
    this.#skip(length);
    const bytes = this.#bytes;
    let i = start;
    while (i < this.#at && (bytes[i] ?? 0) < 0x80) i++;
    if (i < this.#at && !isUtf8(bytes.subarray(i, this.#at))) {
      throw new EventError('CW-EVT-001', `the text at byte ${start} is not valid UTF-8`);
    }
  }

  #skip(length: number): void {
    if (length > this.#bytes.length - this.#at) throw truncated(this.#bytes.length);
    this.#at += length;
  }

  #head(): void {
    const at = this.#at;
    const first = this.#bytes[at];
    if (first === undefined) throw truncated(at);
    this.#at = at + 1;
    this.#major = first >> 5;
    const additional = first & 31;
    if (this.#major >= 6) {
      if (first < 0xf4 || first > 0xf6) this.#refuseSpecial(at, additional);
      return;
    }
    if (additional < 24) this.#argument = additional;
    else this.#longArgument(at, additional);
  }

  #longArgument(at: number, additional: number): void {
    if (additional === 31) throw new EventError('CW-EVT-002', `an indefinite length at byte ${at}`);
    if (additional > 27) throw new EventError('CW-EVT-001', `a reserved length at byte ${at}`);
    const width = 1 << (additional - 24);
    this.#skip(width);
    let argument = 0;
    for (let i = at + 1; i <= at + width; i++) argument = argument * 256 + (this.#bytes[i] ?? 0);
    // −1 − n must be safe, too, so a negative integer's argument ends one below.
    if (argument > Number.MAX_SAFE_INTEGER - (this.#major === 1 ? 1 : 0)) {
      throw new EventError('CW-EVT-002', `an integer beyond ±(2^53 − 1) at byte ${at}`);
    }
    const least = width === 1 ? 24 : 256 ** (width / 2);
    if (argument < least && this.#limits.deterministic) {
      throw new EventError('CW-EVT-006', `a head at byte ${at} is longer than it must be`);
    }
    this.#argument = argument;
  }

  #refuseSpecial(at: number, additional: number): never {
    if (this.#major === 6) throw new EventError('CW-EVT-002', `a tag at byte ${at}; messages have none`);
    if (additional === 24 && this.#bytes[at + 1] === undefined) throw truncated(at + 1);
    if (additional > 27 && additional < 31)
      throw new EventError('CW-EVT-001', `a reserved value at byte ${at}`);
    const name = simpleNames.get(additional) ?? 'an unassigned simple value';
    throw new EventError('CW-EVT-002', `${name} at byte ${at}`);
  }
}

/**
 * Throws an EventError (CW-EVT-001 … 006) unless `bytes` are exactly one value of the contract's profile of CBOR:
 * integers within ±(2⁵³ − 1), bytes, text, booleans, null, arrays, and maps whose keys are integers or text.
 */
export function checkCbor(bytes: Uint8Array, limits: CborLimits = defaultLimits): void {
  new Checker(bytes, limits).message();
}
