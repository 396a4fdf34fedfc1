import { currencyOf } from '#base/currency.ts';
import { StoreError } from './errors.ts';

const onOne = ['pay', 'decline', 'approve', 'refuse', 'take', 'came'] as const;

/** What a person typed about a cart, or about a sale by its number. */
export type TypedWork =
  | { readonly what: (typeof onOne)[number]; readonly on: string }
  | { readonly what: 'price'; readonly on: string; readonly line: number; readonly price: string };

/** What a person typed at the till. */
export type Typed =
  | { readonly what: 'help' }
  | { readonly what: 'quit' }
  | { readonly what: 'work'; readonly work: TypedWork };

/** For people. */
export const typedHelp = [
  'pay CART|SALE                take the money',
  'decline CART                 the payment failed; the shopper goes on',
  'price CART|SALE LINE PRICE   what the till charges for a line, as 2.49',
  'approve CART|SALE            the buyer is old enough',
  'refuse CART                  the buyer is not; the shopper goes on without these goods',
  'take CART                    take its basket over and have it paid here',
  'came CART                    somebody came to help',
  'quit',
] as const;

/** Reads a typed line; undefined for an empty one. Throws CW-STO-006. */
export function readTyped(text: string): Typed | undefined {
  const [what = '', on, line, price, ...more] = text.trim().split(/\s+/);
  if (what === '') return undefined;
  if ((what === 'help' || what === 'quit') && on === undefined) return { what };
  const one = onOne.find((name) => name === what);
  if (one !== undefined && on !== undefined && line === undefined)
    return { what: 'work', work: { what: one, on } };
  const number = Number(line);
  const isPrice = what === 'price' && on !== undefined && price !== undefined && more.length === 0;
  if (isPrice && Number.isSafeInteger(number) && number >= 1) {
    return { what: 'work', work: { what: 'price', on, line: number, price } };
  }
  throw new StoreError('CW-STO-006', `"${text.trim().slice(0, 60)}" is no command of the till; type help`);
}

/** `2.49` in minor units of a currency. Throws CW-STO-005. */
export function readPrice(text: string, currency: string): number {
  const decimals = currencyOf(currency)?.decimals ?? 2;
  const [, whole = '', rest = ''] = /^(\d{1,9})(?:[.,](\d+))?$/.exec(text) ?? [];
  if (whole === '' || rest.length > decimals) {
    const example = decimals === 0 ? '249' : `2.${'49'.padEnd(decimals, '0').slice(0, decimals)}`;
    throw new StoreError(
      'CW-STO-005',
      `"${text.slice(0, 30)}" is no price in ${currency}; write it as ${example}`,
    );
  }
  return Number(whole) * 10 ** decimals + Number(rest.padEnd(decimals, '0') || '0');
}
