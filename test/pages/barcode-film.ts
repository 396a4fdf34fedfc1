import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { prepareZXingModule, writeBarcode } from 'zxing-wasm/writer';

const width = 640;
const height = 480;
/** Pixels of a module: as an EAN-13 is seen that fills two thirds of the picture. */
const module = 4;
const bars = { top: 100, bottom: 380 };

/** A film in which an EAN-13 is held before a camera, as uncompressed YUV4MPEG2 (4:2:0). */
export async function barcodeFilm(digits: string): Promise<Buffer> {
  const file = fileURLToPath(import.meta.resolve('zxing-wasm/writer/zxing_writer.wasm'));
  const wasmBinary = new Uint8Array(await readFile(file)).buffer;
  await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
  const { symbol, error } = await writeBarcode(digits, { format: 'EAN13', scale: 1, addQuietZones: false });
  if (error !== '') throw new Error(error);
  const row = symbol.data.subarray(0, symbol.width);
  const left = Math.floor((width - symbol.width * module) / 2);
  const luma = Buffer.alloc(width * height, 235);
  for (let y = bars.top; y < bars.bottom; y++) {
    row.forEach((value, x) => {
      if (value >= 128) return;
      const from = y * width + left + x * module;
      luma.fill(16, from, from + module);
    });
  }
  const frame = Buffer.concat([Buffer.from('FRAME\n'), luma, Buffer.alloc((width * height) / 2, 128)]);
  const head = Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`);
  return Buffer.concat([head, frame, frame]);
}
