import type { Catalogue } from '#catalogue/products.ts';
import type { BasketConfig } from '#config/basket.ts';
import type { EventData } from '#events/catalog.ts';
import type { CartEvent } from '#events/event.ts';
import { Checkout, type Settled } from './checkout.ts';
import { type BasketDraft, Contents } from './contents.ts';
import { type BasketContext, hash } from './context.ts';
import { BasketError } from './errors.ts';
import { movesGoods, restsOnEarlier, takeEvent } from './item-events.ts';
import type { LineRecord } from './lines.ts';
import { MovementWatch } from './movements.ts';
import { receivedLines } from './received.ts';
import { Service } from './service.ts';
import { type BasketSnapshot, snapshotOf } from './snapshot.ts';
import type { FullTotals } from './totals.ts';
import { admit, type BasketStateName, type GuardedCommand } from './transitions.ts';
import { beginTrip, type Person, restoreTrip, type SavedTrip, saveTrip, type Trip } from './trip.ts';
import { afterPayment, whileSuspended } from './watchfulness.ts';

export interface BasketState {
  readonly version: 1;
  /** Sessions opened on this ledger so far; part of the derived session id. */
  readonly sessions: number;
  readonly open?: SavedTrip;
  /** Settlements that were taken lately. */
  readonly settled?: readonly Settled[];
}

export interface BasketOptions {
  readonly catalogue: Catalogue;
  readonly config: BasketConfig;
  /** Makes a draft an event and returns its id. */
  readonly emit: (draft: BasketDraft) => string;
  /** Keeps session ids of different ledgers apart; the ledger's id in the daemon. */
  readonly salt: string;
  /** Monotonic time of what is happening, µs. */
  readonly nowUs: () => number;
  /** Today where the store is, YYYY-MM-DD; undefined while the clock is unset. */
  readonly today: () => string | undefined;
  /** How long after a movement has settled it may still be decided on, µs. */
  readonly decideWithinUs: number;
  readonly state?: BasketState | undefined;
  /** Added to every time of `state`. */
  readonly rebaseUs?: number;
}

export type { BasketSnapshot } from './snapshot.ts';
export type { Totals } from './totals.ts';

/** How a session begins. */
export interface Opening {
  readonly by: EventData<'basket.opened'>['by'];
  readonly token?: string | undefined;
  readonly loyalty?: boolean | undefined;
  readonly causes?: readonly string[];
}

const usPerMinute = 60_000_000;

/** One cart's basket: at most one trip, its lines, its state, its checkout. See docs/design.md, Basket and checkout. */
export class Basket {
  readonly #options: BasketOptions;
  readonly #context: BasketContext & { catalogue: Catalogue };
  readonly #movements: MovementWatch;
  readonly checkout: Checkout;
  readonly service: Service;
  #sessions: number;
  #trip: Trip | undefined;
  /** A person's answer is being carried out: what comes of it is no movement of goods. */
  #answering = false;

