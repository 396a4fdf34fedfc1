import { closeSync, openSync, readSync } from 'node:fs';
import { places } from './timeline.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Pictures of the same that differ in their noise; a prime, so that no pace meets one again and again. */
export const takes = 5;
/** Ways in which things may lie at the places: a bit for each place. */
export const waysToLie = 2 ** places;

/** Bytes of a frame in planar YUV 4:2:0. */
export function frameBytes({ width, height }: Size): number {
  return (width * height * 3) / 2;
}

/**
 * Frames from a file that has `takes` of each way in which things may lie. The kernel keeps it in memory, so that reading
 * costs what a camera's buffer costs: a copy.
 */
export class FrameFile {
  readonly #file: number;
  readonly #frame: Uint8Array;
  #taken = 0;

  constructor(path: string, size: Size) {
    this.#file = openSync(path, 'r');
    this.#frame = new Uint8Array(frameBytes(size));
  }

  /** The next frame; its memory is used again for the one after it. */
  take(liesAt: (place: number) => boolean): Uint8Array {
    let way = 0;
    for (let place = 0; place < places; place++) if (liesAt(place)) way += 2 ** place;
    const bytes = this.#frame.length;
    readSync(this.#file, this.#frame, 0, bytes, bytes * (way * takes + (this.#taken++ % takes)));
    return this.#frame;
  }

  close(): void {
    closeSync(this.#file);
  }
}
