import { currencyOf } from '#base/currency.ts';
import { usPerMinute } from '#base/units.ts';
import type { Catalogue, Planogram } from '#catalogue/products.ts';
import { isSameMoney, planogramWithin, withProducts } from '#catalogue/swap.ts';
import type { ScanRules } from '#scanning/interpret.ts';

/** What the store has: as it is in force, or as it shall be. */
export interface Stock {
  readonly catalogue: Catalogue;
  readonly planogram: Planogram | undefined;
}

/** What of the moment decides on whether another catalogue may come into force. */
export interface Moment {
  readonly nowUs: number;
  /** Something moves on a plate, or waits to be decided on. */
  readonly isDeciding: boolean;
  /** No trip, one whose attempt to pay is open, or another one. */
  readonly trip: 'none' | 'checkout' | 'other';
  /** Keys of products that are in the basket, or may be. */
  readonly held: () => readonly string[];
}

/** Something that is being decided on without end holds a new catalogue back no longer than this. */
const heldBackUs = usPerMinute;

/** Catalogue and planogram in force, and those that are to follow at the first moment that allows it. */
export class Shop {
  readonly #tokenPattern: RegExp;
  #stock: Stock;
  /** As the store gave them: the one in force may know more products, or fewer places. */
  #given: Stock;
  #next: Stock | undefined;
  #sinceUs = 0;
  #rules: Omit<ScanRules, 'todayUtc'>;

  constructor(stock: Stock, tokenPattern: RegExp) {
    this.#tokenPattern = tokenPattern;
    this.#stock = stock;
    this.#given = stock;
    this.#rules = this.#scanRules();
  }

  get stock(): Stock {
    return this.#stock;
  }

  /** The same as the store gave it. */
  get given(): Stock {
    return this.#given;
  }

  get catalogue(): Catalogue {
    return this.#stock.catalogue;
  }

  /** Something is to change, now or when a trip is over. HOT PATH: asked after every input. */
  get isWaiting(): boolean {
    return this.#next !== undefined || this.#stock.catalogue !== this.#given.catalogue;
  }

  /** How codes are read in this store. */
  get rules(): Omit<ScanRules, 'todayUtc'> {
    return this.#rules;
  }

  /** When what waits is put in force although something is being decided on, µs; never, where nothing waits. */
  get dueUs(): number {
    return this.#next === undefined ? Number.POSITIVE_INFINITY : this.#sinceUs + heldBackUs;
  }

  /** From the store: it waits for its moment. What is left out stays as it is, or as it was to become. */
  offer(changes: Partial<Stock>, nowUs: number): void {
    if (this.#next === undefined) this.#sinceUs = nowUs;
    this.#next = { ...(this.#next ?? this.#given), ...changes };
  }

  /** Puts what waits in force where the moment allows it. True where something changed. */
  adopt(moment: Moment): boolean {
    if (this.#next === undefined) return this.#forget(moment);
    const isLate = moment.nowUs >= this.dueUs;
    const isSame = isSameMoney(this.#stock.catalogue, this.#next.catalogue);
    const mustWait = moment.trip === 'checkout' || (!isSame && moment.trip !== 'none');
    if (mustWait || (moment.isDeciding && !isLate)) {
      // Asked again when something changed; a deadline that is over would be due for ever.
      if (isLate) this.#sinceUs = moment.nowUs;
      return false;
    }
    this.#given = this.#next;
    this.#next = undefined;
    this.#take(moment);
    return true;
  }

  /** The trip is over: products that were known for its sake alone are known no longer. */
  #forget(moment: Moment): boolean {
    if (moment.trip !== 'none' || this.#stock.catalogue === this.#given.catalogue) return false;
    if (moment.isDeciding) return false;
    this.#take(moment);
    return true;
  }

  #take({ trip, held }: Moment): void {
    const before = this.#stock.catalogue;
    const kept = trip === 'none' ? [] : held().flatMap((key) => before.byKey.get(key) ?? []);
    const catalogue = withProducts(this.#given.catalogue, kept);
    const { planogram } = this.#given;
    this.#stock = {
      catalogue,
      planogram: planogram === undefined ? undefined : planogramWithin(planogram, catalogue),
    };
    this.#rules = this.#scanRules();
  }

  #scanRules(): Omit<ScanRules, 'todayUtc'> {
    const { catalogue } = this.#stock;
    const currency = currencyOf(catalogue.currency);
    return {
      variableMeasure: catalogue.variableMeasure,
      tokenPattern: this.#tokenPattern,
      currencyDecimals: currency?.decimals ?? 2,
      ...(currency === undefined ? {} : { currencyNumber: currency.number }),
      isListed: (gtin) => catalogue.byGtin.has(gtin),
    };
  }
}
