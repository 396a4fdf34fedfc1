import { portion } from '#basket/rounding.ts';
import type { SaleContent, SaleLine } from './records.ts';
import { priceFor, type TillPolicy } from './till.ts';

const ppm = 1_000_000;

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
 * What a sale comes to, minor units: what the cart told of its final lines, and what the till priced. Where prices don't include
 * the tax, it is rounded anew for each code and rate over all lines, as the cart rounds it.
 */
export function totalOf({ lines, totals, prices }: SaleContent): number {
  const isAdded = (totals.addedTaxMinor ?? 0) !== 0;
  const known = totals.toPayMinor ?? totals.finalMinor;
  const priced = lines.filter(isOpen).map((line) => {
    const priceMinor = prices[line.line] ?? 0;
    // A saving on an estimate holds for what the till charges, as far as that goes.
    return { line, priceMinor: priceMinor - Math.min(priceMinor, line.savedMinor ?? 0) };
  });
  const goods = priced.reduce((sum, { priceMinor }) => sum + priceMinor, 0);
  if (!isAdded) return known + goods;
  const bases = new Map<string, { ratePpm: number; baseMinor: number; taxMinor: number }>();
  for (const { code, ratePpm, baseMinor, taxMinor } of totals.taxes ?? []) {
    bases.set(`${code}\0${ratePpm}`, { ratePpm, baseMinor, taxMinor });
  }
  for (const { line, priceMinor } of priced) {
    const { taxCode, taxRatePpm } = line;
    if (taxCode === undefined || taxRatePpm === undefined) continue;
    const key = `${taxCode}\0${taxRatePpm}`;
    const before = bases.get(key) ?? { ratePpm: taxRatePpm, baseMinor: 0, taxMinor: 0 };
    bases.set(key, { ...before, baseMinor: before.baseMinor + priceMinor });
  }
  const further = [...bases.values()].reduce(
    (sum, { baseMinor, ratePpm, taxMinor }) => sum + portion(baseMinor, ratePpm, ppm) - taxMinor,
    0,
  );
  return known + goods + further;
}

function isOpen({ priceStatus }: SaleLine): boolean {
  return priceStatus !== 'final';
}
