import { z } from 'zod';
import { hasValidCheckDigit } from '#base/gtin.ts';
import type { ScannedCode } from './scanned-code.ts';

/** An AIM symbology identifier (ISO/IEC 15424): flag, code character, modifier. */
const identifier = /^\][A-Za-z][0-9A-Za-z]$/;

export function isAimIdentifier(text: string): boolean {
  return identifier.test(text);
}

/** "Other" of the standard: nothing says what the code is, and whoever reads it goes by its form. */
export const unknownSymbology = ']X0';

/** AIM identifier and data of what a scanner sent with the identifier in front; `undefined` where there is none. */
export function splitAim(bytes: Uint8Array): ScannedCode | undefined {
  const symbology = String.fromCharCode(...bytes.subarray(0, 3));
  return isAimIdentifier(symbology) ? { symbology, data: bytes.subarray(3) } : undefined;
}

/** What may be expected of a scanner that sends no AIM identifiers. */
export const expectedKinds = [
  'ean-13',
  'upc-a',
  'ean-8',
  'upc-e',
  'itf-14',
  'databar',
  'gs1-128',
  'code-128',
  'qr',
] as const;
export type ExpectedKind = (typeof expectedKinds)[number];

const groupSeparator = 0x1d;

/** The identifier of each kind, and what a code must look like to be one. */
const inference: Readonly<
  Record<ExpectedKind, { symbology: string; is(text: string, data: Uint8Array): boolean }>
> = {
  'ean-13': { symbology: ']E0', is: (text) => text.length === 13 && hasValidCheckDigit(text) },
  'upc-a': { symbology: ']E0', is: (text) => text.length === 12 && hasValidCheckDigit(text) },
  'ean-8': { symbology: ']E4', is: (text) => text.length === 8 && hasValidCheckDigit(text) },
  'upc-e': { symbology: ']E0', is: isUpcE },
  'itf-14': { symbology: ']I1', is: (text) => text.length === 14 && hasValidCheckDigit(text) },
  databar: { symbology: ']e0', is: (text) => isElementString(text) },
  'gs1-128': {
    symbology: ']C1',
    is: (text, data) => isElementString(text) || data.includes(groupSeparator),
  },
  'code-128': { symbology: ']C0', is: () => true },
  qr: { symbology: ']Q1', is: () => true },
};

/**
 * The AIM identifier of a code that came without one: that of the first expected kind whose length and check digit it
 * has; `]X0` where none fits, so that nothing is claimed.
 */
export function inferSymbology(data: Uint8Array, expected: readonly ExpectedKind[]): string {
  const text = String.fromCharCode(...data.subarray(0, 64));
  return (
    expected.map((kind) => inference[kind]).find(({ is }) => is(text, data))?.symbology ?? unknownSymbology
  );
}

/** Eight digits of which the UPC-A they stand for has the check digit (GS1 General Specifications 5.2.2.4.2). */
function isUpcE(text: string): boolean {
  if (!/^[01][0-9]{7}$/.test(text)) return false;
  const [system, a, b, c, d, e, last, check] = text.split('');
  const body =
    Number(last) < 3
      ? `${a}${b}${last}0000${c}${d}${e}`
      : last === '3'
        ? `${a}${b}${c}00000${d}${e}`
        : last === '4'
          ? `${a}${b}${c}${d}00000${e}`
          : `${a}${b}${c}${d}${e}0000${last}`;
  return hasValidCheckDigit(`${system}${body}${check}`);
}

/** (01) with a GTIN-14 at the start, as GS1-128 and DataBar begin. */
function isElementString(text: string): boolean {
  return /^01[0-9]{14}/.test(text) && hasValidCheckDigit(text.slice(2, 16));
}

/**
 * Identifiers that scanners are known to send and that the standard has otherwise. Each row changes the identifier only,
 * never the data, and only where the data proves it.
 */
const corrections: readonly { readonly sent: RegExp; readonly data: RegExp; readonly means: string }[] = [
  // "Other code": some scanners send it for UPC and EAN, which have an identifier of their own.
  { sent: /^\]X/, data: /^[0-9]{12,13}$/, means: ']E0' },
  // EAN-8 under the identifier of EAN-13: a UPC-E, the only other code of eight digits there, starts with 0 or 1.
  { sent: /^\]E0$/, data: /^[2-9][0-9]{7}$/, means: ']E4' },
];

/** An EAN or UPC and its add-on as two messages in one, each with its identifier. */
const withAddOn = /^([0-9]{8}|[0-9]{12,13})\]E[12]([0-9]{2}|[0-9]{5})$/;

/**
 * The identifier as the standard has it. The data stays untouched, but for an add-on's own identifier: code and add-on
 * are then one message, `]E3` (`]E4` for EAN-8).
 */
export function normalise(code: ScannedCode): ScannedCode {
  if (code.data.length > 21) return code;
  const text = String.fromCharCode(...code.data);
  const parts = /^\]E[04]$/.test(code.symbology) ? withAddOn.exec(text) : null;
  if (parts !== null) {
    const data = new TextEncoder().encode(`${parts[1]}${parts[2]}`);
    return { data, symbology: code.symbology === ']E4' ? ']E4' : ']E3' };
  }
  const row = corrections.find(({ sent, data }) => sent.test(code.symbology) && data.test(text));
  return row === undefined || !hasValidCheckDigit(text) ? code : { ...code, symbology: row.means };
}

/** How scanners that may or may not send AIM identifiers are configured; part of several drivers' options. */
export const aimOptions = {
  aim: z
    .enum(['auto', 'always', 'never'])
    .default('auto')
    .describe(
      'Whether the scanner sends an AIM identifier before each code: auto (taken as one where there is one), always (a code without is refused), never (the data is taken as it is). Default auto.',
    ),
  withoutAim: z
    .array(z.enum(expectedKinds))
    .default([])
    .describe(
      'What codes without an AIM identifier may be, the likeliest first: the first whose length and check digit fit counts. Default none: the form of the code decides what it means.',
    ),
};

export interface AimRules {
  readonly aim: 'auto' | 'always' | 'never';
  readonly withoutAim: readonly ExpectedKind[];
}

/** What a scanner sent, taken apart by the rules; `undefined` where an identifier had to be there and is not. */
export function readCode(bytes: Uint8Array, { aim, withoutAim }: AimRules): ScannedCode | undefined {
  const split = aim === 'never' ? undefined : splitAim(bytes);
  if (split !== undefined) return normalise(split);
  if (aim === 'always') return undefined;
  return { data: bytes, symbology: inferSymbology(bytes, withoutAim) };
}
