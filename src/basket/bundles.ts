import type { Group, Promotion, Scope } from '#catalogue/promotions.ts';
import { portion } from './rounding.ts';

/** Units that promotions can't tell apart: of one product, at one price. */
export interface UnitClass {
  readonly product: string;
  readonly department: string | undefined;
  /** Price of a unit; of a weighed or labelled line, of the whole line. */
  readonly priceMinor: number;
  readonly count: number;
  /** A weighed or labelled line: it takes part as one unit, and in no bundle. */
  readonly whole: boolean;
}

export type Bundle = Extract<Promotion, { kind: 'multi-buy' | 'mix-and-match' }>;
type Single = Extract<Promotion, { kind: 'percentage' | 'amount' | 'price' }>;

/** One application of a promotion: how many units of which classes, and what they cost less together. */
export interface Application {
  readonly promotion: Promotion;
  readonly units: readonly { readonly of: number; readonly count: number }[];
  readonly savedMinor: number;
}

/** Combinations of a bundle's groups that are looked at in one step at most: fewer where there is much to choose from. */
const mostCombinations = (classes: number) => (classes <= 12 ? 64 : 9);
const ppm = 1_000_000;

export function covers(scope: Scope, unit: Pick<UnitClass, 'product' | 'department'>): boolean {
  if (scope.products.has(unit.product)) return true;
  return unit.department !== undefined && scope.departments.has(unit.department);
}

/** What a unit costs less by itself; `byWeight` is its price at `priceMinorPerKg`, where it is sold so. Never below 0. */
export function savedAlone(
  promotion: Single,
  unit: UnitClass,
  byWeight: (priceMinorPerKg: number) => number | undefined,
): number {
  if (!covers(promotion.scope, unit)) return 0;
  if (promotion.kind === 'percentage') return portion(unit.priceMinor, promotion.ratePpm, ppm);
  if (promotion.kind === 'amount') return Math.min(promotion.amountMinor, unit.priceMinor);
  const price = unit.whole ? weighedPrice(promotion, byWeight) : promotion.priceMinor;
  return price === undefined ? 0 : Math.max(0, unit.priceMinor - price);
}

function weighedPrice(
  { priceMinorPerKg }: Extract<Single, { kind: 'price' }>,
  byWeight: (priceMinorPerKg: number) => number | undefined,
): number | undefined {
  return priceMinorPerKg === undefined ? undefined : byWeight(priceMinorPerKg);
}

/** What a bundle of units at these prices costs less: at most what they cost. */
function savedTogether({ reward }: Bundle, prices: readonly number[]): number {
  const total = prices.reduce((sum, price) => sum + price, 0);
  if ('payFor' in reward) {
    const dearest = prices.toSorted((a, b) => b - a);
    return dearest.slice(reward.payFor).reduce((sum, price) => sum + price, 0);
  }
  if ('priceMinor' in reward) return Math.max(0, total - reward.priceMinor);
  if ('ratePpm' in reward) return portion(total, reward.ratePpm, ppm);
  return Math.min(reward.amountMinor, total);
}

/** The groups of which a bundle takes units: of a multi-buy one for each product. */
function groupsOf(promotion: Bundle, classes: readonly UnitClass[]): readonly (readonly Group[])[] {
  if (promotion.kind === 'mix-and-match') return [promotion.groups];
  const products = new Set(classes.filter((one) => covers(promotion.scope, one)).map((one) => one.product));
  return [...products].map((product) => [
    { products: new Set([product]), departments: new Set<string>(), quantity: promotion.quantity },
  ]);
}

/** `quantity` units of a group, from class `start` on, dearest first; undefined where there are not so many. */
function take(
  group: Group,
  start: number,
  classes: readonly UnitClass[],
  left: readonly number[],
): readonly { of: number; count: number }[] | undefined {
  const taken: { of: number; count: number }[] = [];
  let needed = group.quantity;
  for (let of = start; of < classes.length && needed > 0; of++) {
    const one = classes[of];
    const count = Math.min(needed, left[of] ?? 0);
    if (one === undefined || one.whole || count === 0 || !covers(group, one)) continue;
    taken.push({ of, count });
    needed -= count;
  }
  return needed === 0 ? taken : undefined;
}

/** Classes at which taking for a group may begin: each that it covers and that is left. */
function starts(group: Group, classes: readonly UnitClass[], left: readonly number[]): number[] {
  return classes.flatMap((one, of) => ((left[of] ?? 0) > 0 && !one.whole && covers(group, one) ? [of] : []));
}

/**
 * Ways to apply a bundle once to what is left: for each group a run of units, dearest first, from every class at which
 * it may begin (the dearest ones alone where that were too many).
 */
export function applicationsOf(
  promotion: Bundle,
  classes: readonly UnitClass[],
  left: readonly number[],
): Application[] {
  return groupsOf(promotion, classes).flatMap((groups) => {
    const each = Math.max(1, Math.floor(mostCombinations(classes.length) ** (1 / groups.length)));
    let ways: { units: { of: number; count: number }[]; left: readonly number[] }[] = [{ units: [], left }];
    for (const group of groups) {
      ways = ways.flatMap((way) => {
        const begins = starts(group, classes, way.left);
        return (groups.length === 1 ? begins : begins.slice(0, each)).flatMap((start) => {
          const taken = take(group, start, classes, way.left);
          if (taken === undefined) return [];
          const rest = [...way.left];
          for (const { of, count } of taken) rest[of] = (rest[of] ?? 0) - count;
          return [{ units: [...way.units, ...taken], left: rest }];
        });
      });
    }
    return ways.flatMap(({ units }) => {
      const prices = units.flatMap(
        ({ of, count }) => Array(count).fill(classes[of]?.priceMinor ?? 0) as number[],
      );
      const savedMinor = savedTogether(promotion, prices);
      return savedMinor > 0 ? [{ promotion, units, savedMinor }] : [];
    });
  });
}
