import { usPerSecond } from '#base/units.ts';
import type { Product } from '#catalogue/products.ts';
import type { Asked } from './claims.ts';
import type { Shopper } from './shopper.ts';
import type { Doing, Thing, TrueUnit } from './stage.ts';

/** What somebody did lies at most so far before a question's movement began and after it had settled, µs. */
const beforeUs = 2_500_000;
const afterUs = 1_500_000;

/** What was moved around the time of a question, as who did it remembers. */
function movedAround(question: Asked, units: readonly TrueUnit[]): TrueUnit[] {
  const fromUs =
    question.startedAtUs - (question.kind === 'changed-while-away' ? 30 * usPerSecond : beforeUs);
  const untilUs = (question.settled?.untilUs ?? question.settledAtUs) + afterUs;
  return units.filter(({ plate, atUs }) => plate === question.plate && atUs >= fromUs && atUs <= untilUs);
}

/** Answers questions as they appear on the display: with the code, by touch, by putting back, or not at all. */
export class Answers {
  readonly #shopper: Shopper;
  /** How often each question was answered. */
  readonly #tries = new Map<string, number>();
  readonly #ignored = new Set<string>();
  /** Things that were taken out and put in again for a question. */
  readonly #taken = new Set<Thing>();
  /** Somebody who works there answers. */
  #answering = false;

  constructor(shopper: Shopper) {
    this.#shopper = shopper;
  }

  /** Looks at the display and answers what it asks, as this shopper does. */
  *look(): Doing {
    const { manner, stage } = this.#shopper;
    for (let rounds = 0; rounds < 6; rounds++) {
      yield this.#shopper.pause(1.2);
      const question = this.#open().find(({ id }) => !this.#ignored.has(id) && this.#triesOf(id) < 2);
      if (question === undefined) return;
      if (this.#triesOf(question.id) === 0 && this.#shopper.chance(manner.ignores)) {
        this.#ignored.add(question.id);
        continue;
      }
      this.#tries.set(question.id, this.#triesOf(question.id) + 1);
      const before = stage.label;
      yield* this.#answer(question);
      stage.label = before;
    }
  }

  /**
   * At the checkout: whoever works there settles what is still open, with goods and receipt in view. First by naming it;
   * what is still open then is taken out, scanned and put in again, each thing once; and what even that left open is overridden.
   */
  *settleAll(): Doing {
    this.#answering = true;
    for (const question of this.#open()) {
      if (question.settled !== undefined) continue;
      const { came, went } = this.#about(question);
      for (const { product } of [...came, ...went]) {
        if (question.settled === undefined) yield* this.#touch(product, question);
      }
      yield 1;
    }
    for (const question of this.#open()) {
      if (question.settled !== undefined) continue;
      yield* question.ask === 'call-staff' ? this.#answer(question) : this.#anew(question);
      yield 1.5;
    }
    for (const question of this.#open()) {
      if (question.kind !== 'scanned-not-placed') this.#override(question);
      yield 1;
    }
  }

