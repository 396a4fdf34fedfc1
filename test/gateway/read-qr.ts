import { loadZxing } from '#vision/codes/zxing.ts';

/** Pixels a module has in the picture, and modules of white around it. */
const scale = 6;
const quiet = 4;

/** Reads the QR code that path data draws, as a phone's camera would see it on a display. */
export async function readQr(path: string, side: number): Promise<string> {
  const width = (side + 2 * quiet) * scale;
  const data = new Uint8Array(width * width).fill(255);
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let row = 0; row < scale; row++) {
      const start = ((Number(y) + quiet) * scale + row) * width + (Number(x) + quiet) * scale;
      data.fill(0, start, start + Number(length) * scale);
    }
  }
  const read = await loadZxing();
  const found = await read({ width, height: width, data }, 'matrices', { thorough: true, anyItf: false });
  return found[0]?.text ?? '';
}
