/** Cuts a stream of bytes into frames. What it keeps is bounded, whatever comes. */
export interface Framer {
  /** Complete frames, in order. What belongs to none is dropped. */
  push(bytes: Uint8Array): Uint8Array[];
  /** Forgets what is unfinished. */
  reset(): void;
}

export interface DelimiterOptions {
  /** First byte of a frame; what comes before it is noise. Left out: frames begin where the last one ended. */
  readonly start?: number;
  /** The start byte may occur within a frame and doesn't begin a new one there (LF in SCP-01). */
  readonly startWithin?: boolean;
  readonly end: number;
  /** Longest frame without its delimiters; longer ones are dropped. */
  readonly longest: number;
  /** 0x7f where bit 7 is parity, which a serial server set to eight bits lets through. */
  readonly mask?: 0x7f | 0xff;
}

/** Frames between a start byte and an end byte; given without either. */
export class DelimiterFramer implements Framer {
  readonly #options: DelimiterOptions;
  #frame: number[] = [];
  #inside: boolean;
  #tooLong = false;

  constructor(options: DelimiterOptions) {
    this.#options = options;
    this.#inside = options.start === undefined;
  }

  push(bytes: Uint8Array): Uint8Array[] {
    const { start, startWithin = false, end, longest, mask = 0xff } = this.#options;
    const frames: Uint8Array[] = [];
    for (const raw of bytes) {
      const byte = raw & mask;
      if (byte === start && !(this.#inside && startWithin)) {
        this.reset();
        this.#inside = true;
      } else if (byte === end) {
        if (this.#inside && !this.#tooLong) frames.push(Uint8Array.from(this.#frame));
        this.reset();
      } else if (this.#inside && !this.#tooLong) {
        if (this.#frame.length < longest) this.#frame.push(byte);
        else this.#overflow();
      }
    }
    return frames;
  }

  reset(): void {
    this.#frame = [];
    this.#tooLong = false;
    this.#inside = this.#options.start === undefined;
  }

  /** Too long: with a start byte the next one begins anew; without, the rest up to the end byte is dropped. */
  #overflow(): void {
    this.reset();
    this.#tooLong = this.#options.start === undefined;
  }
}

/** Bytes that are held back until `take` can tell what they are. */
export interface FixedLayout {
  /**
   * What the first bytes are: a frame of `take` bytes, noise of `skip` bytes, or not known before more have come. A
   * frame must be recognized within `longest` bytes.
   */
  read(bytes: Uint8Array): { readonly take: number } | { readonly skip: number } | undefined;
  readonly longest: number;
}

/** Frames that are known by their layout: fixed lengths, in which any byte value may occur. */
export class LayoutFramer implements Framer {
  readonly #layout: FixedLayout;
  #held = new Uint8Array(0);

  constructor(layout: FixedLayout) {
    this.#layout = layout;
  }

  push(bytes: Uint8Array): Uint8Array[] {
    const { layout, data } = { layout: this.#layout, data: new Uint8Array(this.#held.length + bytes.length) };
    data.set(this.#held);
    data.set(bytes, this.#held.length);
    const frames: Uint8Array[] = [];
    let at = 0;
    while (at < data.length) {
      const rest = data.subarray(at);
      const found = layout.read(rest);
      if (found === undefined && rest.length < layout.longest) break;
      if (found !== undefined && 'take' in found) {
        frames.push(rest.slice(0, found.take));
        at += Math.max(1, found.take);
      } else {
        at += Math.max(1, found?.skip ?? 1);
      }
    }
    this.#held = data.slice(at);
    return frames;
  }

  reset(): void {
    this.#held = new Uint8Array(0);
  }
}

/** The characters of a frame, one a byte. */
export function latin1(frame: Uint8Array): string {
  return String.fromCharCode(...frame);
}

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);
}
