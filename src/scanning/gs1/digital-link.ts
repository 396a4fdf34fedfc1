import { ScanningError, shown } from '../errors.ts';
import type { GsElement } from '../meaning.ts';
import { checkAssociations } from './associations.ts';
import { strangeCharacter } from './characters.ts';
import { entryOf, lengthsOf } from './dictionary.ts';
import { checkElement, named } from './element.ts';
import type { AiEntry } from './specification.ts';

const uriPattern = /^https?:\/\/([^/?#]+)(\/[^?#]*)?(?:\?([^#]*))?(?:#.*)?$/is;
/** The host of GS1's own resolver, the only one whose short paths are known to be compressed links. */
const compressingHosts = /^(?:id\.gs1\.org|(?:www\.)?onlinebarcode\.gs1\.org)$/i;

/** A place in the path where a primary key may stand. */
interface Candidate {
  readonly index: number;
  /** Only a number of fixed length in its place: hardly anything but a key. */
  readonly certain: boolean;
}

/**
 * The elements of a GS1 Digital Link URI on any domain: primary key, its qualifiers in order, then attributes of the query.
 * `undefined` for a web address that is no Digital Link. GTINs of 8, 12 and 13 digits are padded to 14.
 *
 * @throws ScanningError CW-SCN-030 malformed, -031 compressed, -032 percent-encoding, and as `checkElement` and
 *   `checkAssociations` for its elements
 */
export function parseDigitalLink(text: string): GsElement[] | undefined {
  const match = uriPattern.exec(text);
  if (match === null) return undefined;
  const [, host = '', path = '', query = ''] = match;
  const segments = path.split('/').slice(1);
  if (segments.at(-1) === '') segments.pop();
  let failure: unknown;
  for (const { index, certain } of candidates(segments)) {
    try {
      const elements = [...pathElements(segments.slice(index)), ...queryElements(query)];
      elements.forEach(checkElement);
      checkAssociations(elements);
      return elements;
    } catch (error) {
      if (!(error instanceof ScanningError)) throw error;
      if (certain) failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  if (compressingHosts.test(host) && segments.length === 1 && isCompressed(segments[0]))
    throw compressed(text);
  return undefined;
}

/** Places where a primary key and a value of its form stand, from left to right: what precedes belongs to the domain's owner. */
function* candidates(segments: readonly string[]): Generator<Candidate> {
  for (let index = 0; index + 1 < segments.length; index++) {
    const ai = segments[index] ?? '';
    const entry = entryOf(ai);
    if (entry?.key === undefined) continue;
    const value = keyValue(ai, segments[index + 1] ?? '');
    const { minimum, maximum } = lengthsOf(entry);
    if (value.length < minimum || value.length > maximum) continue;
    const first = entry.components[0];
    if (first === undefined || strangeCharacter(first.type, value.slice(0, first.maximum)) !== undefined)
      continue;
    yield { index, certain: first.type === 'N' && first.minimum === first.maximum };
  }
}

/** A shorter GTIN is padded: earlier releases of the standard allowed it. */
function keyValue(ai: string, raw: string): string {
  return ai === '01' && /^(?:[0-9]{8}|[0-9]{12,13})$/.test(raw) ? raw.padStart(14, '0') : raw;
}

function pathElements(segments: readonly string[]): GsElement[] {
  const elements: GsElement[] = [];
  if (segments.length % 2 === 1) {
    if (isCompressed(segments.at(-1))) throw compressed(segments.join('/'));
    throw malformed(`${shown(segments.at(-1) ?? '')} at the end of the path has no value`);
  }
  for (let i = 0; i + 1 < segments.length; i += 2) {
    const ai = segments[i] ?? '';
    const value = percentDecoded(segments[i + 1] ?? '');
    elements.push({ ai, value: i === 0 ? keyValue(ai, value) : value });
  }
  const [key, ...qualifiers] = elements.map(({ ai }) => ai);
  checkOrder(key === undefined ? undefined : entryOf(key), qualifiers);
  return elements;
}

/** Qualifiers must be some of one sequence of their key, in its order. */
function checkOrder(key: AiEntry | undefined, qualifiers: readonly string[]): void {
  const sequences = key?.key ?? [];
  const ordered = sequences.some((sequence) => {
    let at = -1;
    return qualifiers.every((ai) => {
      const position = sequence.indexOf(ai, at + 1);
      at = position;
      return position >= 0;
    });
  });
  if (ordered) return;
  const allowed = sequences.map((sequence) => sequence.join(', ') || 'none').join('; or ');
  throw malformed(
    `the path has ${shown(qualifiers.join(', '))} after its key, which may be followed by ${allowed}`,
  );
}

/** Elements of the query. Keys that aren't all digits belong to the domain's owner. */
function queryElements(query: string): GsElement[] {
  const elements: GsElement[] = [];
  for (const pair of query.split(/[&;]/)) {
    const equals = pair.indexOf('=');
    const ai = equals < 0 ? pair : pair.slice(0, equals);
    if (!/^[0-9]+$/.test(ai)) continue;
    const entry = entryOf(ai);
    if (entry === undefined) {
      throw new ScanningError(
        'CW-SCN-020',
        `${shown(ai)} in the query is no GS1 application identifier; have the link corrected.`,
      );
    }
    if (!entry.attribute) throw malformed(`${named(ai, entry)} must not stand in the query`);
    if (equals < 0) throw malformed(`${named(ai, entry)} has no value`);
    elements.push({ ai, value: percentDecoded(pair.slice(equals + 1)) });
  }
  return elements;
}

function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ScanningError(
      'CW-SCN-032',
      `${shown(text)} is not percent-encoded UTF-8; have the link corrected.`,
    );
  }
}

/** Base64url that can't be a word of an address: long, with digits or both cases. */
function isCompressed(segment: string | undefined): boolean {
  return segment !== undefined && /^[A-Za-z0-9_-]{8,}$/.test(segment) && /[0-9]|[a-z][A-Z]/.test(segment);
}

function compressed(text: string): ScanningError {
  return new ScanningError(
    'CW-SCN-031',
    `${shown(text)} is a compressed Digital Link; scan the product's other code, or have the link printed in full.`,
  );
}

function malformed(what: string): ScanningError {
  return new ScanningError('CW-SCN-030', `In the GS1 Digital Link ${what}; have the link corrected.`);
}
