import { VisionError } from '../errors.ts';
import type { Backend } from '../models/backend.ts';
import { middleSquare } from '../pictures/layout.ts';
import type { Picture, Region } from '../pictures/picture.ts';
import { Sampler } from '../pictures/sample.ts';
import { meanDirection, toBytes } from './embedding.ts';

/** Edges of the smaller views, as a share of the whole one's. */
const smaller = 0.8;
/** Where they lie in it: 0 left or top, 1 right or bottom. */
const places = [
  [0.5, 0.5],
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
] as const;

/** The region itself and five smaller ones in it: its middle and its corners. */
function viewsOf(region: Region): Region[] {
  const width = region.width * smaller;
  const height = region.height * smaller;
  return [
    region,
    ...places.map(([across, down]) => ({
      left: region.left + (region.width - width) * across,
      top: region.top + (region.height - height) * down,
      width,
      height,
    })),
  ];
}

/** Squares of RGB pixels mirrored left to right, into `into` from `at` on. */
function mirror(pixels: Uint8Array, side: number, into: Uint8Array, at: number): void {
  for (let start = 0; start < side * side * 3; start += side * 3) {
    for (let x = 0; x < side; x++) {
      const from = start + x * 3;
      const to = at + start + (side - 1 - x) * 3;
      into[to] = pixels[from] ?? 0;
      into[to + 1] = pixels[from + 1] ?? 0;
      into[to + 2] = pixels[from + 2] ?? 0;
    }
  }
}

/** Views of a region, at most. */
export const mostViews = 12;

/**
 * Squares of RGB pixels of `count` views, one after the other: the whole region, its mirror, and so on with each of the
 * smaller ones.
 */
export function sampleViews(sampler: Sampler, picture: Picture, region: Region, count: number): Uint8Array {
  const { side } = sampler;
  const each = side * side * 3;
  const pixels = new Uint8Array(count * each);
  viewsOf(region).forEach((view, index) => {
    const at = 2 * index * each;
    if (at >= pixels.length) return;
    sampler.sample(picture, view, pixels, at);
    if (at + each < pixels.length) mirror(pixels.subarray(at, at + each), side, pixels, at + each);
  });
  return pixels;
}

/**
 * The embedding of a picture that a product is to be recognized by: the mean direction of twelve views of it, the whole
 * region and smaller ones in it, each also mirrored. It stands for the product better than one view.
 * @param region what of the picture shows the product; the middle square where left out
 * @returns bytes of -127 … 127, as a gallery keeps them
 * Rejects with CW-VIS-017 where the network sees nothing in it, and as the backend does.
 */
export async function embedForEnrolment(
  backend: Pick<Backend, 'side' | 'dimensions' | 'embed'>,
  picture: Picture,
  region: Region = middleSquare(picture),
): Promise<Int8Array> {
  const { side, dimensions } = backend;
  const pixels = sampleViews(new Sampler(side), picture, region, mostViews);
  const embeddings = await backend.embed(pixels, mostViews);
  const views = Array.from({ length: mostViews }, (_, index) =>
    embeddings.subarray(index * dimensions, (index + 1) * dimensions),
  );
  const embedding = toBytes(meanDirection(views));
  if (embedding === undefined) {
    throw new VisionError('CW-VIS-017', 'the network sees nothing in the picture; take another one');
  }
  return embedding;
}
