import { checkKey, checkPeriod, checkText } from './checks.ts';
import type { Findings } from './collect.ts';
import type { Product } from './products.ts';
import type { RawProduct } from './schema.ts';

function checkPrices(product: RawProduct, path: string, findings: Findings): void {
  const needed = product.sale === 'each' ? 'priceMinor' : 'priceMinorPerKg';
  const other = product.sale === 'each' ? 'priceMinorPerKg' : 'priceMinor';
  if (product[needed] === undefined) {
    findings.add('CW-CAT-011', `${path}.${needed}`, undefined, `a price, as sale is "${product.sale}"`);
  }
  if (product[other] !== undefined) {
    findings.add('CW-CAT-011', `${path}.${other}`, product[other], `nothing, as sale is "${product.sale}"`);
  }
  for (const name of ['priceMinor', 'priceMinorPerKg', 'depositMinor'] as const) {
    const price = product[name];
    if (price !== undefined && !(Number.isSafeInteger(price) && price >= 0)) {
      findings.add('CW-CAT-011', `${path}.${name}`, price, 'an integer of minor units, 0 or more');
    }
  }
}

function checkMass(product: RawProduct, path: string, findings: Findings): void {
  if (product.grossMg === undefined) return;
  for (const name of ['mean', 'sd'] as const) {
    const value = product.grossMg[name];
    if (!(Number.isSafeInteger(value) && value > 0)) {
      findings.add('CW-CAT-012', `${path}.grossMg.${name}`, value, 'an integer of mg above 0');
    }
  }
}

/** Checks one product; what is wrong goes to `findings`, and nothing comes back without a usable key. */
export function checkProduct(raw: RawProduct, path: string, findings: Findings): Product | undefined {
  const key = checkKey(raw, path, findings);
  checkText(raw.name, `${path}.name`, findings);
  for (const name of ['look', 'taxCode', 'department'] as const) {
    const text = raw[name];
    if (text !== undefined) checkText(text, `${path}.${name}`, findings);
  }
  checkPrices(raw, path, findings);
  checkMass(raw, path, findings);
  checkPeriod(raw, path, findings);
  const { popularity } = raw;
  if (popularity !== undefined && !(Number.isFinite(popularity) && popularity >= 0)) {
    findings.add('CW-CAT-004', `${path}.popularity`, popularity, 'a number, 0 or more');
  }
  const age = raw.minimumAge;
  if (age !== undefined && !(Number.isInteger(age) && age >= 0 && age <= 120)) {
    findings.add('CW-CAT-004', `${path}.minimumAge`, age, 'whole years, 0 to 120');
  }
  return key === undefined ? undefined : shapeProduct(raw, key);
}

/** Leaves out what was not given, so that a product holds no `undefined`. */
function shapeProduct(raw: RawProduct, key: string): Product {
  const { gtin, plu, look, ...rest } = raw;
  const present = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return {
    key,
    ...(gtin === undefined ? {} : { gtin }),
    ...(plu === undefined ? {} : { plu }),
    name: raw.name,
    sale: raw.sale,
    ...present,
    look: look ?? gtin ?? plu ?? key,
  };
}
