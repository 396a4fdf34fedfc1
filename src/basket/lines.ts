import type { Product } from '#catalogue/products.ts';
import type { EventData } from '#events/catalog.ts';

export type PriceStatus = 'final' | 'estimate' | 'at-till';
export type Entry = EventData<'basket.line'>['entry'];

/** A line of the basket ledger. Its price is the one in force when it was made. */
export interface Line {
  readonly line: number;
  /** Product key. */
  readonly product: string;
  readonly gtin?: string;
  readonly plu?: string;
  readonly name: string;
  readonly sale: 'each' | 'weight';
  readonly count: number;
  readonly massMg?: number;
  readonly unitPriceMinor?: number;
  readonly priceMinor: number;
  readonly priceStatus: PriceStatus;
  readonly entry: Entry;
  readonly certificateId?: string;
  /** Of a weighed or labelled line, whose price is one for all its units: what it was made with. */
  readonly made?: { readonly count: number; readonly priceMinor: number; readonly massMg: number };
}

/** What was put in, as the item event says it. */
export interface Addition {
  readonly product: Product;
  readonly count: number;
  readonly massMg: number;
  readonly entry: Entry;
  /** Price the code carried, for all units together. */
  readonly priceMinor?: number | undefined;
  readonly certificateId?: string | undefined;
}

/** Price of `massMg` at `priceMinorPerKg`, rounded half away from zero to the minor unit. */
export function priceByMass(massMg: number, priceMinorPerKg: number): number {
  // mg × minor/kg stays below 2⁵³ up to 9 t at 1,000,000 minor units a kilogram.
  const exact = (massMg * priceMinorPerKg) / 1_000_000;
  return Math.sign(exact) * Math.round(Math.abs(exact));
}

/** The line that `addition` makes when nothing in the basket can take it up. */
export function newLine(line: number, addition: Addition): Line {
  const { product, count, massMg } = addition;
  const base = {
    line,
    product: product.key,
    ...(product.gtin === undefined ? {} : { gtin: product.gtin }),
    ...(product.plu === undefined ? {} : { plu: product.plu }),
    name: product.name,
    sale: product.sale,
    count,
    entry: addition.entry,
    ...(addition.certificateId === undefined ? {} : { certificateId: addition.certificateId }),
  };
  const whole = (priceMinor: number, priceStatus: PriceStatus) => ({
    ...base,
    massMg,
    priceMinor,
    priceStatus,
    made: { count, priceMinor, massMg },
  });
  if (addition.priceMinor !== undefined) return whole(addition.priceMinor, 'final');
  if (product.sale === 'weight') {
    if (product.priceMinorPerKg === undefined) return whole(0, 'at-till');
    // Only a certified scale's mass makes a price by weight final: our own cells identify and verify.
    const status = addition.certificateId === undefined ? 'estimate' : 'final';
    return {
      ...whole(priceByMass(massMg, product.priceMinorPerKg), status),
      unitPriceMinor: product.priceMinorPerKg,
    };
  }
  if (product.priceMinor === undefined) return { ...base, priceMinor: 0, priceStatus: 'at-till' };
  return {
    ...base,
    unitPriceMinor: product.priceMinor,
    priceMinor: product.priceMinor * count,
    priceStatus: 'final',
  };
}

/** True where another unit of the product may be counted on this line: same product, sold by the piece, at the same price. */
export function takesUp(line: Line, addition: Addition): boolean {
  return (
    line.count > 0 &&
    line.product === addition.product.key &&
    line.sale === 'each' &&
    addition.product.sale === 'each' &&
    addition.priceMinor === undefined &&
    line.made === undefined &&
    line.unitPriceMinor === addition.product.priceMinor
  );
}

/**
 * The line after `change` units more (or fewer) of it. Of a weighed or labelled line each unit is an equal share of
 * what the line was made with, so that units which come back bring the whole price back.
 */
export function recount(line: Line, change: number): Line {
  const count = Math.max(0, line.count + change);
  const { made } = line;
  if (made === undefined) return { ...line, count, priceMinor: (line.unitPriceMinor ?? 0) * count };
  const share = (whole: number) => Math.round((whole * count) / made.count);
  return { ...line, count, priceMinor: share(made.priceMinor), massMg: share(made.massMg) };
}

/**
 * The lines from which `count` units of a product are taken, newest first; of weighed lines the one whose mass is
 * nearest to what left the plate. Fewer units than asked for come back where the basket has fewer.
 */
export function takeFrom(
  lines: readonly Line[],
  productKey: string,
  count: number,
  massMg: number,
): readonly { readonly line: Line; readonly units: number }[] {
  const open = lines.filter((line) => line.product === productKey && line.count > 0);
  const each = massMg / Math.max(1, count);
  const distance = (line: Line) =>
    line.massMg === undefined ? 0 : Math.abs(Math.abs(each) - line.massMg / line.count);
  open.sort((a, b) => distance(a) - distance(b) || b.line - a.line);
  const taken: { line: Line; units: number }[] = [];
  let left = count;
  for (const line of open) {
    if (left === 0) break;
    const units = Math.min(left, line.count);
    taken.push({ line, units });
    left -= units;
  }
  return taken;
}
