import { checkProduct } from './check-product.ts';
import { checkCurrency, checkKey, checkText } from './checks.ts';
import { Findings } from './collect.ts';
import { CatalogueError } from './errors.ts';
import { checkLayouts } from './layouts.ts';
import type { Catalogue, Planogram, Product } from './products.ts';
import { checkPromotions, checkTaxCodes, checkTaxes, checkTimeZone } from './promotions.ts';
import { catalogueSchema, planogramSchema } from './schema.ts';

/**
 * Checks a catalogue document (parsed JSON) and builds its indexes. Pure. `file` only names it in messages.
 *
 * @throws CatalogueError with the code of the first finding; `findings` has up to 200 of them
 */
export function parseCatalogue(value: unknown, file = ''): Catalogue {
  const findings = new Findings();
  const parsed = catalogueSchema.safeParse(value);
  if (!parsed.success) {
    findings.addIssues(value, parsed.error.issues);
    throw failure(findings, file);
  }
  const raw = parsed.data;
  checkText(raw.version, 'version', findings);
  checkCurrency(raw.currency, findings);
  const products: Product[] = [];
  const firstByKey = new Map<string, number>();
  raw.products.forEach((entry, index) => {
    const path = `products[${index}]`;
    const product = checkProduct(entry, path, findings);
    if (product === undefined) return;
    const first = firstByKey.get(product.key);
    if (first !== undefined) {
      findings.add('CW-CAT-010', path, product.key, `a key that products[${first}] does not have`);
    }
    firstByKey.set(product.key, first ?? index);
    products.push(product);
  });
  const variableMeasure = checkLayouts(raw.variableMeasure, findings);
  const promotions = checkPromotions(raw.promotions, findings);
  const taxes = raw.taxes === undefined ? undefined : checkTaxes(raw.taxes, findings);
  checkTaxCodes(products, taxes, findings);
  checkTimeZone(raw.timeZone, findings);
  if (findings.all.length > 0) throw failure(findings, file);
  const { version, currency, timeZone } = raw;
  const rates = taxes === undefined ? {} : { taxes };
  return indexCatalogue({ version, currency, products, variableMeasure, promotions, timeZone, ...rates });
}

/** Builds the look-up tables of products that were checked before. */
export function indexCatalogue(content: Omit<Catalogue, 'byKey' | 'byGtin' | 'byPlu' | 'byLook'>): Catalogue {
  const byKey = new Map<string, Product>();
  const byGtin = new Map<string, Product>();
  const byPlu = new Map<string, Product>();
  const byLook = new Map<string, Product[]>();
  for (const product of content.products) {
    byKey.set(product.key, product);
    if (product.gtin !== undefined) byGtin.set(product.gtin, product);
    if (product.plu !== undefined) byPlu.set(product.plu, product);
    append(byLook, product.look, product);
  }
  return { ...content, byKey, byGtin, byPlu, byLook };
}

/**
 * Checks a planogram document (parsed JSON). With a catalogue, every product it names must be in there. Pure.
 *
 * @throws CatalogueError with the code of the first finding
 */
export function parsePlanogram(
  value: unknown,
  catalogue?: Pick<Catalogue, 'byKey' | 'version'>,
  file = '',
): Planogram {
  const findings = new Findings();
  const parsed = planogramSchema.safeParse(value);
  if (!parsed.success) {
    findings.addIssues(value, parsed.error.issues);
    throw failure(findings, file);
  }
  checkText(parsed.data.version, 'version', findings);
  const byPlate = new Map<string, string[]>();
  const byProduct = new Map<string, string[]>();
  parsed.data.plates.forEach((entry, index) => {
    const path = `plates[${index}]`;
    checkText(entry.plate, `${path}.plate`, findings);
    const key = checkKey(entry, path, findings);
    if (key === undefined) return;
    if (catalogue !== undefined && !catalogue.byKey.has(key)) {
      findings.add('CW-CAT-014', path, key, `a product of catalogue ${catalogue.version}`);
    }
    if (byPlate.get(entry.plate)?.includes(key)) {
      findings.add('CW-CAT-010', path, key, `each product once on plate ${entry.plate}`);
    }
    append(byPlate, entry.plate, key);
    append(byProduct, key, entry.plate);
  });
  if (findings.all.length > 0) throw failure(findings, file);
  return { version: parsed.data.version, byPlate, byProduct };
}

function append<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** The error of a document with findings; there is at least one wherever this is called. */
function failure(findings: Findings, file: string): CatalogueError {
  const [first, ...rest] = findings.all;
  const unknown = { code: 'CW-CAT-004', path: '', found: 'nothing', expected: 'a document' } as const;
  return new CatalogueError(first ?? unknown, rest, file);
}
