import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import { RateLimit } from '#base/rate-limit.ts';
import { encodeRecord } from '#events/codec.ts';
import type { AnyEvent } from '#events/event.ts';
import { eventId } from '#events/ledger.ts';
import { ackPayload } from '#events/mqtt-payloads.ts';
import { readEventPayload } from '#events/payload.ts';
import type { PrivateKey } from '#identity/keys.ts';
import { devicePrefix, parseTopic } from '#uplink/topics.ts';
import { Asking, type Publish } from './asking.ts';
import type { Book } from './book.ts';
import { Counter, type Told } from './counter.ts';
import { StoreError } from './errors.ts';
import { Floor } from './floor.ts';
import { SaleDesk } from './sale-desk.ts';
import type { TillPolicy, TillStep } from './till.ts';
import { readPrice, type TypedWork } from './typed.ts';

/** What people see of a running store, beside the till's own words. */
export type Heard = Told | { readonly kind: 'event'; readonly device: string; readonly event: AnyEvent };

interface StoreOptions {
  readonly store: string;
  /** The till's own name. */
  readonly till: string;
  readonly policy: TillPolicy;
  readonly book: Book;
  readonly clock: Clock;
  readonly publish: Publish;
  readonly tell: (heard: Heard) => void;
  /** Whether it is the one consumer whose `ack` lets devices forget. */
  readonly acknowledges: boolean;
  /** Signs what is asked of devices; left out, nothing is signed. */
  readonly key?: PrivateKey | undefined;
}

/** So many events go into one `ack`, as far as they come within this, µs. */
const ackEveryUs = 100_000;
/**
 * A device sends what was not acknowledged again after 15 minutes at most. So long a book that meets its ledger in the middle
 * waits for what came before, which an acknowledgement would have the device forget.
 */
const earlierComesWithinUs = 20 * 60_000_000;

/** A store runs for months: what its book need not keep any longer leaves it every hour. */
const forgetEveryUs = 3_600_000_000;

/** The other side of the contract: keeps the ledgers of all devices, acknowledges them, and has a till. */
export class Store {
  readonly floor = new Floor();
  readonly counter: Counter;
  readonly sales: SaleDesk;
  readonly #options: StoreOptions;
  readonly #asking: Asking;
  readonly #strange: RateLimit;
  /** Ledger of each device whose acknowledgement is due. */
  readonly #due = new Map<string, string>();
  #cancelAck: (() => void) | undefined;
  #cancelForgetting: (() => void) | undefined;
  /** Ends waiting for the earlier events of a ledger, by device and ledger. */
  readonly #earlier = new Map<string, () => void>();
  /** What is said while an event is being taken: people hear of it when it is on the disk. */
  #held: Heard[] | undefined;

  constructor(options: StoreOptions) {
    this.#options = options;
    const { store, till, policy, book, clock, publish, key } = options;
    const tell = (heard: Heard) => this.#tell(heard);
    this.#asking = new Asking(store, clock, publish, key);
    const parts = { till, policy, book, clock, tell, floor: this.floor, asking: this.#asking };
    this.counter = new Counter(parts);
    this.sales = new SaleDesk(parts);
    this.#strange = new RateLimit(10, 10);
  }

  /** What to subscribe to, QoS 1. */
  get topics(): readonly string[] {
    const all = `cw/1/${this.#options.store}/+`;
    return [`${all}/event/#`, `${all}/state`, `${all}/health`, `${all}/basket`, `${all}/response/#`];
  }

  /** Goes on with what an earlier run left. Call it once messages can be published. */
  start(): void {
    for (const { device, ledger } of this.#options.book.begunLater()) this.#awaitEarlier(device, ledger);
    this.#forgetAgain();
    this.counter.start();
    this.sales.start();
  }

  stop(): void {
    this.counter.stop();
    this.sales.stop();
    this.#asking.stop();
    for (const cancel of this.#earlier.values()) cancel();
    this.#cancelForgetting?.();
    this.#cancelAck?.();
    this.#acknowledge();
  }

  #forgetAgain(): void {
    const { book, clock } = this.#options;
    this.#cancelForgetting = clock.after(forgetEveryUs, () => {
      book.forgetOld();
      this.#forgetAgain();
    });
  }

  /**
   * Takes a message; it may be acknowledged to the broker when this has returned. What is no message of the contract is told
   * and passed over: anybody may publish. Throws SQLite's error where the book can't be written: then it may not be acknowledged.
   */
  take(topic: string, payload: Uint8Array): void {
    const parsed = parseTopic(topic);
    if (parsed === undefined || parsed.kind === 'store') return;
    const { device } = parsed.place;
    if (parsed.kind === 'event') {
      const event = this.#read(device, topic, () => ownEvent(readEventPayload(payload), parsed.place));
      if (event !== undefined) this.#happened(device, event, payload);
      return;
    }
    if (parsed.kind === 'response') {
      this.#read(device, topic, () => this.#asking.answered(device, payload));
      return;
    }
    if (parsed.kind !== 'state' && parsed.kind !== 'health' && parsed.kind !== 'basket') return;
    const { kind } = parsed;
    this.#read(device, topic, () => this.floor.said(device, kind, payload));
    if (kind === 'basket' || kind === 'state') this.counter.look(device);
  }

