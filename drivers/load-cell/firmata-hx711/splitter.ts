import { type BridgeMessage, decodeBridgeMessage, messageIds, SampleFrame } from './protocol.ts';
import { mostPayloadBytes, openFrame, sysexEnd, sysexStart } from './wire.ts';

/** What comes over the line, told apart. `atUs` is the arrival of the bytes that completed it. */
export interface SplitterTarget {
  /** `frame` is overwritten by the next one. `wireBytes` is its length on the line. */
  samples(frame: SampleFrame, atUs: number, wireBytes: number): void;
  message(message: BridgeMessage, atUs: number): void;
  /** A Firmata message, F0 to F7, borrowed for the call. */
  firmata(bytes: Uint8Array, atUs: number): void;
  /** The Firmata version, which a board reports when asked and whenever it starts. */
  version(major: number, minor: number): void;
  /** A message of this protocol that was damaged on the way. */
  damaged(atUs: number): void;
}

const versionReport = 0xf9;
/** Longest message kept until its end comes; Firmata's longest here is the capability report. */
const mostMessageBytes = 1024;
const lastOwnId = 0x0f;

/**
 * Tells this protocol's messages from Firmata's in a stream of bytes, however it is cut. Ours are checked and decoded
 * right here, so that johnny-five's parser, which has no checksum and costs more, sees only what is meant for it.
 */
export class FrameSplitter {
  readonly #target: SplitterTarget;
  readonly #payload = new Uint8Array(mostPayloadBytes);
  readonly #frame = new SampleFrame();
  /** A message whose end has not come yet. */
  readonly #held = new Uint8Array(mostMessageBytes);
  #heldLength = 0;
  #overlong = false;
  /** Of a version report: how many bytes of it have come, and the first of its two numbers. */
  #versionBytes = 0;
  #major = 0;

  constructor(target: SplitterTarget) {
    this.#target = target;
  }

  /** Takes bytes as they come. HOT PATH: allocates only for messages other than samples. */
  push(chunk: Uint8Array, atUs: number): void {
    const { length } = chunk;
    let at = this.#heldLength > 0 ? this.#continue(chunk, atUs) : 0;
    while (at < length) {
      const begin = at;
      if (chunk[at] !== sysexStart) {
        while (at < length && chunk[at] !== sysexStart) at += 1;
        this.#between(chunk, begin, at);
        continue;
      }
      at += 1;
      while (at < length && (chunk[at] ?? 0) < 0x80) at += 1;
      if (at === length) {
        this.#hold(chunk, begin, length);
      } else if (chunk[at] === sysexEnd) {
        at += 1;
        this.#complete(chunk, begin, at, atUs);
      } else {
        this.#cut(chunk[begin + 1] ?? 0, atUs);
      }
    }
  }

  /** Forgets a half message: the board has begun anew. */
  reset(): void {
    this.#heldLength = 0;
    this.#overlong = false;
    this.#versionBytes = 0;
  }

  /** Goes on with the message that is held; answers where in the chunk it ended. */
  #continue(chunk: Uint8Array, atUs: number): number {
    let at = 0;
    while (at < chunk.length && (chunk[at] ?? 0) < 0x80) at += 1;
    if (at === chunk.length) {
      this.#hold(chunk, 0, at);
      return at;
    }
    const ended = chunk[at] === sysexEnd;
    if (ended) at += 1;
    this.#hold(chunk, 0, at);
    const length = this.#heldLength;
    const overlong = this.#overlong;
    this.#heldLength = 0;
    this.#overlong = false;
    if (ended && !overlong) this.#complete(this.#held, 0, length, atUs);
    else this.#cut(this.#held[1] ?? 0, atUs);
    return at;
  }

  #hold(chunk: Uint8Array, start: number, end: number): void {
    if (this.#overlong || this.#heldLength + (end - start) > mostMessageBytes) {
      this.#overlong = true;
      return;
    }
    this.#held.set(chunk.subarray(start, end), this.#heldLength);
    this.#heldLength += end - start;
  }

  /** A whole message, F0 to F7. HOT PATH. */
  #complete(bytes: Uint8Array, start: number, end: number, atUs: number): void {
    this.#versionBytes = 0;
    const id = bytes[start + 1] ?? 0;
    if (id === 0 || id > lastOwnId) {
      this.#target.firmata(bytes.subarray(start, end), atUs);
      return;
    }
    const length = openFrame(id, bytes, start + 2, end - 1, this.#payload);
    if (length < 0) {
      this.#target.damaged(atUs);
    } else if (id === messageIds.samples) {
      if (this.#frame.read(this.#payload, length)) this.#target.samples(this.#frame, atUs, end - start);
      else this.#target.damaged(atUs);
    } else {
      const message = decodeBridgeMessage(id, this.#payload.subarray(0, length));
      if (message !== undefined) this.#target.message(message, atUs);
    }
  }

  /** A message that another one interrupted. */
  #cut(id: number, atUs: number): void {
    if (id > 0 && id <= lastOwnId) this.#target.damaged(atUs);
  }

  /** Of what is no message in F0 and F7, a bridge sends its version only. */
  #between(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === versionReport) this.#versionBytes = 1;
      else if (byte >= 0x80) this.#versionBytes = 0;
      else if (this.#versionBytes === 1) {
        this.#major = byte;
        this.#versionBytes = 2;
      } else if (this.#versionBytes === 2) {
        this.#versionBytes = 0;
        this.#target.version(this.#major, byte);
      }
    }
  }
}
