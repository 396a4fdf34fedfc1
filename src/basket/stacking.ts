import type { Promotion } from '#catalogue/promotions.ts';
import {
  type Application,
  applicationsOf,
  type Bundle,
  covers,
  savedAlone,
  type UnitClass,
} from './bundles.ts';

/** The best that a promotion without bounds does for each unit of a class by itself. */
interface Alone {
  readonly promotion: Promotion;
  readonly savedMinor: number;
}

interface Plan {
  readonly gainMinor: number;
  readonly applications: readonly Application[];
}

const nothing: Plan = { gainMinor: 0, applications: [] };

/** Gives the price of a class of units at another price a kilogram; undefined where it is not sold by weight. */
export type ByWeight = (unit: UnitClass, priceMinorPerKg: number) => number | undefined;

/**
 * Shares units among promotions so that no unit takes part in two and the shopper saves most. Promotions that act on
 * single units without a bound are settled first; bundles, and what may be used a few times only, compete for units by a
 * search over what is left, each state once, until `steps` are used up; from then on the greatest gain comes first.
 * `classes` come dearest first, in an order that does not depend on that of adding, and so does the result.
 */
export function stack(
  classes: readonly UnitClass[],
  promotions: readonly Promotion[],
  byWeight: ByWeight,
  steps: number,
): Application[] {
  const alone = (promotion: Promotion, of: number): number => {
    const unit = classes[of];
    if (unit === undefined) return 0;
    if (!(promotion.kind === 'percentage' || promotion.kind === 'amount' || promotion.kind === 'price'))
      return 0;
    return savedAlone(promotion, unit, (perKg) => byWeight(unit, perKg));
  };
  const best: (Alone | undefined)[] = classes.map((_, of) =>
    promotions
      .filter((promotion) => limitOf(promotion) === undefined)
      .map((promotion) => ({ promotion, savedMinor: alone(promotion, of) }))
      .filter(({ savedMinor }) => savedMinor > 0)
      .reduce<Alone | undefined>(
        (a, b) => (a === undefined || b.savedMinor > a.savedMinor ? b : a),
        undefined,
      ),
  );
  const competing = promotions.flatMap((one) => {
    if (one.kind === 'multi-buy' && limitOf(one) === undefined) return byProduct(one, classes);
    return isBundle(one) || (one.kind !== 'basket' && limitOf(one) !== undefined) ? [one] : [];
  });
  const left = classes.map(({ count }) => count);
  const applied: Application[] = [];
  for (const group of components(classes, competing)) {
    const own = left.map((count, of) => (group.classes.has(of) ? count : 0));
    // With one promotion and nothing beside it, the greatest gain first is the best there is.
    const [only, ...others] = group.promotions;
    const isSimple =
      others.length === 0 &&
      (only?.kind !== 'mix-and-match' || only.groups.length === 1) &&
      [...group.classes].every((of) => best[of] === undefined);
    const search = new Search(classes, group.promotions, best, alone, isSimple ? 0 : steps);
    for (const application of search.run(own).applications) {
      applied.push(application);
      for (const { of, count } of application.units) left[of] = (left[of] ?? 0) - count;
    }
  }
  best.forEach((one, of) => {
    const count = left[of] ?? 0;
    if (one === undefined) return;
    for (let unit = 0; unit < count; unit++) applied.push({ ...one, units: [{ of, count: 1 }] });
  });
  return applied;
}

const isBundle = (promotion: Promotion): promotion is Bundle =>
  promotion.kind === 'multi-buy' || promotion.kind === 'mix-and-match';

/** A multi-buy takes units of one product: without a bound, each product is a matter of its own. */
function byProduct(
  promotion: Extract<Bundle, { kind: 'multi-buy' }>,
  classes: readonly UnitClass[],
): Promotion[] {
  const products = new Set(classes.filter((one) => covers(promotion.scope, one)).map((one) => one.product));
  return [...products].map((product) => ({
    ...promotion,
    scope: { products: new Set([product]), departments: new Set<string>() },
  }));
}

/** How often a promotion applies at most; with a coupon once, unless it says otherwise. */
function limitOf(promotion: Promotion): number | undefined {
  return promotion.limit ?? (promotion.coupon === undefined ? undefined : 1);
}

