import type { Catalogue, Product } from '#catalogue/products.ts';
import { type UnitMass, unitMass } from './likelihood.ts';
import type { ScanObservation } from './observations.ts';
import {
  agreeing,
  emptyWeighings,
  fits,
  type ListedMass,
  observed,
  predicted,
  type Weighings,
} from './unit-mass.ts';

/** What the device learned of one product's mass, and where that comes from. */
export interface LearnedMass extends Weighings {
  /** The catalogue's own mass that it refines; undefined where the catalogue has none. */
  readonly listed?: ListedMass;
  /** Weighings that taught it since it was begun. */
  readonly total: number;
  /** Catalogue in force at the latest one. */
  readonly version: string;
  /** UTC of the first and the latest one, ms; left out while the clock was unset. */
  readonly sinceMs?: number;
  readonly lastMs?: number;
  /** First weighings of a product without a mass, until they agree, mg. */
  readonly first?: readonly number[];
  /** How often in a row a scanned thing weighed something else that the catalogue alone would have taken. */
  readonly contradicted?: number;
}

/** What the device learned of one product. Plain JSON. */
export interface LearnedProduct {
  readonly product: string;
  /** Units that ended trips left with. */
  readonly bought: number;
  readonly mass?: LearnedMass;
}

/** One confirmed line of a trip: a thing that lay under its own scan and was weighed alone. */
export interface Weighing {
  readonly product: string;
  readonly massMg: number;
  readonly varMg2: number;
}

/** Products remembered at once; the ones not seen for longest are forgotten. */
export const mostLearned = 4_096;
/** One shopper teaches no more than this of one product in one trip. */
const mostOfATrip = 2;
/** First weighings kept of a product without a mass. */
const mostFirst = 8;
/** After so many contradictions in a row what was learned is wrong: the packaging changed, or something else was under the scan. */
const contradictionsToForget = 2;
/** Bought units remembered in all; beyond it every count is halved, so that habits may change. */
const mostBought = 50_000;
const msPerDay = 86_400_000;

/**
 * What a device learns of products from ended trips: how heavy a unit is, and how often it is bought. Only lines that a
 * scan and a weighing of their own confirm teach a mass; a decision by mass alone would teach itself. Pure.
 */
export class Learned {
  readonly #products = new Map<string, LearnedProduct>();
  #saved: readonly LearnedProduct[] | undefined;
  #catalogue: Catalogue;
  readonly #days: number;

  /**
   * @param days after how many days without a weighing a mass is forgotten; 0: nothing is learned, nor used
   */
  constructor(catalogue: Catalogue, days: number, saved: readonly LearnedProduct[] = []) {
    this.#catalogue = catalogue;
    this.#days = days;
    if (days === 0) return;
    for (const one of saved.slice(-mostLearned)) this.#products.set(one.product, one);
    this.replaceCatalogue(catalogue);
  }

  /** What one unit weighs, by all that is known: a label, what was learned, the catalogue. */
  unitMass(product: Product, scan?: ScanObservation): UnitMass {
    const mass = product.sale === 'weight' ? undefined : this.#products.get(product.key)?.mass;
    return mass === undefined || mass.n === 0 ? unitMass(product, scan) : predicted(mass, mass.listed);
  }

  /** Where a product's mass comes from; undefined where nothing was learned of it. */
  massOf(product: string): LearnedMass | undefined {
    return this.#products.get(product)?.mass;
  }

  /** Units of a product that ended trips left with, and of all products. */
  boughtOf(product: string): number {
    return this.#products.get(product)?.bought ?? 0;
  }

