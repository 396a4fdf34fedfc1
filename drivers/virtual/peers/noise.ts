import { createRandom } from '#base/random.ts';

/** Noise as every converter has: whole numbers about 0 of that standard deviation, reproducible by seed. */
export function createNoise(seed: number, deviation: number): () => number {
  const random = createRandom(seed).fork('converter noise');
  return () => Math.round(random.gaussian() * deviation);
}
