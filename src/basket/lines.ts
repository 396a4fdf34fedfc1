import type { Catalogue, Product } from '#catalogue/products.ts';
import type { EventData } from '#events/catalog.ts';
import type { basketLineRecord, saving } from '#events/data/baskets.ts';
import type { Infer } from '#events/fields.ts';
import { portion } from './rounding.ts';

export type PriceStatus = 'final' | 'estimate' | 'at-till';
export type Entry = EventData<'basket.line'>['entry'];
export type Saving = Infer<typeof saving>;
/** A line as events and the snapshot carry it. */
export type LineRecord = Infer<typeof basketLineRecord>;

/** A line of the basket ledger. Its price, deposit and tax rate are those in force when it was made. */
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
  /** Version of the catalogue. */
  readonly catalogue?: string;
  readonly department?: string;
  readonly depositEachMinor?: number;
  readonly taxCode?: string;
  readonly taxRatePpm?: number;
  readonly minimumAge?: number;
  readonly approved?: boolean;
  readonly disputed?: true;
  /** Units received from another cart and not yet put on a plate of this one. */
  readonly unplaced?: number;
  /** Units that nothing weighed. */
  readonly unweighed?: number;
  readonly overridden?: true;
  readonly savings?: readonly Saving[];
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

/** What of a catalogue a line keeps. */
export type PriceBook = Pick<Catalogue, 'version' | 'taxes'>;

/** Price of `massMg` at `priceMinorPerKg`, rounded half away from zero to the minor unit. */
export function priceByMass(massMg: number, priceMinorPerKg: number): number {
  return portion(massMg, priceMinorPerKg, 1_000_000);
}

/** Fields of a line that come from the product alone. */
function termsOf(product: Product, book: PriceBook): Partial<Line> {
  const { taxCode, minimumAge, depositMinor, department } = product;
  const rate = taxCode === undefined ? undefined : book.taxes?.ratePpm.get(taxCode);
  return {
    catalogue: book.version,
    ...(department === undefined ? {} : { department }),
    ...(depositMinor === undefined || depositMinor === 0 ? {} : { depositEachMinor: depositMinor }),
    ...(taxCode === undefined ? {} : { taxCode }),
    ...(rate === undefined ? {} : { taxRatePpm: rate }),
    ...(minimumAge === undefined || minimumAge === 0 ? {} : { minimumAge }),
  };
}

/** The line that `addition` makes when nothing in the basket can take it up. */
export function newLine(line: number, addition: Addition, book: PriceBook): Line {
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
    ...termsOf(product, book),
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
    if (product.priceMinorPerKg === undefined || massMg === 0) return whole(0, 'at-till');
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

/**
 * True where another unit of the product may be counted on this line: same product, sold by the piece, at the same
 * price, deposit and tax.
 */
export function takesUp(line: Line, addition: Addition, book: PriceBook): boolean {
  const { product } = addition;
  const terms = termsOf(product, book);
  return (
    line.count > 0 &&
    line.product === product.key &&
    line.sale === 'each' &&
    product.sale === 'each' &&
    addition.priceMinor === undefined &&
    line.made === undefined &&
    line.unitPriceMinor === product.priceMinor &&
    line.depositEachMinor === terms.depositEachMinor &&
    line.taxCode === terms.taxCode &&
    line.taxRatePpm === terms.taxRatePpm &&
    line.minimumAge === terms.minimumAge
  );
}

/**
 * The line after `change` units more (or fewer) of it. Of a weighed or labelled line each unit is an equal share of
 * what the line was made with, so that units which come back bring the whole price back.
 */
export function recount(line: Line, change: number): Line {
  const count = Math.max(0, line.count + change);
  const { made, unplaced, unweighed, disputed, ...rest } = line;
  const kept = {
    ...rest,
    ...(disputed === undefined || count === 0 ? {} : { disputed }),
    ...(made === undefined ? {} : { made }),
    ...(unplaced === undefined || Math.min(unplaced, count) === 0
      ? {}
      : { unplaced: Math.min(unplaced, count) }),
    ...(unweighed === undefined || Math.min(unweighed, count) === 0
      ? {}
      : { unweighed: Math.min(unweighed, count) }),
  };
  if (made === undefined) return { ...kept, count, priceMinor: (line.unitPriceMinor ?? 0) * count };
  const share = (whole: number) => portion(whole, count, made.count);
  return { ...kept, count, priceMinor: share(made.priceMinor), massMg: share(made.massMg) };
}

/** The line with a final price of its own for all its units, as staff or till sets it. */
export function repriced(
  line: Line,
  priceMinor: number,
  measured: { readonly massMg?: number | undefined; readonly certificateId?: string | undefined } = {},
): Line {
  const massMg = measured.massMg ?? line.massMg ?? 0;
  return {
    ...line,
    priceMinor,
    priceStatus: 'final',
    ...(measured.massMg === undefined && line.massMg === undefined ? {} : { massMg }),
    ...(measured.certificateId === undefined ? {} : { certificateId: measured.certificateId }),
    made: { count: line.count, priceMinor, massMg },
    overridden: true,
  };
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

/** What promotions take off a line, minor units. */
export function savedOn(line: Pick<Line, 'savings'>): number {
  return (line.savings ?? []).reduce((sum, { savedMinor }) => sum + savedMinor, 0);
}

/** Deposit on all units of a line, minor units. */
export function depositOf(line: Pick<Line, 'count' | 'depositEachMinor'>): number {
  return line.count * (line.depositEachMinor ?? 0);
}

/** A line as events carry it: without what only the basket needs. */
export function lineRecord(line: Line): LineRecord {
  const {
    product: _product,
    made: _made,
    department: _department,
    depositEachMinor,
    savings,
    ...rest
  } = line;
  const saved = savedOn(line);
  return {
    ...rest,
    ...(saved === 0 ? {} : { savedMinor: saved, savings: savings ?? [] }),
    ...(depositEachMinor === undefined ? {} : { depositMinor: depositOf(line) }),
  };
}
