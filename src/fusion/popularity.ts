import type { Catalogue, Product } from '#catalogue/products.ts';
import type { Learned } from './learned.ts';

/** Half of the prior is always spread evenly: the catalogue's figures are of yesterday, and of other stores. */
const evenPart = 0.5;
/** Units of each product that the catalogue's figures count for beside what this device saw bought. */
const unitsEach = 5;
/**
 * A product is at most this many times likelier, and this many times less likely, than the average one to be put in without a
 * scan. The mass of a thing moves the odds by thousands, so popularity only chooses among what the mass leaves.
 */
const mostPopular = 8;
const leastPopular = 1 / 4;

/**
 * How much likelier than the average product each one is to be bought, as a logarithm: (bought + a·c)/(B + a) over 1/N, with c the
 * catalogue's share, B all units this device saw bought and a = 5 N units (additive smoothing towards the catalogue), between
 * log ¼ and log 8. 0 where nothing is known.
 */
export function popularityOf(catalogue: Catalogue, learned: Learned): (product: Product) => number {
  const size = Math.max(1, catalogue.products.length);
  const listed = catalogue.products.reduce((sum, product) => sum + (product.popularity ?? 0), 0);
  const all = learned.boughtInAll;
  if (listed === 0 && all === 0) return () => 0;
  const weight = unitsEach * size;
  return (product) => {
    const own = listed === 0 ? 1 / size : (product.popularity ?? 0) / listed;
    const share = evenPart / size + (1 - evenPart) * own;
    const ratio = (size * (learned.boughtOf(product.key) + weight * share)) / (all + weight);
    return Math.log(Math.min(mostPopular, Math.max(leastPopular, ratio)));
  };
}
