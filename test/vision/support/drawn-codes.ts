import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { prepareZXingModule, type WriteInputBarcodeFormat, writeBarcode } from 'zxing-wasm/writer';
import { createRandom } from '#base/random.ts';
import type { Luma } from '#vision/codes/luma.ts';

/** A code as ZXing writes it: modules, true where dark. */
export interface Modules {
  readonly width: number;
  readonly height: number;
  readonly dark: readonly boolean[];
}

const wasm = fileURLToPath(import.meta.resolve('zxing-wasm/writer/zxing_writer.wasm'));
const loaded = prepareZXingModule({
  overrides: { wasmBinary: new Uint8Array(await readFile(wasm)).buffer },
  fireImmediately: true,
});

export async function drawModules(
  text: string,
  format: WriteInputBarcodeFormat,
  options = '',
): Promise<Modules> {
  await loaded;
  const { symbol, error } = await writeBarcode(text, { format, options });
  if (error !== '') throw new Error(`${format} of ${text}: ${error}`);
  return {
    width: symbol.width,
    height: symbol.height,
    dark: Array.from(symbol.data, (value) => value === 0),
  };
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  /** Pixels a module. */
  readonly module: number;
  /** Where the middle of the code lies; the middle of the picture where left out. */
  readonly at?: { readonly x: number; readonly y: number };
  readonly degrees?: number;
  /** Brightness of dark and of light modules; the second surrounds the code. */
  readonly dark?: number;
  readonly light?: number;
  /** Passes of a mean over three pixels, either way. */
  readonly blur?: number;
  /** Standard deviation of noise, and its seed. */
  readonly noise?: number;
  readonly seed?: number;
}

/** Nine points a pixel: edges of bars come out as a camera's pixels have them. */
const points = 3;

/** A picture with a code in it, turned, out of focus, grey or noisy. */
export function draw(modules: Modules, drawing: Drawing): Luma {
  const {
    width,
    height,
    module,
    degrees = 0,
    dark = 20,
    light = 235,
    blur = 0,
    noise = 0,
    seed = 1,
  } = drawing;
  const { x: middleX, y: middleY } = drawing.at ?? { x: width / 2, y: height / 2 };
  const cos = Math.cos((degrees * Math.PI) / 180) / module;
  const sin = Math.sin((degrees * Math.PI) / 180) / module;
  const reach = (Math.hypot(modules.width, modules.height) * module) / 2 + 1;
  let picture = new Float64Array(width * height).fill(light);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (Math.abs(x - middleX) > reach || Math.abs(y - middleY) > reach) continue;
      let hits = 0;
      for (let point = 0; point < points * points; point++) {
        const dx = x + ((point % points) + 0.5) / points - middleX;
        const dy = y + (Math.floor(point / points) + 0.5) / points - middleY;
        const column = Math.floor(dx * cos + dy * sin + modules.width / 2);
        const row = Math.floor(dy * cos - dx * sin + modules.height / 2);
        const inside = column >= 0 && column < modules.width && row >= 0 && row < modules.height;
        if (inside && modules.dark[row * modules.width + column] === true) hits++;
      }
      picture[y * width + x] = light + ((dark - light) * hits) / (points * points);
    }
  }
  for (let pass = 0; pass < blur; pass++) picture = blurred(picture, width, height);
  const random = createRandom(seed);
  const data = Uint8ClampedArray.from(picture, (value) => value + noise * random.gaussian());
  return { width, height, data: new Uint8Array(data.buffer) };
}

function blurred(
  picture: Float64Array<ArrayBuffer>,
  width: number,
  height: number,
): Float64Array<ArrayBuffer> {
  const at = (x: number, y: number) =>
    picture[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))] ?? 0;
  return picture.map((_, index) => {
    const x = index % width;
    const y = Math.floor(index / width);
    let sum = 0;
    for (const dy of [-1, 0, 1]) for (const dx of [-1, 0, 1]) sum += at(x + dx, y + dy);
    return sum / 9;
  });
}
