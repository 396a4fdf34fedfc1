import type { Learned } from './learned.ts';
import type { Memory } from './memory.ts';

/**
 * The lines of a trip that ends teach what units of their products weigh, and how often those are bought. False where
 * nothing was bought.
 *
 * @param utcMs undefined while the clock is unset
 */
export function teach(memory: Memory, learned: Learned, utcMs: number | undefined): boolean {
  const lots = [...memory.plates.values()]
    .filter(({ options }) => options.kind !== 'shelf')
    .flatMap((plate) => plate.lots);
  const weighings = lots.flatMap(({ product, teaches, count, massMg, varMg2 }) =>
    product === undefined || teaches !== true || count !== 1 ? [] : [{ product, massMg, varMg2 }],
  );
  const bought = new Map<string, number>();
  for (const { product, count } of lots) {
    if (product !== undefined) bought.set(product, (bought.get(product) ?? 0) + count);
  }
  if (bought.size === 0) return false;
  learned.endTrip(weighings, bought, utcMs);
  return true;
}
