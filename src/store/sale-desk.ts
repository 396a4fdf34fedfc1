import { randomUUID } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import { isKnown } from '#events/codec.ts';
import type { AnyEvent, EventOf } from '#events/event.ts';
import { type Asking, refusalText } from './asking.ts';
import type { Book } from './book.ts';
import type { Told } from './counter.ts';
import { StoreError } from './errors.ts';
import type { Floor } from './floor.ts';
import type { Sale, SaleContent } from './records.ts';
import { needsOf, withPolicy } from './sales.ts';
import type { TillPolicy } from './till.ts';

interface SaleDeskOptions {
  readonly till: string;
  readonly policy: TillPolicy;
  readonly book: Book;
  readonly floor: Floor;
  readonly asking: Asking;
  readonly clock: Clock;
  readonly tell: (told: Told) => void;
}

/** A cart that did not answer is asked again after this; its request is then answered as the first time. */
const againUs = 5_000_000;

/** Baskets that are taken over from carts and paid at the till itself. */
export class SaleDesk {
  readonly #options: SaleDeskOptions;
  readonly #cancels = new Set<() => void>();
  #stopped = false;

  constructor(options: SaleDeskOptions) {
    this.#options = options;
  }

  /** Goes on with what an earlier run left. */
  start(): void {
    const { book } = this.#options;
    for (const sale of book.sales('asked')) this.#ask(sale);
    for (const sale of book.sales('open')) this.#goOn(sale);
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#cancels) cancel();
  }

  /** Takes a cart's basket to the till. Throws CW-STO-004 where there is none that could be taken. */
  take(device: string): void {
    const { book, floor } = this.#options;
    const basket = floor.get(device)?.basket;
    if (basket === undefined || basket.state === 'paid' || basket.state === 'closed') {
      throw new StoreError('CW-STO-004', `${device} has no basket that could be taken to the till`);
    }
    if (book.openPayments().some((payment) => payment.device === device)) {
      throw new StoreError('CW-STO-004', `${device} is being paid; take its basket when that is settled`);
    }
    if (book.sales('asked').some((sale) => sale.device === device)) return;
    this.#ask(book.beginSale(device, randomUUID()));
  }

  /** What a person does with a sale. Throws CW-STO-004 or -005. */
  change(
    number: number,
    changes: { readonly prices?: ReadonlyMap<number, number>; readonly age?: true },
  ): void {
    const { book } = this.#options;
    const { content } = this.#open(number);
    const unpriced = new Set(
      content.lines.filter(({ priceStatus }) => priceStatus !== 'final').map(({ line }) => line),
    );
    for (const line of changes.prices?.keys() ?? []) {
      if (!unpriced.has(line)) {
        throw new StoreError('CW-STO-005', `line ${line} of sale ${number} is not one that the till prices`);
      }
    }
    const prices = [...(changes.prices ?? [])].map(([line, price]) => [String(line), price] as const);
    const { age } = needsOf(content);
    book.changeSale(number, {
      state: 'open',
      content: {
        ...content,
        prices: { ...content.prices, ...Object.fromEntries(prices) },
        approvedAge: changes.age === true && age !== undefined ? age : content.approvedAge,
      },
    });
    const sale = book.sale(number);
    if (sale !== undefined) this.#goOn(sale);
  }

  /** Takes the money. Throws CW-STO-004 where it can't be paid yet. */
  pay(number: number): void {
    const { content } = this.#open(number);
    const { unpriced, age } = needsOf(content);
    if (unpriced.length > 0) {
      throw new StoreError('CW-STO-004', `lines ${unpriced.join(', ')} of sale ${number} have no price yet`);
    }
    if (age !== undefined) throw new StoreError('CW-STO-004', `sale ${number} needs a buyer of ${age} years`);
    this.#paid(number);
  }

  /** A cart has handed its basket over: by this till's request, or by its own. */
  happened(device: string, event: AnyEvent): void {
    if (!isKnown(event) || event.type !== 'basket.transferred' || event.data.to !== this.#options.till)
      return;
    const { book } = this.#options;
    const session = event.data.session ?? event.session ?? event.id;
    if (book.saleOf(device, session) !== undefined) return;
    const asked = book.sales('asked').find((sale) => sale.device === device);
    const sale = asked ?? book.beginSale(device, event.id);
    book.changeSale(sale.number, { state: 'open', session, content: contentOf(event) });
    const open = book.sale(sale.number);
    if (open !== undefined) this.#goOn(open);
  }

  #open(number: number): { readonly content: SaleContent } {
    const sale = this.#options.book.sale(number);
    if (sale?.state === 'open' && sale.content !== undefined) return { content: sale.content };
    throw new StoreError('CW-STO-004', `sale ${number} is ${sale === undefined ? 'not known' : sale.state}`);
  }

  #goOn(sale: Sale): void {
    const { policy, book } = this.#options;
    if (sale.content === undefined) return;
    const content = withPolicy(sale.content, policy);
    book.changeSale(sale.number, { state: 'open', content });
    this.#told(sale.number);
    const { unpriced, age } = needsOf(content);
    if (policy.pay === 'auto' && unpriced.length === 0 && age === undefined) this.#paid(sale.number);
  }

  #paid(number: number): void {
    const { till, book } = this.#options;
    if (book.changeSale(number, { state: 'paid', reference: `${till}-sale-${number}` })) this.#told(number);
  }

  #told(number: number): void {
    const sale = this.#options.book.sale(number);
    if (sale !== undefined) this.#options.tell({ kind: 'sale', sale });
  }

  #ask(sale: Sale): void {
    const { asking, till, book, tell } = this.#options;
    const { device, number, transaction } = sale;
    const args = { to: till, by: asking.by(till) };
    void asking.ask(device, 'basket.transfer', args, transaction).then((answer) => {
      // The event has the lines; it comes even where the answer was lost.
      if (answer?.status === 'done' || book.sale(number)?.state !== 'asked') return;
      if (answer === undefined || answer.doubtful === true) {
        if (answer?.status === 'refused') {
          tell({
            kind: 'trouble',
            device,
            message: `its basket was not handed over: ${refusalText(answer)}`,
          });
        }
        if (!this.#stopped) this.#later(() => this.#ask(sale));
        return;
      }
      const why = `${answer.code} ${answer.message}`;
      book.changeSale(number, { state: 'refused', why });
      tell({ kind: 'trouble', device, message: `its basket can't be taken: ${why}` });
      this.#told(number);
    });
  }

  #later(action: () => void): void {
    const cancel = this.#options.clock.after(againUs, () => {
      this.#cancels.delete(cancel);
      action();
    });
    this.#cancels.add(cancel);
  }
}

function contentOf({ data }: EventOf<'basket.transferred'>): SaleContent {
  const { taxIncluded: included, depositsTaxed } = data;
  const nothing = { currency: '', finalMinor: 0, estimateMinor: 0, atTill: 0, items: 0, open: 0 };
  return {
    lines: data.lines ?? [],
    totals: data.totals ?? nothing,
    ...(included === undefined || depositsTaxed === undefined ? {} : { taxes: { included, depositsTaxed } }),
    asked: data.asked?.length ?? 0,
    prices: {},
    approvedAge: 0,
  };
}