  /** Staff has the last word on what the mass contradicts: the product that the question is about, or that it is about no goods. */
  #override(question: Asked): void {
    const { came, went } = this.#about(question);
    const things = question.massMg >= 0 ? came : went;
    const product = things.find((thing) => thing.product !== undefined)?.product;
    const count = things.filter((thing) => thing.product === product).length;
    const { gtin, plu } = product ?? {};
    const named = gtin === undefined ? { plu } : { gtin };
    this.#shopper.stage.command('item.override', {
      event: question.id,
      ...(product === undefined ? { outcome: 'not-an-item' } : { ...named, count }),
      by: { role: 'staff', who: 'checkout' },
      why: 'looked at at the checkout',
    });
  }

  #open(): readonly Asked[] {
    return this.#shopper.stage.engine.ledger.open;
  }

  #triesOf(id: string): number {
    return this.#tries.get(id) ?? 0;
  }

  *#answer(question: Asked): Doing {
    const { came, went } = this.#about(question);
    switch (question.ask) {
      case 'scan-it':
        if (came.length === 0) return;
        for (const thing of came) yield* this.#name(thing, question);
        break;
      case 'choose':
        for (const thing of [...went, ...came]) {
          yield* this.#touch(thing.product, question);
          if (question.settled !== undefined) break;
        }
        break;
      case 'take-it-out':
        yield* this.#anew(question);
        break;
      case 'put-it-back':
        yield* this.#putBack(went);
        break;
      case 'place-it':
        yield* this.#placeOrLeave();
        break;
      case 'call-staff':
        yield* this.#staff(question, came, went);
        break;
      default:
        break;
    }
    yield 1;
  }

  /**
   * What a question can be about, as anybody sees who knows what was moved and reads the receipt: things that came and stand
   * not on it, things that went and stand on it still.
   */
  #about(question: Asked): { readonly came: readonly Thing[]; readonly went: readonly Thing[] } {
    const moved = movedAround(question, this.#shopper.stage.units);
    const surplus = this.#surplus();
    const came: Thing[] = [];
    const went: Thing[] = [];
    for (const thing of new Set(moved.map((unit) => unit.thing).toReversed())) {
      const key = thing.product?.key;
      const more = surplus.get(key ?? '') ?? 0;
      if (thing.lies !== undefined && (key === undefined || more < 0)) {
        came.unshift(thing);
        surplus.set(key ?? '', more + 1);
      } else if (thing.lies === undefined && key !== undefined && more > 0) {
        went.unshift(thing);
        surplus.set(key, more - 1);
      }
    }
    return { came, went };
  }

  /** Of each product, how many more stand on the receipt than lie in the cart. */
  #surplus(): Map<string, number> {
    const surplus = new Map<string, number>();
    const add = (key: string, count: number) => surplus.set(key, (surplus.get(key) ?? 0) + count);
    const { stage, inside } = this.#shopper;
    for (const { product, sign, count } of stage.engine.ledger.final) add(product, sign * count);
    for (const { product } of inside) if (product !== undefined) add(product.key, -1);
    return surplus;
  }

  /** Names one thing by its code or, loose produce, by touch. */
  *#name(thing: Thing, question: Asked): Doing {
    const { product } = thing;
    if (product === undefined && thing.strangeCode === undefined) {
      // Nothing to scan, and not on the display: out with it, more often than not.
      if (!thing.forSale || !this.#shopper.chance(0.6)) return;
      yield* this.#shopper.take([thing]);
      this.#shopper.discard([thing]);
      return;
    }
    if (product?.gtin === undefined && product?.plu !== undefined && thing.labelMinor === undefined) {
      yield* this.#touch(product, question);
      return;
    }
    const wrong = !this.#answering && this.#shopper.chance(this.#shopper.manner.answersWrong);
    if (wrong) yield* this.#shopper.scan(this.#shopper.stage.goods.any(this.#shopper.random));
    else yield* this.#shopper.identify(thing);
  }

  *#touch(product: Product | undefined, question: Asked): Doing {
    if (product === undefined) return;
    yield this.#shopper.pause(2);
    const wrong = !this.#answering && this.#shopper.chance(this.#shopper.manner.answersWrong);
    const other = question.candidates.find((one) => one.product !== product.key)?.product;
    const [kind, number] = (wrong && other !== undefined ? other : product.key).split(':');
    this.#shopper.stage.command('item.identify', { [kind ?? 'gtin']: number, event: question.id });
  }

  /** Takes out what was put in, and puts it in again piece by piece, each with its code. */
  *#anew(question: Asked): Doing {
    const { came, went } = this.#about(question);
    if (came.length === 0) {
      if (went.length > 0 && !this.#answering) yield* this.#putBack(went);
      else for (const { product } of went) yield* this.#touch(product, question);
      return;
    }
    const once = came.filter((thing) => !this.#taken.has(thing));
    if (once.length === 0) return;
    for (const thing of once) this.#taken.add(thing);
    yield* this.#shopper.take(once);
    yield this.#shopper.pause(2.5);
    for (const thing of once) {
      if (thing.product === undefined) {
        this.#shopper.discard([thing]);
        continue;
      }
      yield* this.#shopper.identify(thing);
      yield* this.#shopper.put([thing], 'place');
      yield this.#shopper.pause(1.5);
    }
  }

  *#putBack(things: readonly Thing[]): Doing {
    const still = things.filter((thing) => this.#shopper.held.includes(thing));
    if (still.length > 0) yield* this.#shopper.put(still, 'place');
  }

  /** Something was scanned and not put in: it follows where it is still meant to be bought. */
  *#placeOrLeave(): Doing {
    const { units } = this.#shopper.stage;
    // What was in the cart before was taken out on purpose.
    const meant = this.#shopper.held.find((thing) => units.every((unit) => unit.thing !== thing));
    if (meant !== undefined && this.#shopper.chance(0.5)) yield* this.#shopper.put([meant], 'place');
  }

  *#staff(question: Asked, came: readonly Thing[], went: readonly Thing[]): Doing {
    yield this.#answering ? 3 : this.#shopper.between(8, 20);
    const strange = came.filter(({ product, forSale }) => product === undefined && forSale);
    if (strange.length > 0) {
      yield* this.#shopper.take(strange);
      this.#shopper.discard(strange);
    }
    for (const { product } of [...came, ...went]) {
      if (question.settled === undefined) yield* this.#touch(product, question);
    }
  }
}
