import type { Blob } from './blobs.ts';
import type { Evidence } from './evidence.ts';

/** Both pictures of a comparison, in the same place and light. */
type Compared = Pick<Evidence, 'before' | 'after' | 'size' | 'noise'>;

const samples = 120;
const mostSteps = 6;
/** A displacement that explains less of a blob than this does so by chance. */
const leastExplained = 0.2;
/** Share of a blob that differs clearly from what was there before; of less nothing is said. */
const leastDistinct = 0.5;

/**
 * On which of the two pictures a blob is a thing: 1 on the later one alone, −1 on the earlier one alone. A thing has an
 * outline where the blob ends; the ground that is seen instead goes on there without one. The measure is
 * (S_after − S_before) / (S_after + S_before), S being the sum of the strongest slopes near the outline above the noise.
 */
export function polarity(compared: Compared, labels: Int32Array, blob: Blob): number {
  const { width, height } = compared.size;
  let after = 0;
  let before = 0;
  for (let y = blob.top; y < blob.bottom; y++) {
    for (let x = blob.left; x < blob.right; x++) {
      const at = y * width + x;
      if (labels[at] !== blob.label || x < 2 || y < 2 || x >= width - 2 || y >= height - 2) continue;
      const inside =
        labels[at - 1] === blob.label &&
        labels[at + 1] === blob.label &&
        labels[at - width] === blob.label &&
        labels[at + width] === blob.label;
      if (inside) continue;
      after += steepest(compared.after, at, width, compared.noise);
      before += steepest(compared.before, at, width, compared.noise);
    }
  }
  return (after - before) / (after + before + 1);
}

/** The largest slope within two values of a place, of brightness or colour, above what noise makes. */
function steepest(picture: Compared['before'], at: number, width: number, noise: number): number {
  let most = 0;
  for (const plane of [picture.luma, picture.cb, picture.cr]) {
    for (let y = -1; y <= 1; y++) {
      for (let x = -1; x <= 1; x++) {
        const here = at + y * width + x;
        const alongX = Math.abs((plane[here + 1] ?? 0) - (plane[here - 1] ?? 0));
        const alongY = Math.abs((plane[here + width] ?? 0) - (plane[here - width] ?? 0));
        most = Math.max(most, alongX, alongY);
      }
    }
  }
  return Math.max(0, most - 4 * noise);
}

/**
 * Whether what a blob shows on one picture lay close by on the other one, at a place that changed too: then it was pushed,
 * it neither came nor went.
 *
 * Looks for the displacement of at most `reach` values that explains most of the blob, then for another one for what is
 * left (where a thing was pushed away the ground seems to have been pushed the other way), and sets in `moved` the values
 * that they explain. A thing that stays where it was explains nothing (its place has not changed), so that the second
 * carton of a kind beside the first is no pushed carton.
 *
 * @param direction 1: what the later picture shows is looked for on the earlier one; −1: the other way round
 * @returns the share of the blob that was explained
 */
export function explainByMove(
  compared: Compared,
  labels: Int32Array,
  blob: Blob,
  mask: Uint8Array,
  direction: 1 | -1,
  reach: number,
  moved: Uint8Array,
): number {
  const { width } = compared.size;
  const belongs = (at: number) => labels[at] === blob.label;
  const distinct = (at: number) => belongs(at) && !looksAlike(compared, direction, at, at);
  const sampled = samplePoints(blob, width, belongs);
  const points = sampled.filter(distinct);
  // A grey thing on a grey ground could have come from anywhere.
  if (points.length < Math.max(8, leastDistinct * sampled.length)) return 0;
  let left = points;
  for (let round = 0; round < 2; round++) {
    const { dx, dy, explained } = bestMove(compared, mask, direction, reach, left);
    if (explained < leastExplained * points.length) break;
    left = left.filter((at) => !isExplained(compared, mask, direction, at, dx, dy));
    for (let y = blob.top; y < blob.bottom; y++) {
      for (let at = y * width + blob.left; at < y * width + blob.right; at++) {
        if (distinct(at) && isExplained(compared, mask, direction, at, dx, dy)) moved[at] = 1;
      }
    }
  }
  return left === points ? 0 : keepMajority(blob, width, moved, belongs, distinct);
}

