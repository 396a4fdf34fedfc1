import { unknownSymbology } from './aim.ts';

/**
 * The first data byte of DECODE_DATA, as Zebra's scanners have it (the maker's published list of symbology types), and
 * the AIM identifier that ISO/IEC 15424 gives what the scanner then delivers. Types that no shop scans are left out: their
 * codes come as `]X0`.
 */
const types: Readonly<Record<number, string>> = {
  1: ']A0', // Code 39
  2: ']F0', // Codabar
  3: ']C0', // Code 128
  4: ']S0', // Discrete 2 of 5
  5: ']R0', // IATA 2 of 5
  6: ']I0', // Interleaved 2 of 5
  7: ']G0', // Code 93
  8: ']E0', // UPC-A
  9: ']E0', // UPC-E
  10: ']E4', // EAN-8
  11: ']E0', // EAN-13
  12: ']H0', // Code 11
  13: ']T0', // Code 49
  14: ']M0', // MSI
  15: ']C1', // GS1-128
  16: ']E0', // UPC-E1
  17: ']L0', // PDF417
  18: ']K0', // Code 16K
  19: ']A4', // Code 39 full ASCII
  24: ']F0', // NW-7
  25: ']C0', // ISBT 128
  26: ']L3', // MicroPDF417
  27: ']d1', // Data Matrix
  28: ']Q1', // QR
  33: ']C4', // ISBT 128 concatenated
  37: ']U0', // MaxiCode
  44: ']Q1', // Micro QR
  45: ']z0', // Aztec
  46: ']zC', // Aztec rune
  48: ']e0', // GS1 DataBar
  49: ']e0', // GS1 DataBar Limited
  50: ']e0', // GS1 DataBar Expanded
  72: ']E3', // UPC-A with an add-on of two
  73: ']E3', // UPC-E with two
  74: ']E4', // EAN-8 with two
  75: ']E3', // EAN-13 with two
  80: ']E3', // UPC-E1 with two
  136: ']E3', // UPC-A with five
  137: ']E3', // UPC-E with five
  138: ']E4', // EAN-8 with five
  139: ']E3', // EAN-13 with five
  144: ']E3', // UPC-E1 with five
  180: ']e0', // DataBar coupon
  193: ']d2', // GS1 DataMatrix
  194: ']Q3', // GS1 QR
};

/** AIM identifier of an SSI bar code type; `]X0` for one that the table does not have. */
export function aimOfSsiType(type: number): string {
  return types[type] ?? unknownSymbology;
}
