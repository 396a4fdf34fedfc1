import type { Reduced } from '../pictures/reduced.ts';

/**
 * What a lens was like when it was well and in its place: the camera's next process judges it by that. Nothing can be
 * recognized by it: of the picture it has one number, and how the mean brightness of four strips at the rim changes along
 * them.
 */
export interface LensNormal {
  /** As `sharpnessOf` gives it. */
  readonly sharpness: number;
  /** Slopes along the strips at the top, bottom, left and right, in quarters of a level a value. */
  readonly rim: Int8Array;
}

/** What earlier processes knew of a camera's lens. */
export interface LensMemory {
  readonly camera: string;
  /** Undefined where none had the time to learn it. */
  readonly normal?: LensNormal | undefined;
  /** Codes of the faults that stand: until they are seen to be over. */
  readonly standing: readonly string[];
}

/** Codes of the faults that a lens may have. */
export const lensCodes: readonly string[] = ['CW-VIS-014', 'CW-VIS-015', 'CW-VIS-016', 'CW-VIS-022'];

/** Most values of a rim. */
export const longestRim = 1_024;

/** Strips are so deep, as a share of the picture's height or width. */
const depth = 0.14;
const quarters = 4;
/** Steeper slopes count as this one, in quarters of a level: no single edge decides. */
const steepest = 24;
/** Slopes that are this steep, in quarters of a level, are edges, and so many of them say where a strip is. */
const edge = 6;
const leastEdges = 6;
/** How far strips are looked for, and how far they may lie from where they were, as a share of the picture's width. */
const reach = 0.12;
const inPlace = 0.025;
/**
 * Correlations of strips. Measured with goods over the rim, half or double the light and a tremor: where they were always
 * better than elsewhere, and elsewhere better by 0.07 where the camera was shifted by 5 % of its width.
 */
const found = 0.25;
const lost = 0.2;
const clearly = 0.05;

/** Strips along one side of the picture. */
type Strips = readonly Float32Array[];

/** The rim of a picture; undefined where it is too long to be kept. */
export function rimOf({
  width,
  height,
  luma,
}: Pick<Reduced, 'width' | 'height' | 'luma'>): Int8Array | undefined {
  if (2 * (width + height) > longestRim) return undefined;
  const across = new Float32Array(2 * width);
  const down = new Float32Array(2 * height);
  const rows = Math.max(1, Math.round(depth * height));
  const columns = Math.max(1, Math.round(depth * width));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = luma[y * width + x] ?? 0;
      if (y < rows) add(across, x, value / rows);
      if (y >= height - rows) add(across, width + x, value / rows);
      if (x < columns) add(down, y, value / columns);
      if (x >= width - columns) add(down, height + y, value / columns);
    }
  }
  return Int8Array.from([
    ...slopesOf(across.subarray(0, width)),
    ...slopesOf(across.subarray(width)),
    ...slopesOf(down.subarray(0, height)),
    ...slopesOf(down.subarray(height)),
  ]);
}

/**
 * Whether the rim of a picture lies elsewhere than a known one: shifted along the strips by more than 2.5 % of the width, or
 * not to be found at all.
 *
 * @returns undefined where that can't be told: the known rim has no edges, or is of pictures of other proportions
 */
export function isElsewhere(
  known: Int8Array,
  seen: Int8Array | undefined,
  { width, height }: Pick<Reduced, 'width' | 'height'>,
): boolean | undefined {
  if (seen === undefined || seen.length !== known.length || known.length !== 2 * (width + height))
    return undefined;
  const axes = [width, height].flatMap((length, axis) => {
    const from = axis === 0 ? 0 : 2 * width;
    const before = stripsOf(known, from, length);
    if (!before.some(hasEdges)) return [];
    return [placeOf(before, stripsOf(seen, from, length), width)];
  });
  if (axes.length === 0) return undefined;
  const shifted = axes.some(({ near, far }) => far >= found && far > near + clearly);
  return shifted || axes.reduce((sum, { near }) => sum + near, 0) < lost * axes.length;
}

function add(sums: Float32Array, at: number, value: number): void {
  sums[at] = (sums[at] ?? 0) + value;
}

function slopesOf(strip: Float32Array): number[] {
  return Array.from(strip, (_, at) => {
    if (at === 0 || at === strip.length - 1) return 0;
    const slope = quarters * ((strip[at + 1] ?? 0) - (strip[at - 1] ?? 0));
    return Math.max(-127, Math.min(127, Math.round(slope)));
  });
}

function stripsOf(rim: Int8Array, from: number, length: number): Strips {
  return [0, length].map((offset) =>
    Float32Array.from(rim.subarray(from + offset, from + offset + length), (slope) =>
      Math.max(-steepest, Math.min(steepest, slope)),
    ),
  );
}

function hasEdges(strip: Float32Array): boolean {
  return strip.reduce((count, slope) => count + (Math.abs(slope) >= edge ? 1 : 0), 0) >= leastEdges;
}

/** How well two strips correlate at best where they were, and elsewhere. */
function placeOf(before: Strips, after: Strips, width: number): { near: number; far: number } {
  let near = 0;
  let far = 0;
  const most = Math.round(reach * width);
  for (let shift = -most; shift <= most; shift++) {
    const value = correlation(before, after, shift);
    if (Math.abs(shift) <= inPlace * width) near = Math.max(near, value);
    else far = Math.max(far, value);
  }
  return { near, far };
}

/** Σ g·h / √(Σ g² · Σ h²) of both strips together: light, which makes all slopes steeper, leaves it as it is. */
function correlation(before: Strips, after: Strips, shift: number): number {
  let both = 0;
  let one = 0;
  let other = 0;
  for (const [index, strip] of before.entries()) {
    const moved = after[index];
    if (moved === undefined || !hasEdges(strip)) continue;
    for (let at = 0; at < strip.length; at++) {
      const there = at + shift;
      if (there < 0 || there >= moved.length) continue;
      const g = strip[at] ?? 0;
      const h = moved[there] ?? 0;
      both += g * h;
      one += g * g;
      other += h * h;
    }
  }
  return both <= 0 ? 0 : both / Math.sqrt(one * other);
}
