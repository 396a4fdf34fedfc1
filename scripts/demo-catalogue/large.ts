import { createHash } from 'node:crypto';
import { composeCatalogue } from './compose.ts';
import { kinds } from './kinds.ts';
import { displayName } from './names.ts';
import { grossMass, type Packaging } from './packaging.ts';
import { produce } from './produce.ts';

type Row = Readonly<Record<string, string>>;

/** Net quantities that a basket holds in one hand, g or ml. */
const smallestNet = 15;
const largestNet = 4000;
const longestName = 64;
/** Loose produce beside that of the demo: so many codes, evenly from the list. */
const moreProduce = 150;
/** What goods of no known kind are packed in. */
const usualPackagings: readonly Packaging[] = ['film', 'tray', 'box', 'jar', 'tub', 'can'];

/** A number 0…1 that belongs to a product and a purpose, the same on every run. */
function fraction(key: string, purpose: string): number {
  return createHash('sha256').update(`${purpose}:${key}`).digest().readUInt32BE(0) / 2 ** 32;
}

function plainName(name: string): string {
  const words = name.replaceAll(/\s+/g, ' ').trim();
  return words.length <= longestName ? words : `${words.slice(0, longestName - 1).trim()}…`;
}

function packaged(row: Row) {
  const { gtin = '', name = '', brand = '' } = row;
  const net = Number(row.net);
  const unit = row.unit === 'ml' ? 'ml' : 'g';
  // 02 and 20–29 are numbers of a retailer's own: a code of them says nothing outside that shop.
  if (!(net >= smallestNet && net <= largestNet) || /^0(?:02|2|04)/.test(gtin) || name.length < 3)
    return undefined;
  const kind = kinds.find((one) => one.match.test(name.toLowerCase()) && (one.unit ?? unit) === unit);
  const usual = usualPackagings[Math.floor(fraction(gtin, 'kind') * usualPackagings.length)] ?? 'film';
  const perKg = kind?.perKg ?? Math.round(300 + 1500 * fraction(gtin, 'per-kg'));
  const price = (perKg * net * (0.82 + 0.42 * fraction(gtin, 'price'))) / 1000;
  return {
    gtin,
    name: displayName(name, brand, net, unit) ?? plainName(name),
    sale: 'each',
    priceMinor: Math.max(29, Math.round(price / 10) * 10 - 1),
    grossMg: grossMass({
      net,
      density: unit === 'ml' ? (kind?.density ?? 1.02) : 1,
      packaging: kind?.packaging ?? (unit === 'ml' ? 'plastic bottle' : usual),
      character: 2 * fraction(gtin, 'packaging') - 1,
    }),
  };
}

/** Words as a list of people writes them: `Golden Delicious Blush apples`. */
function looseName({ commodity = '', variety = '' }: Row): string {
  const kind = commodity.charAt(0) + commodity.slice(1).toLowerCase();
  return plainName(variety === '' || /retailer/i.test(variety) ? kind : `${kind}, ${variety}`);
}

function loose(codes: readonly Row[]) {
  const taken = new Set(produce.map(({ plu }) => plu));
  const names = new Set<string>();
  const usable = codes.filter((row) => {
    const name = looseName(row);
    if (taken.has(row.plu ?? '') || !/^\d{4}$/.test(row.plu ?? '') || names.has(name)) return false;
    if (!/fruits|vegetables/i.test(row.category ?? '') || /retailer/i.test(row.variety ?? '')) return false;
    names.add(name);
    return true;
  });
  return Array.from({ length: Math.min(moreProduce, usable.length) }, (_, index) => {
    const row = usable[Math.floor((index * usable.length) / Math.min(moreProduce, usable.length))] ?? {};
    const plu = row.plu ?? '';
    const handful = 150_000 + Math.round(800 * fraction(plu, 'handful')) * 1000;
    return {
      plu,
      name: looseName(row),
      sale: 'weight',
      priceMinorPerKg: 129 + 10 * Math.round(50 * fraction(plu, 'per-kg')),
      grossMg: { mean: handful, sd: Math.round(handful * 0.22) },
    };
  });
}

/** The catalogue of the accuracy bench as a document: all products of the list that a basket may hold, and loose produce. */
export function composeLargeCatalogue(products: readonly Row[], codes: readonly Row[]) {
  const demo = composeCatalogue(products, codes, 0);
  const seen = new Set<string>();
  const goods = products.flatMap((row) => {
    const product = packaged(row);
    if (product === undefined || seen.has(product.gtin)) return [];
    seen.add(product.gtin);
    return [product];
  });
  return {
    ...demo,
    version: 'bench-1',
    products: [...goods, ...demo.products, ...loose(codes)],
  };
}
