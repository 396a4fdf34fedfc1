import type { EventData } from '#events/catalog.ts';
import { formatUuid } from '#events/ledger.ts';
import { approvalsOf, type BasketContext, hash, heldLine, unpricedOf } from './context.ts';
import { BasketError } from './errors.ts';
import { lineRecord, repriced } from './lines.ts';
import type { Complete, FullTotals } from './totals.ts';
import type { Paid, Person, Trip } from './trip.ts';

/** What a till says became of a payment. */
export interface Settlement {
  readonly checkout: string;
  readonly revision: number;
  readonly totalMinor: number;
  readonly outcome: 'paid' | 'declined' | 'cancelled';
  readonly reference: string;
}

/** A settlement that was taken, with the answer it got: a repeat gets the same. */
export interface Settled extends Settlement {
  readonly session: string;
  /** Revision after it. */
  readonly after: number;
}

/** A price that a till gives a line. */
export interface TillPrice {
  readonly line: number;
  readonly priceMinor: number;
  readonly massMg?: number | undefined;
  readonly certificateId?: string | undefined;
}

type Reason = EventData<'basket.reopened'>['reason'];
type Attempt = Complete<EventData<'basket.checkout'>>;

/** Settlements remembered, so that one repeated in a later trip is still known. A till repeats within minutes. */
const mostSettled = 64;

