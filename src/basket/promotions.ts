import type { Promotion } from '#catalogue/promotions.ts';
import type { UnitClass } from './bundles.ts';
import { type Line, priceByMass, type Saving } from './lines.ts';
import { allocate, portion } from './rounding.ts';
import { stack } from './stacking.ts';

/** What decides which promotions count in a trip. */
export interface Standing {
  /** Day on which the trip began, YYYY-MM-DD, where the store is; undefined while the clock is unset. */
  readonly day: string | undefined;
  readonly coupons: ReadonlySet<string>;
  readonly loyalty: boolean;
}

/** Whether a promotion's days, coupon and shopper are given. */
export function isInForce(promotion: Promotion, { day, coupons, loyalty }: Standing): boolean {
  const { validFrom, validTo, coupon } = promotion;
  if (promotion.loyalty === true && !loyalty) return false;
  if (coupon !== undefined && !coupons.has(coupon)) return false;
  return isInSeason({ validFrom, validTo }, day);
}

/** Whether `day` lies within the days of a promotion. One with dates waits for a clock. */
export function isInSeason(
  { validFrom, validTo }: { readonly validFrom?: string | undefined; readonly validTo?: string | undefined },
  day: string | undefined,
): boolean {
  if (validFrom === undefined && validTo === undefined) return true;
  if (day === undefined) return false;
  return (validFrom === undefined || validFrom <= day) && (validTo === undefined || day <= validTo);
}

interface Member {
  readonly line: number;
  readonly count: number;
}
/** A class with the lines that its units are on. */
interface Classed extends UnitClass {
  readonly key: string;
  readonly members: readonly Member[];
  /** Price and mass of a line by weight. */
  readonly massMg: number | undefined;
}

/** Text order that is the same everywhere. */
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/**
 * The units of the lines in classes, dearest first. Lines whose price is not known yet, or nothing, take part in nothing.
 */
function classesOf(lines: readonly Line[]): Classed[] {
  const classes = new Map<string, Classed>();
  for (const line of lines) {
    if (line.count === 0 || line.priceStatus === 'at-till' || line.priceMinor <= 0) continue;
    const whole = line.made !== undefined;
    const priceMinor = whole ? line.priceMinor : (line.unitPriceMinor ?? 0);
    const massMg = line.sale === 'weight' && line.unitPriceMinor !== undefined ? line.massMg : undefined;
    const key = [line.product, priceMinor, whole ? `${massMg ?? ''}/${line.priceStatus}` : 'each'].join('\0');
    const before = classes.get(key);
    const count = whole ? 1 : line.count;
    classes.set(key, {
      key,
      product: line.product,
      department: line.department,
      priceMinor,
      whole,
      massMg,
      count: (before?.count ?? 0) + count,
      members: [...(before?.members ?? []), { line: line.line, count }],
    });
  }
  return [...classes.values()].sort((a, b) => b.priceMinor - a.priceMinor || compare(a.key, b.key));
}

/** Gathers savings by line and promotion. */
class Savings {
  readonly #byLine = new Map<number, Map<string, Saving>>();

  add(line: number, { id, name }: Promotion, savedMinor: number): void {
    if (savedMinor === 0) return;
    const own = this.#byLine.get(line) ?? new Map<string, Saving>();
    this.#byLine.set(line, own);
    own.set(id, { promotion: id, name, savedMinor: (own.get(id)?.savedMinor ?? 0) + savedMinor });
  }

  on(line: number): number {
    return [...(this.#byLine.get(line)?.values() ?? [])].reduce((sum, { savedMinor }) => sum + savedMinor, 0);
  }

  /** Of each line, ordered by promotion. */
  result(): Map<number, readonly Saving[]> {
    const sorted = [...this.#byLine].map(
      ([line, own]) => [line, [...own.values()].sort((a, b) => compare(a.promotion, b.promotion))] as const,
    );
    return new Map(sorted);
  }
}

/** Hands the units of each class out to its lines, one line after the other. */
class Takers {
  readonly #left: Member[][];

  constructor(classes: readonly Classed[]) {
    this.#left = classes.map(({ members }) => [...members]);
  }

  /** The lines of `count` units of class `of`, which are not handed out again. */
  take(of: number, count: number): number[] {
    const taken: number[] = [];
    const members = this.#left[of] ?? [];
    while (taken.length < count) {
      const [first, ...rest] = members;
      if (first === undefined) break;
      taken.push(first.line);
      if (first.count === 1) members.splice(0, members.length, ...rest);
      else members[0] = { ...first, count: first.count - 1 };
    }
    return taken;
  }
}

/**
 * What promotions take off each line. Depends on what is in the basket alone: lines of the same goods get the same in
 * whatever order they came. Each application is rounded once and shared among its units by price, exactly.
 */
export function savingsOf(
  lines: readonly Line[],
  promotions: readonly Promotion[],
  steps: number,
): Map<number, readonly Saving[]> {
  const sorted = promotions.toSorted((a, b) => compare(a.id, b.id));
  const classes = classesOf(lines);
  const masses = new Map(classes.map((one) => [one as UnitClass, one.massMg]));
  const savings = new Savings();
  const takers = new Takers(classes);
  const applications = stack(
    classes,
    sorted,
    (unit, perKg) => {
      const massMg = masses.get(unit);
      return massMg === undefined ? undefined : priceByMass(massMg, perKg);
    },
    steps,
  );
  for (const { promotion, units, savedMinor } of applications) {
    const each = units.flatMap(({ of, count }) =>
      takers.take(of, count).map((line) => ({ line, priceMinor: classes[of]?.priceMinor ?? 0 })),
    );
    const shares = allocate(
      savedMinor,
      each.map(({ priceMinor }) => priceMinor),
    );
    each.forEach(({ line }, index) => {
      savings.add(line, promotion, shares[index] ?? 0);
    });
  }
  for (const promotion of sorted) if (promotion.kind === 'basket') applyToBasket(promotion, lines, savings);
  return savings.result();
}

/** What is taken off the whole basket, shared among its lines by what they still cost. */
function applyToBasket(
  promotion: Extract<Promotion, { kind: 'basket' }>,
  lines: readonly Line[],
  savings: Savings,
): void {
  const priced = lines
    .filter((line) => line.count > 0 && line.priceStatus !== 'at-till')
    .map((line) => ({ line, leftMinor: Math.max(0, line.priceMinor - savings.on(line.line)) }))
    .sort((a, b) => b.leftMinor - a.leftMinor || compare(a.line.product, b.line.product));
  const left = priced.map(({ leftMinor }) => leftMinor);
  const total = left.reduce((sum, one) => sum + one, 0);
  if (total === 0 || total < promotion.minimumMinor) return;
  const { reward } = promotion;
  const saved =
    'ratePpm' in reward ? portion(total, reward.ratePpm, 1_000_000) : Math.min(reward.amountMinor, total);
  allocate(saved, left).forEach((share, index) => {
    const line = priced[index]?.line;
    if (line !== undefined) savings.add(line.line, promotion, share);
  });
}
