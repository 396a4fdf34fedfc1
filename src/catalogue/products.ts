import type { Promotion, Taxes } from './promotions.ts';

/** What the catalogue knows of one product, after checks. Exactly one of `gtin` and `plu` names it. */
export interface Product {
  /** `gtin:04006381333931` or `plu:4011`: the key used inside the gateway. */
  readonly key: string;
  readonly gtin?: string;
  readonly plu?: string;
  readonly name: string;
  readonly sale: 'each' | 'weight';
  /** Price of a unit (`sale: each`). */
  readonly priceMinor?: number;
  /** Price of a kilogram (`sale: weight`). */
  readonly priceMinorPerKg?: number;
  /** Mass of a unit on a plate, packaging included; for `sale: weight`, of a typical handful. */
  readonly grossMg?: { readonly mean: number; readonly sd: number };
  /** Units sold in some period, or any figure in proportion to it. */
  readonly popularity?: number;
  /** Key in the gallery. */
  readonly look: string;
  readonly taxCode?: string;
  readonly depositMinor?: number;
  readonly minimumAge?: number;
  /** Too large for a basket: it goes onto the rack below. */
  readonly bulky?: boolean;
  readonly department?: string;
  readonly validFrom?: string;
  readonly validTo?: string;
}

/** How a retailer lays out restricted-circulation codes that start with `prefix`: digit positions are [start, length], from 0. */
export interface VariableMeasureLayout {
  readonly prefix: string;
  readonly item: readonly [start: number, length: number];
  readonly value: readonly [start: number, length: number];
  readonly meaning: 'price' | 'mass' | 'count';
  readonly decimals: number;
  /** Position of the price verifier digit, where there is one (GS1 General Specifications 7.9.2–7.9.4). */
  readonly verifier?: number;
}

/** A checked catalogue with the indexes that look-ups need. Immutable: a new version is a new object. */
export interface Catalogue {
  readonly version: string;
  readonly currency: string;
  readonly products: readonly Product[];
  readonly byKey: ReadonlyMap<string, Product>;
  readonly byGtin: ReadonlyMap<string, Product>;
  readonly byPlu: ReadonlyMap<string, Product>;
  readonly byLook: ReadonlyMap<string, readonly Product[]>;
  readonly variableMeasure: readonly VariableMeasureLayout[];
  readonly promotions?: readonly Promotion[];
  /** Without it no tax is told. */
  readonly taxes?: Taxes;
  /** IANA name; the days of promotions are days there. */
  readonly timeZone?: string;
}

/** Which products belong on which plate. */
export interface Planogram {
  readonly version: string;
  /** Product keys by plate id. */
  readonly byPlate: ReadonlyMap<string, readonly string[]>;
  /** Plate ids by product key. */
  readonly byProduct: ReadonlyMap<string, readonly string[]>;
}
