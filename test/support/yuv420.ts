import type { Picture } from '#vision/pictures/picture.ts';

/**
 * An RGB picture as a camera sends it: planar YUV 4:2:0, BT.601 in limited range (16 … 235 of brightness).
 *
 * @param picture rgb24 of even width and height
 */
export function toYuv420({ width, height, stride, data }: Picture): Uint8Array<ArrayBuffer> {
  const pixels = width * height;
  const frame = new Uint8Array((pixels * 3) / 2);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * stride + 3 * x;
      const [red, green, blue] = [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0];
      frame[y * width + x] = Math.round(16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255);
      if (x % 2 === 1 || y % 2 === 1) continue;
      // The upper left one of four pixels stands for all.
      const pair = pixels + (y / 2) * (width / 2) + x / 2;
      frame[pair] = Math.round(128 + (-37.797 * red - 74.203 * green + 112 * blue) / 255);
      frame[pair + pixels / 4] = Math.round(128 + (112 * red - 93.786 * green - 18.214 * blue) / 255);
    }
  }
  return frame;
}
