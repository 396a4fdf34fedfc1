import type { EventData } from '#events/catalog.ts';
import { approvalsOf, type BasketContext, heldLine, requireStaff } from './context.ts';
import { BasketError } from './errors.ts';
import { type Line, repriced } from './lines.ts';
import { isInSeason } from './promotions.ts';
import type { Person, Trip } from './trip.ts';

type Approvals = ReturnType<typeof approvalsOf>;
type CouponOutcome = EventData<'basket.coupon'>['outcome'];

/** Digits of a code without zeros in front, which carriers add and leave out; other texts as they are. */
const plainCode = (code: string) => (/^\d+$/.test(code) ? code.replace(/^0+(?=\d)/, '') : code);

/** What shopper and staff do to a basket beside putting things in and taking them out. */
export class Service {
  readonly #context: BasketContext;

  constructor(context: BasketContext) {
    this.#context = context;
  }

  /** An age that staff has checked. Throws CW-BSK-013. */
  approve(args: { readonly age: number; readonly outcome: 'approved' | 'refused'; readonly by: Person }): {
    readonly revision: number;
    readonly approvals: Approvals;
  } {
    const { admit, emit, contents } = this.#context;
    const trip = admit('basket.approve');
    const by = requireStaff('basket.approve', args.by);
    const { age, outcome } = args;
    trip.approvedAge =
      outcome === 'approved' ? Math.max(trip.approvedAge, age) : Math.min(trip.approvedAge, age - 1);
    trip.revision += 1;
    const data = { age, outcome, by, revision: trip.revision };
    const id = emit({ type: 'basket.approved', data, session: trip.session });
    contents.refresh(trip, id);
    return { revision: trip.revision, approvals: approvalsOf(trip) };
  }

  /** Whether a scanned text is the code of a promotion. */
  isCoupon(code: string): boolean {
    const plain = plainCode(code);
    return (this.#context.catalogue.promotions ?? []).some(
      ({ coupon }) => coupon !== undefined && plainCode(coupon) === plain,
    );
  }

  /** A coupon that was scanned or typed; one that doesn't count is told as well. */
  coupon(
    code: string,
    causes: readonly string[] = [],
  ): { readonly outcome: CouponOutcome; readonly name?: string; readonly revision: number } {
    const { admit, emit, contents, catalogue } = this.#context;
    const trip = admit('basket.coupon');
    const plain = plainCode(code);
    const meant = (catalogue.promotions ?? []).filter(
      ({ coupon }) => coupon !== undefined && plainCode(coupon) === plain,
    );
    const found = meant.find((promotion) => isInSeason(promotion, trip.day)) ?? meant[0];
    const outcome = couponOutcome(trip, found, code);
    if (outcome === 'accepted' && found?.coupon !== undefined) {
      const coupon = { code: found.coupon, promotion: found.id, name: found.name };
      trip.coupons = [...trip.coupons, coupon];
      trip.revision += 1;
    }
    const named = found === undefined ? {} : { name: found.name };
    const id = emit({
      type: 'basket.coupon',
      data: {
        code,
        outcome,
        ...named,
        ...(found === undefined ? {} : { promotion: found.id }),
        revision: trip.revision,
      },
      session: trip.session,
      causes,
    });
    if (outcome === 'accepted') contents.refresh(trip, id);
    return { outcome, ...named, revision: trip.revision };
  }

  /** The shopper is known from now on. */
  recognize(by: 'scan' | 'command', causes: readonly string[] = []): number {
    const { admit, emit, contents } = this.#context;
    const trip = admit('basket.loyalty');
    if (trip.loyalty) return trip.revision;
    trip.loyalty = true;
    trip.revision += 1;
    const data = { by, revision: trip.revision };
    contents.refresh(trip, emit({ type: 'basket.loyalty', data, session: trip.session, causes }));
    return trip.revision;
  }

  /** The shopper says that a line is not hers, or (`over`) it was dealt with. Throws CW-BSK-015. */
  dispute(number: number, over: boolean, by: Person | undefined): number {
    const { admit, emit, contents } = this.#context;
    const trip = admit('line.dispute');
    const { disputed, ...line } = heldLine(trip, number);
    if ((disputed === true) !== over) return trip.revision;
    if (over) {
      contents.replace(trip, undefined, line);
      return trip.revision;
    }
    const data = { kind: 'disputed', line: number, name: line.name, blocking: false } as const;
    const id = emit({
      type: 'basket.alert',
      data: { ...data, ...(by === undefined ? {} : { by }) },
      session: trip.session,
    });
    contents.replace(trip, id, { ...line, disputed: true });
    return trip.revision;
  }