  constructor(options: BasketOptions) {
    this.#options = options;
    const { state, catalogue, config, emit, salt, nowUs } = options;
    if (state !== undefined && state.version !== 1) {
      throw new BasketError(
        'CW-BSK-003',
        `the saved basket is of version ${state.version}, this software reads version 1; install the software that wrote it`,
      );
    }
    // All parts read the catalogue from here: it is another one where the store has a new one.
    const shop = { catalogue };
    const contents = new Contents({ shop, config, emit });
    const admit = (command: GuardedCommand) => this.#admit(command);
    this.#context = Object.assign(shop, { contents, salt, emit, nowUs, admit });
    this.checkout = new Checkout(this.#context, state?.settled ?? []);
    this.service = new Service(this.#context);
    this.#sessions = state?.sessions ?? 0;
    this.#movements = new MovementWatch(options.decideWithinUs);
    if (state?.open !== undefined) {
      this.#trip = restoreTrip(state.open, nowUs(), options.rebaseUs ?? 0);
      // What moved while nobody looked is found out first.
      this.#movements.settled(nowUs());
    }
  }

  /** Derived id of the session; undefined without one, and once it is paid. */
  get session(): string | undefined {
    return this.#trip?.state === 'paid' ? undefined : this.#trip?.session;
  }

  /** Revision of the basket; 0 without one. */
  get revision(): number {
    return this.#trip?.revision ?? 0;
  }

  get state(): BasketStateName {
    return this.#trip?.state ?? 'none';
  }

  /** Keys of products that are in the basket. */
  products(): readonly string[] {
    return (this.#trip?.lines ?? []).flatMap(({ count, product }) => (count > 0 ? product : []));
  }

  /** From now on lines are made by another catalogue; those that are there keep what they were made with. */
  replaceCatalogue(catalogue: Catalogue): void {
    this.#context.catalogue = catalogue;
  }

  /** Changes whenever a snapshot would. */
  get mark(): string {
    const trip = this.#trip;
    if (trip === undefined) return '';
    const moving = trip.state === 'checkout' && this.isMoving;
    return `${trip.session}/${trip.revision}${moving ? '/moving' : ''}`;
  }

  /** Something is being put in or taken out, or may still be decided on. */
  get isMoving(): boolean {
    return this.#movements.isMoving(this.#options.nowUs());
  }

  /** True where `token` is the one that opened this trip. */
  isOpenedBy(token: string): boolean {
    return this.#trip !== undefined && this.#trip.tokenHash === this.#tokenHash(token);
  }

  #tokenHash(token: string): string {
    return hash('token', this.#options.salt, token);
  }

  /** The refusal of a command in this state, thrown before anything is done for it. */
  guard(command: GuardedCommand): void {
    admit(command, this.state);
  }

  #admit(command: GuardedCommand): Trip {
    admit(command, this.state);
    const trip = this.#trip;
    if (trip === undefined) throw new BasketError('CW-BSK-002', `${command} needs a session (session.begin)`);
    this.#touch(trip);
    return trip;
  }

  /** Something happened: an open trip is not forgotten. The day counts from when the clock is known. */
  #touch(trip: Trip): void {
    if (trip.state === 'open') trip.sinceUs = this.#options.nowUs();
    trip.day ??= this.#options.today();
  }

  /** A scan, or another sign that somebody is there. */
  touch(): void {
    if (this.#trip !== undefined) this.#touch(this.#trip);
  }

  /** Opens a session. The token itself is never kept. Throws CW-BSK-001 while one is open. */
  open({ by, token, loyalty, causes = [] }: Opening): string {
    const trip = this.#begin('session.begin', token, loyalty);
    this.#emitOpened(trip, { by }, causes);
    return trip.session;
  }

  #begin(command: 'session.begin' | 'basket.receive', token: string | undefined, loyalty = false): Trip {
    admit(command, this.state);
    this.#sessions += 1;
    // Not of the token: a short one could be found again by trying them all.
    const session = hash('session', this.#options.salt, String(this.#sessions));
    const trip = beginTrip(session, token === undefined ? '' : this.#tokenHash(token), this.#options.nowUs());
    trip.loyalty = loyalty;
    trip.day = this.#options.today();
    this.#trip = trip;
    return trip;
  }

  #emitOpened(
    trip: Trip,
    how: Pick<EventData<'basket.opened'>, 'by' | 'from' | 'fromSession'>,
    causes: readonly string[],
  ): void {
    const { currency } = this.#context.catalogue;
    const loyalty = trip.loyalty ? { loyalty: true } : {};
    this.#options.emit({
      type: 'basket.opened',
      data: { session: trip.session, currency, ...how, ...loyalty },
      session: trip.session,
      causes,
    });
  }

