import type { FrameContent } from './camera-device.ts';
import { findStart, JpegWalk } from './jpeg.ts';

/** So many parts that are this small in the mean are put into one: each costs far more memory than it has bytes. */
const mostSmall = 256;
const smallBytes = 4_096;

/** What comes out of a stream of bytes. The content is lent until the next frame is whole. */
export interface SplitterSink {
  /** `atUs` is when its first byte came. */
  frame(content: FrameContent, atUs: number, size: { readonly width: number; readonly height: number }): void;
  /** Bytes that are no whole frame were dropped. */
  damaged(why: string): void;
}

/** Cuts a stream of bytes into frames. Its memory is bounded, whatever comes. */
export interface Splitter {
  /** The bytes are the splitter's from then on. */
  push(bytes: Uint8Array, atUs: number): void;
}

/**
 * Frames that all have the same number of bytes, and nothing between them. What comes is kept as it came: of a frame that
 * nobody takes no byte is copied, and of one that is taken each once, to where it is taken.
 */
export class RawSplitter implements Splitter {
  readonly #size: { readonly width: number; readonly height: number };
  readonly #frameBytes: number;
  readonly #sink: SplitterSink;
  #parts: Uint8Array[] = [];
  #filled = 0;
  #beganUs = 0;
  /** The parts from here on are not known to be large, and have so many bytes. */
  #firstSmall = 0;
  #smallBytes = 0;

  constructor(
    size: { readonly width: number; readonly height: number },
    frameBytes: number,
    sink: SplitterSink,
  ) {
    if (!Number.isSafeInteger(frameBytes) || frameBytes < 1)
      throw new RangeError('a frame has at least a byte');
    this.#size = size;
    this.#sink = sink;
    this.#frameBytes = frameBytes;
  }

  /** No frame is begun. */
  get isBetween(): boolean {
    return this.#filled === 0;
  }

  push(bytes: Uint8Array, atUs: number): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#filled === 0) this.#beganUs = atUs;
      const part = bytes.subarray(at, at + this.#frameBytes - this.#filled);
      this.#keep(part);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#frameBytes) this.#whole();
    }
  }

  #keep(part: Uint8Array): void {
    this.#parts.push(part);
    this.#smallBytes += part.length;
    if (this.#parts.length - this.#firstSmall < mostSmall) return;
    if (this.#smallBytes < mostSmall * smallBytes) {
      const small = this.#parts.splice(this.#firstSmall);
      this.#parts.push(joined(small, this.#smallBytes));
    }
    this.#firstSmall = this.#parts.length;
    this.#smallBytes = 0;
  }

  #whole(): void {
    const parts = this.#parts;
    this.#parts = [];
    this.#filled = 0;
    this.#firstSmall = 0;
    this.#smallBytes = 0;
    const assembly = { bytes: this.#frameBytes, copyTo: (target: Uint8Array) => copyParts(parts, target) };
    this.#sink.frame({ assembly }, this.#beganUs, this.#size);
  }
}

function copyParts(parts: readonly Uint8Array[], target: Uint8Array): void {
  let at = 0;
  for (const part of parts) {
    target.set(part, at);
    at += part.length;
  }
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  copyParts(parts, whole);
  return whole;
}

/**
 * JPEGs one after the other. After what is damaged it goes on with the next one that begins. Their bytes are copied once,
 * as their end is found only where they hang together; they are lent from there.
 */
export class JpegSplitter implements Splitter {
  readonly #sink: SplitterSink;
  #buffer: Uint8Array;
  /** Filled while a picture in the other one is lent. */
  #spare: Uint8Array;
  #isLent = false;
  /** What is held lies between these. */
  #start = 0;
  #filled = 0;
  #beganUs = 0;
  #walk: JpegWalk | undefined;
  /** Bytes between pictures were told of. */
  #isLost = false;

  /** @param mostBytes of one picture; a longer one is dropped as damaged */
  constructor(mostBytes: number, sink: SplitterSink) {
    this.#buffer = new Uint8Array(mostBytes);
    this.#spare = new Uint8Array(mostBytes);
    this.#sink = sink;
  }

  push(bytes: Uint8Array, atUs: number): void {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + this.#buffer.length - this.#filled);
      if (this.#filled === 0) this.#beganUs = atUs;
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      this.#cut(atUs);
      this.#makeRoom();
      if (this.#filled < this.#buffer.length) continue;
      this.#damaged('it is bigger than any of this camera');
      this.#drop(this.#filled, atUs);
      this.#filled = 0;
      this.#start = 0;
    }
  }

  /** What was begun goes to the front, of the other buffer where a picture of this one is lent. */
  #makeRoom(): void {
    if (this.#isLent) {
      this.#spare.set(this.#held());
      [this.#buffer, this.#spare] = [this.#spare, this.#buffer];
    } else if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#filled);
    }
    this.#isLent = false;
    this.#filled -= this.#start;
    this.#start = 0;
  }

  #cut(atUs: number): void {
    for (;;) {
      this.#walk ??= this.#begin(atUs);
      if (this.#walk === undefined) return;
      const state = this.#walk.next(this.#held());
      if (state === 'more') return;
      if (state === 'whole') {
        this.#whole(this.#walk, atUs);
      } else {
        this.#damaged(this.#walk.why);
        // Behind its first marker: what is wrong may be that another picture began meanwhile.
        this.#drop(2, atUs);
      }
    }
  }

  #held(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#filled);
  }

  /** Drops what is before the next picture; undefined where none begins yet. */
  #begin(atUs: number): JpegWalk | undefined {
    const held = this.#held();
    const start = findStart(held, 0);
    // The last two bytes may be the first of a picture's three.
    const strayed = start < 0 ? Math.max(0, held.length - 2) : start;
    if (strayed > 0) {
      if (!this.#isLost) this.#damaged('there are bytes between pictures');
      this.#drop(strayed, atUs);
    }
    return start < 0 ? undefined : new JpegWalk();
  }

  #whole(walk: JpegWalk, atUs: number): void {
    this.#isLost = false;
    this.#isLent = true;
    const data = this.#held().subarray(0, walk.at);
    const beganUs = this.#beganUs;
    this.#drop(walk.at, atUs);
    this.#sink.frame({ data }, beganUs, { width: walk.width, height: walk.height });
  }

  #damaged(why: string): void {
    this.#isLost = true;
    this.#sink.damaged(why);
  }

  #drop(bytes: number, atUs: number): void {
    this.#start += bytes;
    this.#beganUs = atUs;
    this.#walk = undefined;
  }
}
