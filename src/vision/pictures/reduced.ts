import { VisionError } from '../errors.ts';
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
  const width = Math.max(1, Math.min(columns, region.width));
  const height = Math.max(1, Math.min(region.height, Math.round((region.height * width) / region.width)));
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
  assertReadable(picture, region);
  into.region = region;
  if (picture.format === 'rgb24') reduceRgb(picture, region, into);
  else {
    const half = (side: number) => (side + 1) >> 1;
    let sum = meanPlane(picture.data, 0, picture.stride, region, into, into.luma, 0);
    if (picture.format === 'yuv420') {
      const stride = half(picture.stride);
      const u = picture.stride * picture.height;
      const chroma = halved(region);
      sum = meanPlane(picture.data, u, stride, chroma, into, into.cb, 128) ^ sum;
      const v = u + stride * half(picture.height);
      sum = Math.imul(sum, 31) ^ meanPlane(picture.data, v, stride, chroma, into, into.cr, 128);
    } else {
      into.cb.fill(0);
      into.cr.fill(0);
    }
    into.checksum = sum >>> 0;
  }
  return into;
}

/** The least number of bytes of a picture: its last line may end with its last pixel. */
function bytesOf({ width, height, format, stride }: Picture): number {
  if (format === 'rgb24') return stride * (height - 1) + width * 3;
  if (format === 'grey') return stride * (height - 1) + width;
  const half = (side: number) => (side + 1) >> 1;
  return stride * height + half(stride) * (2 * half(height) - 1) + half(width);
}

function assertReadable(picture: Picture, region: Region): void {
  const { width, height, format, stride, data } = picture;
  const line = format === 'rgb24' ? width * 3 : width;
  if (!(width > 0 && height > 0) || stride < line || data.length < bytesOf(picture)) {
    throw new VisionError(
      'CW-VIS-008',
      `a picture of ${width} × ${height} (${format}, stride ${stride}) came with ${data.length} bytes; check size and format of the camera`,
    );
  }
  const { left, top } = region;
  const inside =
    left >= 0 &&
    top >= 0 &&
    region.width >= 1 &&
    region.height >= 1 &&
    left + region.width <= width &&
    top + region.height <= height &&
    [left, top, region.width, region.height].every(Number.isInteger);
  if (inside) return;
  throw new VisionError(
    'CW-VIS-008',
    `the region ${region.width} × ${region.height} at ${left}, ${top} is not inside a picture of ${width} × ${height}; correct the region of the plate`,
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

function meanPlane(
  data: Uint8Array,
  offset: number,
  stride: number,
  region: Region,
  into: Reduced,
  plane: Float32Array,
  zero: number,
): number {
  let checksum = 0x811c9dc5;
  for (let row = 0; row < into.height; row++) {
    const top = startOf(row, into.height, region.height);
    const bottom = Math.max(top + 1, startOf(row + 1, into.height, region.height));
    const stepY = Math.ceil((bottom - top) / samplesPerCell);
    for (let column = 0; column < into.width; column++) {
      const left = startOf(column, into.width, region.width);
      const right = Math.max(left + 1, startOf(column + 1, into.width, region.width));
      const stepX = Math.ceil((right - left) / samplesPerCell);
      let sum = 0;
      let count = 0;
      for (let y = top; y < bottom; y += stepY) {
        const line = offset + (region.top + y) * stride + region.left;
        for (let x = left; x < right; x += stepX) {
          sum += data[line + x] ?? 0;
          count++;
        }
      }
      plane[row * into.width + column] = sum / count - zero;
      checksum = Math.imul(checksum ^ sum, 0x01000193);
    }
  }
  return checksum;
}

function reduceRgb(picture: Picture, region: Region, into: Reduced): void {
  const { data, stride } = picture;
  let checksum = 0x811c9dc5;
  for (let row = 0; row < into.height; row++) {
    const top = startOf(row, into.height, region.height);
    const bottom = Math.max(top + 1, startOf(row + 1, into.height, region.height));
    const stepY = Math.ceil((bottom - top) / samplesPerCell);
    for (let column = 0; column < into.width; column++) {
      const left = startOf(column, into.width, region.width);
      const right = Math.max(left + 1, startOf(column + 1, into.width, region.width));
      const stepX = Math.ceil((right - left) / samplesPerCell);
      let red = 0;
      let green = 0;
      let blue = 0;
      let count = 0;
      for (let y = top; y < bottom; y += stepY) {
        const line = (region.top + y) * stride + region.left * 3;
        for (let x = left; x < right; x += stepX) {
          const at = line + x * 3;
          red += data[at] ?? 0;
          green += data[at + 1] ?? 0;
          blue += data[at + 2] ?? 0;
          count++;
        }
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
