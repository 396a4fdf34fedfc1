import { indexCatalogue } from './parse.ts';
import type { Catalogue, Planogram, Product } from './products.ts';

/** The catalogue with further products, as far as it lacks them; itself where it lacks none. */
export function withProducts(catalogue: Catalogue, further: readonly Product[]): Catalogue {
  const missing = further.filter(({ key }) => !catalogue.byKey.has(key));
  if (missing.length === 0) return catalogue;
  return indexCatalogue({ ...catalogue, products: [...catalogue.products, ...missing] });
}

/** What of a planogram a catalogue has products for; itself where it has all. */
export function planogramWithin(planogram: Planogram, catalogue: Pick<Catalogue, 'byKey'>): Planogram {
  const known = ([key]: readonly [string, unknown]) => catalogue.byKey.has(key);
  if ([...planogram.byProduct].every(known)) return planogram;
  const byPlate = [...planogram.byPlate].map(
    ([plate, keys]) => [plate, keys.filter((key) => catalogue.byKey.has(key))] as const,
  );
  return {
    version: planogram.version,
    byPlate: new Map(byPlate.filter(([, keys]) => keys.length > 0)),
    byProduct: new Map([...planogram.byProduct].filter(known)),
  };
}

/** Whether totals that were begun under one catalogue can be gone on with under another one. */
export function isSameMoney(one: Catalogue, other: Catalogue): boolean {
  return (
    one.currency === other.currency &&
    (one.timeZone ?? 'UTC') === (other.timeZone ?? 'UTC') &&
    one.taxes?.included === other.taxes?.included &&
    one.taxes?.depositsTaxed === other.taxes?.depositsTaxed &&
    (one.taxes === undefined) === (other.taxes === undefined)
  );
}
