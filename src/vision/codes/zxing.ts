import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ReadInputBarcodeFormat, ReadResult } from 'zxing-wasm/reader';
import type { Region } from '../pictures/picture.ts';
import type { Luma } from './luma.ts';

/** A symbol as ZXing read it, in the pixels of what it was given. */
export interface Read {
  /** ZXing's name of the symbology: `EAN13`, `QRCode` … */
  readonly format: string;
  readonly data: Uint8Array;
  readonly symbology: string;
  readonly text: string;
  /** Lines of pixels that agreed on a linear symbol; 0 for a matrix, which has error correction. */
  readonly lines: number;
  readonly box: Region;
}

export interface ReadEffort {
  /** Light on dark too, matrix symbols freed of speckles, and the whole at half its size as well. */
  readonly thorough: boolean;
  /** Interleaved 2 of 5 of any even length, not of fourteen digits alone. */
  readonly anyItf: boolean;
}

/** `linear` and `matrices`: these alone; `lying`: linear codes whose bars stand upright in the picture. */
type Wanted = 'all' | 'linear' | 'lying' | 'matrices';

export type ReadLuma = (luma: Luma, wanted: Wanted, effort: ReadEffort) => Promise<readonly Read[]>;

/** What goods and shoppers carry. What else ZXing knows would only cost time and bring false reads. */
const linear: readonly ReadInputBarcodeFormat[] = [
  'EAN13',
  'EAN8',
  'UPCA',
  'UPCE',
  'DataBarOmni',
  'DataBarStk',
  'DataBarStkOmni',
  'DataBarLtd',
  'DataBarExp',
  'DataBarExpStk',
  'Code128',
  'ITF',
];
const matrices: readonly ReadInputBarcodeFormat[] = ['QRCodeModel1', 'QRCodeModel2', 'DataMatrix'];

/** More symbols than anybody holds before a camera: the bound of an answer. */
const mostSymbols = 16;

/**
 * Loads ZXing's WebAssembly from the package's own file (it would fetch it from the network) and makes a function that
 * reads the symbols of a luma plane. Results depend on the pixels alone. The function throws what ZXing throws.
 */
export async function loadZxing(): Promise<ReadLuma> {
  const { prepareZXingModule, readBarcodes } = await import('zxing-wasm/reader');
  const file = fileURLToPath(import.meta.resolve('zxing-wasm/reader/zxing_reader.wasm'));
  const bytes = await readFile(file);
  const wasmBinary = new Uint8Array(bytes).buffer;
  await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
  return async (luma, wanted, { thorough, anyItf }) => {
    const harder = wanted === 'all' && thorough;
    const results = await readBarcodes(portableGreyMap(luma), {
      formats: formatsOf(wanted),
      tryHarder: true,
      tryRotate: wanted !== 'lying',
      tryInvert: (wanted === 'all' || wanted === 'matrices') && thorough,
      tryDenoise: harder,
      tryDownscale: harder,
      downscaleFactor: 2,
      // One line is reported, so that contradicting lines are seen; what is believed is decided in evidence.ts.
      minLineCount: 1,
      maxNumberOfSymbols: mostSymbols,
      textMode: 'Plain',
    });
    return results.filter((result) => isWhole(result) && (anyItf || isNoShortItf(result))).map(toRead);
  };
}

function formatsOf(wanted: Wanted): ReadInputBarcodeFormat[] {
  return [
    ...(wanted === 'matrices' ? [] : linear),
    ...(wanted === 'all' || wanted === 'matrices' ? matrices : []),
  ];
}

/** ZXing takes files; this is the plainest one of grey pixels. */
function portableGreyMap({ width, height, data }: Luma): Uint8Array {
  const head = new TextEncoder().encode(`P5 ${width} ${height} 255\n`);
  const file = new Uint8Array(head.length + data.length);
  file.set(head);
  file.set(data, head.length);
  return file;
}

/** Parts of a message that is spread over symbols, and symbols that configure readers, are no codes of anything. */
function isWhole({ isValid, sequenceSize, bytes, extra }: ReadResult): boolean {
  return isValid && sequenceSize < 0 && bytes.length > 0 && !/"ReaderInit"\s*:\s*true/i.test(extra);
}

/** A line that leaves an ITF symbol early reads a shorter number: only fourteen digits with their check digit are a thing's. */
function isNoShortItf({ symbology, symbologyIdentifier, bytes }: ReadResult): boolean {
  return symbology !== 'ITF' || (symbologyIdentifier === ']I1' && bytes.length === 14);
}

function toRead({ format, bytes, symbologyIdentifier, text, lineCount, position }: ReadResult): Read {
  const corners = [position.topLeft, position.topRight, position.bottomRight, position.bottomLeft];
  const xs = corners.map(({ x }) => x);
  const ys = corners.map(({ y }) => y);
  const left = Math.min(...xs);
  const top = Math.min(...ys);
  const box = { left, top, width: Math.max(...xs) - left + 1, height: Math.max(...ys) - top + 1 };
  return {
    format,
    data: Uint8Array.from(bytes),
    symbology: symbologyIdentifier,
    text,
    lines: lineCount,
    box,
  };
}
