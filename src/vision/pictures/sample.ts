import { VisionError } from '../errors.ts';
import { assertPicture, chromaPlanes, type Plane } from './layout.ts';
import type { Picture, Region } from './picture.ts';
import { SamplingMemory } from './sampling.ts';
import { Taps } from './taps.ts';

/** Source rows that are in the kernel's memory at a time, bytes: what large pictures are cut into. */
const bandBytes = 4 * 1024 * 1024;
/** What the kernel may read or write beyond the end of anything, bytes. */
const slack = 64;

const aligned = (bytes: number) => (bytes + 15) & ~15;

/** Taps across and down a plane. */
interface Grid {
  readonly across: Taps;
  readonly down: Taps;
}

/** Where the taps of a direction lie in the kernel's memory. */
interface Table {
  readonly firsts: number;
  readonly lengths: number;
  readonly weights: number;
}

/**
 * Takes regions out of pictures and resizes them to squares of RGB, straight from the layout that a camera delivers:
 * planes are resized before their colours are converted, which is less work and the same. One sampler keeps its
 * buffers; it is not for two callers at once.
 */
export class Sampler {
  readonly side: number;
  readonly #memory = new SamplingMemory();
  readonly #luma: Grid;
  readonly #chroma: Grid;
  /** Bytes between two of the three planes that are resized into, which lie at the beginning of the memory. */
  readonly #plane: number;

  /** `side` is the edge of the squares, pixels. */
  constructor(side: number) {
    this.side = side;
    this.#luma = { across: new Taps(side), down: new Taps(side) };
    this.#chroma = { across: new Taps(side), down: new Taps(side) };
    this.#plane = aligned(side * side) + slack;
  }

  /**
   * Writes `side · side` pixels, RGB, into `into` from `at` on: what `region` shows, stretched to a square. What of it
   * lies beyond the picture repeats the picture's edge. Colours of `yuv420` are converted by BT.601 in its range.
   * Throws CW-VIS-008 where the picture's layout is wrong or the region lies beside it or is empty.
   */
  sample(picture: Picture, region: Region, into: Uint8Array, at = 0): void {
    assertPicture(picture);
    assertRegion(picture, region);
    const { side } = this;
    const bytes = side * side * 3;
    if (into.length - at < bytes) throw new RangeError(`${into.length - at} bytes for a sample of ${bytes}`);
    const { data, format, stride, width, height } = picture;
    const luma = { offset: 0, stride, width, height };
    this.#aim(this.#luma, luma, region, 1);
    this.#resize(data, luma, this.#luma, format === 'rgb24' ? 3 : 1, 0);
    if (format === 'yuv420') {
      const [u, v] = chromaPlanes(picture);
      this.#aim(this.#chroma, u, region, 0.5);
      this.#resize(data, u, this.#chroma, 1, this.#plane);
      this.#resize(data, v, this.#chroma, 1, 2 * this.#plane);
    }
    const out = 3 * this.#plane;
    const memory = this.#memory.bytes(out + bytes + slack);
    this.#join(picture, out);
    into.set(memory.subarray(out, out + bytes), at);
  }

