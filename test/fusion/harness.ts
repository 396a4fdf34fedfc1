import { usPerMs, usPerSecond } from '#base/units.ts';
import type { Catalogue, Planogram, Product } from '#catalogue/products.ts';
import { configSchema, type FusionConfig } from '#config/schema.ts';
import { Fusion, type FusionOptions, type ItemDraft, type PlateOptions } from '#fusion/fusion.ts';
import type { ScanObservation, SeenThing, SightingObservation } from '#fusion/observations.ts';

/** A product sold by the piece, by its name; masses in grams. */
export function each(name: string, meanG: number, sdG = 3): Product {
  const gtin = `${name.charCodeAt(0)}${name.charCodeAt(name.length - 1)}${name.length}`.padStart(14, '0');
  return {
    key: `gtin:${name}`,
    gtin,
    name,
    sale: 'each',
    priceMinor: 100,
    grossMg: { mean: meanG * 1000, sd: sdG * 1000 },
    look: name,
  };
}

/** Produce sold by weight. */
export function loose(name: string, plu: string, meanG = 400): Product {
  return {
    key: `plu:${name}`,
    plu,
    name,
    sale: 'weight',
    priceMinorPerKg: 200,
    grossMg: { mean: meanG * 1000, sd: meanG * 200 },
    look: name,
  };
}

export function catalogueOf(products: readonly Product[]): Catalogue {
  const byLook = new Map<string, Product[]>();
  for (const product of products) byLook.set(product.look, [...(byLook.get(product.look) ?? []), product]);
  return {
    version: 'test',
    currency: 'EUR',
    products,
    byKey: new Map(products.map((product) => [product.key, product])),
    byGtin: new Map(
      products.flatMap((product) => (product.gtin === undefined ? [] : [[product.gtin, product]])),
    ),
    byPlu: new Map(
      products.flatMap((product) => (product.plu === undefined ? [] : [[product.plu, product]])),
    ),
    byLook,
    variableMeasure: [],
  };
}

export function planogramOf(plates: Readonly<Record<string, readonly string[]>>): Planogram {
  const byProduct = new Map<string, string[]>();
  for (const [plate, keys] of Object.entries(plates)) {
    for (const key of keys) byProduct.set(key, [...(byProduct.get(key) ?? []), plate]);
  }
  return { version: 'test', byPlate: new Map(Object.entries(plates)), byProduct };
}

export const defaultConfig: FusionConfig = configSchema.parse({
  cartwright: 1,
  store: 's',
  device: 'd',
  board: 'b',
}).fusion;

export type Emitted = ItemDraft & { readonly id: string; readonly atUs: number };

/** A thing of which a camera is so sure; of the rest, half is nothing that it knows. */
export function seenThing(look: string, probability = 0.95, more: Partial<SeenThing> = {}): SeenThing {
  return {
    moved: false,
    candidates: [{ look, probabilityPpm: Math.round(probability * 1e6) }],
    unknownPpm: Math.round((1 - probability) * 5e5),
    ambiguous: false,
    ...more,
  };
}

export interface MoveOptions {
  readonly plate?: string;
  readonly sigmaG?: number;
  readonly whileAway?: boolean;
  /** Seconds that pass before it begins. */
  readonly afterS?: number;
  /** Product that is scanned while it settles. */
  readonly scanMeanwhile?: string;
  /** How far the plate dipped below both plateaus meanwhile, g. */
  readonly dipG?: number;
}

/** A cart (or shelf) whose shopper acts in virtual time; masses in grams. */
export class Bench {
  readonly emitted: Emitted[] = [];
  fusion: Fusion;
  nowUs = usPerSecond;
  #events = 0;
  #plateMassG = new Map<string, number>();
  readonly #options: Omit<FusionOptions, 'emit'>;

  constructor(
    products: readonly Product[],
    options: {
      readonly plates?: readonly PlateOptions[];
      readonly planogram?: Planogram;
      readonly config?: Partial<FusionConfig>;
    } = {},
  ) {
    this.#options = {
      catalogue: catalogueOf(products),
      planogram: options.planogram,
      plates: options.plates ?? [{ id: 'basket', kind: 'cart', scanners: ['scanner'] }],
      config: { ...defaultConfig, ...options.config },
    };
    this.fusion = new Fusion({ ...this.#options, emit: this.#emit });
  }

  readonly #emit = (draft: ItemDraft, atUs: number): string => {
    const id = this.#id();
    this.emitted.push({ ...draft, id, atUs });
    return id;
  };