  /** Opens a session with the lines of another cart. Throws CW-BSK-001 and 016. */
  receive(args: {
    readonly from: string;
    readonly session: string;
    readonly lines: readonly LineRecord[];
    readonly token?: string | undefined;
    readonly loyalty?: boolean | undefined;
  }): string {
    admit('basket.receive', this.state);
    const lines = receivedLines(args.lines, this.#context.catalogue);
    const trip = this.#begin('basket.receive', args.token, args.loyalty);
    this.#emitOpened(trip, { by: 'transfer', from: args.from, fromSession: args.session }, []);
    this.#context.contents.receive(trip, lines);
    return trip.session;
  }

  /** Ends the session without payment, or the watch after it. Throws CW-BSK-002 without one, 004 in a checkout. */
  close(): BasketSnapshot {
    const trip = this.#admit('session.end');
    const last = this.#snapshot(trip);
    if (trip.state !== 'paid') {
      trip.revision += 1;
      this.#options.emit({
        type: 'basket.closed',
        data: {
          session: trip.session,
          revision: trip.revision,
          totals: last.totals,
          lines: last.lines,
          unsettled: [...trip.questions],
          outcome: last.lines.length === 0 && trip.questions.length === 0 ? 'empty' : 'unpaid',
          coupons: [...trip.coupons],
          asked: [...trip.asked],
        },
        session: trip.session,
      });
    }
    this.#trip = undefined;
    return last;
  }

  suspend(by: Person | undefined): number {
    const trip = this.#admit('basket.suspend');
    if (trip.state === 'suspended') return trip.revision;
    trip.state = 'suspended';
    trip.sinceUs = this.#options.nowUs();
    trip.revision += 1;
    const data = { revision: trip.revision, ...(by === undefined ? {} : { by }) };
    this.#options.emit({ type: 'basket.suspended', data, session: trip.session });
    return trip.revision;
  }

  /** Goes on with a suspended trip. Throws CW-BSK-012 for another token, or none where one opened it and no staff asks. */
  resume(args: {
    readonly token?: string | undefined;
    readonly by?: Person | undefined;
    readonly causes?: readonly string[];
  }): Trip {
    const trip = this.#admit('basket.resume');
    const { token, by, causes = [] } = args;
    const isStaff = by?.role === 'staff' && by.who !== undefined;
    const isHers = trip.tokenHash === '' || (token !== undefined && this.isOpenedBy(token));
    if (!isStaff && !isHers) {
      throw new BasketError('CW-BSK-012', 'the token is not the one that opened this session; scan that one');
    }
    if (trip.state !== 'suspended') return trip;
    trip.state = 'open';
    trip.sinceUs = this.#options.nowUs();
    trip.revision += 1;
    this.#options.emit({
      type: 'basket.resumed',
      data: { revision: trip.revision, ...(by === undefined ? {} : { by }) },
      session: trip.session,
      causes,
    });
    return trip;
  }

  /** Ends the session here and hands its lines over; an attempt that is open ends with it. */
  transfer(to: string, by: Person | undefined): BasketSnapshot {
    const trip = this.#admit('basket.transfer');
    this.checkout.reopen(trip, 'cancelled', by);
    const last = this.#snapshot(trip);
    trip.revision += 1;
    this.#options.emit({
      type: 'basket.transferred',
      data: {
        revision: trip.revision,
        to,
        session: trip.session,
        totals: last.totals,
        lines: last.lines,
        asked: [...trip.asked],
        ...(by === undefined ? {} : { by }),
        ...this.#context.contents.taxTerms(),
      },
      session: trip.session,
    });
    this.#trip = undefined;
    return last;
  }

  /** Gives the trip up. */
  abandon(reason: EventData<'basket.abandoned'>['reason'], by: Person | undefined): BasketSnapshot {
    const trip = this.#admit('basket.abandon');
    const last = this.#snapshot(trip);
    trip.revision += 1;
    const { session, revision } = trip;
    const { totals, lines } = last;
    this.#options.emit({
      type: 'basket.abandoned',
      data: { session, revision, reason, totals, lines, ...(by === undefined ? {} : { by }) },
      session,
    });
    this.#trip = undefined;
    return { ...last, revision };
  }

  help(over: boolean, by: Person | undefined): void {
    this.service.help(this.#trip, over, by);
  }

  /** The shopper says that what was asked about is none of the store's goods: the store may want to look. */
  declared(question: string, by: Person | undefined): void {
    const asked = this.#trip?.asked.find(({ event }) => event === question);
    if (asked === undefined || asked.massMg <= 0) return;
    this.#options.emit({
      type: 'basket.alert',
      data: {
        kind: 'declared',
        massMg: asked.massMg,
        plate: asked.plate,
        event: question,
        blocking: false,
        ...(by === undefined ? {} : { by }),
      },
      session: this.#trip?.session,
    });
  }

  /** Carries out a person's answer: what comes of it ends no checkout attempt. */
  answering<T>(work: () => T): T {
    this.#answering = true;
    try {
      return work();
    } finally {
      this.#answering = false;
    }
  }

  /** A plate is touched, or at rest again. */
  activity(plate: string, isOpen: boolean): void {
    this.#movements.activity(plate, isOpen, this.#options.nowUs());
  }

  /** A movement has settled: it is about to be decided on. */
  moved(massMg: number): void {
    this.#movements.settled(this.#options.nowUs());
    if (this.#trip?.state === 'paid' && massMg < 0) this.#trip.awayMg -= massMg;
  }

  /** Takes an item event into the ledger of lines. Goods put in without a session are said once per event, as `basket.alert`. */
  apply(event: CartEvent): void {
    const trip = this.#trip;
    if (trip === undefined || trip.state === 'paid') {
      afterPayment(trip, event, this.#options);
      return;
    }
    this.#touch(trip);
    const isAnswer = this.#answering || restsOnEarlier(event, trip.sinceUs, this.isMoving);
    const isOfGoods = movesGoods(event) && !isAnswer;
    if (isOfGoods && trip.state === 'checkout') this.#interrupt(trip, event);
    if (isOfGoods && trip.state === 'suspended') whileSuspended(trip, event, this.#options);
    takeEvent(trip, event, this.#context);
  }

  /** Goods move while the shopper pays: what was to be paid is no longer what is in the cart. */
  #interrupt(trip: Trip, event: CartEvent): void {
    const { massMg, plate } = event.data as Partial<EventData<'item.added'>>;
    const id = this.#options.emit({
      type: 'basket.alert',
      data: {
        kind: 'during-payment',
        event: event.id,
        blocking: true,
        ...(massMg === undefined ? {} : { massMg }),
        ...(plate === undefined ? {} : { plate }),
      },
      session: trip.session,
      causes: [event.id],
    });
    this.checkout.reopen(trip, 'movement', undefined, undefined, [id]);
  }

  /** When time alone changes the basket next, µs. */
  nextDeadlineUs(): number {
    const trip = this.#trip;
    if (trip === undefined) return Number.POSITIVE_INFINITY;
    const { config } = this.#options;
    const minutes = {
      open: config.abandonMinutes,
      suspended: config.suspendMinutes,
      checkout: config.checkoutMinutes,
      paid: config.leaveMinutes,
    }[trip.state];
    return trip.sinceUs + minutes * usPerMinute;
  }

  /** Whether nobody has come back for so long that the trip is to be given up (`abandon`). */
  isForgotten(nowUs: number): boolean {
    const { state } = this;
    return (state === 'open' || state === 'suspended') && nowUs >= this.nextDeadlineUs();
  }

  /** Lets time pass: an attempt that nobody settles ends, and so does the watch after payment. */
  advance(nowUs: number): void {
    const trip = this.#trip;
    if (trip === undefined || nowUs < this.nextDeadlineUs()) return;
    if (trip.state === 'checkout') this.checkout.reopen(trip, 'time');
    if (trip.state === 'paid') this.#trip = undefined;
  }

  /** The basket as it stands, for the retained topic; undefined without one. */
  snapshot(ledger: string, sequence: number): BasketSnapshot | undefined {
    return this.#trip === undefined ? undefined : { ...this.#snapshot(this.#trip), ledger, sequence };
  }

  #snapshot(trip: Trip): BasketSnapshot {
    return snapshotOf(trip, this.totals(), this.isMoving);
  }

  totals(): FullTotals {
    return this.#context.contents.totals(this.#trip ?? { lines: [], questions: [] });
  }

  saveState(): BasketState {
    const { settled } = this.checkout;
    return {
      version: 1,
      sessions: this.#sessions,
      ...(this.#trip === undefined ? {} : { open: saveTrip(this.#trip) }),
      ...(settled.length === 0 ? {} : { settled }),
    };
  }
}
