import test from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { createRandom, type Random } from '#base/random.ts';
import { encodeEvent, encodeRecord } from '#events/codec.ts';
import { basketSnapshot } from '#events/data/baskets.ts';
import type { CartEvent } from '#events/event.ts';
import { requestPayload, responsePayload } from '#events/mqtt-payloads.ts';
import { Book } from '#store/book.ts';
import { type Heard, Store } from '#store/service.ts';
import { Cart } from '#test/pipeline/support.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { pass } from '../gateway/support.ts';

const jar = {
  line: 1,
  gtin: '04006381333931',
  name: 'A jar',
  count: 2,
  unitPriceMinor: 199,
  priceMinor: 398,
  priceStatus: 'final',
  entry: 'scan',
};
const place = 'cw/1/s/d';

/** How a network treats what is sent over it. */
interface Weather {
  /** A request, an answer or an event gets lost; lost events come again. */
  readonly lost: number;
  /** The store ends at any message, and another one begins on its book. */
  readonly killed: number;
}

/** A cart's real pipeline, a store on a book, and a network between them that is as bad as it is told to be. */
class Town {
  readonly clock = new VirtualClock(1_000_000_000);
  readonly cart: Cart;
  readonly book = new Book(':memory:', 's', () => this.clock.utcMs());
  readonly heard: Heard[] = [];
  kills = 0;
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #answers = new Map<string, Uint8Array>();
  #store: Store;
  #sent = 0;

  constructor(seed: number, weather: Weather) {
    this.#random = createRandom(seed);
    this.#weather = weather;
    this.cart = new Cart({ startUs: this.clock.nowUs() });
    this.#store = this.#open();
  }

  #open(): Store {
    const store: Store = new Store({
      store: 's',
      till: 'till-1',
      policy: { pay: 'auto', weigh: 'auto', age: 'auto' },
      book: this.book,
      clock: this.clock,
      acknowledges: true,
      tell: (heard) => this.heard.push(heard),
      // A store that was killed says nothing any more.
      publish: (topic, payload) => {
        if (store === this.#store) this.#arrives(topic, payload);
      },
    });
    return store;
  }

  /** On the way from the store to the cart. */
  #arrives(topic: string, payload: Uint8Array): void {
    if (!topic.startsWith(`${place}/request/`) || this.#chance(this.#weather.lost)) return;
    this.clock.after(5_000, () => this.#carryOut(topic, payload));
  }

  #carryOut(topic: string, payload: Uint8Array): void {
    const { transaction, args } = decodePayload(requestPayload, payload);
    const command = topic.slice(`${place}/request/`.length).replaceAll('/', '.');
    let answer = this.#answers.get(transaction);
    if (answer === undefined) {
      const outcome = this.#command(command, { ...args });
      if (outcome === undefined) return;
      answer = encodeRecord(responsePayload, { transaction, ...outcome });
      this.#answers.set(transaction, answer);
    }
    const response = answer;
    this.tell();
    if (this.#chance(this.#weather.lost)) return;
    this.clock.after(5_000, () => this.#toStore(topic.replace('request', 'response'), response));
  }

  #command(command: string, args: Record<string, unknown>) {
    this.cart.nowUs = Math.max(this.cart.nowUs + 1, this.clock.nowUs());
    return this.cart.pipeline.accept({ kind: 'command', atUs: this.cart.nowUs, command, args });
  }

  /** Time, in which the scale tells five times a second what lies on it. */
  async wait(seconds: number): Promise<void> {
    for (let done = 0; done < seconds; done += 0.2) {
      await pass(this.clock, 0.2);
      this.cart.nowUs = Math.max(this.cart.nowUs, this.clock.nowUs());
      const { massMg, nowUs } = this.cart;
      this.cart.pipeline.accept({ kind: 'scale', source: 'scale', atUs: nowUs, massMg, stable: true });
      this.tell();
    }
  }

  async must(command: string, args: Record<string, unknown> = {}): Promise<void> {
    for (let asked = 0; asked < 50; asked++) {
      const outcome = this.#command(command, args);
      this.tell();
      if (outcome?.status === 'done') return;
      await this.wait(0.6);
    }
    throw new Error(`${command} is never done`);
  }

  /** What is new on the cart goes to the store: events in order, sometimes twice, and the snapshot. */
  tell(): void {
    const events = this.cart.events;
    // At least once: what was not heard comes again with the next.
    if (this.#chance(this.#weather.lost)) return;
    if (this.#chance(this.#weather.lost)) this.#sent = Math.max(0, this.#sent - 3);
    for (const event of events.slice(this.#sent)) this.#event(event);
    this.#sent = events.length;
    const basket = this.cart.pipeline.snapshot();
    this.#toStore(
      `${place}/basket`,
      basket === undefined ? new Uint8Array() : encodeRecord(basketSnapshot, basket),
    );
  }

  #event(event: CartEvent): void {
    this.#toStore(`${place}/event/${event.type.replaceAll('.', '/')}`, encodeEvent(event));
  }

  #toStore(topic: string, payload: Uint8Array): void {
    if (this.#chance(this.#weather.killed)) {
      this.kills += 1;
      const old = this.#store;
      this.#store = this.#open();
      // The dead does nothing any more.
      old.stop();
      this.#store.start();
    }
    this.#store.take(topic, payload);
  }

  #chance(of: number): boolean {
    return this.#random.next() < of;
  }
}

const bad: readonly Weather[] = [
  { lost: 0, killed: 0 },
  { lost: 0.3, killed: 0 },
  { lost: 0, killed: 0.2 },
  { lost: 0.25, killed: 0.15 },
];

for (const weather of bad) {
  test(`an attempt is captured once, whatever is lost (${weather.lost}) and whoever is killed (${weather.killed})`, async (t) => {
    const seeds = Math.min(12, Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 12));
    let kills = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      const town = new Town(seed, weather);
      for (const session of ['one', 'two']) {
        await town.must('basket.receive', { from: 'cart-2', session, lines: [{ ...jar, minimumAge: 18 }] });
        await town.must('basket.checkout');
        for (let tries = 0; tries < 300 && town.cart.pipeline.snapshot()?.state !== 'paid'; tries++)
          await town.wait(0.4);
        await town.must('session.end');
      }
      for (let tries = 0; tries < 100 && town.book.openPayments().length > 0; tries++) await town.wait(1);
      await town.wait(2);
      const paid = town.cart.of('basket.paid').map(({ data }) => data.reference);
      const captured = town.book.captured(100).map(({ reference }) => reference);
      t.is(paid.length, 2, `seed ${seed}: both trips are paid`);
      t.deepEqual([...captured].sort(), [...paid].sort(), `seed ${seed}: the book has what the cart has`);
      t.deepEqual(town.book.openPayments(), []);
      const receipts = town.heard.filter(({ kind }) => kind === 'receipt').length;
      t.true(weather.killed > 0 ? receipts <= 2 : receipts === 2, `seed ${seed}: ${receipts} receipts`);
      kills += town.kills;
    }
    t.is(kills > 0, weather.killed > 0);
  });
}