/** A UUIDv8 that names one attempt of one session of one ledger. */
function attemptId(salt: string, session: string, attempt: number): string {
  const digits = hash('checkout', salt, session, String(attempt));
  const variant = ((Number.parseInt(digits.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return formatUuid(`${digits.slice(0, 12)}8${digits.slice(13, 16)}${variant}${digits.slice(17)}`);
}

/** Checkout attempts: exactly one payment of a basket is ever taken, or none. */
export class Checkout {
  readonly #context: BasketContext;
  #settled: readonly Settled[];

  constructor(context: BasketContext, settled: readonly Settled[]) {
    this.#context = context;
    this.#settled = settled;
  }

  get settled(): readonly Settled[] {
    return this.#settled;
  }

  /** Begins an attempt, or tells of the one that is open. Throws CW-BSK-010 and 011. */
  begin(isMoving: boolean): Attempt {
    const { admit, emit, contents, salt, nowUs } = this.#context;
    const trip = admit('basket.checkout');
    if (trip.state === 'checkout') return this.#attempt(trip);
    if (!trip.lines.some(({ count }) => count > 0) && trip.questions.length === 0) {
      throw new BasketError('CW-BSK-011', 'nothing is in the basket; end the session (session.end) to go');
    }
    if (isMoving) throw moving();
    contents.refresh(trip);
    trip.attempts += 1;
    trip.checkout = attemptId(salt, trip.session, trip.attempts);
    trip.state = 'checkout';
    trip.sinceUs = nowUs();
    trip.revision += 1;
    const attempt = this.#attempt(trip);
    emit({ type: 'basket.checkout', data: attempt, session: trip.session });
    return attempt;
  }

  #attempt(trip: Trip): Attempt {
    return {
      checkout: trip.checkout ?? '',
      revision: trip.revision,
      totals: this.#context.contents.totals(trip),
      unsettled: [...trip.questions],
      asked: [...trip.asked],
      approvals: approvalsOf(trip),
      unpriced: unpricedOf(trip),
    };
  }

  /** Prices that the till gives. All of them count, or none. Throws CW-BSK-005, 006 and 015. */
  price(args: {
    readonly checkout: string;
    readonly revision: number;
    readonly lines: readonly TillPrice[];
  }): { readonly revision: number; readonly totals: FullTotals; readonly unpriced: readonly number[] } {
    const trip = this.#context.admit('checkout.price');
    requireAttempt(trip, args);
    const numbers = args.lines.map(({ line }) => line);
    const twice = numbers.find((number, index) => numbers.indexOf(number) !== index);
    if (twice !== undefined) {
      throw new BasketError('CW-BSK-015', `line ${twice} is named twice; give each line one price`);
    }
    for (const number of numbers) {
      const line = heldLine(trip, number);
      if (line.priceStatus !== 'final' || line.overridden === true) continue;
      throw new BasketError(
        'CW-BSK-015',
        `line ${number} has a final price; override it if it is wrong (item.override)`,
      );
    }
    for (const { line: number, priceMinor, ...measured } of args.lines) {
      this.#context.contents.replace(trip, undefined, repriced(heldLine(trip, number), priceMinor, measured));
    }
    return {
      revision: trip.revision,
      totals: this.#context.contents.totals(trip),
      unpriced: unpricedOf(trip),
    };
  }

  /**
   * What became of the payment. A settlement that was taken before is answered as it was then, in whatever state the
   * basket is; otherwise throws CW-BSK-005 to 010, and 014 where the attempt was settled differently.
   */
  settle(args: Settlement, isMoving: boolean): Settled {
    const before = this.#settled.find(({ checkout }) => checkout === args.checkout);
    if (before !== undefined) return repeated(before, args);
    const trip = this.#context.admit('checkout.settle');
    if (args.outcome !== 'paid') {
      requireAttempt(trip, { checkout: args.checkout });
      this.reopen(trip, args.outcome, undefined, args.reference);
      return this.#remember(trip, args);
    }
    requireAttempt(trip, args);
    this.#requirePayable(trip, args.totalMinor, isMoving);
    this.#close(trip, args);
    return this.#remember(trip, args);
  }

  #requirePayable(trip: Trip, totalMinor: number, isMoving: boolean): void {
    if (isMoving) throw moving();
    const unpriced = unpricedOf(trip);
    if (unpriced.length > 0) {
      throw new BasketError(
        'CW-BSK-008',
        `lines ${unpriced.join(', ')} have no final price; give them one first (checkout.price)`,
      );
    }
    const [approval] = approvalsOf(trip);
    if (approval !== undefined) {
      throw new BasketError(
        'CW-BSK-009',
        `the buyer has to be ${approval.minimumAge} for lines ${approval.lines.join(', ')}; have it approved (basket.approve), or take them out`,
      );
    }
    const { toPayMinor, currency } = this.#context.contents.totals(trip);
    if (totalMinor === toPayMinor) return;
    throw new BasketError(
      'CW-BSK-007',
      `the basket comes to ${toPayMinor} minor units of ${currency}, not ${totalMinor}; void the payment and ask again`,
    );
  }

  /** Payment and receipt are one write: there is no payment without its receipt. */
  #close(trip: Trip, { checkout, totalMinor, reference }: Settlement): void {
    const { emit, contents, nowUs } = this.#context;
    trip.revision += 1;
    const paid: Paid = { checkout, revision: trip.revision, totalMinor, reference };
    const paidEvent = emit({ type: 'basket.paid', data: paid, session: trip.session });
    trip.revision += 1;
    trip.paid = paid;
    emit({
      type: 'basket.closed',
      data: {
        session: trip.session,
        revision: trip.revision,
        totals: contents.totals(trip),
        lines: trip.lines.filter(({ count }) => count > 0).map(lineRecord),
        unsettled: [...trip.questions],
        outcome: 'paid',
        paid,
        coupons: [...trip.coupons],
        asked: [...trip.asked],
      },
      session: trip.session,
      causes: [paidEvent],
    });
    trip.state = 'paid';
    trip.checkout = undefined;
    trip.sinceUs = nowUs();
    trip.awayMg = 0;
  }

  #remember(trip: Trip, args: Settlement): Settled {
    const entry: Settled = { ...args, session: trip.session, after: trip.revision };
    this.#settled = [...this.#settled, entry].slice(-mostSettled);
    return entry;
  }

  /** Ends an attempt without payment by hand. Throws CW-BSK-005. */
  cancel(checkout: string | undefined, by: Person | undefined): number {
    const trip = this.#context.admit('checkout.cancel');
    requireAttempt(trip, { checkout });
    this.reopen(trip, 'cancelled', by);
    return trip.revision;
  }

  /** The attempt of `trip` ends without payment and the trip goes on. */
  reopen(trip: Trip, reason: Reason, by?: Person, reference?: string, causes: readonly string[] = []): void {
    const { checkout } = trip;
    if (checkout === undefined) return;
    trip.checkout = undefined;
    trip.state = 'open';
    trip.sinceUs = this.#context.nowUs();
    trip.revision += 1;
    this.#context.emit({
      type: 'basket.reopened',
      data: {
        checkout,
        reason,
        revision: trip.revision,
        ...(by === undefined ? {} : { by }),
        ...(reference === undefined ? {} : { reference }),
      },
      session: trip.session,
      causes,
    });
  }
}

function moving(): BasketError {
  return new BasketError(
    'CW-BSK-010',
    'something is being put in or taken out; ask again in a second, with a new transaction',
  );
}

function requireAttempt(
  trip: Trip,
  args: { readonly checkout: string | undefined; readonly revision?: number },
): void {
  if (args.checkout !== undefined && args.checkout !== trip.checkout) {
    throw new BasketError(
      'CW-BSK-005',
      `checkout attempt ${args.checkout} is not the one that is open (${trip.checkout}); void the payment and ask again`,
    );
  }
  if (args.revision === undefined || args.revision === trip.revision) return;
  throw new BasketError(
    'CW-BSK-006',
    `the basket is at revision ${trip.revision}, not ${args.revision}; void the payment, or ask again with what it comes to now`,
  );
}

function repeated(before: Settled, args: Settlement): Settled {
  const isSame =
    before.outcome === args.outcome &&
    before.revision === args.revision &&
    before.totalMinor === args.totalMinor &&
    before.reference === args.reference;
  if (isSame) return before;
  throw new BasketError(
    'CW-BSK-014',
    `checkout attempt ${args.checkout} was settled before as ${before.outcome}, ${before.totalMinor} at revision ${before.revision}, reference ${before.reference}; void this payment`,
  );
}
