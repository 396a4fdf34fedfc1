import type { Catalogue, Planogram, Product } from '#catalogue/products.ts';
import type { CartEvent, Draft } from '#events/event.ts';
import type { UnitMass } from '#fusion/likelihood.ts';

/** Counts of a plate by product key, as they are saved. */
export type Counts = Readonly<Record<string, number>>;

/** What counting needs to know of the device at this moment. */
export interface StockView {
  readonly catalogue: Catalogue;
  readonly planogram: Planogram | undefined;
  /** Mass on the plate, mg; undefined while it can't be weighed or is not at rest. */
  readonly grossMg: number | undefined;
  /** Mass of what lies there and doesn't belong, or what nobody could name, mg. */
  readonly strangeMg: number;
  readonly unitMass: (product: Product) => UnitMass;
}

interface Kind {
  readonly product: Product;
  readonly unit: UnitMass;
}

/** Of several kinds on a plate their numbers are found by mass where no more than this many ways are to be tried. */
const mostWays = 20_000;
/** Numbers explain a mass up to so many standard deviations. */
const fitZ = 3;
/** Zero and drift of a shelf plate in the long run, mg. */
const plateSdMg = 3_000;
/** Of a broad mass the catalogue's usual one is off by this part. */
const broadPart = 0.3;

/**
 * How many units of each of its products lie on a plate: by mass where that tells, and from then on by what was taken and
 * returned, for as long as the mass agrees. The spread of units adds up with their number and the mean of a product is not
 * known exactly, so that a mass alone counts few things well and many badly.
 */
export class PlateStock {
  readonly plate: string;
  /** By product key. */
  #counts: Map<string, number>;
  #told = new Map<string, number>();

  constructor(plate: string, counts: Counts = {}) {
    this.plate = plate;
    this.#counts = new Map(Object.entries(counts));
  }

  /** Takes in what an event says was taken from or returned to this plate. True where it is about the plate. */
  heard(event: CartEvent): boolean {
    const data = event.data as {
      plate?: string;
      gtin?: string;
      plu?: string;
      count?: number;
      outcome?: string;
    };
    if (data.plate !== this.plate) return false;
    const sign = signOf(event.type, data.outcome);
    const key = data.gtin === undefined ? `plu:${data.plu}` : `gtin:${data.gtin}`;
    const before = this.#counts.get(key);
    if (sign !== 0 && before !== undefined) {
      this.#counts.set(key, Math.max(0, before + sign * (data.count ?? 0)));
    }
    return true;
  }

  /** Somebody may have put up or taken off anything: only the mass counts. */
  forget(): void {
    this.#counts.clear();
  }

  /** What has changed since it was last told, as drafts; nothing where the plate can't be counted now. */
  count(view: StockView): Draft[] {
    const kinds = (view.planogram?.byPlate.get(this.plate) ?? []).flatMap((key): Kind[] => {
      const product = view.catalogue.byKey.get(key);
      return product === undefined ? [] : [{ product, unit: view.unitMass(product) }];
    });
    if (view.grossMg === undefined || kinds.some(({ unit }) => unit.meanMg <= 0)) return [];
    const ownMg = Math.max(0, view.grossMg - view.strangeMg);
    const counts = this.#agreeing(kinds, ownMg);
    if (counts === undefined) return [];
    this.#counts = new Map(kinds.map(({ product }, index) => [product.key, counts[index] ?? 0]));
    return kinds.flatMap(({ product }, index) => this.#tell(product, counts[index] ?? 0, ownMg));
  }

  #tell(product: Product, count: number, massMg: number): Draft[] {
    if (this.#told.get(product.key) === count) return [];
    this.#told.set(product.key, count);
    const { gtin, plu, name } = product;
    const named = { ...(gtin === undefined ? {} : { gtin }), ...(plu === undefined ? {} : { plu }), name };
    return [
      { type: 'shelf.stock', data: { ...named, plate: this.plate, count, massMg: Math.round(massMg) } },
    ];
  }

  /** The numbers known, if the mass agrees with them or could not tell better; else those of the mass alone. */
  #agreeing(kinds: readonly Kind[], ownMg: number): readonly number[] | undefined {
    const known = kinds.map(({ product }) => this.#counts.get(product.key));
    const whole = known.every((count) => count !== undefined) ? known.map((count) => count ?? 0) : undefined;
    if (whole !== undefined && Math.abs(ownMg - massOf(kinds, whole)) <= fitZ * sdOf(kinds, whole)) {
      return whole;
    }
    return byMass(kinds, ownMg);
  }

  save(): Counts {
    return Object.fromEntries(this.#counts);
  }
}

function signOf(type: string, outcome: string | undefined): number {
  switch (type) {
    case 'shelf.taken':
      return -1;
    case 'shelf.returned':
      return 1;
    case 'item.resolved':
    case 'item.corrected':
      return outcome === 'removed' ? -1 : outcome === 'added' ? 1 : 0;
    default:
      return 0;
  }
}

function massOf(kinds: readonly Kind[], counts: readonly number[]): number {
  return kinds.reduce((sum, { unit }, index) => sum + unit.meanMg * (counts[index] ?? 0), 0);
}

/** Standard deviation of the mass of so many units: half of a product's variance is of its units, half of its mean. */
function sdOf(kinds: readonly Kind[], counts: readonly number[]): number {
  const variance = kinds.reduce((sum, { unit }, index) => {
    const count = counts[index] ?? 0;
    const own = unit.broad ? (broadPart * unit.meanMg) ** 2 : unit.varMg2;
    return sum + (count + count * count) * 0.5 * own;
  }, plateSdMg ** 2);
  return Math.sqrt(variance);
}

/** The numbers that a mass tells: the likeliest of one kind, of several those that alone explain it. */
function byMass(kinds: readonly Kind[], ownMg: number): readonly number[] | undefined {
  const [only, ...others] = kinds;
  if (only === undefined) return undefined;
  if (others.length === 0) return [Math.round(ownMg / only.unit.meanMg)];
  const most = kinds.map(({ unit }) => Math.ceil((1.1 * ownMg + fitZ * plateSdMg) / unit.meanMg));
  const ways = most.slice(1).reduce((product, count) => product * (count + 1), 1);
  if (ways > mostWays) return undefined;
  const found: (readonly number[])[] = [];
  for (let way = 0; way < ways; way++) {
    const counts = numbersOf(way, most);
    const restMg = ownMg - massOf(kinds, counts);
    // Of the first kind as many as the rest weighs.
    const first = Math.max(0, Math.round(restMg / only.unit.meanMg));
    const whole = [first, ...counts.slice(1)];
    if (Math.abs(ownMg - massOf(kinds, whole)) > fitZ * sdOf(kinds, whole)) continue;
    found.push(whole);
    if (found.length > 1) return undefined;
  }
  return found[0];
}

/** The `way`-th choice of numbers of all kinds but the first, each from 0 to its most. */
function numbersOf(way: number, most: readonly number[]): number[] {
  let rest = way;
  return most.map((count, index) => {
    if (index === 0) return 0;
    const chosen = rest % (count + 1);
    rest = Math.floor(rest / (count + 1));
    return chosen;
  });
}
