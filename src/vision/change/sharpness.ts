import type { Picture } from '../pictures/picture.ts';

const near = 1;
const far = 8;
/** Of the slopes, the strongest in so many are looked at: edges, whatever else is on the picture. */
const strongest = 0.005;

/** Reads the brightness of a pixel; of colour pictures green, which carries most of it. */
function brightnessAt({ format, stride, data }: Picture): (x: number, y: number) => number {
  if (format === 'rgb24') return (x, y) => data[y * stride + x * 3 + 1] ?? 0;
  return (x, y) => data[y * stride + x] ?? 0;
}

/** Differences at the strongest edges that are this large are none: noise and compression make them. */
const faintest = 12;

/**
 * How sharp a picture is, about 0.1 (blurred) … 1: how much of the difference across its strongest edges lies within one
 * pixel. The strongest differences of neighbours are set against the strongest at a distance of eight pixels, so that
 * contrast and exposure count little. Some lines of the picture are read, at its full size.
 *
 * @returns undefined where the picture has no edges to tell by
 */
export function sharpnessOf(picture: Picture): number | undefined {
  const read = brightnessAt(picture);
  const close = new Uint32Array(256);
  const wide = new Uint32Array(256);
  const lines = Math.max(1, Math.floor(picture.height / 60));
  let count = 0;
  for (let y = Math.floor(lines / 2); y < picture.height; y += lines) {
    for (let x = 0; x + far < picture.width; x++) {
      const here = read(x, y);
      const next = Math.abs(read(x + near, y) - here);
      const beyond = Math.abs(read(x + far, y) - here);
      close[next] = (close[next] ?? 0) + 1;
      wide[beyond] = (wide[beyond] ?? 0) + 1;
      count++;
    }
  }
  const across = upperMean(wide, count * strongest);
  return across < faintest ? undefined : upperMean(close, count * strongest) / across;
}

/** The mean of the largest `wanted` values of a histogram. */
function upperMean(histogram: Uint32Array, wanted: number): number {
  let left = Math.max(1, Math.floor(wanted));
  const all = left;
  let sum = 0;
  for (let value = histogram.length - 1; value > 0 && left > 0; value--) {
    const taken = Math.min(left, histogram[value] ?? 0);
    sum += taken * value;
    left -= taken;
  }
  return sum / all;
}