  /** Carries out what a person typed. Rejects with a coded StoreError. */
  async typed(typed: TypedWork): Promise<void> {
    const { on } = typed;
    const sale = /^\d+$/.test(on) ? Number(on) : undefined;
    switch (typed.what) {
      case 'pay':
        return sale === undefined ? this.counter.wish(on, { pay: true }) : this.sales.pay(sale);
      case 'approve':
        return sale === undefined
          ? this.counter.wish(on, { approve: true })
          : this.sales.change(sale, { age: true });
      case 'price': {
        const prices = new Map([[typed.line, readPrice(typed.price, this.#currency(on, sale))]]);
        return sale === undefined ? this.counter.wish(on, { prices }) : this.sales.change(sale, { prices });
      }
      case 'decline':
        return this.counter.wish(on, { decline: true });
      case 'refuse':
        return await this.counter.refuse(on);
      case 'take':
        return this.sales.take(on);
      case 'came':
        return await this.counter.helped(on);
    }
  }

  /** What a cart waits for at the till. */
  step(device: string): TillStep | undefined {
    return this.counter.step(device);
  }

  #currency(on: string, sale: number | undefined): string {
    const { book } = this.#options;
    const totals = sale === undefined ? this.floor.get(on)?.basket?.totals : book.sale(sale)?.content?.totals;
    if (totals === undefined) throw new StoreError('CW-STO-004', `there is no basket or sale ${on}`);
    return totals.currency;
  }

  #read<T>(device: string, topic: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      // A flood of nonsense must not drown the rest.
      if (this.#strange.admits(this.#options.clock.nowUs())) {
        this.#tell({ kind: 'trouble', device, message: `${topic}: ${describeError(error)}` });
      }
      return undefined;
    }
  }

  /** An event and all that the book makes of it are one write. */
  #happened(device: string, event: AnyEvent, payload: Uint8Array): void {
    const { book, acknowledges } = this.#options;
    const held: Heard[] = [];
    this.#held = held;
    try {
      book.atOnce(() => {
        if (!book.take(device, event, payload).isNew) return;
        this.floor.happened(device, event);
        this.counter.happened(device, event);
        this.sales.happened(device, event);
        held.unshift({ kind: 'event', device, event });
      });
    } finally {
      this.#held = undefined;
    }
    if (acknowledges) this.#owe(device, event.ledger);
    if (book.safe(device, event.ledger) === 0) this.#awaitEarlier(device, event.ledger);
    for (const heard of held) this.#tell(heard);
  }

  #tell(heard: Heard): void {
    if (this.#held !== undefined) this.#held.push(heard);
    else this.#options.tell(heard);
  }

  #awaitEarlier(device: string, ledger: string): void {
    const { book, clock, acknowledges } = this.#options;
    const key = `${device} ${ledger}`;
    if (!acknowledges || this.#earlier.has(key)) return;
    const cancel = clock.after(earlierComesWithinUs, () => {
      this.#earlier.delete(key);
      book.beginLater(device, ledger);
      this.#owe(device, ledger);
    });
    this.#earlier.set(key, cancel);
  }

  #owe(device: string, ledger: string): void {
    const other = this.#due.get(device);
    // One topic a device, so one ledger at a time: the one before is acknowledged first.
    if (other !== undefined && other !== ledger) this.#acknowledge();
    this.#due.set(device, ledger);
    this.#cancelAck ??= this.#options.clock.after(ackEveryUs, () => this.#acknowledge());
  }

  #acknowledge(): void {
    this.#cancelAck?.();
    this.#cancelAck = undefined;
    const { store, book, publish } = this.#options;
    for (const [device, ledger] of this.#due) {
      const sequence = book.safe(device, ledger);
      if (sequence === 0) continue;
      const ack = encodeRecord(ackPayload, { ledger, sequence });
      publish(`${devicePrefix({ store, device })}/ack`, ack, { retain: true });
    }
    this.#due.clear();
  }
}

/**
 * An event says whose it is, so does its topic, and so does its id: one that lies is nobody's, or what it says would stand in
 * the place of another one. Throws CW-STO-008.
 */
function ownEvent(event: AnyEvent, place: { readonly store: string; readonly device: string }): AnyEvent {
  const { source, ledger, sequence, id } = event;
  const whose = `${place.store}/${place.device}`;
  if (source !== whose) {
    throw new StoreError(
      'CW-STO-008',
      `an event of ${source} came as one of ${whose}; see who may write there`,
    );
  }
  if (id === eventId({ ...place, ledger }, sequence)) return event;
  throw new StoreError(
    'CW-STO-008',
    `event ${id} came as number ${sequence} of ledger ${ledger} of ${whose} and has not its id; see who may write there`,
  );
}
