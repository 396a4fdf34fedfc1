import type { Catalogue } from '#catalogue/products.ts';
import type { BasketConfig } from '#config/basket.ts';
import type { EventData } from '#events/catalog.ts';
import type { Draft } from '#events/event.ts';
import { type Addition, type Line, lineRecord, newLine, recount, takeFrom, takesUp } from './lines.ts';
import { isInForce, savingsOf } from './promotions.ts';
import { productOf } from './questions.ts';
import { type FullTotals, totalsOf } from './totals.ts';
import type { Effect, Trip } from './trip.ts';

type ItemData = EventData<'item.added'>;
export type BasketDraft = Extract<Draft, { type: `basket.${string}` }>;

export interface ContentsOptions {
  /** Whose catalogue may be replaced. */
  readonly shop: { readonly catalogue: Catalogue };
  readonly config: Pick<BasketConfig, 'promotionSteps'>;
  /** Makes a draft an event and returns its id. */
  readonly emit: (draft: BasketDraft) => string;
}

/**
 * The lines of a trip. Each change is a `basket.line` event with the line and the totals as they stand after it, so that
 * the last events alone give the basket; lines whose savings change with it are told after it, one by one.
 */
export class Contents {
  readonly #options: ContentsOptions;

  constructor(options: ContentsOptions) {
    this.#options = options;
  }

  totals(trip: Pick<Trip, 'lines' | 'questions'>): FullTotals {
    const { currency, taxes } = this.#options.shop.catalogue;
    return totalsOf(trip.lines, { currency, taxes, open: trip.questions.length });
  }

  /** How prices are taxed here: what a till needs to sum up lines as this cart does. */
  taxTerms(): { readonly taxIncluded?: boolean; readonly depositsTaxed?: boolean } {
    const { taxes } = this.#options.shop.catalogue;
    return taxes === undefined ? {} : { taxIncluded: taxes.included, depositsTaxed: taxes.depositsTaxed };
  }

  /** Takes what an item event says was put in. A product that the catalogue doesn't have makes no line. */
  add(trip: Trip, cause: string, data: ItemData): void {
    const { catalogue } = this.#options.shop;
    const product = productOf(catalogue, data);
    if (product === undefined || data.count === 0) return;
    const count = this.#place(trip, cause, product.key, data.count);
    if (count === 0) return;
    const addition: Addition = {
      product,
      count,
      massMg: Math.abs(data.massMg),
      entry: data.entry,
      priceMinor: data.priceMinor,
      certificateId: data.certificateId,
    };
    const unweighed = isUnweighed(data) ? count : 0;
    const existing = trip.lines.find((line) => takesUp(line, addition, catalogue));
    if (existing !== undefined) {
      this.#tell(trip, cause, marked(recount(existing, count), unweighed), count);
      return;
    }
    const line = newLine(trip.nextLine, addition, catalogue);
    trip.nextLine += 1;
    this.#tell(trip, cause, marked(line, unweighed), count);
  }

  remove(trip: Trip, cause: string, data: ItemData): void {
    const product = productOf(this.#options.shop.catalogue, data);
    if (product === undefined) return;
    const unweighed = isUnweighed(data);
    for (const { line, units } of takeFrom(trip.lines, product.key, data.count, data.massMg)) {
      this.#tell(trip, cause, recount(unweighed ? marked(line, -units) : line, -units), -units);
    }
  }

  /** Takes back what an earlier item event did to the lines, as far as it still stands. */
  undo(trip: Trip, cause: string, corrected: string): void {
    const effects = trip.effects.get(corrected) ?? [];
    trip.effects.delete(corrected);
    for (const { line: number, units, placed, unweighed } of effects.toReversed()) {
      const line = trip.lines.find((one) => one.line === number);
      if (line === undefined) continue;
      if (placed !== undefined) {
        const unplaced = Math.min(line.count, (line.unplaced ?? 0) + placed);
        this.#tell(trip, cause, unplaced === 0 ? line : { ...line, unplaced }, 0);
      } else {
        const less = Math.min(units, line.count);
        this.#tell(trip, cause, recount(marked(line, -Math.min(less, unweighed ?? 0)), -less), -less);
      }
    }
    // Only what the correction itself says can be corrected again.
    trip.effects.delete(cause);
  }

  /** `units` more or fewer on a line. Returns the id of the event; undefined where nothing changed. */
  change(trip: Trip, cause: string | undefined, line: Line, units: number): string | undefined {
    if (units === 0) return undefined;
    return this.#tell(trip, cause, recount(line, units), units);
  }

  /** A line that is to stand as it is given: another price, other marks. */
  replace(trip: Trip, cause: string | undefined, line: Line): void {
    this.#tell(trip, cause, line, 0);
  }

  /** Lines received from another cart, each told as put in. */
  receive(trip: Trip, lines: readonly Line[]): void {
    for (const line of lines) {
      trip.nextLine = Math.max(trip.nextLine, line.line + 1);
      this.#tell(trip, undefined, line, line.count);
    }
  }

  /** Makes savings and approvals anew and tells the lines that it changed. */
  refresh(trip: Trip, cause?: string): void {
    this.#settle(trip, this.#priced(trip, trip.lines), cause);
  }

  /** Units that came from another cart are put in here: no further ones. Returns how many of `count` are new. */
  #place(trip: Trip, cause: string, product: string, count: number): number {
    let left = count;
    for (const line of trip.lines) {
      const { unplaced = 0, ...rest } = line;
      const placed = Math.min(left, line.product === product ? unplaced : 0);
      if (placed === 0) continue;
      left -= placed;
      const after: Line = unplaced === placed ? rest : { ...rest, unplaced: unplaced - placed };
      trip.effects.set(cause, [...(trip.effects.get(cause) ?? []), { line: line.line, units: 0, placed }]);
      this.#tell(trip, cause, after, 0);
    }
    return left;
  }

