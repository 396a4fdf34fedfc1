import { createRandom, type Random } from '#base/random.ts';
import { meanDirection, toBytes } from '#vision/gallery/embedding.ts';
import { type Gallery, galleryOf } from '#vision/gallery/gallery.ts';

/** A space that no real model has. */
export const space = 'ab'.repeat(32);

/** A direction drawn evenly from all. */
export function randomDirection(random: Random, dimensions: number): Float32Array {
  return meanDirection([Float32Array.from({ length: dimensions }, () => random.gaussian())]);
}

/** A picture of something: its direction with noise, whose length is `noise` times the direction's. */
export function view(random: Random, of: Float32Array, noise: number): Float32Array {
  const apart = randomDirection(random, of.length);
  return meanDirection([of.map((value, index) => value + noise * (apart[index] ?? 0))]);
}

/** The same as bytes. */
export function bytes(values: Float32Array): Int8Array {
  const embedding = toBytes(values);
  if (embedding === undefined) throw new Error('no direction');
  return embedding;
}

/** A gallery of random directions: `counts` says how many references each look has; looks are named look-0, look-1, … */
export function randomGallery(seed: number, dimensions: number, counts: readonly number[]): Gallery {
  const random = createRandom(seed);
  const references = counts.flatMap((count, look) =>
    Array.from({ length: count }, () => ({
      look: `look-${look}`,
      embedding: bytes(randomDirection(random, dimensions)),
    })),
  );
  return galleryOf(space, dimensions, references);
}

/** What `Lookup.bestCosines` computes, without WebAssembly: exact sums, then 32-bit floats in the same order. */
export function plainBestCosines(gallery: Gallery, query: Int8Array): Float32Array {
  const length = (values: Int8Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  const queryScale = Math.fround(1 / length(query));
  const { dimensions, matrix } = gallery;
  let row = 0;
  return Float32Array.from(gallery.looks, ({ references }) => {
    let best = -1;
    for (const end = row + references; row < end; row++) {
      const values = matrix.subarray(row * dimensions, (row + 1) * dimensions);
      let dot = 0;
      for (let i = 0; i < dimensions; i++) dot += (values[i] ?? 0) * (query[i] ?? 0);
      const scale = Math.fround(1 / length(values));
      best = Math.max(best, Math.fround(Math.fround(dot * scale) * queryScale));
    }
    return best;
  });
}
