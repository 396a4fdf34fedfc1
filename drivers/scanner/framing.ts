import type { Clock } from '#base/clock.ts';
import type { DriverError } from '../errors.ts';
import { type AimRules, readCode } from './aim.ts';
import { notUnderstood, type ScanReceiver } from './scanner-device.ts';
import { afterSilence } from './silence.ts';

export interface FrameRules {
  /** Ends a code by silence: for scanners that send no terminator. Otherwise silence means that the end was lost. */
  readonly endsByIdle: boolean;
  /** How long silence must last, µs. */
  readonly idleUs: number;
  readonly maximumBytes: number;
}

export interface FrameListener {
  /** A complete text of the scanner, never empty; borrowed for the call. `atUs` is when its last byte came. */
  complete(bytes: Uint8Array, atUs: number): void;
  damaged(error: DriverError): void;
}

/**
 * Gathers the bytes of one code, bounded, until its end or until silence. What is longer than allowed is dropped up to
 * the next end.
 */
export class CodeBuffer {
  readonly #clock: Clock;
  readonly #rules: FrameRules;
  readonly #listener: FrameListener;
  #bytes: Uint8Array;
  #length = 0;
  /** What comes up to the next end is no code. */
  #spoilt = false;
  #lastUs = 0;
  #cancelIdle: (() => void) | undefined;

  constructor(clock: Clock, rules: FrameRules, listener: FrameListener) {
    this.#clock = clock;
    this.#rules = rules;
    this.#listener = listener;
    this.#bytes = new Uint8Array(Math.min(256, rules.maximumBytes));
  }

  get isEmpty(): boolean {
    return this.#length === 0 && !this.#spoilt;
  }

  /** What is held in memory, bytes; never more than the longest code allowed. */
  get held(): number {
    return this.#bytes.length;
  }

  add(byte: number, atUs: number): void {
    this.#lastUs = atUs;
    if (this.#spoilt) return;
    if (this.#length === this.#rules.maximumBytes) {
      this.spoil();
      this.#listener.damaged(
        notUnderstood(
          `more than ${this.#rules.maximumBytes} bytes without an end`,
          'check its suffix and the terminator option',
        ),
      );
      return;
    }
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(Math.min(this.#bytes.length * 4, this.#rules.maximumBytes));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = byte;
  }

  /** The end of a code came. An empty one is nothing. */
  end(atUs: number): void {
    this.#stopIdle();
    const length = this.#length;
    this.#length = 0;
    this.#spoilt = false;
    if (length > 0) this.#listener.complete(this.#bytes.slice(0, length), atUs);
  }

  /** Call after each piece that was heard: silence counts from here. */
  listenForIdle(): void {
    this.#stopIdle();
    if (this.isEmpty) return;
    this.#cancelIdle = afterSilence(this.#clock, this.#rules.idleUs, () => {
      this.#cancelIdle = undefined;
      if (this.#rules.endsByIdle) this.end(this.#lastUs);
      else this.#giveUp();
    });
  }

  /** A part of the code under way is missing: what follows up to its end is dropped. */
  spoil(): void {
    this.#length = 0;
    this.#spoilt = true;
  }

  reset(): void {
    this.#stopIdle();
    this.#length = 0;
    this.#spoilt = false;
  }

  #giveUp(): void {
    const length = this.#length;
    this.reset();
    if (length === 0) return;
    this.#listener.damaged(
      notUnderstood(
        `${length} bytes and then nothing that ends them`,
        'set its suffix to what the option terminator says, or that to none',
      ),
    );
  }

  #stopIdle(): void {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
  }
}

/** What the options of a scanner say of the texts that it sends. */
export interface TextRules extends AimRules {
  /** Silence that ends a code or tells that its end was lost, ms. Default 100 or 500. */
  readonly idleMs?: number | undefined;
  readonly endsByIdle: boolean;
  readonly maximumBytes: number;
  /** What the scanner is set to add to each code. */
  readonly prefix: Uint8Array;
  readonly suffix: Uint8Array;
}

/** A buffer whose complete texts are codes for `receiver`, without prefix, suffix and AIM identifier. */
export function textBuffer(clock: Clock, rules: TextRules, receiver: ScanReceiver): CodeBuffer {
  const { endsByIdle, idleMs = endsByIdle ? 100 : 500, maximumBytes } = rules;
  return new CodeBuffer(
    clock,
    { endsByIdle, idleUs: idleMs * 1000, maximumBytes },
    {
      complete: (bytes, atUs) => readText(bytes, atUs, rules, receiver),
      damaged: (error) => receiver.damaged(error),
    },
  );
}

function readText(bytes: Uint8Array, atUs: number, rules: TextRules, receiver: ScanReceiver): void {
  const inner = stripped(bytes, rules.prefix, rules.suffix);
  if (inner === undefined) {
    receiver.damaged(
      notUnderstood('a code without its prefix or suffix', 'set both as in the options prefix and suffix'),
    );
    return;
  }
  const code = readCode(inner, rules);
  if (code !== undefined) receiver.code(code, atUs);
  else {
    receiver.damaged(
      notUnderstood('a code without an AIM identifier', 'set it to send them, or the option aim to auto'),
    );
  }
}

/** A text without the prefix and suffix that a scanner is set to add; `undefined` where they are missing. */
export function stripped(bytes: Uint8Array, prefix: Uint8Array, suffix: Uint8Array): Uint8Array | undefined {
  if (bytes.length < prefix.length + suffix.length) return undefined;
  const end = bytes.length - suffix.length;
  if (!prefix.every((byte, index) => bytes[index] === byte)) return undefined;
  if (!suffix.every((byte, index) => bytes[end + index] === byte)) return undefined;
  return bytes.subarray(prefix.length, end);
}
