import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import { isKnown } from '#events/codec.ts';
import type { AnyEvent, EventOf } from '#events/event.ts';
import type { PlainMap } from '#events/fields.ts';
import { type Asking, refusalText } from './asking.ts';
import type { Book } from './book.ts';
import { StoreError } from './errors.ts';
import type { Floor } from './floor.ts';
import type { Payment, Sale } from './records.ts';
import {
  afterAnswer,
  nextStep,
  passes,
  type TillPolicy,
  type TillRequest,
  type TillStep,
  type Wish,
} from './till.ts';

/** What the till tells people. */
export type Told =
  | { readonly kind: 'sale'; readonly sale: Sale }
  | { readonly kind: 'payment'; readonly payment: Payment }
  | { readonly kind: 'receipt'; readonly device: string; readonly closed: EventOf<'basket.closed'>['data'] }
  | { readonly kind: 'trouble'; readonly device: string; readonly message: string };

interface CounterOptions {
  /** The till's own name. */
  readonly till: string;
  readonly policy: TillPolicy;
  readonly book: Book;
  readonly floor: Floor;
  readonly asking: Asking;
  readonly clock: Clock;
  readonly tell: (told: Told) => void;
}

/** A cart that refused for now, or did not answer, is asked again after this. */
const againUs = 1_000_000;
/** The same trouble with the same cart is told again after this, if it lasts. */
const toldAgainUs = 60_000_000;

/** Where carts are paid: one step after the other for each, every payment in the book before the cart hears of it. */
export class Counter {
  readonly #options: CounterOptions;
  readonly #wishes = new Map<string, Wish & { readonly checkout: string }>();
  /** Carts with which something is under way. */
  readonly #busy = new Set<string>();
  readonly #cancels = new Map<string, () => void>();
  /** Revisions that carts have answered with: a snapshot from before would have the same thing done twice. */
  readonly #awaited = new Map<string, number>();
  /** What was told last of each cart, and when, µs. */
  readonly #troubles = new Map<string, { readonly message: string; readonly atUs: number }>();
  #stopped = false;

  constructor(options: CounterOptions) {
    this.#options = options;
  }

