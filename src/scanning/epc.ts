import { gtinCheckDigit } from '#base/gtin.ts';
import type { ScanMeaning } from './meaning.ts';

/** Bits of the company prefix and its digits, by the partition value (EPC Tag Data Standard, table of the SGTIN). */
const partitions: readonly (readonly [bits: number, digits: number])[] = [
  [40, 12],
  [37, 11],
  [34, 10],
  [30, 9],
  [27, 8],
  [24, 7],
  [20, 6],
];
/** Indicator, company prefix and item reference together. */
const keyBits = 44;
const keyDigits = 13;
const headers = { 48: { serialBits: 38, bytes: 12 }, 54: { serialBits: 140, bytes: 25 } } as const;

/** The symbology of a `scan.read` that came from a radio tag. */
export const tagSymbology = 'epc';

/**
 * What the EPC of a radio tag means: SGTIN-96 and SGTIN-198 (EPC Tag Data Standard 14.6.1) are a product with its serial
 * number; every other scheme, and what is damaged, is `unknown` with the EPC in hexadecimal. Pure, never throws.
 *
 * @param epc the EPC memory from the header on; a reader may deliver more bytes than the scheme has
 */
export function interpretTag(epc: Uint8Array): ScanMeaning {
  const hexadecimal = Buffer.from(epc).toString('hex');
  const unknown: ScanMeaning = { meaning: 'unknown', text: hexadecimal };
  const header = epc[0];
  if (header !== 48 && header !== 54) return unknown;
  const { serialBits, bytes } = headers[header];
  if (epc.length < bytes) return unknown;
  const bits = BigInt(`0x${hexadecimal.slice(0, bytes * 2)}`);
  const total = bytes * 8;
  const field = (from: number, length: number) =>
    (bits >> BigInt(total - from - length)) & ((1n << BigInt(length)) - 1n);
  // Header 8, filter 3, partition 3.
  const partition = partitions[Number(field(11, 3))];
  if (partition === undefined) return unknown;
  const [prefixBits, prefixDigits] = partition;
  const prefix = field(14, prefixBits).toString();
  const item = field(14 + prefixBits, keyBits - prefixBits).toString();
  const itemDigits = keyDigits - prefixDigits;
  if (prefix.length > prefixDigits || item.length > itemDigits) return unknown;
  const reference = item.padStart(itemDigits, '0');
  // The indicator digit, which leads the item reference in the tag, leads the GTIN.
  const body = `${reference[0]}${prefix.padStart(prefixDigits, '0')}${reference.slice(1)}`;
  const serial =
    header === 48 ? field(58, serialBits).toString() : readText(field(58, serialBits), serialBits);
  if (serial === undefined) return unknown;
  return { meaning: 'product', gtin: `${body}${gtinCheckDigit(body)}`, ...(serial === '' ? {} : { serial }) };
}

/** Seven-bit characters, ended by zero. Undefined where something follows the end. */
function readText(value: bigint, bits: number): string | undefined {
  let text = '';
  let ended = false;
  for (let shift = bits - 7; shift >= 0; shift -= 7) {
    const code = Number((value >> BigInt(shift)) & 127n);
    if (code === 0) ended = true;
    else if (ended || code < 0x21) return undefined;
    else text += String.fromCharCode(code);
  }
  return text;
}
