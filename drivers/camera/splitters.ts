import { findStart, JpegWalk } from './jpeg.ts';

/** What comes out of a stream of bytes. `data` is lent until the next frame but one is whole. */
export interface SplitterSink {
  /** `atUs` is when its first byte came. */
  frame(data: Uint8Array, atUs: number, size: { readonly width: number; readonly height: number }): void;
  /** Bytes that are no whole frame were dropped. */
  damaged(why: string): void;
}

/** Cuts a stream of bytes into frames. Its memory is bounded, whatever comes. */
export interface Splitter {
  push(bytes: Uint8Array, atUs: number): void;
}

/** Frames that all have the same number of bytes, and nothing between them. */
export class RawSplitter implements Splitter {
  readonly #size: { readonly width: number; readonly height: number };
  readonly #sink: SplitterSink;
  #filling: Uint8Array;
  #spare: Uint8Array;
  #filled = 0;
  #beganUs = 0;

  constructor(
    size: { readonly width: number; readonly height: number },
    frameBytes: number,
    sink: SplitterSink,
  ) {
    if (!Number.isSafeInteger(frameBytes) || frameBytes < 1)
      throw new RangeError('a frame has at least a byte');
    this.#size = size;
    this.#sink = sink;
    this.#filling = new Uint8Array(frameBytes);
    this.#spare = new Uint8Array(frameBytes);
  }

  /** No frame is begun. */
  get isBetween(): boolean {
    return this.#filled === 0;
  }

  push(bytes: Uint8Array, atUs: number): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#filled === 0) this.#beganUs = atUs;
      const part = bytes.subarray(at, at + this.#filling.length - this.#filled);
      this.#filling.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#filling.length) this.#whole();
    }
  }

  #whole(): void {
    const frame = this.#filling;
    this.#filling = this.#spare;
    this.#spare = frame;
    this.#filled = 0;
    this.#sink.frame(frame, this.#beganUs, this.#size);
  }
}

/** JPEGs one after the other. After what is damaged it goes on with the next one that begins. */
export class JpegSplitter implements Splitter {
  readonly #sink: SplitterSink;
  readonly #buffer: Uint8Array;
  #copies: [Uint8Array, Uint8Array] = [new Uint8Array(), new Uint8Array()];
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
      this.#buffer.copyWithin(0, this.#start, this.#filled);
      this.#filled -= this.#start;
      this.#start = 0;
      if (this.#filled < this.#buffer.length) continue;
      this.#damaged('it is bigger than any of this camera');
      this.#drop(this.#filled, atUs);
      this.#filled = 0;
      this.#start = 0;
    }
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
    const [target, other] = this.#copies;
    // A quarter more than needed, so that pictures that grow do not each need new memory.
    const copy = target.length >= walk.at ? target : new Uint8Array(Math.ceil(walk.at * 1.25));
    copy.set(this.#held().subarray(0, walk.at));
    this.#copies = [other, copy];
    const beganUs = this.#beganUs;
    this.#drop(walk.at, atUs);
    this.#sink.frame(copy.subarray(0, walk.at), beganUs, { width: walk.width, height: walk.height });
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
