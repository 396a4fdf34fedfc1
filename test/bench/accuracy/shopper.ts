import type { Random } from '#base/random.ts';
import { usPerMs } from '#base/units.ts';
import type { Product } from '#catalogue/products.ts';
import { labelPayload, type Payload, productPayload, usualSymbology } from '#simulation/payloads.ts';
import { type Handling, liftOff, type Putting, putDown } from '#simulation/physics/handling.ts';
import type { Point } from '#simulation/plate.ts';
import type { Doing, Stage, Thing } from './stage.ts';

/** How somebody shops: shares of 1. */
export interface Manner {
  /** A code that the scanner doesn't read although it was held there. */
  readonly missesScan: number;
  /** The missing tone is noticed, and the code held there again. */
  readonly noticesMiss: number;
  /** A code that is read wrongly; the check digit finds nine of ten such. */
  readonly misreads: number;
  /** A question is left alone until the checkout. */
  readonly ignores: number;
  /** A question is answered with another product. */
  readonly answersWrong: number;
  /** Factor on all pauses. */
  readonly pace: number;
  /** Goods are dropped or tossed rather than set down. */
  readonly rough: number;
}

/** Somebody with a cart: moves things, holds codes under the scanner, uses the display. */
export class Shopper {
  readonly stage: Stage;
  readonly manner: Manner;
  readonly random: Random;
  /** Goods in the cart, in the order they came. */
  readonly inside: Thing[] = [];
  /** In the hand: scanned or taken out, not put anywhere. */
  readonly held: Thing[] = [];
  readonly plate: string;

  constructor(stage: Stage, manner: Manner, plate: string) {
    this.stage = stage;
    this.manner = manner;
    this.random = stage.random;
    this.plate = plate;
  }

  /** True in so many of 1. */
  chance(share: number): boolean {
    return this.random.next() < share;
  }

  between(least: number, most: number): number {
    return least + (most - least) * this.random.next();
  }

  /** A human pause of about so many seconds. */
  pause(seconds: number): number {
    const spread = Math.exp(Math.max(-0.5, Math.min(0.5, 0.22 * this.random.gaussian())));
    return seconds * this.manner.pace * spread;
  }

  /** Holds the code of a product under the scanner, again where nothing was heard. Answers whether it was read. */
  *scan(product: Product): Generator<number, boolean, void> {
    const { gtin, plu } = product;
    if (gtin === undefined) return this.#pick({ plu });
    yield* this.present(productPayload(gtin, usualSymbology(gtin, {})));
    return true;
  }

  /** Holds any code under the scanner. */
  *present(payload: Payload): Doing {
    const { missesScan, noticesMiss, misreads } = this.manner;
    for (let tries = 0; tries < 4; tries++) {
      yield this.pause(tries === 0 ? 1.1 : 0.9);
      if (this.chance(missesScan)) {
        if (this.chance(noticesMiss)) continue;
        return;
      }
      if (!this.chance(misreads)) {
        this.stage.read(payload);
        return;
      }
      // Another tone tells that the code was not understood.
      this.stage.read(this.#misread(payload));
    }
  }

  /** A thing's own code, label or look-up number is read or picked. */
  *identify(thing: Thing): Doing {
    const { product, labelMinor, strangeCode } = thing;
    if (strangeCode !== undefined) {
      yield* this.present(productPayload(strangeCode, usualSymbology(strangeCode, {})));
    } else if (product !== undefined && labelMinor !== undefined)
      yield* this.present(this.#label(product, labelMinor));
    else if (product?.gtin !== undefined) yield* this.scan(product);
    else if (product?.plu !== undefined) {
      yield this.pause(2.5);
      this.#pick({ plu: product.plu });
    }
  }

  /** The shop's own scale weighs loose produce and prints a label with its price. */
  label(thing: Thing): void {
    const perKg = thing.product?.priceMinorPerKg ?? 0;
    const weighedG = Math.round(thing.massMg / 1_000 / 5) * 5;
    thing.labelMinor = Math.max(1, Math.round((weighedG * perKg) / 1_000));
  }

  #label(product: Product, priceMinor: number): Payload {
    const item = (product.plu ?? '').padStart(5, '0');
    return labelPayload({ prefix: '20', item, priceMinor }, this.stage.goods.catalogue.variableMeasure);
  }

  #pick(args: Readonly<Record<string, unknown>>): boolean {
    return this.stage.command('item.identify', args);
  }

  /** Puts things down together, the usual ways. */
  *put(things: readonly Thing[], how: Putting = this.#way(), at?: Point): Doing {
    yield this.pause(1.1);
    yield* this.putBy(things, putDown(how, this.random), at);
  }

  /** Puts things down together in a given way, at once. */
  *putBy(things: readonly Thing[], handling: Handling, at: Point = this.somewhere(), part = 1): Doing {
    const seconds = this.stage.put(things, this.plate, handling, at, part);
    this.inside.push(...things);
    for (const thing of things) {
      const held = this.held.indexOf(thing);
      if (held >= 0) this.held.splice(held, 1);
    }
    yield seconds;
  }

  /** Takes things out together. */
  *take(things: readonly Thing[]): Doing {
    yield this.pause(1.3);
    yield* this.takeNow(things);
  }

  *takeNow(things: readonly Thing[]): Doing {
    const seconds = this.stage.take(things, liftOff(this.random));
    for (const thing of things) {
      const at = this.inside.indexOf(thing);
      if (at >= 0) this.inside.splice(at, 1);
    }
    this.held.push(...things);
    yield seconds;
  }

  /** Puts things back on their shelf in the shop: they are in no hand any more. */
  discard(things: readonly Thing[]): void {
    for (const thing of things) {
      const at = this.held.indexOf(thing);
      if (at >= 0) this.held.splice(at, 1);
    }
  }

  somewhere(): Point {
    return this.stage.somewhere(this.stage.plate(this.plate));
  }

  /** Any of the goods in the cart. */
  anyInside(): Thing | undefined {
    return this.inside[this.random.integer(this.inside.length)];
  }

  /** Lowers slowly and not evenly, over so many seconds: with a rest half-way, as one does with eggs on top of much else. */
  lowering(seconds: number): Handling {
    const us = Math.round(seconds * 1_000 * usPerMs);
    const rest = this.between(0.25, 0.7);
    const smooth = (x: number) => {
      const part = Math.max(0, Math.min(1, x));
      return part * part * part * (10 - 15 * part + 6 * part * part);
    };
    return {
      releaseUs: us,
      endUs: us,
      part: (since) => rest * smooth(since / us / 0.4) + (1 - rest) * smooth((since / us - 0.6) / 0.4),
      impacts: [],
    };
  }

  #way(): Putting {
    if (this.chance(this.manner.rough)) return this.chance(0.75) ? 'drop' : 'toss';
    return this.chance(0.12) ? 'lower' : 'place';
  }

  /** One digit of a linear code is taken for another; in one of ten cases another too, so that the check digit fits. */
  #misread({ data, symbology }: Payload): Payload {
    const digits = [...new TextDecoder().decode(data)];
    const at = this.random.integer(Math.max(1, digits.length - 2));
    const off = 1 + this.random.integer(9);
    const change = (index: number, by: number) => {
      digits[index] = String((Number(digits[index]) + by) % 10);
    };
    change(at, off);
    // Two digits apart have the same weight in the check sum.
    if (this.chance(0.1) && at + 2 < digits.length - 1) change(at + 2, 10 - off);
    return { data: new TextEncoder().encode(digits.join('')), symbology };
  }
}
