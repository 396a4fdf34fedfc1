import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** A QR code as path data, a module a unit, without quiet zone; it is a square of `side` units. */
export interface QrCode {
  readonly path: string;
  readonly side: number;
}

/** Loads ZXing's writer from the package's own file: it would fetch it from the network. */
async function loadWriter() {
  const { prepareZXingModule, writeBarcode } = await import('zxing-wasm/writer');
  const file = fileURLToPath(import.meta.resolve('zxing-wasm/writer/zxing_writer.wasm'));
  const wasmBinary = new Uint8Array(await readFile(file)).buffer;
  await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
  return writeBarcode;
}

let writer: ReturnType<typeof loadWriter> | undefined;

/** Makes a QR code of a text, with medium error correction: a display has scratches. Rejects where that is too long. */
export async function qrCodeOf(text: string): Promise<QrCode> {
  writer ??= loadWriter();
  const write = await writer;
  const { symbol, error } = await write(text, {
    format: 'QRCode',
    options: 'ecLevel=M',
    addQuietZones: false,
    scale: 1,
  });
  if (error !== '') throw new Error(error);
  const { width, height, data } = symbol;
  return { path: pathOf(data, width, height), side: width };
}

/** One horizontal bar for each run of dark modules of a row. */
function pathOf(data: Uint8ClampedArray | Uint8Array, width: number, height: number): string {
  const parts: string[] = [];
  for (let y = 0; y < height; y++) {
    let x = 0;
    while (x < width) {
      let end = x;
      while (end < width && (data[y * width + end] ?? 255) < 128) end++;
      if (end > x) parts.push(`M${x} ${y}h${end - x}v1h-${end - x}z`);
      x = end + 1;
    }
  }
  return parts.join('');
}