  get boughtInAll(): number {
    let sum = 0;
    for (const { bought } of this.#products.values()) sum += bought;
    return sum;
  }

  /** A catalogue that gives a product another mass has the last word: what refined the old one is forgotten. */
  replaceCatalogue(catalogue: Catalogue): void {
    this.#catalogue = catalogue;
    for (const [key, { mass, ...rest }] of this.#products) {
      const product = catalogue.byKey.get(key);
      if (mass === undefined || product === undefined || sameMass(mass.listed, product.grossMg)) continue;
      this.#products.set(key, rest);
      this.#saved = undefined;
    }
  }

  /**
   * A trip has ended with these lines.
   *
   * @param bought units by product
   * @param utcMs undefined while the clock is unset
   */
  endTrip(
    weighings: readonly Weighing[],
    bought: ReadonlyMap<string, number>,
    utcMs: number | undefined,
  ): void {
    if (this.#days === 0) return;
    const taught = new Map<string, number>();
    for (const weighing of weighings) {
      const times = taught.get(weighing.product) ?? 0;
      if (times >= mostOfATrip) continue;
      taught.set(weighing.product, times + 1);
      this.#teach(weighing, utcMs);
    }
    for (const [product, units] of bought) {
      const known = this.#products.get(product);
      this.#put({ ...known, product, bought: (known?.bought ?? 0) + units });
    }
    this.#age(utcMs);
  }

  /**
   * A thing under a product's scan weighed something else. Twice in a row, and where the catalogue alone would have
   * taken it, what was learned is given up: learning must never keep a product from being sold.
   */
  contradict({ product: key, massMg, varMg2 }: Weighing): void {
    const known = this.#products.get(key);
    const product = this.#catalogue.byKey.get(key);
    if (known?.mass === undefined || known.mass.n === 0 || product === undefined) return;
    const listed = unitMass(product);
    if (!listed.broad && !fits(listed, massMg, varMg2)) return;
    if (fits(this.unitMass(product), massMg, varMg2)) return;
    const times = (known.mass.contradicted ?? 0) + 1;
    if (times < contradictionsToForget) {
      this.#put({ ...known, mass: { ...known.mass, contradicted: times } });
      return;
    }
    this.forget(key);
  }

  /** Forgets the mass of a product, or of all. How many were forgotten. */
  forget(product?: string): number {
    let count = 0;
    for (const [key, { mass, ...rest }] of this.#products) {
      if (mass === undefined || (product !== undefined && key !== product)) continue;
      this.#products.set(key, rest);
      count += 1;
    }
    if (count > 0) this.#saved = undefined;
    return count;
  }

  /** Everything that was learned, as plain JSON; the same array while nothing changes. */
  save(): readonly LearnedProduct[] {
    this.#saved ??= [...this.#products.values()];
    return this.#saved;
  }

  #teach({ product: key, massMg, varMg2 }: Weighing, utcMs: number | undefined): void {
    const product = this.#catalogue.byKey.get(key);
    if (product === undefined || product.sale === 'weight') return;
    const known = this.#products.get(key);
    const mass = known?.mass;
    const next = this.#refined(product, mass, massMg, varMg2);
    if (next === undefined) return;
    const { contradicted: _, ...rest } = next;
    this.#put({
      product: key,
      bought: known?.bought ?? 0,
      mass: {
        ...rest,
        total: (mass?.total ?? 0) + 1,
        version: this.#catalogue.version,
        ...(utcMs === undefined ? {} : { sinceMs: mass?.sinceMs ?? utcMs, lastMs: utcMs }),
      },
    });
  }

  /** The estimate with one more weighing; undefined for an outlier, which teaches nothing. */
  #refined(
    product: Product,
    mass: LearnedMass | undefined,
    massMg: number,
    varMg2: number,
  ): LearnedMass | undefined {
    const { version } = this.#catalogue;
    if (mass !== undefined && mass.n > 0) {
      return fits(this.unitMass(product), massMg, varMg2)
        ? { ...mass, ...observed(mass, massMg, varMg2) }
        : undefined;
    }
    const listed = product.grossMg;
    if (listed !== undefined && listed.mean > 0) {
      if (!fits(unitMass(product), massMg, varMg2)) return undefined;
      return { ...observed(emptyWeighings, massMg, varMg2), listed, total: 0, version };
    }
    const first = [...(mass?.first ?? []), massMg].slice(-mostFirst);
    const agreed = agreeing(first);
    if (agreed === undefined) return { ...emptyWeighings, ...mass, total: mass?.total ?? 0, version, first };
    let weighings: Weighings = emptyWeighings;
    for (const one of agreed) weighings = observed(weighings, one, varMg2);
    const { first: _, ...rest } = mass ?? { total: 0, version };
    return { ...rest, ...weighings };
  }

  #put(learned: LearnedProduct): void {
    this.#saved = undefined;
    // The latest last: a Map keeps the order of insertion.
    this.#products.delete(learned.product);
    this.#products.set(learned.product, learned);
  }

  #age(utcMs: number | undefined): void {
    for (const key of this.#products.keys()) {
      if (this.#products.size <= mostLearned) break;
      this.#products.delete(key);
      this.#saved = undefined;
    }
    const fade = this.boughtInAll > mostBought;
    if (!fade && utcMs === undefined) return;
    for (const [key, learned] of this.#products) {
      const { mass, ...rest } = learned;
      const stale = mass !== undefined && isStale(mass, utcMs, this.#days);
      if (!fade && !stale) continue;
      const bought = fade ? learned.bought >> 1 : learned.bought;
      this.#products.set(key, { ...rest, bought, ...(mass === undefined || stale ? {} : { mass }) });
      this.#saved = undefined;
    }
  }
}

function isStale({ lastMs }: LearnedMass, utcMs: number | undefined, days: number): boolean {
  return lastMs !== undefined && utcMs !== undefined && utcMs - lastMs > days * msPerDay;
}

function sameMass(learned: ListedMass | undefined, listed: ListedMass | undefined): boolean {
  return learned?.mean === listed?.mean && learned?.sd === listed?.sd;
}
