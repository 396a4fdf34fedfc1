import type { VideoLayout } from '../ports/ports.ts';
import type { CameraFrame } from './camera-device.ts';

/** How a camera's own layout becomes a frame without padding; undefined for a frame that is too short. */
export interface Unpacker {
  /** Bytes that a whole frame has at least. */
  readonly frameBytes: number;
  /** The frame's data is in memory that the next one uses again. */
  unpack(data: Uint8Array): CameraFrame | undefined;
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
  const target = new Uint8Array(plane.rowBytes * height);
  return unpacker(endOf(plane), (data) => {
    copyPlane(data, plane, target, 0);
    return { width, height, format, data: target };
  });
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
  const target = new Uint8Array(yuv420Bytes(width, height));
  return unpacker(endOf(red), (data) => {
    copyPlane(data, luma, target, 0);
    copyPlane(data, blue, target, width * height);
    copyPlane(data, red, target, width * height + halfWidth * halfHeight);
    return { width, height, format: 'yuv420', data: target, range };
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
  const target = new Uint8Array(yuv420Bytes(width, height));
  return unpacker(endOf(chroma), (data) => {
    copyPlane(data, luma, target, 0);
    let blueAt = width * height;
    let redAt = blueAt + halfWidth * halfHeight;
    for (let row = 0; row < halfHeight; row++) {
      let from = chroma.at + row * chroma.stride;
      for (let column = 0; column < halfWidth; column++) {
        target[blueAt++] = data[from++] ?? 0;
        target[redAt++] = data[from++] ?? 0;
      }
    }
    return { width, height, format: 'yuv420', data: target, range };
  });
}

/** YUYV: two pixels are Y U Y V. U and V of two rows are averaged, as 4:2:0 has them for both. */
function interleaved(layout: VideoLayout): Unpacker | undefined {
  const { width, height, bytesPerLine, range } = layout;
  const pairs = Math.ceil(width / 2);
  const plane = { at: 0, stride: bytesPerLine, rowBytes: pairs * 4, rows: height };
  if (bytesPerLine < plane.rowBytes) return undefined;
  const target = new Uint8Array(yuv420Bytes(width, height));
  const blueStart = width * height;
  const redStart = blueStart + pairs * Math.ceil(height / 2);
  return unpacker(endOf(plane), (data) => {
    for (let row = 0; row < height; row++) {
      const from = row * bytesPerLine;
      const to = row * width;
      for (let column = 0; column < width; column++) target[to + column] = data[from + column * 2] ?? 0;
    }
    for (let row = 0; row < height; row += 2) {
      const upper = row * bytesPerLine;
      const lower = row + 1 < height ? upper + bytesPerLine : upper;
      const to = (row / 2) * pairs;
      for (let pair = 0; pair < pairs; pair++) {
        const [up, low] = [upper + pair * 4, lower + pair * 4];
        target[blueStart + to + pair] = ((data[up + 1] ?? 0) + (data[low + 1] ?? 0) + 1) >> 1;
        target[redStart + to + pair] = ((data[up + 3] ?? 0) + (data[low + 3] ?? 0) + 1) >> 1;
      }
    }
    return { width, height, format: 'yuv420', data: target, range };
  });
}

function unpacker(frameBytes: number, unpack: (data: Uint8Array) => CameraFrame): Unpacker {
  return { frameBytes, unpack: (data) => (data.length < frameBytes ? undefined : unpack(data)) };
}
