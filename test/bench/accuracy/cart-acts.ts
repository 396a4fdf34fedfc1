import type { Product } from '#catalogue/products.ts';
import { liftOff, putDown } from '#simulation/physics/handling.ts';
import { withCheckDigit } from './catalogue.ts';
import type { Shopper } from './shopper.ts';
import type { Doing, Thing } from './stage.ts';

/** Something that a shopper does with a cart, by the name that results are told under. */
export type CartAct = keyof typeof cartActs;

/** A product for the list: now and then one that weighs what another in the cart weighs. */
function wanted(shopper: Shopper): Product {
  const { goods } = shopper.stage;
  const like = shopper.chance(0.25) ? shopper.anyInside()?.product : undefined;
  return like?.gtin === undefined ? goods.any(shopper.random) : goods.near(like, shopper.random);
}

const fetch = (shopper: Shopper, product: Product = wanted(shopper)): Thing => shopper.stage.fetch(product);

function* scanAndPut(shopper: Shopper, thing: Thing = fetch(shopper)): Doing {
  yield* shopper.identify(thing);
  yield* shopper.put([thing]);
}

/** The two hands: one lifts while the other is already on its way down. */
function* exchange(shopper: Shopper, out: Thing, into: Thing): Doing {
  yield shopper.pause(1.3);
  yield* shopper.takeNow([out]);
  shopper.discard([out]);
  yield shopper.between(0.05, 0.35);
  yield* shopper.putBy([into], putDown('place', shopper.random));
}

/** Somebody's hand rests on the basket or its rim meanwhile. */
function leanNow(shopper: Shopper, seconds: number): void {
  const plate = shopper.stage.plate(shopper.plate);
  const ys = (plate?.cells ?? []).map((cell) => cell.positionMm[1]);
  shopper.stage.lean(
    shopper.plate,
    shopper.between(0.3e6, 3e6),
    [shopper.between(-120, 120), Math.min(...ys)],
    seconds,
  );
}