  #id(): string {
    return `00000000-0000-8000-8000-${String(++this.#events).padStart(12, '0')}`;
  }

  wait(seconds: number): this {
    this.nowUs += Math.round(seconds * usPerSecond);
    this.fusion.advance(this.nowUs);
    return this;
  }

  scan(name: string, more: Partial<ScanObservation> = {}): this {
    const product = this.#options.catalogue.products.find((one) => one.name === name);
    if (product === undefined) throw new Error(`no product ${name}`);
    this.wait(0.3);
    this.fusion.observe({
      kind: 'scan',
      event: this.#id(),
      source: 'scanner',
      atUs: this.nowUs,
      product: product.key,
      ...(product.gtin === undefined ? {} : { gtin: product.gtin }),
      ...(product.plu === undefined ? {} : { plu: product.plu }),
      ...more,
    });
    return this;
  }

  /** A code that the catalogue doesn't have. */
  scanUnlisted(gtin: string): this {
    this.wait(0.3);
    this.fusion.observe({ kind: 'scan', event: this.#id(), source: 'scanner', atUs: this.nowUs, gtin });
    return this;
  }

  open(plate = 'basket'): this {
    this.wait(0.2);
    this.fusion.observe({ kind: 'activity', plate, open: true, atUs: this.nowUs });
    return this;
  }

  /** The plate's mass changes by `grams` and settles; the decision deadline is not waited for. */
  move(grams: number, options: MoveOptions = {}): this {
    const plate = options.plate ?? 'basket';
    const before = this.#plateMassG.get(plate) ?? 0;
    this.#plateMassG.set(plate, before + grams);
    this.wait(options.afterS ?? 0.5);
    const startedAtUs = this.nowUs;
    this.fusion.observe({ kind: 'activity', plate, open: true, atUs: this.nowUs });
    this.wait(0.5);
    if (options.scanMeanwhile === undefined) this.wait(0.3);
    else this.scan(options.scanMeanwhile);
    const event = this.#id();
    this.fusion.observe({
      kind: 'movement',
      event,
      atUs: this.nowUs,
      movement: {
        kind: 'movement',
        plate,
        massMg: Math.round(grams * 1000),
        sigmaMg: Math.round((options.sigmaG ?? 1) * 1000),
        beforeMg: Math.round(before * 1000),
        afterMg: Math.round((before + grams) * 1000),
        startedAtUs,
        settledAtUs: this.nowUs,
        moving: false,
        whileAway: options.whileAway ?? false,
        ...(options.dipG === undefined ? {} : { dipMg: options.dipG * 1_000 }),
      },
    });
    this.fusion.observe({ kind: 'activity', plate, open: false, atUs: this.nowUs });
    return this;
  }

  /** @param settledAtUs of the movement that it is of */
  see(look: string, probability = 0.95, plate = 'basket', settledAtUs?: number): this {
    return this.look([seenThing(look, probability)], {
      plate,
      ...(settledAtUs === undefined ? {} : { settledAtUs }),
    });
  }

  /** A camera looked, at several things or at nothing. */
  look(things: readonly SeenThing[], more: Partial<SightingObservation> = {}): this {
    this.wait(0.05);
    this.fusion.observe({
      kind: 'sighting',
      event: this.#id(),
      source: 'camera',
      plate: 'basket',
      atUs: this.nowUs,
      outcome: 'seen',
      things,
      ...more,
    });
    return this;
  }

  identify(name: string, more: { count?: number; event?: string } = {}): this {
    this.wait(0.3);
    const product = this.#options.catalogue.products.find((one) => one.name === name);
    this.fusion.identify({ product: product?.key ?? name, ...more }, this.nowUs);
    return this;
  }

  /** From now on told what decisions are made of. Only before anything happened. */
  witness(onJudged: NonNullable<FusionOptions['onJudged']>): this {
    this.fusion = new Fusion({ ...this.#options, emit: this.#emit, onJudged });
    return this;
  }

  /** What the catalogue says that a product weighs, g. */
  massOf(name: string): number {
    const product = this.#options.catalogue.products.find((one) => one.name === name);
    return (product?.grossMg?.mean ?? 0) / 1_000;
  }

  /** Past every deadline of a movement. */
  settle(): this {
    return this.wait((this.#options.config.decideWithinMs * usPerMs) / usPerSecond + 0.1);
  }

  /** Power fails and comes back: the state goes through JSON and the clock starts anew. */
  restart(newNowUs = this.nowUs): this {
    const state = JSON.parse(JSON.stringify(this.fusion.saveState())) as ReturnType<Fusion['saveState']>;
    const rebaseUs = newNowUs - state.atUs;
    this.nowUs = newNowUs;
    const learned = JSON.parse(JSON.stringify(this.fusion.saveLearned())) as ReturnType<
      Fusion['saveLearned']
    >;
    this.fusion = new Fusion({ ...this.#options, emit: this.#emit, state, rebaseUs, learned });
    return this;
  }

  /** What was said so far, one short line an event, and forgets it. */
  said(): string[] {
    return this.emitted.splice(0).map(line);
  }
}

/** `item.added 2 milk 1000 g`, `item.unresolved unknown-added scan-it 700 g`, … */
export function line(event: Emitted): string {
  const grams = `${Math.round(event.data.massMg / 1000)} g`;
  if (event.type === 'item.unresolved') return `${event.type} ${event.data.kind} ${event.data.ask} ${grams}`;
  const what = event.data.name === undefined ? 'something' : `${event.data.count} ${event.data.name}`;
  const outcome = 'outcome' in event.data ? ` ${event.data.outcome}:` : '';
  return `${event.type}${outcome} ${what} ${grams}`;
}
