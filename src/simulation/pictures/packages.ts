import { createRandom, type Random } from '#base/random.ts';
import type { Cutout } from './cutout.ts';

/** Density of a package with its contents, g/cm³, and how much longer than wide it is. */
const density = 0.8;
const slender = 1.45;

/** How long a package of so many mg is, mm: a box of one and a half times the length of its width and half that depth. */
export function packageLengthMm(massMg: number): number {
  const cubicMm = massMg / density;
  return Math.max(45, Math.min(330, slender * Math.cbrt(cubicMm / (slender * 0.5))));
}

type Colour = readonly [number, number, number];

/**
 * Draws a package as seen from above: a printed carton, box or bag of the colours and the layout that its key stands for.
 * The same key always looks the same.
 *
 * @param length of its longer side, pixels
 */
export function drawPackage(key: string, length: number): Cutout {
  const random = createRandom(7).fork(key);
  const height = Math.max(8, Math.round(length));
  const width = Math.max(6, Math.round(length / (1.15 + 0.6 * random.next())));
  const [ground, print, accent] = palette(random);
  const bands = 2 + random.integer(3);
  const panel = { top: 0.2 + 0.25 * random.next(), bottom: 0.6 + 0.25 * random.next() };
  const text = createRandom(random.integer(1 << 30));
  const glyphs = Array.from({ length: 240 }, () => text.next() < 0.5);
  const rgb = new Uint8Array(width * height * 3);
  const alpha = new Uint8Array(width * height).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = [x / width, y / height];
      let colour = ground;
      if (v < 0.12 || v > 0.9) colour = accent;
      if (v > panel.top && v < panel.bottom && u > 0.1 && u < 0.9) {
        colour = print;
        // Lines of what could be letters.
        const line = Math.floor(((v - panel.top) / (panel.bottom - panel.top)) * (bands * 2 + 1));
        const glyph = glyphs[(line * 24 + Math.floor(u * 24)) % glyphs.length];
        if (line % 2 === 1 && glyph === true && u > 0.16 && u < 0.84) colour = accent;
      }
      // Its edges fall off to the sides, and the print shines a little along one line.
      const side = Math.min(u, 1 - u, v, 1 - v);
      const shade = (side < 0.04 ? 0.72 : 1) * (1 + 0.18 * Math.exp(-(((u - 0.3) / 0.08) ** 2)));
      for (let channel = 0; channel < 3; channel++) {
        rgb[(y * width + x) * 3 + channel] = Math.min(255, (colour[channel] ?? 0) * shade);
      }
    }
  }
  return { width, height, rgb, alpha };
}

/** Colours of printing inks that keep apart from each other. */
function palette(random: Random): readonly [Colour, Colour, Colour] {
  const grounds: readonly Colour[] = [
    [28, 62, 132],
    [22, 96, 128],
    [92, 36, 96],
    [60, 66, 74],
    [196, 204, 214],
    [34, 88, 92],
    [150, 34, 74],
    [226, 226, 232],
    [70, 52, 120],
  ];
  const prints: readonly Colour[] = [
    [236, 236, 240],
    [214, 226, 240],
    [226, 214, 232],
    [190, 210, 220],
  ];
  const accents: readonly Colour[] = [
    [18, 24, 60],
    [120, 20, 60],
    [10, 60, 90],
    [70, 20, 90],
  ];
  const one = (of: readonly Colour[]): Colour => of[random.integer(of.length)] ?? [128, 128, 128];
  return [one(grounds), one(prints), one(accents)];
}
