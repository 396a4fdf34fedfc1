import { ScanningError, shown } from '../errors.ts';
import type { GsElement, ScanMeaning } from '../meaning.ts';
import { massDecimals, poundsToMg, scaled } from '../quantity.ts';
import { gtinMeaning, type RetailRules } from '../retail.ts';
import { type CalendarDate, isoDate } from './dates.ts';
import { impliedDecimals } from './dictionary.ts';
import { formatElementString } from './element-string.ts';

export interface ElementRules extends RetailRules {
  /** The current date (UTC), for the century of dates; see `referenceYear` for what happens without. */
  readonly todayUtc: CalendarDate | undefined;
  /** ISO 4217 number of the catalogue's currency (`978`): a price in a currency given by code (393n) counts only then. */
  readonly currencyNumber?: string;
}

type ProductMeaning = Extract<ScanMeaning, { meaning: 'product' }>;

/** Coupons: global coupon number (255), North American coupon codes. */
const couponAis = new Set(['255', '8110', '8112']);

/**
 * What checked elements mean at a till. A GTIN comes from 01, 03 or, on a unit that contains products, 02 (37 says how
 * many). A single piece of a product (8006, 8026) is not that product.
 *
 * @throws ScanningError as `gtinMeaning`, and CW-SCN-012 and -024 for quantities and dates
 */
export function elementMeaning(elements: readonly GsElement[], rules: ElementRules): ScanMeaning {
  const values = new Map(elements.map(({ ai, value }) => [ai, value]));
  if (elements.some(({ ai }) => couponAis.has(ai))) {
    return { meaning: 'coupon', data: formatElementString(elements) };
  }
  const gtin = values.get('01') ?? values.get('03') ?? values.get('02');
  if (gtin === undefined) return { meaning: 'element-string', elements };
  const meaning = gtinMeaning(gtin, rules);
  if (meaning.meaning !== 'product') return meaning;
  return { ...meaning, ...attributes(values, rules), elements };
}

function attributes(values: ReadonlyMap<string, string>, rules: ElementRules): Partial<ProductMeaning> {
  const lot = values.get('10');
  const serial = values.get('21');
  const expiry = expiryOf(values, rules);
  const massMg = netMass(values);
  const priceMinor = price(values, rules);
  const count = Number(values.get('30') ?? values.get('37') ?? 0);
  return {
    ...(lot === undefined ? {} : { lot }),
    ...(serial === undefined ? {} : { serial }),
    ...(expiry === undefined ? {} : { expiry }),
    ...(massMg === undefined ? {} : { massMg }),
    ...(priceMinor === undefined ? {} : { priceMinor }),
    ...(count === 0 ? {} : { count }),
  };
}

/** Use by (17, or 7003 with a time), else best before (15). */
function expiryOf(values: ReadonlyMap<string, string>, rules: ElementRules): string | undefined {
  const value = values.get('17') ?? values.get('7003')?.slice(0, 6) ?? values.get('15');
  if (value === undefined) return undefined;
  const date = isoDate(value, rules.todayUtc);
  if (date !== undefined) return date;
  throw new ScanningError(
    'CW-SCN-024',
    `${shown(value)} is no date in its century; have the label corrected.`,
  );
}

/** The first identifier that starts with `start`, and its value. */
function measure(values: ReadonlyMap<string, string>, start: string): GsElement | undefined {
  for (const [ai, value] of values) if (ai.length === 4 && ai.startsWith(start)) return { ai, value };
  return undefined;
}

/** Net mass in mg: 310n in kg, 320n in lb. Zero says nothing and is left out. */
function netMass(values: ReadonlyMap<string, string>): number | undefined {
  const kilograms = measure(values, '310');
  const pounds = measure(values, '320');
  let massMg = 0;
  if (kilograms !== undefined) {
    massMg = scaled(kilograms.value, impliedDecimals(kilograms.ai), massDecimals, 'mass');
  } else if (pounds !== undefined) {
    massMg = poundsToMg(pounds.value, impliedDecimals(pounds.ai));
  }
  return massMg === 0 ? undefined : massMg;
}

/**
 * Price in minor units: 392n in the currency of the place, 393n in one given by number. 390n and 391n are amounts of
 * coupons and payment slips, never prices of a product. A price in another currency is left out.
 */
function price(values: ReadonlyMap<string, string>, rules: ElementRules): number | undefined {
  const local = measure(values, '392');
  if (local !== undefined) return amount(local.ai, local.value, rules);
  const foreign = measure(values, '393');
  if (foreign === undefined || foreign.value.slice(0, 3) !== rules.currencyNumber) return undefined;
  return amount(foreign.ai, foreign.value.slice(3), rules);
}

function amount(ai: string, digits: string, rules: ElementRules): number | undefined {
  const priceMinor = scaled(digits, impliedDecimals(ai), rules.currencyDecimals, 'price');
  return priceMinor === 0 ? undefined : priceMinor;
}
