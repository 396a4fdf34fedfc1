import type { Catalogue } from '#catalogue/products.ts';
import type { Infer } from '#events/fields.ts';
import type { offersPayload } from '#events/mqtt-payloads.ts';
import type { ShownBasket, ShownDeal } from '#pages/display/source.ts';

type Offers = Infer<typeof offersPayload>;
type Deal = Offers['deals'][number];

/** More than these nobody looks through, and a store must not fill the page from outside. */
const mostDeals = 60;
const order: readonly ShownDeal['why'][] = ['basket', 'near', 'store'];

/** What deals are chosen by. */
export interface DealContext {
  readonly catalogue: Catalogue;
  readonly basket: ShownBasket | undefined;
  /** UTC, ms; undefined while the clock is unset: then every deal holds. */
  readonly utcMs: number | undefined;
  /** Name of a product's picture, by GTIN or PLU. */
  readonly pictureOf: (product: string) => string | undefined;
}

/**
 * The deals that hold now: first what goes with the basket, then what lies near, then the rest, each as the store orders
 * them. Near is the department of what was put in last: that is where the shopper stands. Other currencies are left out.
 */
export function chooseDeals(offers: Offers | undefined, context: DealContext): readonly ShownDeal[] {
  const { catalogue, utcMs } = context;
  if (offers === undefined || offers.currency !== catalogue.currency) return [];
  const holds = ({ from = 0, until = Number.POSITIVE_INFINITY }: Deal) =>
    utcMs === undefined || (from <= utcMs && utcMs < until);
  const inBasket = new Set(context.basket?.lines.map((line) => line.gtin ?? line.plu ?? ''));
  const here = departmentOf(catalogue, lastProduct(context.basket));
  const whyOf = (deal: Deal): ShownDeal['why'] => {
    if ([...deal.products, ...(deal.goesWith ?? [])].some((product) => inBasket.has(product)))
      return 'basket';
    const departments = deal.departments ?? deal.products.map((product) => departmentOf(catalogue, product));
    return here !== undefined && departments.includes(here) ? 'near' : 'store';
  };
  const shown = offers.deals.filter(holds).map((deal) => shownDeal(deal, whyOf(deal), context));
  return order.flatMap((why) => shown.filter((deal) => deal.why === why)).slice(0, mostDeals);
}

function lastProduct(basket: ShownBasket | undefined): string | undefined {
  const last = basket?.lines.reduce<ShownBasket['lines'][number] | undefined>(
    (latest, line) => (line.count > 0 && line.line > (latest?.line ?? 0) ? line : latest),
    undefined,
  );
  return last?.gtin ?? last?.plu;
}

function departmentOf(catalogue: Catalogue, product: string | undefined): string | undefined {
  if (product === undefined) return undefined;
  return (catalogue.byGtin.get(product) ?? catalogue.byPlu.get(product))?.department;
}

function shownDeal(deal: Deal, why: ShownDeal['why'], { pictureOf }: DealContext): ShownDeal {
  const { id, title, titles, place, priceMinor, beforeMinor, products } = deal;
  const picture = products.map(pictureOf).find((name) => name !== undefined);
  const texts = Object.entries(titles ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return {
    id,
    title,
    titles: Object.fromEntries(texts),
    why,
    ...(place === undefined ? {} : { place }),
    ...(priceMinor === undefined ? {} : { priceMinor }),
    ...(beforeMinor === undefined ? {} : { beforeMinor }),
    ...(picture === undefined ? {} : { picture }),
  };
}
