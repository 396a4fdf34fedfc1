import type { Basket } from '#basket/basket.ts';
import type { Catalogue, Product } from '#catalogue/products.ts';
import type { PlainMap, PlainValue } from '#events/fields.ts';
import type { Fusion } from '#fusion/fusion.ts';
import type { Weigher } from '#weighing/weigher.ts';
import { PipelineError } from '../errors.ts';
import type { Trips } from '../trips.ts';
import type { Upkeep } from '../upkeep.ts';
import type { CommandArguments, CommandName } from './arguments.ts';

/** What commands act on. */
export interface CommandTargets {
  readonly basket: Basket;
  readonly trips: Trips;
  readonly weigher: Weigher;
  readonly fusion: Fusion;
  readonly catalogue: Catalogue;
  readonly upkeep: Upkeep;
}

/** Carries one command out; answers with `data`, throws a coded error to refuse. */
export type CommandHandler<Name extends CommandName> = (
  args: CommandArguments<Name>,
  targets: CommandTargets,
  atUs: number,
) => PlainMap;
export type Handlers = { readonly [Name in CommandName]: CommandHandler<Name> };

/** The product that arguments name. Throws CW-PIP-001. */
export function productNamed(
  { byGtin, byPlu }: Catalogue,
  { gtin, plu }: { readonly gtin?: string | undefined; readonly plu?: string | undefined },
): Product {
  const product = gtin === undefined ? byPlu.get(plu ?? '') : byGtin.get(gtin);
  if (product !== undefined) return product;
  throw new PipelineError(
    'CW-PIP-001',
    `the catalogue has no product ${gtin ?? plu}; check the number or update the catalogue`,
  );
}

/** Part of an answer: records of the contract without what they leave out. */
export function plain(value: object): PlainMap {
  return prune(value) as PlainMap;
}

function prune(value: unknown): PlainValue {
  if (Array.isArray(value)) return value.map(prune);
  if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    return Object.fromEntries(entries.map(([key, inner]) => [key, prune(inner)]));
  }
  return value as PlainValue;
}
