import type { Promotion, Scope } from '#catalogue/promotions.ts';
import { nearest } from './recompute.ts';

/** Goods in a basket as the contract has them: one unit each, by the piece. */
export interface Unit {
  readonly product: string;
  readonly department: string | undefined;
  readonly priceMinor: number;
}

const isIn = (scope: Scope, unit: Unit) =>
  scope.products.has(unit.product) ||
  (unit.department !== undefined && scope.departments.has(unit.department));

const share = (amount: number, ppm: number) => Number(nearest(BigInt(amount) * BigInt(ppm), 1_000_000n));

/** What units cost less together under a promotion; undefined where they are not what it takes. */
function saved(promotion: Promotion, units: readonly Unit[]): number | undefined {
  const prices = units.map((unit) => unit.priceMinor).sort((a, b) => b - a);
  const total = prices.reduce((sum, price) => sum + price, 0);
  const [first] = units;
  if (first === undefined || promotion.kind === 'basket') return undefined;
  if (promotion.kind === 'percentage' || promotion.kind === 'amount' || promotion.kind === 'price') {
    if (units.length !== 1 || !isIn(promotion.scope, first)) return undefined;
    if (promotion.kind === 'percentage') return share(total, promotion.ratePpm);
    if (promotion.kind === 'amount') return Math.min(promotion.amountMinor, total);
    return Math.max(0, total - (promotion.priceMinor ?? total));
  }
  if (promotion.kind === 'multi-buy') {
    const isOne = units.every((unit) => unit.product === first.product && isIn(promotion.scope, unit));
    if (!isOne || units.length !== promotion.quantity) return undefined;
  } else if (
    !fits(
      promotion.groups.flatMap((group) => Array<Scope>(group.quantity).fill(group)),
      units,
    )
  ) {
    return undefined;
  }
  const { reward } = promotion;
  if ('payFor' in reward) return prices.slice(reward.payFor).reduce((sum, price) => sum + price, 0);
  if ('priceMinor' in reward) return Math.max(0, total - reward.priceMinor);
  return 'ratePpm' in reward ? share(total, reward.ratePpm) : Math.min(reward.amountMinor, total);
}

/** Whether units can be seated so that each place takes one that it covers. */
function fits(places: readonly Scope[], units: readonly Unit[]): boolean {
  const [place, ...others] = places;
  if (place === undefined) return units.length === 0;
  return units.some((unit, index) => isIn(place, unit) && fits(others, units.toSpliced(index, 1)));
}

function subsets(units: readonly Unit[]): (readonly Unit[])[] {
  const [first, ...rest] = units;
  if (first === undefined) return [[]];
  return subsets(rest).flatMap((subset) => [subset, [first, ...subset]]);
}

/** The most that any way to share `units` among promotions saves: every way is tried. For few units only. */
export function mostSaved(
  units: readonly Unit[],
  promotions: readonly Promotion[],
  used: ReadonlyMap<string, number> = new Map(),
): number {
  const [first, ...rest] = units;
  if (first === undefined) return 0;
  let best = mostSaved(rest, promotions, used);
  for (const others of subsets(rest)) {
    const left = [...rest];
    for (const one of others) left.splice(left.indexOf(one), 1);
    for (const promotion of promotions) {
      const uses = used.get(promotion.id) ?? 0;
      const most = promotion.limit ?? (promotion.coupon === undefined ? Number.POSITIVE_INFINITY : 1);
      const own = uses < most ? saved(promotion, [first, ...others]) : undefined;
      if (own === undefined || own === 0) continue;
      const after = new Map(used).set(promotion.id, uses + 1);
      best = Math.max(best, own + mostSaved(left, promotions, after));
    }
  }
  return best;
}
