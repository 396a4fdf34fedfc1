/**
 * How the bytes of a code are to be read, as its AIM symbology identifier says (ISO/IEC 15424):
 *
 * - `ean` an EAN-13, UPC-A or UPC-E, with an add-on or without; `ean-8`; `add-on` an add-on by itself
 * - `itf` Interleaved 2 of 5, of which only ITF-14 names products; `itf-stripped` where the reader checked and removed the check digit
 * - `element-string` GS1 application identifiers with FNC1 as GS (0x1D)
 * - `text` free text: links, tokens, look-up codes; never a bare GTIN
 * - `form` the identifier says nothing (keyed in, or a reader that sends none): the form of the code decides
 */
export type Carrier =
  | 'ean'
  | 'ean-8'
  | 'add-on'
  | 'itf'
  | 'itf-stripped'
  | 'element-string'
  | 'text'
  | 'form';

/** Identifiers whose modifier matters. `]X` is "other": some readers send it for UPC. */
const byIdentifier: Readonly<Record<string, Carrier>> = {
  ']E0': 'ean',
  ']E1': 'add-on',
  ']E2': 'add-on',
  ']E3': 'ean',
  ']E4': 'ean-8',
  ']I0': 'itf',
  ']I1': 'itf',
  ']I2': 'itf-stripped',
  ']C1': 'element-string',
  ']e0': 'element-string',
  ']e1': 'element-string',
  ']e2': 'element-string',
  ']d2': 'element-string',
  ']d5': 'element-string',
  ']Q3': 'element-string',
  ']Q4': 'element-string',
  ']J1': 'element-string',
};

/** Code characters of symbologies that carry free text: Code 39, Code 128, Data Matrix, QR, Aztec, PDF417 and the like. */
const textSymbologies = new Set('ACFGHKLMOPQRSTUVYZBDJNcdez'.split(''));

/** The carrier that an identifier (`]E0`) names; `form` for an empty, malformed or unassigned one. */
export function carrierOf(identifier: string): Carrier {
  const known = byIdentifier[identifier];
  if (known !== undefined && Object.hasOwn(byIdentifier, identifier)) return known;
  if (/^\][A-Za-z][0-9A-Za-z]$/.test(identifier) && textSymbologies.has(identifier.charAt(1))) return 'text';
  return 'form';
}

/** An AIM identifier that a reader put in front of the data, and the data; `undefined` where there is none. */
export function splitIdentifier(text: string): { identifier: string; rest: string } | undefined {
  const identifier = /^\][A-Za-z][0-9A-Za-z]/.exec(text)?.[0];
  return identifier === undefined ? undefined : { identifier, rest: text.slice(identifier.length) };
}
