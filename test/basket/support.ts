import { Basket, type BasketState } from '#basket/basket.ts';
import type { Catalogue, Product } from '#catalogue/products.ts';
import { type BasketConfig, basketSchema } from '#config/basket.ts';
import type { EventData } from '#events/catalog.ts';
import type { CartEvent, Draft } from '#events/event.ts';
import { Ledger } from '#events/ledger.ts';

export const milk: Product = product('00000000000017', { priceMinor: 129 });
export const beans: Product = product('00000000000024', { priceMinor: 99 });
/** In the catalogue without a price: the till knows it. */
export const unpriced: Product = product('00000000000031', {});
export const apples: Product = {
  key: 'plu:4011',
  plu: '4011',
  name: 'Apples',
  sale: 'weight',
  priceMinorPerKg: 199,
  look: 'apples',
};
export const unpricedPears: Product = {
  key: 'plu:4022',
  plu: '4022',
  name: 'Pears',
  sale: 'weight',
  look: 'pears',
};
export const goods: readonly Product[] = [milk, beans, unpriced, apples, unpricedPears];

function product(gtin: string, more: { priceMinor?: number }): Product {
  return { key: `gtin:${gtin}`, gtin, name: `Goods ${gtin.slice(-2)}`, sale: 'each', look: gtin, ...more };
}

export function catalogueOf(products: readonly Product[]): Catalogue {
  return {
    version: 'test',
    currency: 'EUR',
    products,
    byKey: new Map(products.map((one) => [one.key, one])),
    byGtin: new Map(products.flatMap((one) => (one.gtin === undefined ? [] : [[one.gtin, one]]))),
    byPlu: new Map(products.flatMap((one) => (one.plu === undefined ? [] : [[one.plu, one]]))),
    byLook: new Map(products.map((one) => [one.look, [one]])),
    variableMeasure: [],
  };
}

type Item = EventData<'item.added'>;

/** What an item event says of a product, with plain values where the basket doesn't look. */
export function itemOf(what: Product | undefined, count: number, more: Partial<Item> = {}): Item {
  return {
    ...(what?.gtin === undefined ? {} : { gtin: what.gtin }),
    ...(what?.plu === undefined ? {} : { plu: what.plu }),
    count,
    massMg: 100_000 * count,
    probabilityPpm: 990_000,
    alternatives: [],
    evidence: {},
    plate: 'basket',
    startedAtUs: 0,
    settledAtUs: 0,
    entry: 'scan',
    ...more,
  };
}

/** A basket on a ledger, as the pipeline has it: item events go in, basket events come out in the same row. */
export class Trolley {
  readonly events: CartEvent[] = [];
  readonly #ledger: Ledger;
  basket: Basket;
  nowUs = 0;
  today: string | undefined = '2026-11-23';
  readonly config: Partial<BasketConfig>;
  #catalogue: Catalogue;

  constructor(
    products: readonly Product[] = goods,
    terms: Pick<Catalogue, 'promotions' | 'taxes'> = {},
    config: Partial<BasketConfig> = {},
  ) {
    this.config = config;
    this.#catalogue = { ...catalogueOf(products), ...terms };
    this.#ledger = new Ledger(
      { store: 's', device: 'd', ledger: '0011223344556677' },
      { boot: 1, nextSequence: 1, versions: { software: 'test/1' } },
    );
    this.basket = this.#make();
  }

  #make(state?: BasketState): Basket {
    return new Basket({
      catalogue: this.#catalogue,
      config: { ...basketSchema.parse({}), ...this.config },
      salt: 'salt',
      nowUs: () => this.nowUs,
      today: () => this.today,
      decideWithinUs: 1_050_000,
      emit: (draft) => this.emit(draft).id,
      state,
    });
  }

  emit(draft: Draft): CartEvent {
    const event = this.#ledger.append(draft, { atUs: this.nowUs, time: 0, timeQuality: 'unset' });
    this.events.push(event);
    return event;
  }

  /** Puts an item event into the row and lets the basket see it; answers with its id. */
  happens(draft: Draft): string {
    const event = this.emit(draft);
    this.basket.apply(event);
    return event.id;
  }

  add(what: Product, count = 1, more: Partial<Item> = {}): string {
    return this.happens({ type: 'item.added', data: itemOf(what, count, more) });
  }

  remove(what: Product, count = 1, more: Partial<Item> = {}): string {
    return this.happens({
      type: 'item.removed',
      data: itemOf(what, count, { massMg: -100_000 * count, ...more }),
    });
  }

  ask(): string {
    const { count: _count, probabilityPpm: _p, alternatives: _a, entry: _e, ...rest } = itemOf(undefined, 1);
    return this.happens({
      type: 'item.unresolved',
      data: { ...rest, kind: 'unknown-added', ask: 'scan-it', unknownPpm: 900_000, candidates: [] },
    });
  }

  answer(settles: string, outcome: EventData<'item.resolved'>['outcome'], what?: Product, count = 1): string {
    return this.happens({
      type: 'item.resolved',
      data: { ...itemOf(what, what === undefined ? 0 : count), settles, outcome },
    });
  }

  correct(corrects: string, outcome: EventData<'item.corrected'>['outcome'], what?: Product): string {
    return this.happens({
      type: 'item.corrected',
      data: { ...itemOf(what, what === undefined ? 0 : 1), corrects, outcome },
    });
  }

  /** Power fails and comes back: the state goes through JSON. The catalogue may be a new one. */
  restart(products?: readonly Product[], terms: Pick<Catalogue, 'promotions' | 'taxes'> = {}): this {
    if (products !== undefined) this.#catalogue = { ...this.#catalogue, ...catalogueOf(products) };
    this.#catalogue = { ...this.#catalogue, ...terms };
    this.basket = this.#make(JSON.parse(JSON.stringify(this.basket.saveState())) as BasketState);
    return this;
  }

  lines(): EventData<'basket.line'>[] {
    return this.events.flatMap((event) => (event.type === 'basket.line' ? [event.data] : []));
  }
}
