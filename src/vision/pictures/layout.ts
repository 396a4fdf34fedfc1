import { VisionError } from '../errors.ts';
import type { Picture, Region } from './picture.ts';

/** Most pixels of a picture, whichever way it comes: 50 megapixels, 150 MB of RGB. */
export const maximumPixels = 50_000_000;

/** One plane of a picture, or its interleaved pixels, within `data`. */
export interface Plane {
  /** Bytes before the first row. */
  readonly offset: number;
  /** Distance of rows, bytes. */
  readonly stride: number;
  readonly width: number;
  readonly height: number;
}

/** U and V of a `yuv420` picture: half the size, rounded up, one after the other behind Y. */
export function chromaPlanes(picture: Omit<Picture, 'data'>): readonly [u: Plane, v: Plane] {
  const stride = Math.ceil(picture.stride / 2);
  const width = Math.ceil(picture.width / 2);
  const height = Math.ceil(picture.height / 2);
  const offset = picture.stride * picture.height;
  return [
    { offset, stride, width, height },
    { offset: offset + stride * height, stride, width, height },
  ];
}

/** Bytes of a row without what pads it. */
export function rowBytes(picture: Pick<Picture, 'width' | 'format'>): number {
  return picture.format === 'rgb24' ? picture.width * 3 : picture.width;
}

/** Bytes that a picture of this size, format and stride has; the last row may go without its padding. */
export function bytesOf(picture: Omit<Picture, 'data'>): number {
  if (picture.format !== 'yuv420') return picture.stride * (picture.height - 1) + rowBytes(picture);
  const [, { offset, stride, width, height }] = chromaPlanes(picture);
  return offset + stride * (height - 1) + width;
}

/** Throws CW-VIS-008 where size, stride and bytes of a picture do not fit together. */
export function assertPicture(picture: Picture): void {
  const { width, height, stride } = picture;
  const size = `a picture of ${width} × ${height} pixels (${picture.format})`;
  if (!isEdge(width) || !isEdge(height) || width * height > maximumPixels) {
    throw new VisionError(
      'CW-VIS-008',
      `${size}: width and height must be whole numbers of 1 to ${longestEdge}, and ${maximumPixels} pixels in all at most`,
    );
  }
  if (!Number.isSafeInteger(stride) || stride < rowBytes(picture) || stride > maximumPixels) {
    throw new VisionError(
      'CW-VIS-008',
      `${size} with rows ${stride} bytes apart: they need ${rowBytes(picture)}; is the camera's size what was asked for?`,
    );
  }
  const needed = bytesOf(picture);
  if (picture.data.length < needed) {
    throw new VisionError(
      'CW-VIS-008',
      `${size} has ${picture.data.length} bytes and needs ${needed}: it was cut, or is of another size or format`,
    );
  }
}

/** Longest edge of a picture, pixels: what JPEG can have. */
const longestEdge = 65_535;

function isEdge(pixels: number): boolean {
  return Number.isSafeInteger(pixels) && pixels > 0 && pixels <= longestEdge;
}

/** The largest square in the middle of a picture: what the network was trained on. Its edges may cut pixels in half. */
export function middleSquare({ width, height }: Pick<Picture, 'width' | 'height'>): Region {
  const edge = Math.min(width, height);
  return { left: (width - edge) / 2, top: (height - edge) / 2, width: edge, height: edge };
}
