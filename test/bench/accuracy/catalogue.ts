import { join } from 'node:path';
import { createRandom, type Random } from '#base/random.ts';
import { loadCatalogue } from '#catalogue/load.ts';
import type { Catalogue, Product } from '#catalogue/products.ts';
import { root } from '#test/bench/support/processes.ts';

/** The catalogue that trips are made of; its source and licence stand in NOTICE. */
export const cataloguePath = join(root, 'test/fixtures/accuracy/catalogue.json');

/** How far the true mean of a product lies from the catalogue's, in parts of the catalogue's spread. */
const meanError = 0.4;
/** What is left of the spread between units, so that both together are the catalogue's. */
const unitSpread = Math.sqrt(1 - meanError ** 2);
/** Units that differ more than a normal distribution says (a bag half full, a wet package), and by how much. */
const oddShare = 0.01;
const oddSpread = 2.5;

/** The goods of a shop: what the catalogue says of them, and what they really weigh. */
export class Goods {
  readonly catalogue: Catalogue;
  /** Sold by the piece, with a code to scan. */
  readonly packaged: readonly Product[];
  /** Loose produce that a camera can know. */
  readonly seen: readonly Product[];
  readonly produce: readonly Product[];
  readonly #byMass: readonly Product[];

  constructor(catalogue: Catalogue, looks: ReadonlySet<string>) {
    this.catalogue = catalogue;
    this.packaged = catalogue.products.filter(
      ({ sale, gtin, grossMg }) => sale === 'each' && gtin !== undefined && grossMg !== undefined,
    );
    this.produce = catalogue.products.filter(({ sale, plu }) => sale === 'weight' && plu !== undefined);
    this.seen = this.produce.filter(({ look }) => looks.has(look));
    this.#byMass = this.packaged.toSorted((a, b) => meanOf(a) - meanOf(b));
  }

  /** Any packaged product, or one of loose produce. */
  any(random: Random, from: readonly Product[] = this.packaged): Product {
    const product = from[random.integer(from.length)];
    if (product === undefined) throw new Error('the catalogue of the bench is empty');
    return product;
  }

  /** Another packaged product whose mean mass is among the twelve nearest to that of `product`. */
  near(product: Product, random: Random): Product {
    const at = this.#byMass.findIndex((other) => meanOf(other) >= meanOf(product));
    const from = Math.max(0, Math.min(this.#byMass.length - 13, at - 6));
    const others = this.#byMass.slice(from, from + 13).filter((other) => other !== product);
    return this.any(random, others);
  }

  /** What one unit (or handful) really weighs, mg: the product's true mean, which is not quite the catalogue's, and its own. */
  draw(product: Product, random: Random): number {
    const { mean, sd } = product.grossMg ?? { mean: 300_000, sd: 60_000 };
    const own = createRandom(41).fork(product.key).gaussian();
    const spread = random.next() < oddShare ? oddSpread : unitSpread;
    return Math.max(1_000, Math.round(mean + sd * (meanError * own + spread * random.gaussian())));
  }
}

const meanOf = (product: Product): number => product.grossMg?.mean ?? 0;

/** The bench's catalogue, from its file. */
export async function loadBenchCatalogue(): Promise<Catalogue> {
  return await loadCatalogue(cataloguePath);
}

/**
 * The same catalogue with more products than there are real ones at hand, for timing decisions alone: copies of real
 * products under other numbers, each of a mass within 30 % of its original's.
 */
export function enlarge(catalogue: Catalogue, count: number): Catalogue {
  const random = createRandom(10_000);
  const sources = catalogue.products.filter(({ gtin }) => gtin !== undefined);
  const products: Product[] = [...catalogue.products];
  for (let index = 0; products.length < count; index++) {
    const source = sources[index % sources.length];
    if (source?.grossMg === undefined) continue;
    const gtin = withCheckDigit(`0299${String(index).padStart(9, '0')}`);
    const factor = 0.7 + 0.6 * random.next();
    const grossMg = {
      mean: Math.round(source.grossMg.mean * factor),
      sd: Math.round(source.grossMg.sd * factor),
    };
    products.push({ ...source, key: `gtin:${gtin}`, gtin, look: gtin, grossMg });
  }
  const by = (key: 'gtin' | 'plu') =>
    new Map(products.flatMap((one) => (one[key] === undefined ? [] : [[one[key], one] as const])));
  return {
    ...catalogue,
    version: `${catalogue.version}-${count}`,
    products,
    byKey: new Map(products.map((one) => [one.key, one])),
    byGtin: by('gtin'),
    byPlu: by('plu'),
    byLook: new Map(products.map((one) => [one.look, [one]])),
  };
}

/** 13 digits with the check digit of a GTIN-14 (GS1 General Specifications 7.9.1). */
export function withCheckDigit(digits: string): string {
  const sum = [...digits].reduce((total, digit, at) => total + Number(digit) * (at % 2 === 0 ? 3 : 1), 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}
