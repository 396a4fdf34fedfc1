import type { Random } from '#base/random.ts';
import type { Catalogue, Planogram, Product } from '#catalogue/products.ts';
import { SimulationError } from './errors.ts';
import type { Truth } from './items.ts';
import type { Point } from './plate.ts';

/** One piece (or one handful of loose produce): a physical thing with a mass of its own. */
export interface Thing {
  /** `gtin:…`, `plu:…` or `thing:name`. */
  readonly key: string;
  readonly massMg: number;
  /** What the catalogue says that it looks like. */
  readonly look?: string;
  readonly names: Pick<Truth, 'gtin' | 'plu' | 'listed'>;
  /** False for a bag or a coat: it makes no truth. */
  readonly goods: boolean;
}

/** A thing on a plate. Pieces that were put down together lie at one place. */
export interface Lying {
  readonly thing: Thing;
  readonly plate: string;
  readonly at: Point;
}

/** What lies on a plate, with the part of its weight that the plate carries: less than 1 while it leans on the rim. */
export interface Laid extends Lying {
  readonly part: number;
}

export interface Wanted {
  readonly gtin?: string | undefined;
  readonly plu?: string | undefined;
  readonly unlisted?:
    | {
        readonly name: string;
        readonly grossMg: number;
        readonly gtin?: string | undefined;
        readonly goods: boolean;
      }
    | undefined;
}

/** The key of what a step names. */
export function keyOf(wanted: {
  gtin?: string | undefined;
  plu?: string | undefined;
  unlisted?: unknown;
}): string {
  if (wanted.gtin !== undefined) return `gtin:${wanted.gtin}`;
  if (wanted.plu !== undefined) return `plu:${wanted.plu}`;
  const { unlisted } = wanted;
  if (typeof unlisted === 'string') return `thing:${unlisted}`;
  return `thing:${typeof unlisted === 'object' && unlisted !== null && 'name' in unlisted ? unlisted.name : ''}`;
}

/** Where things are: on the plates, in the order they were put there, and in the shopper's hands. */
export class Goods {
  readonly #catalogue: Catalogue;
  readonly #planogram: Planogram | undefined;
  readonly #random: Random;
  #lying: Laid[] = [];
  #hands: Thing[] = [];

  constructor(catalogue: Catalogue, planogram: Planogram | undefined, random: Random) {
    this.#catalogue = catalogue;
    this.#planogram = planogram;
    this.#random = random;
  }

  get lying(): readonly Laid[] {
    return this.#lying;
  }

  /**
   * Gets `count` pieces to put down: first those in the shopper's hands, then new ones whose mass is drawn from the
   * catalogue's mean and spread (cut at 2.5 sd). `massMg` is that of all pieces together. Throws CW-SIM-004, -008.
   */
  fetch(wanted: Wanted, count: number, massMg: number | undefined): Thing[] {
    return Array.from({ length: count }, () => {
      const held = this.#hands.findIndex((thing) => thing.key === keyOf(wanted));
      const thing = held < 0 || massMg !== undefined ? undefined : this.#hands.splice(held, 1)[0];
      return thing ?? this.#make(wanted, massMg === undefined ? undefined : Math.round(massMg / count));
    });
  }

  put(things: readonly Thing[], plate: string, at: Point, part = 1): void {
    for (const thing of things) this.#lying.push({ thing, plate, at, part });
  }

  /** Lays things flat that lean on the rim; answers them as they were. Throws CW-SIM-006 where there are not so many. */
  straighten(key: string, count: number, plate: string | undefined): Laid[] {
    const leaning = this.#find(key, plate).filter(({ part }) => part < 1);
    if (leaning.length < count)
      throw this.#absent(`${count} of ${key} that lean on the rim`, plate, leaning.length);
    const chosen = leaning.slice(-count);
    this.#lying = this.#lying.map((other) => (chosen.includes(other) ? { ...other, part: 1 } : other));
    return chosen;
  }

  #find(key: string, plate: string | undefined): Laid[] {
    return this.#lying.filter(
      (other) => other.thing.key === key && (plate === undefined || other.plate === plate),
    );
  }

  #absent(what: string, plate: string | undefined, count: number): SimulationError {
    const there = [...new Set(this.#lying.map((other) => other.thing.key))].join(', ') || 'nothing';
    const where = plate === undefined ? '' : ` from ${plate}`;
    return new SimulationError(
      'CW-SIM-006',
      `can not take ${what}${where}: ${count} there; the plates hold ${there}`,
    );
  }

  /** Takes `count` pieces off the plates into the hands. Throws CW-SIM-006. */
  take(key: string, count: number, which: 'first' | 'last', plate: string | undefined): Laid[] {
    const found = this.#find(key, plate);
    if (found.length < count) throw this.#absent(`${count} of ${key}`, plate, found.length);
    const taken = which === 'first' ? found.slice(0, count) : found.slice(-count);
    this.#lying = this.#lying.filter((other) => !taken.includes(other));
    this.#hands.push(...taken.map((other) => other.thing));
    return taken;
  }

  /** Whether a product belongs on a plate by the planogram. */
  isAtHome(thing: Thing, plate: string): boolean {
    return this.#planogram?.byPlate.get(plate)?.includes(thing.key) ?? false;
  }

  #make(wanted: Wanted, massMg: number | undefined): Thing {
    const { unlisted } = wanted;
    if (unlisted !== undefined) {
      return {
        key: keyOf(wanted),
        massMg: massMg ?? unlisted.grossMg,
        names: { ...(unlisted.gtin === undefined ? {} : { gtin: unlisted.gtin }), listed: false },
        goods: unlisted.goods,
      };
    }
    const product = findProduct(this.#catalogue, wanted);
    return {
      key: product.key,
      massMg: massMg ?? this.#draw(product),
      look: product.look,
      names: product.gtin === undefined ? { plu: product.plu ?? '' } : { gtin: product.gtin },
      goods: true,
    };
  }

  #draw(product: Product): number {
    if (product.grossMg === undefined) {
      throw new SimulationError('CW-SIM-008', `the catalogue gives no mass of ${product.key}; say massMg`);
    }
    const deviate = Math.max(-2.5, Math.min(2.5, this.#random.gaussian()));
    return Math.max(1, Math.round(product.grossMg.mean + product.grossMg.sd * deviate));
  }
}

/** The product a step names. Throws CW-SIM-004. */
export function findProduct(
  catalogue: Catalogue,
  wanted: { gtin?: string | undefined; plu?: string | undefined },
): Product {
  const product = catalogue.byKey.get(keyOf(wanted));
  if (product !== undefined) return product;
  throw new SimulationError(
    'CW-SIM-004',
    `the catalogue ${catalogue.version} has no ${keyOf(wanted)}; use unlisted for what it should not have`,
  );
}
