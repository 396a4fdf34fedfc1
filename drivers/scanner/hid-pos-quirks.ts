import type { Attached, UsbMatch } from '../ports/ports.ts';
import type { HidPosQuirks } from './hid-pos-report.ts';

/** A row of the table: which scanners, and what they do differently. How to add one: docs/hardware/scanners.md. */
export interface HidPosRow {
  readonly name: string;
  readonly vendorId: string;
  /** Left out: all of the vendor's that have no row of their own. */
  readonly productId?: string;
  readonly quirks: HidPosQuirks;
  /** Feature reports, with their id, without which the scanner stays silent. */
  readonly initialise?: readonly (readonly number[])[];
  /** Output reports, with their id, by the name of the call that sends them. */
  readonly commands?: Readonly<Record<string, readonly number[]>>;
}

/** Honeywell's code identifiers (also Hand Held Products and Youjie), as they stand in byte 61; to AIM identifiers. */
const honeywellSymbologies: Readonly<Record<number, string>> = {
  60: ']X0', // Code 32
  68: ']E4', // EAN-8
  69: ']E0', // UPC-E
  72: ']X0', // Chinese Sensible
  73: ']C1', // GS1-128
  82: ']L0', // MicroPDF417
  97: ']F0', // Codabar
  98: ']A0', // Code 39
  99: ']E0', // UPC-A
  100: ']E0', // EAN-13
  101: ']I0', // Interleaved 2 of 5
  102: ']S0', // Straight 2 of 5
  103: ']M0', // MSI
  104: ']H0', // Code 11
  105: ']G0', // Code 93
  106: ']C0', // Code 128
  113: ']O4', // Codablock F
  114: ']L0', // PDF417
  115: ']Q1', // QR
  116: ']B0', // Telepen
  119: ']d1', // Data Matrix
  120: ']U0', // MaxiCode
  121: ']e0', // DataBar Omnidirectional
  122: ']z0', // Aztec
  123: ']e0', // DataBar Limited
  125: ']e0', // DataBar Expanded
};

const honeywell: Omit<HidPosRow, 'name' | 'vendorId'> = {
  quirks: {
    symbologies: honeywellSymbologies,
    suffixes: [0x0d],
    // Answers to menu commands come as if they were codes.
    notCodes: [']Z6'],
  },
  // Silent in HID POS mode until asked.
  initialise: [[254, 0x01]],
  // Report 0xFD: length, then the serial command: SYN, what (BEL, T, U), CR.
  commands: {
    beep: [0xfd, 0x03, 0x16, 0x07, 0x0d],
    'trigger-on': [0xfd, 0x03, 0x16, 0x54, 0x0d],
    'trigger-off': [0xfd, 0x03, 0x16, 0x55, 0x0d],
  },
};

/**
 * The vendor table. Sources: makers' published HID POS behaviour and what users of these scanners found; a scanner
 * without a row is read by the standard layout.
 */
export const hidPosRows: readonly HidPosRow[] = [
  // Found with a carriage return or a zero counted as the last data byte.
  {
    ...honeywell,
    name: 'Honeywell Voyager 1400g',
    vendorId: '0c2e',
    productId: '0b8f',
    quirks: { ...honeywell.quirks, suffixes: [0x0d, 0x00] },
  },
  { ...honeywell, name: 'Honeywell', vendorId: '0c2e' },
  { ...honeywell, name: 'Hand Held Products', vendorId: '0536' },
  { ...honeywell, name: 'Youjie', vendorId: '23d0' },
];

/** The row of a scanner by its USB ids (four lower-case digits): its own, else its vendor's. */
export function findHidPosRow(
  vendorId: string | undefined,
  productId: string | undefined,
): HidPosRow | undefined {
  const rows = hidPosRows.filter((row) => row.vendorId === vendorId);
  return (
    rows.find((row) => row.productId !== undefined && row.productId === productId) ??
    rows.find((row) => row.productId === undefined)
  );
}

/**
 * Which of the attached HID devices was opened: what matches the profile's entry, narrowed by the address or serial
 * number that the open port has. `undefined` where that leaves none or several with different ids.
 */
export function findOpened(
  attached: readonly Attached[],
  match: UsbMatch,
  opened: { readonly address?: string; readonly serial?: string },
  usagePage: number,
): Attached | undefined {
  const fits = attached.filter(
    (one) =>
      (one.usagePage === undefined || one.usagePage === usagePage) &&
      (match.vendorId === undefined || one.vendorId === match.vendorId) &&
      (match.productId === undefined || one.productId === match.productId) &&
      (match.serial === undefined || one.identity.serial === match.serial) &&
      (match.topology === undefined || one.topology === match.topology),
  );
  const narrowed = fits.filter(
    (one) =>
      (opened.address !== undefined && one.identity.address === opened.address) ||
      (opened.serial !== undefined && one.identity.serial === opened.serial),
  );
  const [first, ...others] = narrowed.length > 0 ? narrowed : fits;
  const same = others.every((one) => one.vendorId === first?.vendorId && one.productId === first?.productId);
  return same ? first : undefined;
}
