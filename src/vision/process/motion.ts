import type { Picture, Region } from '../pictures/picture.ts';
import { createReduced, type Reduced, reduce } from '../pictures/reduced.ts';
import type { RegionWatch, Sight } from './parts.ts';

const columns = 48;
/** A value that differs by more than this from the frame before has moved, levels beyond the change of light. */
const movedBy = 12;
/** Share of the values that move with a hand or a thing; less is noise. */
const leastShare = 0.004;

/** Whether something moves in a region: compares each frame with the one before, without what the light did to both. */
export class MotionWatch implements RegionWatch {
  #before: Reduced | undefined;
  #now: Reduced | undefined;

  see(picture: Picture, region: Region): Sight {
    const fits = this.#now?.region.width === region.width && this.#now.region.height === region.height;
    const now = reduce(
      picture,
      region,
      fits && this.#now !== undefined ? this.#now : createReduced(region, columns),
    );
    const before = fits ? this.#before : undefined;
    this.#now = before ?? createReduced(region, columns);
    this.#before = now;
    // With nothing to compare it with, a frame counts as at rest: the next one shows whether it was.
    return before === undefined ? { moving: false } : moved(before, now);
  }
}

function moved(before: Reduced, now: Reduced): Sight {
  const light = middleRatio(before.luma, now.luma);
  let [left, top, right, bottom] = [now.width, now.height, -1, -1];
  let count = 0;
  for (let at = 0; at < now.luma.length; at++) {
    const difference = Math.max(
      Math.abs((now.luma[at] ?? 0) - light * (before.luma[at] ?? 0)),
      Math.abs((now.cb[at] ?? 0) - (before.cb[at] ?? 0)),
      Math.abs((now.cr[at] ?? 0) - (before.cr[at] ?? 0)),
    );
    if (difference <= movedBy) continue;
    count++;
    const x = at % now.width;
    const y = Math.floor(at / now.width);
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x);
    bottom = Math.max(bottom, y);
  }
  if (count < Math.max(2, leastShare * now.luma.length)) return { moving: false };
  const [across, down] = [now.region.width / now.width, now.region.height / now.height];
  const where = {
    left: now.region.left + left * across,
    top: now.region.top + top * down,
    width: (right - left + 1) * across,
    height: (bottom - top + 1) * down,
  };
  return { moving: true, where: [where] };
}

/** How much brighter all became: the middle of the values' ratios. */
function middleRatio(before: Float32Array, now: Float32Array): number {
  const ratios: number[] = [];
  for (let at = 0; at < now.length; at += 3) {
    if ((before[at] ?? 0) > 8) ratios.push((now[at] ?? 0) / (before[at] ?? 1));
  }
  return ratios.length === 0 ? 1 : (ratios.sort((a, b) => a - b)[ratios.length >> 1] ?? 1);
}
