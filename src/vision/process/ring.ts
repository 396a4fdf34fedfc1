import { copyFrame, frameBytes } from '#readings/frames.ts';
import type { FrameReading } from '#readings/readings.ts';

/** A frame of the ring; its bytes are there until it is overwritten, or for as long as somebody holds it. */
export interface KeptFrame {
  readonly atUs: number;
  readonly bytes: number;
}

interface Slot extends KeptFrame {
  readonly frame: Omit<FrameReading, 'data' | 'assembly'>;
  readonly offset: number;
  holds: number;
}

export interface RingOptions {
  /** Bound of the frames' bytes; so much is set aside once, with the first frame. */
  readonly bytes: number;
  /** Frames older than this make place, µs. */
  readonly spanUs: number;
}

/**
 * The last seconds of one camera, in memory set aside once: each frame is written into it by its driver's own reader (see
 * `FrameReading.assembly`), and nowhere else. What is held
 * is not overwritten; where that leaves no room, a new frame is refused.
 */
export class FrameRing {
  readonly #options: RingOptions;
  #memory: Uint8Array | undefined;
  /** Oldest first. */
  #slots: Slot[] = [];
  /** Where the next frame goes if it fits. */
  #head = 0;

  constructor(options: RingOptions) {
    this.#options = options;
  }

  /** Frames that can be read, oldest first. */
  get frames(): readonly KeptFrame[] {
    return this.#slots;
  }

  get latest(): KeptFrame | undefined {
    return this.#slots.at(-1);
  }

  /** Bytes of all frames in it. */
  get bytes(): number {
    return this.#slots.reduce((sum, slot) => sum + slot.bytes, 0);
  }

  /** Copies a frame; undefined where it is larger than the ring or what is held leaves no room for it. */
  push(reading: FrameReading): KeptFrame | undefined {
    const bytes = frameBytes(reading);
    if (bytes === 0 || bytes > this.#options.bytes) return undefined;
    const offset = this.#place(bytes);
    if (offset === undefined) return undefined;
    const { kind, source, atUs, width, height, format, range } = reading;
    this.#forget(atUs - this.#options.spanUs, offset, bytes);
    this.#memory ??= new Uint8Array(this.#options.bytes);
    copyFrame(reading, this.#memory.subarray(offset, offset + bytes));
    this.#head = offset + bytes;
    const frame = { kind, source, atUs, width, height, format, ...(range === undefined ? {} : { range }) };
    const slot: Slot = { atUs, bytes, frame, offset, holds: 0 };
    this.#slots.push(slot);
    return slot;
  }

  /** Forgets what is too old by then and not held, and overwrites its bytes: a camera that is gone leaves no pictures. */
  expire(nowUs: number): void {
    const beforeUs = nowUs - this.#options.spanUs;
    for (const slot of this.#slots) {
      if (slot.holds > 0 || slot.atUs >= beforeUs) continue;
      this.#memory?.fill(0, slot.offset, slot.offset + slot.bytes);
    }
    this.#slots = this.#slots.filter(({ holds, atUs }) => holds > 0 || atUs >= beforeUs);
  }

  /** The frame with its bytes, which are the ring's: to be used at once, or while it is held. Undefined where it is gone. */
  read(kept: KeptFrame): FrameReading | undefined {
    const slot = this.#slots.find((one) => one === kept);
    if (slot === undefined || this.#memory === undefined) return undefined;
    return { ...slot.frame, data: this.#memory.subarray(slot.offset, slot.offset + slot.bytes) };
  }

  /** Keeps a frame from being overwritten until the returned function is called; undefined where it is gone. */
  hold(kept: KeptFrame): (() => void) | undefined {
    const slot = this.#slots.find((one) => one === kept);
    if (slot === undefined) return undefined;
    slot.holds += 1;
    let held = true;
    return () => {
      if (held) slot.holds -= 1;
      held = false;
    };
  }

  /** The first place from the head on, once around, where no held frame lies. */
  #place(bytes: number): number | undefined {
    let offset = this.#head;
    for (let around = false; ; ) {
      if (offset + bytes > this.#options.bytes) {
        if (around) return undefined;
        around = true;
        offset = 0;
      }
      const end = offset + bytes;
      const held = this.#slots.filter((slot) => slot.holds > 0 && overlaps(slot, offset, end));
      if (held.length === 0) return offset;
      offset = Math.max(...held.map((slot) => slot.offset + slot.bytes));
    }
  }

  /** Drops what is too old, and what the new frame lies on with all that is older. */
  #forget(beforeUs: number, offset: number, bytes: number): void {
    const overwritten = this.#slots.findLastIndex((slot) => overlaps(slot, offset, offset + bytes));
    this.#slots = this.#slots.filter(
      (slot, index) => slot.holds > 0 || (index > overwritten && slot.atUs >= beforeUs),
    );
  }
}

function overlaps(slot: Slot, start: number, end: number): boolean {
  return slot.offset < end && slot.offset + slot.bytes > start;
}
