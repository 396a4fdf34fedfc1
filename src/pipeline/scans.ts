import { isCoded } from '#base/errors.ts';
import type { Catalogue, Product } from '#catalogue/products.ts';
import type { EventData } from '#events/catalog.ts';
import type { ScanObservation } from '#fusion/observations.ts';
import type { ScanReading, TagReading } from '#readings/readings.ts';
import { interpretTag, tagSymbology } from '#scanning/epc.ts';
import { interpretScan, isToken, type ScanRules } from '#scanning/interpret.ts';
import type { ScanMeaning } from '#scanning/meaning.ts';

/** A scan understood: what to publish, and what it says about a product, if anything. */
export interface UnderstoodScan {
  readonly read: EventData<'scan.read'>;
  /** The observation for fusion, but for the id of the scan.read event. */
  readonly observation?: Omit<ScanObservation, 'event'>;
  readonly token?: string;
  /** Code of a coupon. */
  readonly coupon?: string;
  /** A code that makes the shopper a known one. */
  readonly loyalty?: true;
}

/** What the store's own codes are. */
export interface StoreCodes {
  readonly isCoupon: (code: string) => boolean;
  readonly isLoyalty: (code: string) => boolean;
}

/** Source of what shoppers' phones scan. They may be anywhere: a session is opened by who stands at the cart. */
export const phoneSource = 'phone';

/** Longer texts are no codes of shoppers: a careless pattern can't stall the gateway. */
const longestLoyaltyCode = 512;

/** Whether a code makes its shopper a known one. */
export function isLoyaltyCode(code: string, pattern: RegExp | undefined): boolean {
  return pattern !== undefined && code.length <= longestLoyaltyCode && code.search(pattern) >= 0;
}

/** The code as text, as `interpretScan` takes it. */
function textOf(data: Uint8Array): string {
  return new TextDecoder().decode(data).replace(/[\r\n]+$/, '');
}

type ScanData = EventData<'scan.read'>;
type VariableMeasure = Extract<ScanMeaning, { meaning: 'variable-measure' }>;

/** Reads a code, looks it up, and never throws: what can't be understood is published with its error code. */
export function understandScan(
  reading: ScanReading,
  rules: ScanRules,
  catalogue: Catalogue,
  codes?: StoreCodes,
): UnderstoodScan {
  let meaning: ScanMeaning;
  try {
    const own = codes === undefined ? undefined : ownCode(reading, rules, codes);
    if (own !== undefined) return own;
    meaning = interpretScan(reading.data, reading.symbology, rules);
  } catch (error) {
    const base = { source: reading.source, symbology: reading.symbology };
    // A code must never stop the cart: a failure nobody foresaw is published like a code that can't be read.
    const code = isCoded(error) ? error.code : 'CW-PIP-006';
    const read = { ...base, meaning: 'invalid', code, raw: reading.data } as const;
    // A retailer's own number that nothing explains is of a thing in somebody's hand; other damaged codes may be anything.
    return code === 'CW-SCN-010' ? observed(reading, read, undefined, {}) : { read };
  }
  return published(reading, meaning, catalogue);
}

/** A code that is the store's own: a coupon of its promotions, or one of a known shopper, which is not published. */
function ownCode(reading: ScanReading, rules: ScanRules, codes: StoreCodes): UnderstoodScan | undefined {
  const text = textOf(reading.data);
  const base = { source: reading.source, symbology: reading.symbology };
  if (codes.isCoupon(text)) {
    return { read: { ...base, meaning: 'coupon', raw: reading.data }, coupon: text };
  }
  // A token that is also a loyalty code is the session's key first: `Trips` sees that it is both.
  if (isToken(text, rules.tokenPattern) || !codes.isLoyalty(text)) return undefined;
  return { read: { ...base, meaning: 'loyalty' }, loyalty: true };
}

/** Reads the EPC of a radio tag and looks it up, as `understandScan` does with a code. */
export function understandTag({ source, atUs, epc }: TagReading, catalogue: Catalogue): UnderstoodScan {
  const reading: ScanReading = { kind: 'scan', source, atUs, data: epc, symbology: tagSymbology };
  return published(reading, interpretTag(epc), catalogue);
}

function published(reading: ScanReading, meaning: ScanMeaning, catalogue: Catalogue): UnderstoodScan {
  const base = { source: reading.source, symbology: reading.symbology };
  switch (meaning.meaning) {
    case 'session':
      // The token is the shopper's key to the session: it appears in no event.
      return {
        read: { ...base, meaning: 'session' },
        ...(reading.source === phoneSource ? {} : { token: meaning.token }),
      };
    case 'product': {
      const product = catalogue.byGtin.get(meaning.gtin);
      const read = withProduct(
        {
          ...base,
          meaning: 'product',
          gtin: meaning.gtin,
          ...pick(meaning, ['massMg', 'priceMinor', 'lot', 'expiry', 'serial']),
          raw: reading.data,
        },
        product,
      );
      return observed(reading, read, product, meaning);
    }
    case 'look-up': {
      const product = catalogue.byPlu.get(meaning.plu);
      const read = withProduct({ ...base, meaning: 'look-up', plu: meaning.plu, raw: reading.data }, product);
      return observed(reading, read, product, {});
    }
    case 'variable-measure': {
      const product = findItem(catalogue, meaning);
      const read = withProduct(
        {
          ...base,
          meaning: 'variable-measure',
          ...(product?.gtin === undefined ? {} : { gtin: product.gtin }),
          ...(product?.plu === undefined ? {} : { plu: product.plu }),
          ...pick(meaning, ['massMg', 'priceMinor']),
          raw: reading.data,
        },
        product,
      );
      return observed(reading, read, product, meaning);
    }
    case 'coupon':
      return { read: { ...base, meaning: 'coupon', raw: reading.data }, coupon: meaning.data };
    case 'element-string':
    case 'unknown':
      return { read: { ...base, meaning: meaning.meaning, raw: reading.data } };
  }
}

function withProduct(read: ScanData, product: Product | undefined): ScanData {
  return product === undefined ? { ...read, code: 'CW-PIP-001' } : { ...read, name: product.name };
}

function observed(
  reading: ScanReading,
  read: ScanData,
  product: Product | undefined,
  measure: { massMg?: number; priceMinor?: number; count?: number },
): UnderstoodScan {
  const { gtin, plu } = product ?? read;
  return {
    read,
    observation: {
      kind: 'scan',
      source: reading.source,
      atUs: reading.atUs,
      ...(product === undefined ? {} : { product: product.key }),
      ...(gtin === undefined ? {} : { gtin }),
      ...(plu === undefined ? {} : { plu }),
      ...pick(measure, ['massMg', 'priceMinor', 'count']),
    },
  };
}

/**
 * The product of a restricted-circulation code. A retailer lists it either by its look-up code (the item number
 * without leading zeros) or by the GTIN with the value set to zero, as the price book of a till does.
 */
function findItem(catalogue: Catalogue, { item, itemGtin }: VariableMeasure): Product | undefined {
  const { byPlu, byGtin } = catalogue;
  return byPlu.get(item.replace(/^0+(?=\d)/, '')) ?? byPlu.get(item) ?? byGtin.get(itemGtin);
}

/** The named members of `from` that are there. */
function pick<T extends object, K extends keyof T>(from: T, names: readonly K[]): Partial<Pick<T, K>> {
  const result: Partial<Pick<T, K>> = {};
  for (const name of names) if (from[name] !== undefined) result[name] = from[name];
  return result;
}