function touches(promotion: Promotion, unit: UnitClass): boolean {
  if (promotion.kind === 'basket') return false;
  if (promotion.kind === 'mix-and-match') return promotion.groups.some((group) => covers(group, unit));
  return covers(promotion.scope, unit);
}

/** Promotions that compete for no common unit are searched apart. */
function components(
  classes: readonly UnitClass[],
  promotions: readonly Promotion[],
): { readonly promotions: readonly Promotion[]; readonly classes: ReadonlySet<number> }[] {
  let groups: { promotions: Promotion[]; classes: Set<number> }[] = [];
  for (const promotion of promotions) {
    const own = new Set(classes.flatMap((unit, of) => (touches(promotion, unit) ? [of] : [])));
    if (own.size === 0) continue;
    const joined = groups.filter((group) => [...own].some((of) => group.classes.has(of)));
    groups = [
      ...groups.filter((group) => !joined.includes(group)),
      {
        promotions: [...joined.flatMap((group) => group.promotions), promotion],
        classes: new Set([...own, ...joined.flatMap((group) => [...group.classes])]),
      },
    ];
  }
  return groups;
}

/** One search over what is left of some classes, for some promotions. */
class Search {
  readonly #classes: readonly UnitClass[];
  readonly #promotions: readonly Promotion[];
  readonly #best: readonly (Alone | undefined)[];
  readonly #alone: (promotion: Promotion, of: number) => number;
  readonly #known = new Map<string, Plan>();
  #steps: number;

  constructor(
    classes: readonly UnitClass[],
    promotions: readonly Promotion[],
    best: readonly (Alone | undefined)[],
    alone: (promotion: Promotion, of: number) => number,
    steps: number,
  ) {
    this.#classes = classes;
    this.#promotions = promotions;
    this.#best = best;
    this.#alone = alone;
    this.#steps = steps;
  }

  /** What to apply to `left` of each class, and what that gains over leaving each unit to itself. */
  run(left: readonly number[]): Plan {
    return this.#plan(
      left,
      this.#promotions.map((promotion) => limitOf(promotion) ?? Number.POSITIVE_INFINITY),
    );
  }

  #plan(left: readonly number[], uses: readonly number[]): Plan {
    const key = `${left.join()}/${uses.join()}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    let best = nothing;
    for (const { application, promotion, gainMinor } of this.#options(left, uses)) {
      // The first, the greatest gain, is always followed to its end: what is found is never worse than that.
      if (best !== nothing && this.#steps <= 0) break;
      this.#steps -= 1;
      const rest = [...left];
      for (const { of, count } of application.units) rest[of] = (rest[of] ?? 0) - count;
      const after = this.#plan(
        rest,
        uses.map((use, index) => (index === promotion ? use - 1 : use)),
      );
      if (gainMinor + after.gainMinor > best.gainMinor) {
        best = {
          gainMinor: gainMinor + after.gainMinor,
          applications: [application, ...after.applications],
        };
      }
    }
    this.#known.set(key, best);
    return best;
  }

  /** Ways to apply one promotion once that gain something, the greatest gain first. */
  #options(left: readonly number[], uses: readonly number[]) {
    return this.#promotions
      .flatMap((promotion, index) => {
        if ((uses[index] ?? 0) <= 0) return [];
        const ways = isBundle(promotion)
          ? applicationsOf(promotion, this.#classes, left)
          : this.#singles(promotion, left);
        return ways.map((application) => ({
          application,
          promotion: index,
          gainMinor: this.#gain(application),
        }));
      })
      .filter(({ gainMinor }) => gainMinor > 0)
      .sort((a, b) => b.gainMinor - a.gainMinor);
  }

  #singles(promotion: Promotion, left: readonly number[]): Application[] {
    return left.flatMap((count, of) => {
      const savedMinor = count === 0 ? 0 : this.#alone(promotion, of);
      return savedMinor === 0 ? [] : [{ promotion, units: [{ of, count: 1 }], savedMinor }];
    });
  }

  #gain({ units, savedMinor }: Application): number {
    return units.reduce(
      (gain, { of, count }) => gain - count * (this.#best[of]?.savedMinor ?? 0),
      savedMinor,
    );
  }
}
