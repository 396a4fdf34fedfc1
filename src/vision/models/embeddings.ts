import { VisionError } from '../errors.ts';

/**
 * Brings each embedding of `values` to unit length, in place: engines leave a rounding error, int8 ones a larger one.
 * Throws CW-VIS-006 where one is no direction at all (zeros, or not numbers).
 */
export function toUnitLength(values: Float32Array, dimensions: number): Float32Array {
  for (let at = 0; at < values.length; at += dimensions) {
    let sum = 0;
    for (let i = at; i < at + dimensions; i++) sum += (values[i] ?? 0) ** 2;
    const length = Math.sqrt(sum);
    if (!(length > 1e-6) || !Number.isFinite(length)) {
      throw new VisionError(
        'CW-VIS-006',
        `the network gave an embedding of length ${length}: its file does not hold a usable network`,
      );
    }
    for (let i = at; i < at + dimensions; i++) values[i] = (values[i] ?? 0) / length;
  }
  return values;
}

/** Throws a RangeError where `pixels` is not `count` squares: a fault of the caller. */
export function assertPixels(pixels: Uint8Array, count: number, side: number): void {
  const needed = count * side * side * 3;
  if (Number.isSafeInteger(count) && count > 0 && pixels.length === needed) return;
  throw new RangeError(`${pixels.length} bytes for ${count} pictures of ${side} × ${side} pixels`);
}
