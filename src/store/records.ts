import type { EventData } from '#events/catalog.ts';

/**
 * `authorized`: it stands in the book, what the cart says of it is not known yet. `captured`: the cart has it as paid. `declined`:
 * the cart has heard that nothing was paid. `voided`: the cart refused it.
 */
export type PaymentState = 'authorized' | 'captured' | 'declined' | 'voided';

/** One try to settle an attempt. */
export interface Payment {
  /** Of this till alone: names till, attempt and try. */
  readonly reference: string;
  readonly device: string;
  readonly checkout: string;
  readonly revision: number;
  readonly totalMinor: number;
  readonly currency: string;
  readonly outcome: 'paid' | 'declined';
  readonly state: PaymentState;
  readonly why?: string;
}

type Transferred = EventData<'basket.transferred'>;
export type SaleLine = NonNullable<Transferred['lines']>[number];
type SaleTotals = NonNullable<Transferred['totals']>;

/** `asked`: the cart was asked to hand it over. `open`: its lines are here. `refused`: it stayed on the cart. */
export type SaleState = 'asked' | 'open' | 'paid' | 'refused';

/** What a basket that came to the till holds. */
export interface SaleContent {
  readonly lines: readonly SaleLine[];
  /** As the cart told them. */
  readonly totals: SaleTotals;
  /** How the cart taxes; earlier versions, in books too, didn't tell. */
  readonly taxes?: { readonly included: boolean; readonly depositsTaxed: boolean };
  /** Questions that the cart left open. */
  readonly asked: number;
  /** Prices that the till gave, minor units, by line. */
  readonly prices: Readonly<Record<string, number>>;
  /** Age that the till has checked, years. */
  readonly approvedAge: number;
}

/** A basket that is paid at the till. */
export interface Sale {
  readonly number: number;
  readonly device: string;
  readonly session?: string;
  /** Of the request to hand it over. */
  readonly transaction: string;
  readonly state: SaleState;
  readonly content?: SaleContent;
  readonly reference?: string;
  readonly why?: string;
}
