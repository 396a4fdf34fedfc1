/** Small pictures of numbers: lines of `width` values, one after the other. All functions write where they are told to. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Means over windows of (2 · radius + 1)², cut off at the edges, by running sums (two passes, any radius costs the same).
 * `scratch` and `into` are as large as `from`; `into` may be `from`.
 */
export function boxMean(
  from: Float32Array,
  size: Size,
  radius: number,
  scratch: Float32Array,
  into: Float32Array,
): void {
  const { width, height } = size;
  for (let y = 0; y < height; y++) {
    const line = y * width;
    let sum = 0;
    for (let x = 0; x < Math.min(radius, width); x++) sum += from[line + x] ?? 0;
    for (let x = 0; x < width; x++) {
      if (x + radius < width) sum += from[line + x + radius] ?? 0;
      if (x > radius) sum -= from[line + x - radius - 1] ?? 0;
      scratch[line + x] = sum / (Math.min(x + radius, width - 1) - Math.max(x - radius, 0) + 1);
    }
  }
  for (let x = 0; x < width; x++) {
    let sum = 0;
    for (let y = 0; y < Math.min(radius, height); y++) sum += scratch[y * width + x] ?? 0;
    for (let y = 0; y < height; y++) {
      if (y + radius < height) sum += scratch[(y + radius) * width + x] ?? 0;
      if (y > radius) sum -= scratch[(y - radius - 1) * width + x] ?? 0;
      into[y * width + x] = sum / (Math.min(y + radius, height - 1) - Math.max(y - radius, 0) + 1);
    }
  }
}

/** Central differences along lines and columns; 0 at the edges, where there is only one side. */
export function slopes(from: Float32Array, size: Size, alongX: Float32Array, alongY: Float32Array): void {
  const { width, height } = size;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      alongX[at] = x === 0 || x === width - 1 ? 0 : ((from[at + 1] ?? 0) - (from[at - 1] ?? 0)) / 2;
      alongY[at] = y === 0 || y === height - 1 ? 0 : ((from[at + width] ?? 0) - (from[at - width] ?? 0)) / 2;
    }
  }
}

/** `into` at (x, y) is `from` at (x + dx, y + dy), between values linearly, at the edges the nearest one. */
export function shifted(from: Float32Array, size: Size, dx: number, dy: number, into: Float32Array): void {
  const { width, height } = size;
  const wholeX = Math.floor(dx);
  const wholeY = Math.floor(dy);
  const rightShare = dx - wholeX;
  const lowerShare = dy - wholeY;
  const inLine = (x: number) => Math.max(0, Math.min(width - 1, x));
  const inColumn = (y: number) => Math.max(0, Math.min(height - 1, y));
  for (let y = 0; y < height; y++) {
    const upper = inColumn(y + wholeY) * width;
    const lower = inColumn(y + wholeY + 1) * width;
    for (let x = 0; x < width; x++) {
      const left = inLine(x + wholeX);
      const right = inLine(x + wholeX + 1);
      const above = (from[upper + left] ?? 0) * (1 - rightShare) + (from[upper + right] ?? 0) * rightShare;
      const below = (from[lower + left] ?? 0) * (1 - rightShare) + (from[lower + right] ?? 0) * rightShare;
      into[y * width + x] = above * (1 - lowerShare) + below * lowerShare;
    }
  }
}

/** The middle one of the first `count` values, which are put in order (of an even number, the upper one); 0 of none. */
export function median(values: Float32Array, count: number): number {
  if (count === 0) return 0;
  return values.subarray(0, count).sort()[count >> 1] ?? 0;
}