  /** Somebody is called, or (`over`) came; with a trip or without. */
  help(trip: Trip | undefined, over: boolean, by: Person | undefined): void {
    if (trip !== undefined) {
      if (trip.help === !over) return;
      trip.help = !over;
      trip.revision += 1;
    }
    this.#context.emit({
      type: 'basket.alert',
      data: { kind: over ? 'help-over' : 'help', blocking: false, ...(by === undefined ? {} : { by }) },
      ...(trip === undefined ? {} : { session: trip.session }),
    });
  }

  /** Staff takes units off a line. Throws CW-BSK-013 and 015. */
  void(args: {
    readonly line: number;
    readonly count?: number | undefined;
    readonly by: Person;
    readonly why: string;
  }): Trip {
    const { admit, emit, contents } = this.#context;
    const trip = admit('line.void');
    const by = requireStaff('line.void', args.by);
    const line = heldLine(trip, args.line);
    const units = args.count ?? line.count;
    requireUnits(line, units, line.count);
    const id = contents.change(trip, undefined, line, -units);
    trip.revision += 1;
    emit({
      type: 'basket.voided',
      data: {
        line: line.line,
        reason: 'staff',
        by,
        why: args.why,
        count: units,
        priceMinor: line.priceMinor,
        totals: contents.totals(trip),
        revision: trip.revision,
      },
      session: trip.session,
      causes: id === undefined ? [] : [id],
    });
    return trip;
  }

  /** Staff sets price or count of a line. Throws CW-BSK-013 and 015. */
  override(args: {
    readonly line: number;
    readonly priceMinor?: number | undefined;
    readonly count?: number | undefined;
    readonly by: Person;
    readonly why: string;
  }): Trip {
    const { admit, contents } = this.#context;
    const trip = admit('item.override');
    requireStaff('item.override', args.by);
    const line = heldLine(trip, args.line);
    const { priceMinor, count, by, why } = args;
    if ((priceMinor === undefined) === (count === undefined)) {
      throw new BasketError('CW-BSK-015', `line ${line.line} needs either priceMinor or count`);
    }
    const said = { line: line.line, by, why };
    if (priceMinor !== undefined) {
      const id = this.#tellOverride(trip, {
        ...said,
        what: 'price',
        before: line.priceMinor,
        after: priceMinor,
      });
      contents.replace(trip, id, repriced(line, priceMinor));
    } else if (count !== undefined) {
      const id = this.#tellOverride(trip, { ...said, what: 'count', before: line.count, after: count });
      contents.change(trip, id, line, count - line.count);
    }
    return trip;
  }

  /**
   * Staff says what a question was about: told first, then done by `settle`. Throws CW-BSK-013, and 015 for a question
   * that this trip doesn't have.
   */
  settleQuestion(
    args: { readonly event: string; readonly by: Person; readonly why: string },
    settle: () => void,
  ): void {
    const trip = this.#context.admit('item.override');
    requireStaff('item.override', args.by);
    if (!trip.questions.includes(args.event)) {
      throw new BasketError('CW-BSK-015', `no question ${args.event} is open; it may have been settled`);
    }
    this.#tellOverride(trip, { ...args, what: 'item' });
    settle();
  }

  /** Puts on record who set something, before it is set. */
  #tellOverride(trip: Trip, data: Omit<EventData<'basket.overridden'>, 'revision'>): string {
    const { emit } = this.#context;
    return emit({
      type: 'basket.overridden',
      data: { ...data, revision: trip.revision },
      session: trip.session,
    });
  }
}

function couponOutcome(
  trip: Trip,
  found: { readonly coupon?: string; readonly validFrom?: string; readonly validTo?: string } | undefined,
  code: string,
): CouponOutcome {
  if (found === undefined) return 'unknown';
  if (trip.coupons.some((one) => plainCode(one.code) === plainCode(code))) return 'repeated';
  return isInSeason(found, trip.day) ? 'accepted' : 'not-in-force';
}

function requireUnits(line: Line, units: number, most: number): void {
  if (units <= most) return;
  throw new BasketError('CW-BSK-015', `line ${line.line} has ${most} units, not ${units}`);
}
