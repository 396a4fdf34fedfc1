import { VisionError } from '../errors.ts';
import { assertPicture, chromaPlanes } from './layout.ts';
import type { Picture, Region } from './picture.ts';

/**
 * A region of a picture at a small size, for looking at changes: means over cells of pixels, as brightness (0 … 255) and
 * two differences of colour (about −128 … 127, 0 is grey; ITU-R BT.601). Made once and filled again for each frame.
 */
export interface Reduced {
  readonly width: number;
  readonly height: number;
  readonly luma: Float32Array;
  readonly cb: Float32Array;
  readonly cr: Float32Array;
  /** What of the picture it shows, and how many of its pixels one value stands for, in a line and in a column. */
  region: Region;
  /** A checksum (32 bits) of the pixels that went in: equal for pictures that are the same bit for bit. */
  checksum: number;
}

/** The whole of a picture. */
export function wholeOf(picture: Pick<Picture, 'width' | 'height'>): Region {
  return { left: 0, top: 0, width: picture.width, height: picture.height };
}

/**
 * Room for a region reduced to `columns` values a line (fewer where the region is narrower), with its proportions.
 */
export function createReduced(region: Region, columns: number): Reduced {
  const width = Math.max(1, Math.min(columns, Math.floor(region.width)));
  const height = Math.max(
    1,
    Math.min(Math.floor(region.height), Math.round((region.height * width) / region.width)),
  );
  const plane = () => new Float32Array(width * height);
  return { width, height, luma: plane(), cb: plane(), cr: plane(), region, checksum: 0 };
}

/** Of a cell, at most this many lines and columns are read: more would only cost time. */
const samplesPerCell = 5;

/**
 * Fills `into` from a region of a picture of any format.
 *
 * @throws {VisionError} CW-VIS-008 when the picture has fewer bytes than its format asks for, or the region leaves it
 */
export function reduce(picture: Picture, region: Region, into: Reduced): Reduced {
  assertPicture(picture);
  const pixels = wholePixels(region, picture);
  into.region = pixels;
  if (picture.format === 'rgb24') {
    reduceRgb(picture, pixels, into);
    return into;
  }
  const { data, stride } = picture;
  // Of limited range, black is 16 and white 235, colours span 224 levels (ITU-R BT.601).
  const limited = picture.format === 'yuv420' && picture.range !== 'full';
  const [black, gain] = limited ? [16, 255 / 219] : [0, 1];
  let sum = meanPlane(data, 0, stride, pixels, into, into.luma, black, gain);
  if (picture.format === 'grey') {
    into.cb.fill(0);
    into.cr.fill(0);
  } else {
    const [u, v] = chromaPlanes(picture);
    const depth = limited ? 255 / 224 : 1;
    const half = halved(pixels);
    sum = Math.imul(sum, 31) ^ meanPlane(data, u.offset, u.stride, half, into, into.cb, 128, depth);
    sum = Math.imul(sum, 31) ^ meanPlane(data, v.offset, v.stride, half, into, into.cr, 128, depth);
  }
  into.checksum = sum >>> 0;
  return into;
}

/**
 * The whole pixels of a region.
 *
 * @throws {VisionError} CW-VIS-008 when there are none, or they are not inside the picture
 */
function wholePixels(region: Region, picture: Picture): Region {
  const left = Math.ceil(region.left);
  const top = Math.ceil(region.top);
  const width = Math.floor(region.left + region.width) - left;
  const height = Math.floor(region.top + region.height) - top;
  const inside = left >= 0 && top >= 0 && left + width <= picture.width && top + height <= picture.height;
  if (inside && width >= 1 && height >= 1) return { left, top, width, height };
  throw new VisionError(
    'CW-VIS-008',
    `the region ${region.width} × ${region.height} at ${region.left}, ${region.top} is not inside a picture of ${picture.width} × ${picture.height}; correct the region of the plate`,
  );
}

/** The region in planes of half the size. */
function halved({ left, top, width, height }: Region): Region {
  const x = left >> 1;
  const y = top >> 1;
  return { left: x, top: y, width: ((left + width + 1) >> 1) - x, height: ((top + height + 1) >> 1) - y };
}

/** Where cell `index` of `count` begins on a side of `length` pixels; several cells may share a pixel. */
const startOf = (index: number, count: number, length: number) => Math.floor((index * length) / count);

/** … of all of them, and where the last one ends. */
function startsOf(count: number, length: number): Int32Array {
  return Int32Array.from({ length: count + 1 }, (_, index) => startOf(index, count, length));
}

function meanPlane(
  data: Uint8Array,
  offset: number,
  stride: number,
  region: Region,
  into: Reduced,
  plane: Float32Array,
  zero: number,
  gain: number,
): number {
  const starts = startsOf(into.width, region.width);
  let checksum = 0x811c9dc5;
  for (let row = 0; row < into.height; row++) {
    const top = startOf(row, into.height, region.height);
    const bottom = Math.max(top + 1, startOf(row + 1, into.height, region.height));
    const stepY = Math.ceil((bottom - top) / samplesPerCell);
    for (let column = 0; column < into.width; column++) {
      const left = starts[column] ?? 0;
      const right = Math.max(left + 1, starts[column + 1] ?? 0);
      const stepX = Math.ceil((right - left) / samplesPerCell);
      const columns = Math.ceil((right - left) / stepX);
      let sum = 0;
      let count = 0;
      for (let y = top; y < bottom; y += stepY) {
        const line = offset + (region.top + y) * stride + region.left;
        const end = line + right;
        for (let at = line + left; at < end; at += stepX) sum += data[at] ?? 0;
        count += columns;
      }
      plane[row * into.width + column] = (sum / count - zero) * gain;
      checksum = Math.imul(checksum ^ sum, 0x01000193);
    }
  }
  return checksum;
}

function reduceRgb(picture: Picture, region: Region, into: Reduced): void {
  const { data, stride } = picture;
  const starts = startsOf(into.width, region.width);
  let checksum = 0x811c9dc5;
  for (let row = 0; row < into.height; row++) {
    const top = startOf(row, into.height, region.height);
    const bottom = Math.max(top + 1, startOf(row + 1, into.height, region.height));
    const stepY = Math.ceil((bottom - top) / samplesPerCell);
    for (let column = 0; column < into.width; column++) {
      const left = starts[column] ?? 0;
      const right = Math.max(left + 1, starts[column + 1] ?? 0);
      const stepX = Math.ceil((right - left) / samplesPerCell);
      const columns = Math.ceil((right - left) / stepX);
      let red = 0;
      let green = 0;
      let blue = 0;
      let count = 0;
      for (let y = top; y < bottom; y += stepY) {
        const line = (region.top + y) * stride + region.left * 3;
        const end = line + right * 3;
        for (let at = line + left * 3; at < end; at += 3 * stepX) {
          red += data[at] ?? 0;
          green += data[at + 1] ?? 0;
          blue += data[at + 2] ?? 0;
        }
        count += columns;
      }
      const at = row * into.width + column;
      into.luma[at] = (0.299 * red + 0.587 * green + 0.114 * blue) / count;
      into.cb[at] = (-0.168736 * red - 0.331264 * green + 0.5 * blue) / count;
      into.cr[at] = (0.5 * red - 0.418688 * green - 0.081312 * blue) / count;
      checksum = Math.imul(checksum ^ (red + Math.imul(green, 7) + Math.imul(blue, 49)), 0x01000193);
    }
  }
  into.checksum = checksum >>> 0;
}
