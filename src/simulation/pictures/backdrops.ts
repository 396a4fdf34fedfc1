import { createRandom, type Random } from '#base/random.ts';
import { boxMean } from '#vision/change/planes.ts';
import type { Picture } from '#vision/pictures/picture.ts';
import type { Cutout } from './cutout.ts';

/** Roughness without a grain: noise at several sizes, about −1 … 1, brightest detail `coarse` pixels wide. */
function cloud(width: number, height: number, coarse: number, random: Random): Float32Array {
  const sum = new Float32Array(width * height);
  const layer = new Float32Array(width * height);
  const scratch = new Float32Array(width * height);
  for (let radius = coarse; radius >= 1; radius = Math.floor(radius / 3)) {
    for (let at = 0; at < layer.length; at++) layer[at] = random.next() * 2 - 1;
    boxMean(layer, { width, height }, radius, scratch, layer);
    boxMean(layer, { width, height }, radius, scratch, layer);
    // The mean of n values spreads √n less: brought back, each size weighs the same.
    for (let at = 0; at < sum.length; at++) sum[at] = (sum[at] ?? 0) + (layer[at] ?? 0) * radius * 0.9;
  }
  return sum;
}

/**
 * Draws an empty basket seen from above: a floor with a grating, walls that get darker downwards, and a rim.
 *
 * @param seed of colours, mesh and wear
 */
export function drawBasket(width: number, height: number, seed: number): Picture {
  const random = createRandom(seed);
  const wear = cloud(width, height, 40, random);
  const floor = 60 + random.next() * 120;
  const tint = [0.9 + random.next() * 0.2, 1, 0.9 + random.next() * 0.2];
  const mesh = 18 + random.integer(30);
  const wire = 1 + random.integer(4);
  const contrast = (random.next() < 0.5 ? -1 : 1) * (0.12 + random.next() * 0.3);
  const rim = Math.round(Math.min(width, height) * (0.05 + random.next() * 0.03));
  const wall = Math.round(rim * 2.2);
  const rimLevel = floor > 120 ? 45 + random.next() * 30 : 170 + random.next() * 50;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inward = Math.min(x, y, width - 1 - x, height - 1 - y);
      const onWire = x % mesh < wire || y % mesh < wire;
      let level = floor * (1 + (onWire ? contrast : 0));
      if (inward < wall) level = floor * (0.55 + (0.35 * inward) / wall) * (inward % 9 < 2 ? 0.85 : 1);
      if (inward < rim) level = rimLevel * (inward < 3 || inward > rim - 3 ? 0.8 : 1);
      level *= 1 + 0.05 * (wear[y * width + x] ?? 0);
      for (let channel = 0; channel < 3; channel++) {
        data[(y * width + x) * 3 + channel] = Math.max(0, Math.min(255, level * (tint[channel] ?? 1)));
      }
    }
  }
  return { width, height, format: 'rgb24', stride: width * 3, data };
}

/** What covers an arm. */
const armColours = [
  [198, 150, 122],
  [112, 78, 58],
  [34, 36, 52],
  [176, 60, 58],
  [90, 120, 90],
  [205, 205, 210],
] as const;

/**
 * Draws a forearm with a hand, pointing down: `length` pixels long, about a sixth as wide, shaded as a cylinder, with sleeve
 * and skin (or glove) of colours that the seed chooses. Placed with its upper end outside the picture it reaches in.
 */
export function drawArm(length: number, seed: number): Cutout {
  const random = createRandom(seed);
  const width = Math.round(length * 0.3);
  const height = Math.round(length);
  const folds = cloud(width, height, 9, random);
  const sleeve = armColours[random.integer(armColours.length)] ?? armColours[0];
  const skin = armColours[random.integer(3)] ?? armColours[0];
  const cuff = height * (0.45 + random.next() * 0.3);
  const rgb = new Uint8Array(width * height * 3);
  const alpha = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const across = (x + 0.5 - width / 2) / armHalfWidth(y, x, width, height, cuff);
      if (Math.abs(across) >= 1) continue;
      const shade = 0.55 + 0.45 * Math.sqrt(1 - across * across) + 0.08 * (folds[at] ?? 0);
      const colour = y < cuff ? sleeve : skin;
      for (let channel = 0; channel < 3; channel++) {
        rgb[at * 3 + channel] = Math.max(0, Math.min(255, (colour[channel] ?? 0) * shade));
      }
      alpha[at] = 255;
    }
  }
  return { width, height, rgb, alpha };
}

/** Half the width at a distance from the shoulder's end: sleeve, wrist, palm, and four fingers with gaps. */
function armHalfWidth(y: number, x: number, width: number, height: number, cuff: number): number {
  const along = y / height;
  if (y < cuff) return width * (0.36 - 0.08 * along);
  if (along < 0.8) return width * (0.22 + 0.2 * Math.max(0, along - 0.65));
  const palm = width * 0.36 * Math.sqrt(Math.max(0.02, 1 - ((along - 0.8) / 0.2) ** 2));
  const gap = along > 0.9 && Math.abs(((x / width) * 6) % 1) < 0.14;
  return gap ? 0.01 : palm;
}
