/** What a value of 1 is in an embedding of bytes. */
const byteScale = 127;
/** Rounding moves each value by half a unit at most: with 256 of them the length stays within 127 ± 8. */
const lengthTolerance = 9;

/** Anything that holds an embedding's values: floats of a model, bytes of a gallery. */
export type Values = Float32Array | Int8Array;

/** Euclidean length. */
export function lengthOf(values: Values): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

/** Cosine of two embeddings of the same number of values; 0 where one has no length. */
export function cosineOf(a: Values, b: Values): number {
  let dot = 0;
  for (let i = 0; i < a.length; i++) dot += (a[i] ?? 0) * (b[i] ?? 0);
  const lengths = lengthOf(a) * lengthOf(b);
  return lengths === 0 ? 0 : dot / lengths;
}

/**
 * The direction between embeddings: each is brought to unit length, weighed (by 1 where nothing is given), and the sum is
 * brought to unit length again. Several views or pictures of one thing make a better embedding than any one of them
 * (Wang et al., SimpleShot, 2019). All zeros where they cancel each other out or none has a length.
 */
export function meanDirection(embeddings: readonly Values[], weights?: readonly number[]): Float32Array {
  const mean = new Float32Array(embeddings[0]?.length ?? 0);
  embeddings.forEach((values, index) => {
    const length = lengthOf(values);
    if (length === 0) return;
    const factor = (weights?.[index] ?? 1) / length;
    for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] ?? 0) + (values[i] ?? 0) * factor;
  });
  const length = lengthOf(mean);
  return length === 0 ? mean : mean.map((value) => value / length);
}

/**
 * An embedding as bytes of -127 … 127: unit length is made 127, and values are rounded. Undefined for one without
 * length or with values that are no numbers: no picture has such an embedding.
 */
export function toBytes(values: Values): Int8Array | undefined {
  const length = lengthOf(values);
  if (!(length > 0) || !Number.isFinite(length)) return undefined;
  return Int8Array.from(values, (value) => Math.round((value / length) * byteScale));
}

/** What keeps bytes from being an embedding that `toBytes` made, or undefined. */
export function bytesProblem(values: Int8Array): string | undefined {
  let sum = 0;
  for (const value of values) {
    // Its square would be too much for the look-up's 16-bit sums.
    if (value === -128) return 'has the value -128';
    sum += value * value;
  }
  return Math.abs(Math.sqrt(sum) - byteScale) > lengthTolerance ? 'is not of unit length' : undefined;
}
