import { ScanningError } from './errors.ts';
import { parseDigitalLink } from './gs1/digital-link.ts';
import { parseBracketed, parseElementString, separator } from './gs1/element-string.ts';
import { type ElementRules, elementMeaning } from './gs1/product.ts';
import { isPlu } from './look-up.ts';
import type { ScanMeaning } from './meaning.ts';
import { readBareDigits, readEan, readEan8, readItf } from './retail.ts';
import { type Carrier, carrierOf, splitIdentifier } from './symbology.ts';

/** What of a store's data decides the meaning of a code. */
export interface ScanRules extends ElementRules {
  /** A session token is a text in which this matches; anchor it. */
  readonly tokenPattern: RegExp;
}

/** No symbology carries more: a QR code of version 40 holds 7,089 digits. */
const maximumBytes = 7_089;
/** A store's token pattern is applied to shorter texts only, so that a careless pattern can't stall the gateway. */
const maximumTokenCharacters = 512;

/**
 * What a scanned or typed code means. Pure: the same code and rules give the same meaning.
 *
 * A bare GTIN is accepted from the symbologies that carry one (EAN, UPC, ITF-14, GS1) and where nothing says what the
 * symbology is; in Code 128, QR and other carriers of free text digits may be anything and stay `unknown`.
 *
 * @param data the bytes of the code; a trailing CR or LF, which some scanners add, is ignored
 * @param symbology AIM identifier (`]E0`); empty for a code that was typed, or from a scanner that sends none
 * @throws ScanningError for a code that is malformed (wrong check digit, unassigned AI, missing FNC1, …) or that only a
 *   guess could explain (a restricted-circulation number without a layout, digits with two readings)
 */
export function interpretScan(data: Uint8Array, symbology: string, rules: ScanRules): ScanMeaning {
  const text = decoded(data);
  const carrier = carrierOf(symbology);
  if (carrier !== 'form') return readCarrier(text, carrier, rules);
  const split = splitIdentifier(text);
  if (split !== undefined && carrierOf(split.identifier) !== 'form') {
    return readCarrier(notEmpty(split.rest), carrierOf(split.identifier), rules);
  }
  return readByForm(split === undefined ? text : notEmpty(split.rest), rules);
}

function decoded(data: Uint8Array): string {
  if (data.length > maximumBytes) {
    throw new ScanningError(
      'CW-SCN-003',
      `The code has ${data.length} bytes, ${maximumBytes} at most; check the scanner's suffix setting.`,
    );
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw new ScanningError(
      'CW-SCN-004',
      'The code is not UTF-8; it belongs to no product. Scan another code of it.',
    );
  }
  let end = text.length;
  while (end > 0 && (text[end - 1] === '\r' || text[end - 1] === '\n')) end--;
  return notEmpty(text.slice(0, end));
}

function notEmpty(text: string): string {
  if (text !== '') return text;
  throw new ScanningError('CW-SCN-002', 'The code is empty; scan it again.');
}

function readCarrier(text: string, carrier: Carrier, rules: ScanRules): ScanMeaning {
  switch (carrier) {
    case 'ean':
      return readEan(text, rules);
    case 'ean-8':
      return readEan8(text, rules);
    case 'add-on':
      return { meaning: 'unknown', text };
    case 'itf':
      return readItf(text, false, rules);
    case 'itf-stripped':
      return readItf(text, true, rules);
    case 'element-string':
      return elementMeaning(parseElementString(text), rules);
    case 'text':
      return readText(text, rules);
    case 'form':
      return readByForm(text, rules);
  }
}

/** Free text: a token, a Digital Link or a look-up code, else nothing we know. */
function readText(text: string, rules: ScanRules): ScanMeaning {
  if (isToken(text, rules.tokenPattern)) return { meaning: 'session', token: text };
  if (isPlu(text)) return { meaning: 'look-up', plu: text };
  const elements = parseDigitalLink(text);
  return elements === undefined ? { meaning: 'unknown', text } : elementMeaning(elements, rules);
}

/** Nothing says what the code is: its form does. */
function readByForm(text: string, rules: ScanRules): ScanMeaning {
  if (isToken(text, rules.tokenPattern)) return { meaning: 'session', token: text };
  if (text.includes(separator)) return elementMeaning(parseElementString(text), rules);
  // People key in numbers with the gaps that are printed under the bars.
  const digits = /^[0-9](?:[ -]?[0-9])+$/.test(text) ? text.replace(/[ -]/g, '') : undefined;
  if (digits !== undefined) {
    const meaning = readBareDigits(digits, rules);
    if (meaning !== undefined) return meaning;
  }
  // A GTIN in brackets, as printed under a code, is meant as one; other text in brackets may be a telephone number.
  if (text.startsWith('(01)')) return elementMeaning(parseBracketed(text), rules);
  const elements = unlessMalformed(() => {
    if (/^01[0-9]{14}/.test(text)) return parseElementString(text);
    return /^\([0-9]{2,4}\)/.test(text) ? parseBracketed(text) : undefined;
  });
  return elements === undefined ? readText(text, rules) : elementMeaning(elements, rules);
}

function unlessMalformed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ScanningError) return undefined;
    throw error;
  }
}

/** Whether a text is a session token. `search` starts at the beginning whatever flags and state the pattern has. */
export function isToken(text: string, pattern: RegExp): boolean {
  return text.length <= maximumTokenCharacters && text.search(pattern) >= 0;
}
