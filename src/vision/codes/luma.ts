import { VisionError } from '../errors.ts';
import { assertPicture } from '../pictures/layout.ts';
import type { Picture, Region } from '../pictures/picture.ts';

/** Brightness alone, a byte a pixel, rows without padding. */
export interface Luma {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/**
 * A copy of the brightness of a region of a picture (ITU-R BT.601; the Y plane as it is). The region is widened to whole
 * pixels and cut at the picture's edges. Throws CW-VIS-008 where the picture's layout is wrong or the region lies beside it.
 */
export function lumaOf(picture: Picture, region: Region): Luma {
  assertPicture(picture);
  const left = Math.max(0, Math.floor(region.left));
  const top = Math.max(0, Math.floor(region.top));
  const width = Math.min(picture.width, Math.ceil(region.left + region.width)) - left;
  const height = Math.min(picture.height, Math.ceil(region.top + region.height)) - top;
  if (!(width > 0 && height > 0)) {
    throw new VisionError(
      'CW-VIS-008',
      `the region ${region.width} × ${region.height} at (${region.left}, ${region.top}) shows nothing of a picture of ${picture.width} × ${picture.height} pixels; correct the camera's region in the board profile`,
    );
  }
  const data = new Uint8Array(width * height);
  const step = picture.format === 'rgb24' ? 3 : 1;
  for (let row = 0; row < height; row++) {
    const from = (top + row) * picture.stride + left * step;
    if (step === 1) data.set(picture.data.subarray(from, from + width), row * width);
    else greyRow(picture.data, from, data, row * width, width);
  }
  return { width, height, data };
}

function greyRow(rgb: Uint8Array, from: number, into: Uint8Array, at: number, width: number): void {
  for (let x = 0, source = from; x < width; x++, source += 3) {
    const red = rgb[source] ?? 0;
    const green = rgb[source + 1] ?? 0;
    const blue = rgb[source + 2] ?? 0;
    into[at + x] = (306 * red + 601 * green + 117 * blue + 512) >> 10;
  }
}

/** The part of a luma plane that a region covers, cut at its edges; at least one pixel of it must be inside. */
export function cropped({ width, height, data }: Luma, region: Region): Luma {
  return lumaOf({ width, height, format: 'grey', stride: width, data }, region);
}

/** Every `factor` · `factor` pixels become one, their mean; what is left over at the right and below is cut. */
export function shrunk(luma: Luma, factor: number): Luma {
  const width = Math.max(1, Math.floor(luma.width / factor));
  const height = Math.max(1, Math.floor(luma.height / factor));
  const across = Math.min(factor, luma.width);
  const down = Math.min(factor, luma.height);
  const count = across * down;
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = count >> 1;
      for (let row = 0; row < down; row++) {
        const from = (y * factor + row) * luma.width + x * factor;
        for (let column = 0; column < across; column++) sum += luma.data[from + column] ?? 0;
      }
      data[y * width + x] = sum / count;
    }
  }
  return { width, height, data };
}

/** Catmull-Rom at a quarter of a pixel before and behind, in units of 1/128: from the far to the near neighbour. */
const taps = [-3, 29, 111, -9] as const;

/** ZXing tells 32 levels apart: where light and dark are closer together than this, a code may have too few of them. */
const wideRange = 128;
/** Below this there is nothing but noise. */
const noRange = 10;
/** Share of pixels at either end that may be glare or specks. */
const outliers = 0.005;

/** A picture in the dark or in fog with the whole range of brightness; others as they are. */
export function stretched(luma: Luma): Luma {
  const counts = new Uint32Array(256);
  for (const value of luma.data) counts[value] = (counts[value] ?? 0) + 1;
  const least = luma.data.length * outliers;
  const dark = firstBeyond(counts, least);
  const light = 255 - firstBeyond(counts.toReversed(), least);
  const range = light - dark;
  if (range >= wideRange || range < noRange) return luma;
  const levels = Uint8ClampedArray.from({ length: 256 }, (_, value) => ((value - dark) * 255) / range);
  return { ...luma, data: luma.data.map((value) => levels[value] ?? 0) };
}

