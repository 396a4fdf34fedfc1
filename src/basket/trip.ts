import type { EventData } from '#events/catalog.ts';
import type { person } from '#events/data/baskets.ts';
import type { Infer } from '#events/fields.ts';
import type { Line } from './lines.ts';
import type { Asked } from './questions.ts';

/** Who asked for a change. */
export type Person = Infer<typeof person>;
export type Paid = EventData<'basket.paid'>;

/** What an item event did to a line, so that a correction can undo it. */
export interface Effect {
  readonly line: number;
  readonly units: number;
  /** Units received from another cart that it was the placing of. */
  readonly placed?: number;
  /** How many of its units nothing weighed. */
  readonly unweighed?: number;
}

/** A coupon that was taken. */
export interface Coupon {
  readonly code: string;
  readonly promotion: string;
  readonly name: string;
}

/** One shopper's trip. After payment it is kept while the cart is emptied. */
export interface Trip {
  readonly session: string;
  /** Empty where no token opened it. */
  readonly tokenHash: string;
  state: 'open' | 'checkout' | 'suspended' | 'paid';
  revision: number;
  nextLine: number;
  lines: readonly Line[];
  questions: readonly string[];
  /** The questions with what is known of them; of a trip saved by an earlier version some are missing. */
  asked: readonly Asked[];
  readonly effects: Map<string, readonly Effect[]>;
  coupons: readonly Coupon[];
  loyalty: boolean;
  /** Highest age that was approved, years; 0 none. */
  approvedAge: number;
  help: boolean;
  /** Checkout attempts so far. */
  attempts: number;
  /** Id of the attempt, in state `checkout`. */
  checkout: string | undefined;
  /** When the state began or, while it is open, something last happened; µs. */
  sinceUs: number;
  /** Day on which it began, YYYY-MM-DD; undefined until the clock is known. */
  day: string | undefined;
  paid: Paid | undefined;
  /** Mass that was taken out since payment and has not come back, mg. */
  awayMg: number;
}

/** A trip as plain JSON. What came after the first version is optional. */
export interface SavedTrip {
  readonly session: string;
  readonly tokenHash: string;
  readonly revision: number;
  readonly nextLine: number;
  readonly lines: readonly Line[];
  readonly questions: readonly string[];
  readonly effects: Readonly<Record<string, readonly Effect[]>>;
  readonly state?: Trip['state'];
  readonly asked?: readonly Asked[];
  readonly coupons?: readonly Coupon[];
  readonly loyalty?: boolean;
  readonly approvedAge?: number;
  readonly help?: boolean;
  readonly attempts?: number;
  readonly checkout?: string;
  readonly sinceUs?: number;
  readonly day?: string;
  readonly paid?: Paid;
  readonly awayMg?: number;
}

export function beginTrip(session: string, tokenHash: string, nowUs: number): Trip {
  return {
    session,
    tokenHash,
    state: 'open',
    revision: 1,
    nextLine: 1,
    lines: [],
    questions: [],
    asked: [],
    effects: new Map(),
    coupons: [],
    loyalty: false,
    approvedAge: 0,
    help: false,
    attempts: 0,
    checkout: undefined,
    sinceUs: nowUs,
    day: undefined,
    paid: undefined,
    awayMg: 0,
  };
}

export function saveTrip(trip: Trip): SavedTrip {
  const { checkout, day, paid, effects, ...rest } = trip;
  return {
    ...rest,
    effects: Object.fromEntries(effects),
    ...(checkout === undefined ? {} : { checkout }),
    ...(day === undefined ? {} : { day }),
    ...(paid === undefined ? {} : { paid }),
  };
}

/** `rebaseUs` is added to saved times: monotonic time begins anew with every boot. */
export function restoreTrip(saved: SavedTrip, nowUs: number, rebaseUs: number): Trip {
  const { session, tokenHash, effects, sinceUs, ...rest } = saved;
  const fresh = beginTrip(session, tokenHash, nowUs);
  return {
    ...fresh,
    ...rest,
    effects: new Map(Object.entries(effects)),
    sinceUs: sinceUs === undefined ? nowUs : sinceUs + rebaseUs,
  };
}