export const cartActs = {
  *'scan then place'(shopper: Shopper): Doing {
    yield* scanAndPut(shopper);
  },
  *'place then scan'(shopper: Shopper): Doing {
    const thing = fetch(shopper);
    yield* shopper.put([thing]);
    yield shopper.between(0, 1.5);
    yield* shopper.identify(thing);
  },
  *'two equal, two scans'(shopper: Shopper): Doing {
    const product = wanted(shopper);
    const things = [fetch(shopper, product), fetch(shopper, product)];
    for (const thing of things) yield* shopper.identify(thing);
    yield* shopper.put(things, 'place');
  },
  *'two equal, one by one'(shopper: Shopper): Doing {
    const product = wanted(shopper);
    yield* scanAndPut(shopper, fetch(shopper, product));
    yield* scanAndPut(shopper, fetch(shopper, product));
  },
  *'several scanned, placed together'(shopper: Shopper): Doing {
    const things = Array.from({ length: 2 + shopper.random.integer(2) }, () => fetch(shopper));
    for (const thing of things) yield* shopper.identify(thing);
    yield* shopper.put(things, 'place');
  },
  *'several, not all scanned'(shopper: Shopper): Doing {
    const things = Array.from({ length: 2 + shopper.random.integer(2) }, () => fetch(shopper));
    const unscanned = shopper.random.integer(things.length);
    for (const [at, thing] of things.entries()) if (at !== unscanned) yield* shopper.identify(thing);
    yield* shopper.put(things, 'place');
  },
  *'scan twice, place once'(shopper: Shopper): Doing {
    const thing = fetch(shopper);
    yield* shopper.identify(thing);
    yield* shopper.identify(thing);
    yield* shopper.put([thing]);
  },
  *'scan, do not place'(shopper: Shopper): Doing {
    const thing = fetch(shopper);
    yield* shopper.identify(thing);
    if (shopper.chance(0.5)) shopper.held.push(thing);
    yield shopper.pause(3);
  },
  *'take out'(shopper: Shopper): Doing {
    const thing = shopper.anyInside();
    if (thing === undefined) return yield* scanAndPut(shopper);
    yield* shopper.take([thing]);
    yield shopper.pause(2);
  },
  *'take out one of alike'(shopper: Shopper): Doing {
    const product = wanted(shopper);
    const twin = shopper.stage.goods.near(product, shopper.random);
    const pair = [fetch(shopper, product), fetch(shopper, twin)];
    for (const thing of pair) {
      yield* scanAndPut(shopper, thing);
      yield shopper.pause(1);
    }
    const chosen = pair[shopper.random.integer(2)];
    if (chosen !== undefined && chosen.lies !== undefined) yield* shopper.take([chosen]);
    yield shopper.pause(2);
  },
  *'no scan'(shopper: Shopper): Doing {
    yield* shopper.put([fetch(shopper)]);
    yield shopper.pause(1.5);
  },
  *'wrong item under a scan'(shopper: Shopper): Doing {
    const { goods } = shopper.stage;
    const thing = fetch(shopper);
    const cheap =
      shopper.chance(0.1) && thing.product
        ? goods.near(thing.product, shopper.random)
        : goods.any(shopper.random);
    yield* shopper.scan(cheap);
    yield* shopper.put([thing]);
    yield shopper.pause(1.5);
  },
  *'swap for one of the same mass, scanned'(shopper: Shopper): Doing {
    yield* swap(shopper, true);
  },
  *'swap for one of the same mass, not scanned'(shopper: Shopper): Doing {
    yield* swap(shopper, false);
  },
  *'one in while another goes out'(shopper: Shopper): Doing {
    const out = shopper.anyInside();
    const into = fetch(shopper);
    yield* shopper.identify(into);
    if (out === undefined) return yield* shopper.put([into]);
    const lift = liftOff(shopper.random);
    yield shopper.pause(1.2);
    shopper.stage.take([out], lift);
    shopper.inside.splice(shopper.inside.indexOf(out), 1);
    shopper.held.push(out);
    yield shopper.between(0, 0.3);
    yield* shopper.putBy([into], putDown('place', shopper.random));
    yield shopper.pause(2);
  },
  *'a hand leans meanwhile'(shopper: Shopper): Doing {
    const thing = fetch(shopper);
    yield* shopper.identify(thing);
    const seconds = shopper.between(2, 6);
    leanNow(shopper, seconds);
    yield shopper.between(0.2, seconds - 0.5);
    yield* shopper.put([thing], 'place');
    yield shopper.pause(2);
  },
  *'a hand leans, nothing else'(shopper: Shopper): Doing {
    const seconds = shopper.between(1, 5);
    leanNow(shopper, seconds);
    yield seconds + 1;
  },
  *'put in while the cart moves'(shopper: Shopper): Doing {
    const thing = fetch(shopper);
    yield* shopper.identify(thing);
    const seconds = shopper.between(3, 7);
    shopper.stage.roll(seconds, shopper.between(0.4, 1.1));
    yield shopper.between(0.4, seconds - 1.5);
    yield* shopper.putBy([thing], putDown('place', shopper.random));
    yield seconds;
  },
  *'cart moves on'(shopper: Shopper): Doing {
    const seconds = shopper.between(2, 8);
    shopper.stage.roll(seconds, shopper.between(0.5, 1.2));
    yield seconds + 0.5;
  },
  *'onto a ramp'(shopper: Shopper): Doing {
    shopper.stage.tilt(shopper.between(10, 45), 1.5);
    yield shopper.pause(3);
    yield* scanAndPut(shopper);
    yield shopper.pause(2);
    shopper.stage.tilt(0, 1.5);
    yield shopper.pause(2.5);
  },
  *'knocked against'(shopper: Shopper): Doing {
    shopper.stage.knock(shopper.between(2, 9));
    yield shopper.pause(1.5);
  },
  *'slow lowering'(shopper: Shopper): Doing {
    const thing = fetch(shopper);
    yield* shopper.identify(thing);
    yield shopper.pause(1);
    yield* shopper.putBy([thing], shopper.lowering(shopper.between(3, 7)));
  },
  *'leaning on the rim'(shopper: Shopper): Doing {
    const thing = fetch(shopper);
    yield* shopper.identify(thing);
    yield shopper.pause(1);
    const at = shopper.somewhere();
    const part = shopper.between(0.45, 0.92);
    yield* shopper.putBy([thing], putDown('place', shopper.random), at, part);
    const rest = Math.round((1 - part) * thing.massMg);
    yield shopper.between(1.5, 9);
    // It slides in by itself, whatever was asked meanwhile.
    shopper.stage.shift(shopper.plate, rest, at, putDown('place', shopper.random));
    yield 1.5;
  },
  *'bag put in and tared'(shopper: Shopper): Doing {
    const bag = shopper.stage.strange(shopper.between(20_000, 450_000), { forSale: false });
    yield shopper.pause(1.2);
    shopper.stage.put([bag], shopper.plate, putDown('place', shopper.random), shopper.somewhere());
    yield shopper.pause(3);
    if (shopper.chance(0.85)) shopper.stage.command('tare', { plate: shopper.plate });
    yield shopper.pause(1.5);
  },
  *'produce by look-up number'(shopper: Shopper): Doing {
    const thing = fetch(shopper, shopper.stage.goods.any(shopper.random, shopper.stage.goods.produce));
    yield* shopper.identify(thing);
    yield* shopper.put([thing]);
  },
  *'produce by label'(shopper: Shopper): Doing {
    const thing = fetch(shopper, shopper.stage.goods.any(shopper.random, shopper.stage.goods.produce));
    shopper.label(thing);
    yield* shopper.identify(thing);
    yield* shopper.put([thing]);
  },
  *'produce by picture'(shopper: Shopper): Doing {
    const thing = fetch(shopper, shopper.stage.goods.any(shopper.random, shopper.stage.goods.seen));
    yield* shopper.put([thing]);
    yield shopper.pause(1.5);
  },
  *'not in the catalogue'(shopper: Shopper): Doing {
    const code = shopper.chance(0.5) ? strangeGtin(shopper) : undefined;
    const thing = shopper.stage.strange(
      shopper.between(40_000, 1_200_000),
      code === undefined ? {} : { strangeCode: code },
    );
    if (code !== undefined) yield* shopper.identify(thing);
    yield* shopper.put([thing]);
    yield shopper.pause(2);
  },
} as const satisfies Record<string, (shopper: Shopper) => Doing>;

function* swap(shopper: Shopper, scanned: boolean): Doing {
  const out = shopper.inside.find(({ product }) => product?.gtin !== undefined);
  if (out?.product === undefined) return yield* scanAndPut(shopper);
  const into = fetch(shopper, shopper.stage.goods.near(out.product, shopper.random));
  if (scanned) yield* shopper.identify(into);
  yield* exchange(shopper, out, into);
  yield shopper.pause(2);
}

/** A code of a country that the catalogue has no products of. */
function strangeGtin({ random }: Shopper): string {
  return withCheckDigit(`0899${String(random.integer(1_000_000_000)).padStart(9, '0')}`);
}
