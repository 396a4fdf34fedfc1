import type { Picture, Region } from '../pictures/picture.ts';
import { createReduced, type Reduced, reduce } from '../pictures/reduced.ts';
import { Blobs } from './blobs.ts';
import { Evidence } from './evidence.ts';
import { boxInPicture } from './regions.ts';

/** What moves is larger than a detail: regions are looked at this many values wide. */
const columns = 96;
/** Up to this share of a region may differ from one frame to the next where nothing moves: noise, a reflection. */
const quietShare = 0.004;
const mostPlaces = 4;
/** Around what moved, values: its edges are where it was a moment ago. */
const margin = 3;

interface Room {
  readonly side: string;
  readonly evidence: Evidence;
  readonly blobs: Blobs;
  readonly mask: Uint8Array;
  earlier: Reduced;
  later: Reduced;
}

/** Tells whether something moves in a region, from one frame to the next. Light, flicker and noise are no motion. */
export class RegionMotion {
  #room: Room | undefined;

  /**
   * Compares a frame with the one that was seen before it; a first one, or one of another size, is taken to be still.
   *
   * @returns `where` it moves, within the picture: the largest places
   * @throws {VisionError} CW-VIS-008 as `reduce`
   */
  see(picture: Picture, region: Region): { readonly moving: boolean; readonly where: readonly Region[] } {
    const side = `${region.left} ${region.top} ${region.width} ${region.height}`;
    if (this.#room?.side !== side) {
      this.#room = createRoom(side, region);
      reduce(picture, region, this.#room.later);
      return { moving: false, where: [] };
    }
    const room = this.#room;
    [room.earlier, room.later] = [room.later, room.earlier];
    reduce(picture, region, room.later);
    // The same picture again: nothing to be measured.
    if (room.earlier.checksum === room.later.checksum) return { moving: false, where: [] };
    const { evidence, blobs, mask } = room;
    evidence.measure(room.earlier, room.later, { dx: 0, dy: 0, turn: 0 });
    let moving = 0;
    for (let at = 0; at < mask.length; at++) {
      mask[at] = (evidence.values[at] ?? 0) >= 1.15 ? 1 : 0;
      moving += mask[at] ?? 0;
    }
    if (moving <= quietShare * mask.length) return { moving: false, where: [] };
    blobs.grow(mask, 2);
    const where = blobs.find(mask, 1, undefined, mostPlaces).map((blob) =>
      boxInPicture(
        {
          left: Math.max(0, blob.left - margin),
          top: Math.max(0, blob.top - margin),
          right: Math.min(room.later.width, blob.right + margin),
          bottom: Math.min(room.later.height, blob.bottom + margin),
        },
        room.later,
        { dx: 0, dy: 0 },
        picture,
      ),
    );
    return { moving: true, where };
  }
}

function createRoom(side: string, region: Region): Room {
  const later = createReduced(region, columns);
  return {
    side,
    evidence: new Evidence(later),
    blobs: new Blobs(later),
    mask: new Uint8Array(later.luma.length),
    earlier: createReduced(region, columns),
    later,
  };
}
