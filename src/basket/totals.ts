import type { Taxes } from '#catalogue/promotions.ts';
import type { taxLine, totals } from '#events/data/baskets.ts';
import type { Infer } from '#events/fields.ts';
import { depositOf, type Line, savedOn } from './lines.ts';
import { portion } from './rounding.ts';

export type Totals = Infer<typeof totals>;
/** A record as this software makes it: with all its fields, though records of earlier versions may lack some. */
export type Complete<T> = { readonly [Name in keyof T]-?: Exclude<T[Name], undefined> };
/** Earlier versions told the first six alone. */
export type FullTotals = Complete<Totals>;
type TaxLine = Infer<typeof taxLine>;

const ppm = 1_000_000;
/** What of a line counts for the totals. */
type Summed = Pick<
  Line,
  'count' | 'priceMinor' | 'priceStatus' | 'savings' | 'depositEachMinor' | 'taxCode' | 'taxRatePpm'
>;
type TaxTerms = Pick<Taxes, 'included' | 'depositsTaxed'>;

/**
 * Tax of `lines`, rounded once for each code and rate, ordered by them: of prices that include it
 * `base · rate / (1 + rate)`, else `base · rate`.
 */
function taxesOf(lines: readonly Summed[], taxes: TaxTerms | undefined): TaxLine[] {
  if (taxes === undefined) return [];
  const bases = new Map<string, { code: string; ratePpm: number; baseMinor: number }>();
  for (const line of lines) {
    const { taxCode: code, taxRatePpm: ratePpm } = line;
    if (code === undefined || ratePpm === undefined) continue;
    const key = `${code}\0${ratePpm}`;
    const deposit = taxes.depositsTaxed ? depositOf(line) : 0;
    const before = bases.get(key)?.baseMinor ?? 0;
    bases.set(key, { code, ratePpm, baseMinor: before + line.priceMinor - savedOn(line) + deposit });
  }
  return [...bases.values()]
    .sort((a, b) => (a.code === b.code ? a.ratePpm - b.ratePpm : a.code < b.code ? -1 : 1))
    .map((base) => ({
      ...base,
      taxMinor: portion(base.baseMinor, base.ratePpm, taxes.included ? ppm + base.ratePpm : ppm),
    }));
}

const sum = (values: readonly number[]) => values.reduce((whole, value) => whole + value, 0);

/** Sums of the lines, apart by how final their prices are. `open` is how many questions are not answered. */
export function totalsOf(
  lines: readonly Summed[],
  terms: { readonly currency: string; readonly taxes?: TaxTerms | undefined; readonly open: number },
): FullTotals {
  const held = lines.filter((line) => line.count > 0);
  const final = held.filter((line) => line.priceStatus === 'final');
  const estimated = held.filter((line) => line.priceStatus === 'estimate');
  const finalMinor = sum(final.map((line) => line.priceMinor));
  const estimateMinor = sum(estimated.map((line) => line.priceMinor));
  const savedMinor = sum(final.map(savedOn));
  const estimateSavedMinor = sum(estimated.map(savedOn));
  const depositMinor = sum(held.map(depositOf));
  const taxes = taxesOf(final, terms.taxes);
  const isAdded = terms.taxes?.included === false;
  const added = (lines: readonly TaxLine[]) => (isAdded ? sum(lines.map((one) => one.taxMinor)) : 0);
  const addedTaxMinor = added(taxes);
  const toPayMinor = finalMinor - savedMinor + depositMinor + addedTaxMinor;
  const probableTax = isAdded ? added(taxesOf([...final, ...estimated], terms.taxes)) : 0;
  return {
    currency: terms.currency,
    finalMinor,
    estimateMinor,
    atTill: held.length - final.length - estimated.length,
    items: sum(held.map((line) => line.count)),
    open: terms.open,
    savedMinor,
    estimateSavedMinor,
    depositMinor,
    taxes,
    addedTaxMinor,
    toPayMinor,
    probableMinor: toPayMinor - addedTaxMinor + probableTax + estimateMinor - estimateSavedMinor,
  };
}