  /** Goes on with what an earlier run left: payments that no cart has answered. */
  start(): void {
    for (const { device } of this.#options.book.openPayments()) this.look(device);
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#cancels.values()) cancel();
  }

  /** What this cart waits for. */
  step(device: string): TillStep | undefined {
    const { till, policy, book, floor } = this.#options;
    const basket = floor.get(device)?.basket;
    const open = book.openPayments().find((payment) => payment.device === device);
    const checkout = open?.checkout ?? basket?.checkout?.checkout;
    if (checkout === undefined) return undefined;
    const wish = this.#wishes.get(device);
    const isStale = open === undefined && (basket?.revision ?? 0) < (this.#awaited.get(checkout) ?? 0);
    if (isStale) return undefined;
    return nextStep(
      till,
      device,
      basket,
      book.paymentsOf(checkout),
      policy,
      wish?.checkout === checkout ? wish : {},
    );
  }

  /** Looks what is to be done for a cart, and does it. */
  look(device: string): void {
    if (this.#stopped || this.#busy.has(device)) return;
    const step = this.step(device);
    if (step === undefined || step.kind === 'wait') return;
    this.#cancels.get(device)?.();
    this.#busy.add(device);
    this.#do(device, step).then(
      (done) => this.#done(device, done),
      (error: unknown) => {
        this.#trouble(device, describeError(error));
        this.#done(device, false);
      },
    );
  }

  /** What a person wants done with a basket that waits. Throws CW-STO-004. */
  wish(device: string, wish: Wish): void {
    const checkout = this.#options.floor.get(device)?.basket?.checkout?.checkout;
    if (checkout === undefined) {
      throw new StoreError(
        'CW-STO-004',
        `${device} is not at the till: its shopper has not begun to pay; take its basket over with: take ${device}`,
      );
    }
    const before = this.#wishes.get(device);
    const kept: Wish = before?.checkout === checkout ? before : {};
    const prices = new Map([...(kept.prices ?? []), ...(wish.prices ?? [])]);
    this.#wishes.set(device, { ...kept, ...wish, checkout, prices });
    this.look(device);
  }

  /** What the ledger says of payments: it has the last word. */
  happened(device: string, event: AnyEvent): void {
    if (!isKnown(event)) return;
    const { book, tell } = this.#options;
    if (event.type === 'basket.paid') this.#paid(device, event);
    else if (event.type === 'basket.reopened') {
      const open = book.paymentsOf(event.data.checkout).find(({ state }) => state === 'authorized');
      if (open !== undefined) {
        const isDeclined = open.outcome === 'declined' && event.data.reference === open.reference;
        this.#end(
          open,
          isDeclined ? 'declined' : 'voided',
          `the cart went on shopping (${event.data.reason})`,
        );
      }
    } else if (event.type === 'basket.closed' && event.data.outcome === 'paid') {
      tell({ kind: 'receipt', device, closed: event.data });
    }
  }

  #paid(device: string, { data }: EventOf<'basket.paid'>): void {
    const { book, floor } = this.#options;
    const { reference, checkout, revision, totalMinor } = data;
    const known = book.payment(reference);
    if (known?.state === 'authorized') {
      this.#end(known, 'captured');
      return;
    }
    if (known?.state === 'captured') return;
    const why = known === undefined ? 'told by the cart alone' : `the book had it as ${known.state}`;
    this.#trouble(
      device,
      `CW-STO-008 the cart has payment ${reference} of ${totalMinor} minor units as paid: ${why}; see which till took it`,
    );
    if (known !== undefined) return;
    const currency = floor.get(device)?.basket?.totals.currency ?? '';
    const payment: Payment = {
      reference,
      device,
      checkout,
      revision,
      totalMinor,
      currency,
      outcome: 'paid',
      state: 'captured',
      why,
    };
    book.addPayment(payment);
    this.#options.tell({ kind: 'payment', payment });
  }

  async #do(device: string, step: TillRequest): Promise<boolean> {
    const { book } = this.#options;
    const attempt = this.#options.floor.get(device)?.basket?.checkout;
    switch (step.kind) {
      case 'authorize':
        book.addPayment(step.payment);
        this.#options.tell({ kind: 'payment', payment: step.payment });
        return await this.#settle(step.payment);
      case 'settle':
        return await this.#settle(step.payment);
      case 'price': {
        const args = {
          checkout: attempt?.checkout ?? '',
          revision: attempt?.revision ?? 0,
          lines: step.lines,
        };
        const asked = await this.#ask(device, 'checkout.price', args as PlainMap);
        // What was typed and refused is not asked for ever.
        if (asked === 'refused') this.#wishes.delete(device);
        return asked === 'done';
      }
      case 'approve':
        return (await this.#ask(device, 'basket.approve', { age: step.age, by: this.#by() })) === 'done';
    }
  }

  /** Says no to an age: the approval is refused on the cart, and its shopper goes on shopping without these goods. */
  async refuse(device: string): Promise<void> {
    const basket = this.#options.floor.get(device)?.basket;
    const age = basket?.approvals?.[0]?.minimumAge;
    if (basket?.checkout === undefined || age === undefined) {
      throw new StoreError('CW-STO-004', `${device} does not wait for an age to be checked`);
    }
    await this.#ask(device, 'basket.approve', { age, outcome: 'refused', by: this.#by() });
    await this.#ask(device, 'checkout.cancel', { checkout: basket.checkout.checkout, by: this.#by() });
  }

  /** Somebody came to help. */
  async helped(device: string): Promise<void> {
    await this.#ask(device, 'basket.help', { over: true, by: this.#by() });
  }

  #by(): PlainMap {
    return this.#options.asking.by(this.#options.till);
  }

  async #settle(payment: Payment): Promise<boolean> {
    const { reference, device, checkout, revision, totalMinor, outcome } = payment;
    const args = { checkout, revision, totalMinor, outcome, reference };
    const answer = await this.#options.asking.ask(device, 'checkout.settle', args);
    if (answer === undefined) return false;
    const state = afterAnswer(payment, answer);
    if (state === undefined) {
      // It is asked again until it is answered otherwise: people have to know what for.
      if (answer.status === 'refused' && !passes(answer.code)) {
        this.#trouble(device, `checkout.settle was refused: ${refusalText(answer)}`);
      }
      return false;
    }
    this.#end(payment, state, answer.status === 'refused' ? `${answer.code} ${answer.message}` : undefined);
    // A wish to pay was for what the basket came to then.
    const wish = this.#wishes.get(device);
    if (state === 'voided' && wish?.pay === true) {
      const { pay: _, ...rest } = wish;
      this.#wishes.set(device, rest);
    }
    return state !== 'voided';
  }

  #end(payment: Payment, state: 'captured' | 'declined' | 'voided', why?: string): void {
    const { book, tell } = this.#options;
    if (!book.endPayment(payment.reference, state, why)) return;
    tell({ kind: 'payment', payment: { ...payment, state, ...(why === undefined ? {} : { why }) } });
  }

  /** Whether it was done; what is refused is told, unless it passes by itself. */
  async #ask(device: string, command: string, args: PlainMap): Promise<'done' | 'refused' | 'unknown'> {
    const answer = await this.#options.asking.ask(device, command, args);
    if (answer === undefined) {
      this.#trouble(device, `${command} was not answered; it is asked again`);
      return 'unknown';
    }
    if (answer.status === 'refused') {
      this.#trouble(device, `${command} was refused: ${refusalText(answer)}`);
      return answer.doubtful === true ? 'unknown' : 'refused';
    }
    const { revision } = answer.data;
    const checkout = this.#options.floor.get(device)?.basket?.checkout?.checkout;
    if (checkout !== undefined && typeof revision === 'number') this.#awaited.set(checkout, revision);
    return 'done';
  }

  /** What was done shows in the next snapshot, which may be here already; what was not is tried again after a while. */
  #done(device: string, isDone: boolean): void {
    this.#busy.delete(device);
    if (this.#stopped) return;
    this.#cancels.get(device)?.();
    if (isDone) this.look(device);
    else
      this.#cancels.set(
        device,
        this.#options.clock.after(againUs, () => this.look(device)),
      );
  }

  #trouble(device: string, message: string): void {
    const atUs = this.#options.clock.nowUs();
    const before = this.#troubles.get(device);
    if (before?.message === message && atUs - before.atUs < toldAgainUs) return;
    this.#troubles.set(device, { message, atUs });
    this.#options.tell({ kind: 'trouble', device, message });
  }
}
