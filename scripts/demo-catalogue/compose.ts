import { createHash } from 'node:crypto';
import { type Kind, kinds, unwanted } from './kinds.ts';
import { displayName } from './names.ts';
import { grossMass } from './packaging.ts';
import { type Produce, produce } from './produce.ts';

type Row = Readonly<Record<string, string>>;

/** Net quantities that a basket holds in one hand, g or ml. */
const smallestNet = 20;
const largestNet = 3000;
/** Only products that a shop would stock many of: no more than this share of the list is of one kind. */
const mostOfOneKind = 11;

interface Candidate {
  readonly gtin: string;
  readonly name: string;
  readonly net: number;
  readonly kind: Kind;
  readonly organic: boolean;
}

/** A number 0…1 that belongs to a product and a purpose, the same on every run. */
function fraction(gtin: string, purpose: string): number {
  return createHash('sha256').update(`${purpose}:${gtin}`).digest().readUInt32BE(0) / 2 ** 32;
}

function candidate(row: Row): Candidate | undefined {
  const { gtin = '', name = '', brand = '', category = '' } = row;
  const net = Number(row.net);
  const unit = row.unit === 'ml' ? 'ml' : 'g';
  const lower = name.toLowerCase().replaceAll('’', "'");
  if (!(net >= smallestNet && net <= largestNet) || unwanted.test(`${lower} ${category}`)) return undefined;
  const kind = kinds.find((item) => item.match.test(lower) && (item.unit ?? unit) === unit);
  const shown = displayName(name, brand, net, unit);
  if (kind === undefined || shown === undefined) return undefined;
  return { gtin, name: shown, net, kind, organic: /\bbio|biologic/.test(`${lower} ${brand.toLowerCase()}`) };
}

/** `count` products, taken in turn from every kind so that no kind crowds out the others; always the same ones. */
function choose(rows: readonly Row[], count: number): Candidate[] {
  const names = new Set<string>();
  const byKind = new Map<string, Candidate[]>();
  for (const row of rows) {
    const item = candidate(row);
    if (item === undefined || names.has(item.name.toLowerCase())) continue;
    names.add(item.name.toLowerCase());
    const list = byKind.get(item.kind.name) ?? [];
    list.push(item);
    byKind.set(item.kind.name, list);
  }
  for (const list of byKind.values()) {
    list.sort((a, b) => fraction(a.gtin, 'choice') - fraction(b.gtin, 'choice'));
  }
  const chosen: Candidate[] = [];
  for (let round = 0; round < mostOfOneKind; round++) {
    for (const { name } of kinds) {
      const item = byKind.get(name)?.[round];
      if (item !== undefined && chosen.length < count) chosen.push(item);
    }
  }
  return chosen.sort((a, b) => (a.gtin < b.gtin ? -1 : 1));
}

/** A shelf price: the kind's price of a kilogram, this maker's place in it, dearer when organic or small; ends in 9. */
function shelfPrice(item: Candidate): number {
  const place = 0.82 + 0.42 * fraction(item.gtin, 'price');
  const sizing = (500 / item.net) ** 0.15;
  const price = (item.kind.perKg * item.net * place * sizing * (item.organic ? 1.22 : 1)) / 1000;
  return Math.max(29, Math.round(price / 10) * 10 - 1);
}

function packagedProduct(item: Candidate) {
  const { kind } = item;
  return {
    gtin: item.gtin,
    name: item.name,
    sale: 'each',
    priceMinor: shelfPrice(item),
    grossMg: grossMass({
      net: item.net,
      density: kind.unit === 'ml' ? kind.density : 1,
      packaging: kind.packaging,
      character: 2 * fraction(item.gtin, 'packaging') - 1,
    }),
    taxCode: kind.taxCode,
    department: kind.department,
    ...(kind.minimumAge === undefined ? {} : { minimumAge: kind.minimumAge }),
  };
}

function looseProduct(item: Produce, source: readonly Row[]) {
  const known = source.find((row) => row.plu === item.plu);
  if (!known?.commodity?.includes(item.commodity)) {
    throw new Error(
      `PLU ${item.plu} is ${known?.commodity ?? 'unknown'} in the source, not ${item.commodity}`,
    );
  }
  return {
    plu: item.plu,
    name: item.name,
    sale: 'weight',
    priceMinorPerKg: item.perKg,
    grossMg: { mean: item.handful[0] * 1000, sd: item.handful[1] * 1000 },
    look: item.look,
    taxCode: 'reduced-4',
    department: 'produce',
  };
}

/** The demo catalogue as a document: `packaged` products from the product list, and loose produce. */
export function composeCatalogue(products: readonly Row[], codes: readonly Row[], packaged: number) {
  return {
    catalogue: 1,
    version: 'demo-1',
    currency: 'EUR',
    products: [
      ...choose(products, packaged).map(packagedProduct),
      ...produce.map((item) => looseProduct(item, codes)),
    ],
    variableMeasure: [
      { prefix: '20', item: [2, 5], value: [8, 4], meaning: 'price', decimals: 2 },
      { prefix: '21', item: [2, 5], value: [7, 5], meaning: 'mass', decimals: 3 },
    ],
  };
}

/** The document with one product a line: readable, and small in a diff. */
export function printCatalogue(document: {
  readonly products: readonly object[];
  readonly variableMeasure: readonly object[];
}): string {
  const { products, variableMeasure, ...head } = document;
  const lines = (items: readonly object[]) => items.map((item) => `  ${JSON.stringify(item)}`).join(',\n');
  const start = JSON.stringify(head).slice(0, -1);
  return `${start},\n "products": [\n${lines(products)}\n ],\n "variableMeasure": [\n${lines(variableMeasure)}\n ]}\n`;
}