function bestMove(
  compared: Compared,
  mask: Uint8Array,
  direction: 1 | -1,
  reach: number,
  points: readonly number[],
): { dx: number; dy: number; explained: number } {
  let best = { dx: 0, dy: 0, explained: 0 };
  const tryAt = (dx: number, dy: number) => {
    // Next to its own place nearly everything resembles itself.
    if (Math.abs(dx) + Math.abs(dy) < 3) return;
    let explained = 0;
    let left = points.length;
    for (const at of points) {
      if (isExplained(compared, mask, direction, at, dx, dy)) explained++;
      left--;
      // It can't become the best any more.
      if (explained + left <= best.explained) return;
    }
    if (explained > best.explained) best = { dx, dy, explained };
  };
  for (let dy = -reach; dy <= reach; dy += 2) for (let dx = -reach; dx <= reach; dx += 2) tryAt(dx, dy);
  const { dx: nearX, dy: nearY } = best;
  for (let dy = nearY - 1; dy <= nearY + 1; dy++) {
    for (let dx = nearX - 1; dx <= nearX + 1; dx++) tryAt(dx, dy);
  }
  return best;
}

/**
 * Sets the values of a blob as most of the distinct ones around them are, which takes out chance; what has none around it
 * as most of the blob. Returns the share that is set.
 */
function keepMajority(
  blob: Blob,
  width: number,
  moved: Uint8Array,
  belongs: (at: number) => boolean,
  distinct: (at: number) => boolean,
): number {
  const inside: number[] = [];
  for (let y = blob.top; y < blob.bottom; y++) {
    for (let at = y * width + blob.left; at < y * width + blob.right; at++) if (belongs(at)) inside.push(at);
  }
  const telling = new Set(inside.filter(distinct));
  let all = 0;
  for (const at of telling) all += moved[at] ?? 0;
  const usual = all * 2 > telling.size ? 1 : 0;
  const most = inside.map((at) => {
    let count = 0;
    let explained = 0;
    for (let y = -2; y <= 2; y++) {
      for (let next = at + y * width - 2; next <= at + y * width + 2; next++) {
        if (!telling.has(next)) continue;
        count++;
        explained += moved[next] ?? 0;
      }
    }
    return count < 3 ? usual : explained * 2 > count ? 1 : 0;
  });
  let set = 0;
  for (const [index, at] of inside.entries()) {
    moved[at] = most[index] ?? 0;
    set += most[index] ?? 0;
  }
  return set / blob.area;
}

function samplePoints(blob: Blob, width: number, belongs: (at: number) => boolean): number[] {
  const step = Math.max(1, Math.floor(Math.sqrt(blob.area / samples)));
  const points: number[] = [];
  for (let y = blob.top + (step >> 1); y < blob.bottom; y += step) {
    for (let x = blob.left + (step >> 1); x < blob.right; x += step) {
      if (belongs(y * width + x)) points.push(y * width + x);
    }
  }
  return points;
}

/**
 * Whether a value of a thing that was moved by (dx, dy): what is shown there was a step back on the other picture. Where a
 * thing was moved by less than its size, the step leads to a place that it still covers: it goes on to the first place that
 * changed. Of a thing that stays the steps lead to no such place.
 */
function isExplained(
  compared: Compared,
  mask: Uint8Array,
  direction: 1 | -1,
  at: number,
  dx: number,
  dy: number,
): boolean {
  const { width, height } = compared.size;
  let from = at;
  let x = at % width;
  let y = (at - x) / width;
  for (let step = 0; step < mostSteps; step++) {
    x -= dx;
    y -= dy;
    if (x < 0 || y < 0 || x >= width || y >= height) return false;
    const there = y * width + x;
    if (!looksAlike(compared, direction, from, there)) return false;
    if (mask[there] === 1) return true;
    from = there;
  }
  return false;
}

/** Whether what one picture shows at a place could be what the other one shows `there`. */
function looksAlike(
  { before, after, size, noise }: Compared,
  direction: 1 | -1,
  at: number,
  there: number,
): boolean {
  const shown = direction === 1 ? after : before;
  const other = direction === 1 ? before : after;
  const level = shown.luma[at] ?? 0;
  const slope =
    Math.abs((shown.luma[at + 1] ?? level) - (shown.luma[at - 1] ?? level)) +
    Math.abs((shown.luma[at + size.width] ?? level) - (shown.luma[at - size.width] ?? level));
  // A thing in another place is in another light too.
  const tolerance = 6 + 3 * noise + 0.08 * level + 0.4 * slope;
  if (Math.abs(level - (other.luma[there] ?? 0)) >= tolerance) return false;
  const cb = shown.cb[at] ?? 0;
  const cr = shown.cr[at] ?? 0;
  return (
    Math.abs(cb - (other.cb[there] ?? 0)) < 7 + 0.2 * Math.abs(cb) &&
    Math.abs(cr - (other.cr[there] ?? 0)) < 7 + 0.2 * Math.abs(cr)
  );
}
