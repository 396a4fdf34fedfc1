import { ScanningError, shown } from '../errors.ts';
import type { GsElement } from '../meaning.ts';
import { checkAssociations } from './associations.ts';
import { identifierAt, lengthsOf } from './dictionary.ts';
import { assigned, checkElement, tooShort } from './element.ts';

/** FNC1 as readers transmit it: ASCII GS. */
export const separator = '\x1d';

/**
 * Takes a GS1 element string apart (General Specifications 7.8). After an element of predefined length FNC1 may be
 * missing; any other element runs to the next FNC1 or the end. One FNC1 at the very start or end is harmless.
 *
 * @param text data as transmitted, with FNC1 as GS (0x1D)
 * @throws ScanningError as `checkElement` and `checkAssociations`, and CW-SCN-002 where nothing is there
 */
export function parseElementString(text: string): GsElement[] {
  const elements: GsElement[] = [];
  let at = text.startsWith(separator) ? 1 : 0;
  if (at === text.length)
    throw new ScanningError('CW-SCN-002', 'The element string is empty; scan it again.');
  while (at < text.length) {
    const element = elementAt(text, at);
    checkElement(element);
    elements.push(element);
    at += element.ai.length + element.value.length;
    if (text.startsWith(separator, at)) at++;
  }
  checkAssociations(elements);
  return elements;
}

function elementAt(text: string, at: number): GsElement {
  const ai = identifierAt(text, at);
  const entry = assigned(ai);
  const start = at + ai.length;
  const next = text.indexOf(separator, start);
  const end = next < 0 ? text.length : next;
  if (!entry.predefined) return { ai, value: text.slice(start, end) };
  const { minimum } = lengthsOf(entry);
  if (end - start < minimum) throw tooShort(ai, text.slice(start, end), entry, minimum);
  return { ai, value: text.slice(start, start + minimum) };
}

/**
 * The bytes that a reader transmits for elements, in their order: FNC1 as GS where one is needed, none at the end.
 *
 * @throws ScanningError as `parseElementString`: what it would refuse is not written
 */
export function encodeElementString(elements: readonly GsElement[]): Uint8Array {
  if (elements.length === 0) throw new ScanningError('CW-SCN-002', 'There is no element to encode.');
  let text = '';
  elements.forEach(({ ai, value }, index) => {
    checkElement({ ai, value });
    const last = index === elements.length - 1;
    text += ai + value + (last || assigned(ai).predefined ? '' : separator);
  });
  checkAssociations(elements);
  return new TextEncoder().encode(text);
}

/** Elements as people read them under a code: `(01)04006381333931(10)A1`. */
export function formatElementString(elements: readonly GsElement[]): string {
  return elements.map(({ ai, value }) => `(${ai})${value}`).join('');
}

/**
 * The elements of `(01)04006381333931(10)A1`, checked as scanned ones are. A bracket inside a value is told from the next
 * identifier by what follows it: digits of an assigned one and a closing bracket.
 *
 * @throws ScanningError CW-SCN-020 where there is no bracketed identifier, else as `parseElementString`
 */
export function parseBracketed(text: string): GsElement[] {
  const parts = text.split(/\(([0-9]{2,4})\)/);
  if (parts[0] !== '' || parts.length < 3) {
    throw new ScanningError('CW-SCN-020', `${shown(text)} does not start with a GS1 application identifier.`);
  }
  const elements: GsElement[] = [];
  for (let i = 1; i + 1 < parts.length; i += 2) {
    const element = { ai: parts[i] ?? '', value: parts[i + 1] ?? '' };
    checkElement(element);
    elements.push(element);
  }
  checkAssociations(elements);
  return elements;
}