  #tell(trip: Trip, cause: string | undefined, line: Line, change: number): string {
    const known = trip.lines.some((one) => one.line === line.line);
    const next = known
      ? trip.lines.map((one) => (one.line === line.line ? line : one))
      : [...trip.lines, line];
    const priced = this.#priced(trip, next);
    const told = priced.find((one) => one.line === line.line) ?? line;
    if (cause !== undefined && change !== 0) {
      const before = trip.lines.find((one) => one.line === line.line)?.unweighed ?? 0;
      const unweighed = Math.max(0, (line.unweighed ?? 0) - before);
      const effect: Effect = {
        line: line.line,
        units: change,
        ...(unweighed === 0 ? {} : { unweighed }),
      };
      trip.effects.set(cause, [...(trip.effects.get(cause) ?? []), effect]);
    }
    const id = this.#emit(trip, told, change, cause);
    this.#settle(trip, priced, cause);
    return id;
  }

  /** The lines with their savings and approvals as they are now. */
  #priced(trip: Trip, lines: readonly Line[]): readonly Line[] {
    const { config } = this.#options;
    const { catalogue } = this.#options.shop;
    const standing = {
      day: trip.day,
      coupons: new Set(trip.coupons.map(({ code }) => code)),
      loyalty: trip.loyalty,
    };
    const inForce = (catalogue.promotions ?? []).filter((promotion) => isInForce(promotion, standing));
    const savings = inForce.length === 0 ? undefined : savingsOf(lines, inForce, config.promotionSteps);
    return lines.map(({ savings: _savings, approved: _approved, ...line }) => {
      const own = savings?.get(line.line);
      return {
        ...line,
        ...(own === undefined ? {} : { savings: own }),
        ...(line.minimumAge === undefined ? {} : { approved: trip.approvedAge >= line.minimumAge }),
      };
    });
  }

  /** Tells each line that differs from what was told last. */
  #settle(trip: Trip, priced: readonly Line[], cause: string | undefined): void {
    for (const line of priced) {
      const before = trip.lines.find((one) => one.line === line.line);
      const isSame =
        before !== undefined &&
        before.approved === line.approved &&
        JSON.stringify(before.savings) === JSON.stringify(line.savings);
      if (!isSame) this.#emit(trip, line, 0, cause);
    }
  }

  #emit(trip: Trip, line: Line, change: number, cause: string | undefined): string {
    const known = trip.lines.some((one) => one.line === line.line);
    trip.lines = known
      ? trip.lines.map((one) => (one.line === line.line ? line : one))
      : [...trip.lines, line];
    trip.revision += 1;
    return this.#options.emit({
      type: 'basket.line',
      data: { ...lineRecord(line), change, totals: this.totals(trip), revision: trip.revision },
      session: trip.session,
      ...(cause === undefined ? {} : { causes: [cause] }),
    });
  }
}

/** Nothing was weighed: it counts on the word of a scan. */
const isUnweighed = ({ massMg, evidence }: ItemData) => massMg === 0 && evidence.movements === undefined;

/** The line with so many more (or fewer) units that nothing weighed. */
function marked(line: Line, change: number): Line {
  const { unweighed = 0, ...rest } = line;
  const units = Math.max(0, unweighed + change);
  return units === 0 ? rest : { ...rest, unweighed: units };
}
