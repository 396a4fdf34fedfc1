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
  meansAlongLines(from, size, radius, scratch);
  const { width, height } = size;
  // Whole lines are added to and taken from a line of sums: memory is read in its order.
  const sums = new Float64Array(width);
  let lines = 0;
  for (let y = -radius; y < height; y++) {
    const comes = (y + radius) * width;
    const goes = (y - radius - 1) * width;
    const to = y * width;
    if (y > radius && y + radius < height) {
      const share = 1 / lines;
      for (let x = 0; x < width; x++) {
        const sum = (sums[x] ?? 0) + (scratch[comes + x] ?? 0) - (scratch[goes + x] ?? 0);
        sums[x] = sum;
        into[to + x] = sum * share;
      }
      continue;
    }
    if (y + radius < height) {
      for (let x = 0; x < width; x++) sums[x] = (sums[x] ?? 0) + (scratch[comes + x] ?? 0);
      lines++;
    }
    if (y > radius) {
      for (let x = 0; x < width; x++) sums[x] = (sums[x] ?? 0) - (scratch[goes + x] ?? 0);
      lines--;
    }
    const share = 1 / lines;
    if (y >= 0) for (let x = 0; x < width; x++) into[to + x] = (sums[x] ?? 0) * share;
  }
}

function meansAlongLines(
  from: Float32Array,
  { width, height }: Size,
  radius: number,
  into: Float32Array,
): void {
  const inner = Math.max(0, width - radius);
  for (let y = 0; y < height; y++) {
    const line = y * width;
    let sum = 0;
    let count = 0;
    for (let x = 0; x < Math.min(radius, width); x++) {
      sum += from[line + x] ?? 0;
      count++;
    }
    let x = 0;
    for (; x < inner && x <= radius; x++) {
      sum += from[line + x + radius] ?? 0;
      count++;
      into[line + x] = sum / count;
    }
    const share = 1 / count;
    for (; x < inner; x++) {
      sum += (from[line + x + radius] ?? 0) - (from[line + x - radius - 1] ?? 0);
      into[line + x] = sum * share;
    }
    for (; x < width; x++) {
      if (x > radius) {
        sum -= from[line + x - radius - 1] ?? 0;
        count--;
      }
      into[line + x] = sum / count;
    }
  }
}

/** Smooths with [1 2 1] / 4 along lines and columns; at the edges with what is there. */
export function soften(plane: Float32Array, size: Size, scratch: Float32Array): void {
  const { width, height } = size;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const left = plane[x === 0 ? at : at - 1] ?? 0;
      const right = plane[x === width - 1 ? at : at + 1] ?? 0;
      scratch[at] = (left + 2 * (plane[at] ?? 0) + right) / 4;
    }
  }
  for (let y = 0; y < height; y++) {
    const above = y === 0 ? 0 : -width;
    const below = y === height - 1 ? 0 : width;
    for (let at = y * width; at < (y + 1) * width; at++) {
      plane[at] = ((scratch[at + above] ?? 0) + 2 * (scratch[at] ?? 0) + (scratch[at + below] ?? 0)) / 4;
    }
  }
}

/** Central differences along lines and columns; 0 at the edges, where there is only one side. */
export function slopes(from: Float32Array, size: Size, alongX: Float32Array, alongY: Float32Array): void {
  const { width, height } = size;
  const last = (height - 1) * width;
  for (let line = 0; line <= last; line += width) {
    alongX[line] = 0;
    alongX[line + width - 1] = 0;
    for (let at = line + 1; at < line + width - 1; at++) {
      alongX[at] = ((from[at + 1] ?? 0) - (from[at - 1] ?? 0)) / 2;
    }
  }
  alongY.fill(0, 0, width);
  alongY.fill(0, last);
  for (let at = width; at < last; at++) alongY[at] = ((from[at + width] ?? 0) - (from[at - width] ?? 0)) / 2;
}

/** How a later picture lies against an earlier one: moved, and turned about the middle by a small angle (radians). */
export interface Pose {
  readonly dx: number;
  readonly dy: number;
  readonly turn: number;
}

/**
 * `into` at (x, y) is `from` at the place that `pose` brings there, between values linearly, at the edges the nearest one.
 */
export function posed(from: Float32Array, size: Size, pose: Pose, into: Float32Array): void {
  const { width, height } = size;
  const { dx, dy, turn } = pose;
  if (dx === 0 && dy === 0 && turn === 0) {
    into.set(from);
    return;
  }
  const lastX = width - 1;
  const lastY = height - 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const u = Math.max(0, Math.min(lastX, x - dx + turn * (y - height / 2)));
      const v = Math.max(0, Math.min(lastY, y - dy - turn * (x - width / 2)));
      const left = Math.min(Math.floor(u), Math.max(0, lastX - 1));
      const top = Math.min(Math.floor(v), Math.max(0, lastY - 1));
      const right = u - left;
      const lower = v - top;
      const at = top * width + left;
      const above = (from[at] ?? 0) * (1 - right) + (from[at + 1] ?? 0) * right;
      const below = (from[at + width] ?? 0) * (1 - right) + (from[at + width + 1] ?? 0) * right;
      into[y * width + x] = above * (1 - lower) + below * lower;
    }
  }
}

/**
 * The middle one of the first `count` values (of an even number, the upper one); 0 of none. Puts them into another order
 * (Hoare's selection).
 */
export function median(values: Float32Array, count: number): number {
  const wanted = count >> 1;
  let first = 0;
  let last = count - 1;
  while (first < last) {
    const pivot = values[(first + last) >> 1] ?? 0;
    let low = first;
    let high = last;
    while (low <= high) {
      while ((values[low] ?? 0) < pivot) low++;
      while ((values[high] ?? 0) > pivot) high--;
      if (low > high) break;
      const swapped = values[low] ?? 0;
      values[low++] = values[high] ?? 0;
      values[high--] = swapped;
    }
    if (wanted <= high) last = high;
    else if (wanted >= low) first = low;
    else break;
  }
  return count === 0 ? 0 : (values[wanted] ?? 0);
}