  #aim({ across, down }: Grid, plane: Plane, { left, top, width, height }: Region, scale: number): void {
    across.set(left * scale, width * scale, plane.width);
    down.set(top * scale, height * scale, plane.height);
  }

  /** Resizes a plane into the one at `out`, or pixels of three channels into all three. */
  #resize(data: Uint8Array, plane: Plane, { across, down }: Grid, channels: 1 | 3, out: number): void {
    const { side } = this;
    const memory = this.#memory;
    const pixels = across.end - across.start;
    const length = pixels * channels;
    // Much of each row is wanted: then all of it is copied at once.
    const whole = length * 2 >= plane.stride;
    const stride = whole ? plane.stride : aligned(length);
    const betweenBytes = aligned(pixels * 2) + slack;
    const between = 3 * this.#plane;
    const acrossAt = between + 6 * betweenBytes;
    const downAt = acrossAt + tableBytes(across);
    const source = downAt + tableBytes(down);
    const most = Math.max(Math.floor(bandBytes / stride), down.step);
    for (let line = 0; line < side; ) {
      const firstRow = down.first[line] ?? 0;
      let lastLine = line;
      let rows = 0;
      for (; lastLine < side; lastLine++) {
        const upTo = (down.first[lastLine] ?? 0) + (down.length[lastLine] ?? 0) - firstRow;
        if (upTo > most) break;
        rows = Math.max(rows, upTo);
      }
      const bytes = memory.bytes(source + (rows + 1) * stride + slack);
      const rowsOf = writeTable(bytes, downAt, down);
      const valuesOf = writeTable(bytes, acrossAt, across);
      const from = plane.offset + (down.start + firstRow) * plane.stride + across.start * channels;
      if (whole) bytes.set(data.subarray(from, from + (rows - 1) * stride + length), source);
      else copyRows(data, from, plane.stride, length, rows, bytes, source, stride);
      memory.kernel.resize(
        source,
        stride,
        length,
        firstRow,
        channels,
        rowsOf.firsts,
        rowsOf.lengths,
        rowsOf.weights,
        down.step * 2,
        line,
        lastLine,
        valuesOf.firsts,
        valuesOf.weights,
        across.step * 2,
        across.padded,
        between,
        betweenBytes,
        out,
        side,
        this.#plane,
      );
      line = lastLine;
    }
  }

  #join({ format, range }: Picture, out: number): void {
    const pixels = this.side * this.side;
    const second = this.#plane;
    const third = 2 * this.#plane;
    const { kernel } = this.#memory;
    if (format === 'rgb24') kernel.join(0, second, third, pixels, out);
    else if (format === 'grey') kernel.join(0, 0, 0, pixels, out);
    else {
      const { black, red, blue, green, greenV } = range === 'full' ? matrices.full : matrices.limited;
      kernel.joinYuv(0, second, third, pixels, out, black, red, blue, green, greenV);
    }
  }
}

function tableBytes({ padded, step }: Taps): number {
  return 2 * aligned(padded * 4) + aligned(padded * step * 2);
}

function writeTable({ buffer }: Uint8Array, at: number, taps: Taps): Table {
  const lengths = at + aligned(taps.padded * 4);
  const weights = lengths + aligned(taps.padded * 4);
  new Int32Array(buffer, at).set(taps.first);
  new Int32Array(buffer, lengths).set(taps.length);
  new Int16Array(buffer, weights).set(taps.weights.subarray(0, taps.padded * taps.step));
  return { firsts: at, lengths, weights };
}

function copyRows(
  data: Uint8Array,
  from: number,
  stride: number,
  length: number,
  rows: number,
  into: Uint8Array,
  to: number,
  toStride: number,
): void {
  for (let row = 0; row < rows; row++) {
    const start = from + row * stride;
    into.set(data.subarray(start, start + length), to + row * toStride);
  }
}

function assertRegion(picture: Picture, { left, top, width, height }: Region): void {
  const inside =
    width > 0 &&
    height > 0 &&
    left < picture.width &&
    top < picture.height &&
    left + width > 0 &&
    top + height > 0;
  if (inside && Number.isFinite(left + top + width + height)) return;
  throw new VisionError(
    'CW-VIS-008',
    `the region ${width} × ${height} at (${left}, ${top}) shows nothing of a picture of ${picture.width} × ${picture.height} pixels; correct the camera's region in the board profile`,
  );
}

/** Two weights of 16 bits, as the kernel takes them. */
const pair = (first: number, second: number) => (first & 0xffff) | (second << 16);

/** ITU-R BT.601 in units of 1 / 2^13; half a unit of the result beside V of green. */
const matrices = {
  full: {
    black: 0,
    red: pair(8192, 11_485),
    blue: pair(8192, 14_516),
    green: pair(8192, -2_819),
    greenV: pair(-5_850, 4096),
  },
  limited: {
    black: 16,
    red: pair(9_539, 13_075),
    blue: pair(9_539, 16_525),
    green: pair(9_539, -3_209),
    greenV: pair(-6_660, 4096),
  },
};