function firstBeyond(counts: Uint32Array, least: number): number {
  let sum = 0;
  for (let value = 0; value < counts.length; value++) {
    sum += counts[value] ?? 0;
    if (sum > least) return value;
  }
  return 0;
}

/** How much wider `widened` makes a picture. */
export const widening = 4;

/**
 * Four times as wide, by cubic interpolation (Catmull-Rom), and no higher: ZXing sees edges of bars to the whole pixel, and
 * bars of less than two pixels, or blurred ones, are told apart only between them.
 */
export function widened(luma: Luma): Luma {
  return doubledAcross(doubledAcross(luma));
}

/** Twice as wide and as high, by the same interpolation. */
export function doubled(luma: Luma): Luma {
  return doubledAcross(transposed(doubledAcross(transposed(luma))));
}

/** What surrounds a slanted picture: neither light nor dark. */
const surround = 128;

/** Edge of the square that holds a picture turned by 45°, pixels. */
export function slantedSide({ width, height }: Pick<Luma, 'width' | 'height'>): number {
  return Math.ceil((width + height) * Math.SQRT1_2);
}

/** Turned by 45° about its middle, into a square that holds all of it; values between pixels are linear. */
export function slanted(luma: Luma): Luma {
  const { width, height, data } = luma;
  const side = slantedSide(luma);
  const turned = new Uint8Array(side * side).fill(surround);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const across = (column - (side - 1) / 2) * Math.SQRT1_2;
      const down = (row - (side - 1) / 2) * Math.SQRT1_2;
      const x = across - down + (width - 1) / 2;
      const y = across + down + (height - 1) / 2;
      const left = Math.floor(x);
      const top = Math.floor(y);
      if (left < 0 || top < 0 || left + 1 >= width || top + 1 >= height) continue;
      const at = top * width + left;
      const above = (data[at] ?? 0) * (1 - x + left) + (data[at + 1] ?? 0) * (x - left);
      const below = (data[at + width] ?? 0) * (1 - x + left) + (data[at + width + 1] ?? 0) * (x - left);
      turned[row * side + column] = above * (1 - y + top) + below * (y - top) + 0.5;
    }
  }
  return { width: side, height: side, data: turned };
}

/** Where a region of a slanted picture lies in the picture that it was made of: the hull of it. */
export function beforeSlanting(region: Region, of: Pick<Luma, 'width' | 'height'>): Region {
  const middle = slantedSide(of) / 2;
  const across = (region.left + region.width / 2 - middle) * Math.SQRT1_2;
  const down = (region.top + region.height / 2 - middle) * Math.SQRT1_2;
  const edge = (region.width + region.height) * Math.SQRT1_2;
  return {
    left: across - down + of.width / 2 - edge / 2,
    top: across + down + of.height / 2 - edge / 2,
    width: edge,
    height: edge,
  };
}

/** Rows become columns. */
export function transposed({ width, height, data }: Luma): Luma {
  const turned = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) turned[x * height + y] = data[y * width + x] ?? 0;
  }
  return { width: height, height: width, data: turned };
}

function doubledAcross({ width, height, data }: Luma): Luma {
  const [far, near, own, behind] = taps;
  const doubledData = new Uint8ClampedArray(width * 2 * height);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    const last = row + width - 1;
    for (let x = 0; x < width; x++) {
      const at = row + x;
      const value = data[at] ?? 0;
      const left = data[Math.max(row, at - 1)] ?? 0;
      const right = data[Math.min(last, at + 1)] ?? 0;
      const leftmost = data[Math.max(row, at - 2)] ?? 0;
      const rightmost = data[Math.min(last, at + 2)] ?? 0;
      const to = at * 2;
      doubledData[to] = (far * leftmost + near * left + own * value + behind * right) / 128;
      doubledData[to + 1] = (far * rightmost + near * right + own * value + behind * left) / 128;
    }
  }
  return { width: width * 2, height, data: new Uint8Array(doubledData.buffer) };
}
