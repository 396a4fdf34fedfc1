import type { FrameReading } from '#readings/readings.ts';
import type { VideoLayout } from '../ports/ports.ts';

/** How a camera's own layout becomes a frame without padding. */
export interface Unpacker {
  /** Bytes that a whole frame of the camera has at least. */
  readonly cameraBytes: number;
  readonly bytes: number;
  readonly shape: Pick<FrameReading, 'width' | 'height' | 'format' | 'range'>;
  /**
   * Writes the frame to where it is kept, reading the camera's memory by whole rows alone: where processors don't cache it,
   * each access to it is slow. Throws RangeError where `data` is too short.
   */
  unpack(data: Uint8Array, target: Uint8Array): void;
}

interface Plane {
  /** Where it begins in the camera's frame, and the distance of its rows, bytes. */
  readonly at: number;
  readonly stride: number;
  readonly rowBytes: number;
  readonly rows: number;
}

/** Pixel formats that cameras have and this can read, by their four characters, the one that is dearest to read last. */
export const rawFormats = ['YU12', 'NV12', 'YUYV', 'GREY', 'RGB3'] as const;

/** Bytes of a frame of planes Y, U and V without padding. */
export function yuv420Bytes(width: number, height: number): number {
  return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
}

/** Undefined where the format is none of `rawFormats`, or its rows are closer to each other than they are long. */
export function unpackerFor(layout: VideoLayout): Unpacker | undefined {
  switch (layout.pixelFormat) {
    case 'YU12':
      return planar(layout);
    case 'NV12':
      return semiPlanar(layout);
    case 'YUYV':
      return interleaved(layout);
    case 'GREY':
      return packed(layout, 'grey', 1);
    case 'RGB3':
      return packed(layout, 'rgb24', 3);
    default:
      return undefined;
  }
}

function endOf({ at, stride, rowBytes, rows }: Plane): number {
  return at + stride * (rows - 1) + rowBytes;
}

function copyPlane(data: Uint8Array, plane: Plane, target: Uint8Array, targetAt: number): void {
  const { at, stride, rowBytes, rows } = plane;
  if (stride === rowBytes) {
    target.set(data.subarray(at, at + rowBytes * rows), targetAt);
    return;
  }
  for (let row = 0; row < rows; row++) {
    const from = at + row * stride;
    target.set(data.subarray(from, from + rowBytes), targetAt + row * rowBytes);
  }
}

function packed(layout: VideoLayout, format: 'grey' | 'rgb24', pixelBytes: number): Unpacker | undefined {
  const { width, height, bytesPerLine } = layout;
  const plane = { at: 0, stride: bytesPerLine, rowBytes: width * pixelBytes, rows: height };
  if (bytesPerLine < plane.rowBytes) return undefined;
  const shape = { width, height, format };
  return unpacker(endOf(plane), plane.rowBytes * height, shape, (data, target) =>
    copyPlane(data, plane, target, 0),
  );
}

function planar(layout: VideoLayout): Unpacker | undefined {
  const { width, height, bytesPerLine, range } = layout;
  const [halfWidth, halfHeight] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const halfStride = Math.ceil(bytesPerLine / 2);
  if (bytesPerLine < width) return undefined;
  const luma = { at: 0, stride: bytesPerLine, rowBytes: width, rows: height };
  const blueAt = bytesPerLine * height;
  const blue = { at: blueAt, stride: halfStride, rowBytes: halfWidth, rows: halfHeight };
  const red = { ...blue, at: blueAt + halfStride * halfHeight };
  const shape = { width, height, format: 'yuv420', range } as const;
  return unpacker(endOf(red), yuv420Bytes(width, height), shape, (data, target) => {
    copyPlane(data, luma, target, 0);
    copyPlane(data, blue, target, width * height);
    copyPlane(data, red, target, width * height + halfWidth * halfHeight);
  });
}

/** NV12: U and V take turns in one plane. */
function semiPlanar(layout: VideoLayout): Unpacker | undefined {
  const { width, height, bytesPerLine, range } = layout;
  const [halfWidth, halfHeight] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  if (bytesPerLine < 2 * halfWidth) return undefined;
  const luma = { at: 0, stride: bytesPerLine, rowBytes: width, rows: height };
  const chroma = {
    at: bytesPerLine * height,
    stride: bytesPerLine,
    rowBytes: 2 * halfWidth,
    rows: halfHeight,
  };
  const shape = { width, height, format: 'yuv420', range } as const;
  const line = new Uint8Array(chroma.rowBytes);
  return unpacker(endOf(chroma), yuv420Bytes(width, height), shape, (data, target) => {
    copyPlane(data, luma, target, 0);
    let blueAt = width * height;
    let redAt = blueAt + halfWidth * halfHeight;
    for (let row = 0; row < halfHeight; row++) {
      const from = chroma.at + row * chroma.stride;
      line.set(data.subarray(from, from + chroma.rowBytes));
      for (let column = 0; column < chroma.rowBytes; column += 2) {
        target[blueAt++] = line[column] ?? 0;
        target[redAt++] = line[column + 1] ?? 0;
      }
    }
  });
}

/** YUYV: two pixels are Y U Y V. U and V of two rows are averaged, as 4:2:0 has them for both. */
function interleaved(layout: VideoLayout): Unpacker | undefined {
  const { width, height, bytesPerLine, range } = layout;
  const pairs = Math.ceil(width / 2);
  const plane = { at: 0, stride: bytesPerLine, rowBytes: pairs * 4, rows: height };
  if (bytesPerLine < plane.rowBytes) return undefined;
  const shape = { width, height, format: 'yuv420', range } as const;
  const blueStart = width * height;
  const redStart = blueStart + pairs * Math.ceil(height / 2);
  let upper = new Uint8Array(plane.rowBytes);
  let lower = new Uint8Array(plane.rowBytes);
  return unpacker(endOf(plane), yuv420Bytes(width, height), shape, (data, target) => {
    for (let row = 0; row < height; row++) {
      lower.set(data.subarray(row * bytesPerLine, row * bytesPerLine + plane.rowBytes));
      const to = row * width;
      for (let column = 0; column < width; column++) target[to + column] = lower[column * 2] ?? 0;
      if (row % 2 === 1) meanColours(upper, lower, target, blueStart, redStart, pairs, row >> 1);
      else if (row + 1 === height) meanColours(lower, lower, target, blueStart, redStart, pairs, row >> 1);
      [upper, lower] = [lower, upper];
    }
  });
}

/** U and V of two rows of YUYV. */
function meanColours(
  upper: Uint8Array,
  lower: Uint8Array,
  target: Uint8Array,
  blueStart: number,
  redStart: number,
  pairs: number,
  row: number,
): void {
  const to = row * pairs;
  for (let pair = 0; pair < pairs; pair++) {
    const at = pair * 4;
    target[blueStart + to + pair] = ((upper[at + 1] ?? 0) + (lower[at + 1] ?? 0) + 1) >> 1;
    target[redStart + to + pair] = ((upper[at + 3] ?? 0) + (lower[at + 3] ?? 0) + 1) >> 1;
  }
}

function unpacker(
  cameraBytes: number,
  bytes: number,
  shape: Unpacker['shape'],
  unpack: Unpacker['unpack'],
): Unpacker {
  return {
    cameraBytes,
    bytes,
    shape,
    unpack: (data, target) => {
      if (data.length < cameraBytes) throw new RangeError('the frame is too short, or no longer there');
      unpack(data, target);
    },
  };
}
