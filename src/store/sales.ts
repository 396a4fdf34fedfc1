import { totalsOf } from '#basket/totals.ts';
import type { SaleContent, SaleLine } from './records.ts';
import { priceFor, type TillPolicy } from './till.ts';

/** What still has to be done before a sale can be paid. */
interface SaleNeeds {
  /** Lines without a price. */
  readonly unpriced: readonly number[];
  /** Age to be checked, years. */
  readonly age: number | undefined;
}

/** What a sale still needs. */
export function needsOf({ lines, prices, approvedAge }: SaleContent): SaleNeeds {
  const ages = lines.flatMap(({ minimumAge, approved }) =>
    minimumAge === undefined || approved === true || minimumAge <= approvedAge ? [] : minimumAge,
  );
  return {
    unpriced: lines.filter((line) => isOpen(line) && prices[line.line] === undefined).map(({ line }) => line),
    age: ages.length === 0 ? undefined : Math.max(...ages),
  };
}

/** The sale with what the till may price and approve by itself. */
export function withPolicy(content: SaleContent, policy: TillPolicy): SaleContent {
  const { lines, prices, approvedAge } = content;
  const further = lines.flatMap((line) => {
    if (!isOpen(line) || prices[line.line] !== undefined) return [];
    const priceMinor = priceFor(line, policy, undefined);
    return priceMinor === undefined ? [] : [[String(line.line), priceMinor] as const];
  });
  const { age } = needsOf(content);
  return {
    ...content,
    prices: { ...prices, ...Object.fromEntries(further) },
    approvedAge: policy.age === 'auto' && age !== undefined ? age : approvedAge,
  };
}

/**
 * What a sale comes to, minor units: what the cart told, and what its own sums add to that when the lines that were open have
 * the till's prices.
 */
export function totalOf(content: SaleContent): number {
  const { lines, totals, prices } = content;
  const { currency, open } = totals;
  const told = lines.map(summedOf);
  const priced = lines.map((line) => {
    const summed = summedOf(line);
    if (!isOpen(line)) return summed;
    const priceMinor = prices[line.line] ?? 0;
    // A saving on an estimate holds for what the till charges, as far as that goes.
    const savings = summed.savings.map((one) => ({
      ...one,
      savedMinor: Math.min(priceMinor, one.savedMinor),
    }));
    return { ...summed, priceMinor, savings, priceStatus: 'final' as const };
  });
  const taxes = content.taxes ?? guessedTaxes(told, totals);
  const toPay = (of: readonly Summed[]) => totalsOf(of, { currency, open, taxes }).toPayMinor;
  return (totals.toPayMinor ?? totals.finalMinor) + toPay(priced) - toPay(told);
}

type Summed = ReturnType<typeof summedOf>;

/** A line of an event as the cart sums it. Its savings are taken as one: their sum is what counts. */
function summedOf(line: SaleLine) {
  const { count, priceMinor, priceStatus, savedMinor, depositMinor, taxCode, taxRatePpm } = line;
  const savings = savedMinor === undefined ? [] : [{ promotion: '', name: '', savedMinor }];
  return {
    count,
    priceMinor,
    priceStatus,
    savings,
    // The deposit of a line is that of each unit, so many times.
    ...(depositMinor === undefined || count === 0 ? {} : { depositEachMinor: depositMinor / count }),
    ...(taxCode === undefined ? {} : { taxCode }),
    ...(taxRatePpm === undefined ? {} : { taxRatePpm }),
  };
}

/** Of a cart of an earlier version: the terms under which its lines come to the tax that it told. */
function guessedTaxes(lines: readonly Summed[], { currency, open, addedTaxMinor }: SaleContent['totals']) {
  if ((addedTaxMinor ?? 0) === 0) return undefined;
  const both = [false, true].map((depositsTaxed) => ({ included: false, depositsTaxed }));
  return (
    both.find((taxes) => totalsOf(lines, { currency, open, taxes }).addedTaxMinor === addedTaxMinor) ??
    both[0]
  );
}

function isOpen({ priceStatus }: SaleLine): boolean {
  return priceStatus !== 'final';
}
