import type { Picture } from '#vision/pictures/picture.ts';

/** A thing without its surroundings: colours (three bytes a pixel) and how much each pixel covers (0 … 255). */
export interface Cutout {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
  readonly alpha: Uint8Array;
}

/** How far from the backdrop's colour a pixel may be to belong to it, levels; above twice as much it surely does not. */
const backdropLevels = 14;

/**
 * Cuts a thing out of a picture that shows it before a plain backdrop (as catalogue pictures do): what has the colour of
 * the picture's corner and is joined to its edge is backdrop. Pixels next to it cover by how much they differ from it.
 *
 * @param picture rgb24
 */
export function cutOut(picture: Picture): Cutout {
  const { width, height } = picture;
  const outside = findBackdrop(picture);
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (outside[y * width + x] === 1) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y + 1);
    }
  }
  if (right <= left) return { width: 0, height: 0, rgb: new Uint8Array(0), alpha: new Uint8Array(0) };
  const cutout = {
    width: right - left,
    height: bottom - top,
    rgb: new Uint8Array((right - left) * (bottom - top) * 3),
    alpha: new Uint8Array((right - left) * (bottom - top)),
  };
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const to = (y - top) * cutout.width + x - left;
      const from = y * picture.stride + x * 3;
      cutout.rgb.set(picture.data.subarray(from, from + 3), to * 3);
      cutout.alpha[to] = coverage(picture, outside, x, y);
    }
  }
  return cutout;
}

/** Largest difference of a channel from the picture's first pixel. */
function distance({ data, stride }: Picture, x: number, y: number): number {
  const at = y * stride + x * 3;
  const channel = (index: number) => Math.abs((data[at + index] ?? 0) - (data[index] ?? 0));
  return Math.max(channel(0), channel(1), channel(2));
}

function findBackdrop(picture: Picture): Uint8Array {
  const { width, height } = picture;
  const outside = new Uint8Array(width * height);
  const waiting: number[] = [];
  const visit = (x: number, y: number) => {
    const at = y * width + x;
    if (x < 0 || y < 0 || x >= width || y >= height || outside[at] === 1) return;
    if (distance(picture, x, y) > backdropLevels) return;
    outside[at] = 1;
    waiting.push(at);
  };
  for (let x = 0; x < width; x++) {
    visit(x, 0);
    visit(x, height - 1);
  }
  for (let y = 0; y < height; y++) {
    visit(0, y);
    visit(width - 1, y);
  }
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const x = at % width;
    const y = (at - x) / width;
    visit(x - 1, y);
    visit(x + 1, y);
    visit(x, y - 1);
    visit(x, y + 1);
  }
  return outside;
}

function coverage(picture: Picture, outside: Uint8Array, x: number, y: number): number {
  const { width, height } = picture;
  if (outside[y * width + x] === 1) return 0;
  let open = 0;
  for (const [nextX, nextY] of [
    [x - 1, y],
    [x + 1, y],
    [x, y - 1],
    [x, y + 1],
  ] as const) {
    const beyond = nextX < 0 || nextY < 0 || nextX >= width || nextY >= height;
    if (!beyond && outside[nextY * width + nextX] === 1) open++;
  }
  // A pixel beside the backdrop is partly backdrop: half of it, where its colour does not say more.
  if (open === 0) return 255;
  return Math.round(255 * Math.min(0.6, distance(picture, x, y) / 255 + 0.2));
}
