import type { Product } from '#catalogue/products.ts';
import { type Handling, liftOff, putDown } from '#simulation/physics/handling.ts';
import type { Doing, Stage, Thing } from './stage.ts';

/** Something that happens at a shelf, by the name that results are told under. */
export type ShelfAct = keyof typeof shelfActs;

/** People at a shelf: what lies on its plates, and what they hold. */
export class Shelf {
  readonly stage: Stage;
  readonly lying: Thing[];
  readonly held: Thing[] = [];
  readonly homes: ReadonlyMap<string, readonly string[]>;

  constructor(stage: Stage, stock: readonly Thing[], homes: ReadonlyMap<string, readonly string[]>) {
    this.stage = stage;
    this.lying = [...stock];
    this.homes = homes;
  }

  between(least: number, most: number): number {
    return least + (most - least) * this.stage.random.next();
  }

  pause(seconds: number): number {
    return seconds * Math.exp(Math.max(-0.5, Math.min(0.5, 0.22 * this.stage.random.gaussian())));
  }

  /** Any thing that lies on a plate (or on one of those given). */
  any(plates?: readonly string[]): Thing | undefined {
    const there = this.lying.filter(({ lies }) => plates === undefined || plates.includes(lies?.plate ?? ''));
    return there[this.stage.random.integer(there.length)];
  }

  /** Some of the things that are like `thing` and lie on its plate, itself among them. */
  alike(thing: Thing, count: number): Thing[] {
    const others = this.lying.filter(
      (one) => one !== thing && one.product === thing.product && one.lies?.plate === thing.lies?.plate,
    );
    return [thing, ...others.slice(0, count - 1)];
  }

  *take(things: readonly Thing[]): Doing {
    const seconds = this.stage.take(things, liftOff(this.stage.random));
    for (const thing of things) this.lying.splice(this.lying.indexOf(thing), 1);
    this.held.push(...things);
    yield seconds;
  }

  *put(
    things: readonly Thing[],
    plate: string,
    handling: Handling = putDown('place', this.stage.random),
  ): Doing {
    const seconds = this.stage.put(things, plate, handling, this.stage.somewhere(this.stage.plate(plate)));
    for (const thing of things) {
      const at = this.held.indexOf(thing);
      if (at >= 0) this.held.splice(at, 1);
    }
    this.lying.push(...things);
    yield seconds;
  }

  homeOf(product: Product | undefined): string | undefined {
    return [...this.homes].find(([, keys]) => keys.includes(product?.key ?? ''))?.[0];
  }

  neighbourOf(plate: string): string | undefined {
    const plates = this.stage.board.plates.map(({ id }) => id);
    return plates[plates.indexOf(plate) + 1] ?? plates[plates.indexOf(plate) - 1];
  }

  otherThan(plate: string): string {
    const plates = this.stage.board.plates.map(({ id }) => id).filter((id) => id !== plate);
    return plates[this.stage.random.integer(plates.length)] ?? plate;
  }
}

export const shelfActs = {
  *'take one'(shelf: Shelf): Doing {
    yield* takeSome(shelf, 1);
  },
  *'take several'(shelf: Shelf): Doing {
    yield* takeSome(shelf, 2 + shelf.stage.random.integer(2));
  },
  *'take and return'(shelf: Shelf): Doing {
    const thing = shelf.any();
    if (thing === undefined) return;
    const plate = thing.lies?.plate ?? '';
    yield* shelf.take([thing]);
    yield shelf.pause(4);
    yield* shelf.put([thing], plate);
  },
  *'return to the wrong plate'(shelf: Shelf): Doing {
    const thing = shelf.any();
    if (thing === undefined) return;
    const plate = thing.lies?.plate ?? '';
    yield* shelf.take([thing]);
    yield shelf.pause(5);
    yield* shelf.put([thing], shelf.otherThan(plate));
  },
  *'two plates at once'(shelf: Shelf): Doing {
    const one = shelf.any();
    const other = shelf.any([shelf.otherThan(one?.lies?.plate ?? '')]);
    if (one === undefined) return;
    yield* shelf.take(other === undefined ? [one] : [one, other]);
  },
  *'two people'(shelf: Shelf): Doing {
    const first = shelf.any();
    const second = shelf.any([shelf.otherThan(first?.lies?.plate ?? '')]);
    if (first !== undefined) shelf.stage.begin(takeAndReturn(shelf, first));
    yield shelf.between(0.1, 1.5);
    if (second !== undefined && second.lies !== undefined) yield* shelf.take([second]);
    yield shelf.pause(7);
  },
  *'two people at one plate'(shelf: Shelf): Doing {
    const first = shelf.any();
    if (first === undefined) return;
    const [, second] = shelf.alike(first, 2);
    yield* shelf.take([first]);
    yield shelf.between(0.1, 1.2);
    if (second !== undefined) yield* shelf.take([second]);
  },
  *'neighbour pressed'(shelf: Shelf): Doing {
    const thing = shelf.any();
    const beside = shelf.neighbourOf(thing?.lies?.plate ?? '');
    if (thing === undefined || beside === undefined) return;
    // A divider that touches both carries a little of the load over, and a hand rests there.
    const massMg = Math.round(thing.massMg * shelf.between(0.004, 0.02));
    const handling = liftOff(shelf.stage.random);
    shelf.stage.lean(beside, shelf.between(50_000, 600_000), [0, 0], shelf.between(0.4, 1.2));
    shelf.stage.shift(beside, -massMg, [0, 0], handling);
    yield* shelf.take([thing]);
  },
  *'touched and left'(shelf: Shelf): Doing {
    const plates = shelf.stage.board.plates;
    const plate = plates[shelf.stage.random.integer(plates.length)]?.id ?? '';
    const seconds = shelf.between(0.5, 3);
    shelf.stage.lean(plate, shelf.between(80_000, 900_000), [0, 0], seconds);
    yield seconds + 1;
  },
  *'moved about on its plate'(shelf: Shelf): Doing {
    const thing = shelf.any();
    if (thing === undefined) return;
    const plate = thing.lies?.plate ?? '';
    yield* shelf.take([thing]);
    yield shelf.between(0.2, 0.8);
    yield* shelf.put([thing], plate);
  },
  *'restocked while shoppers are near'(shelf: Shelf): Doing {
    const plates = shelf.stage.board.plates;
    const plate = plates[shelf.stage.random.integer(plates.length)]?.id ?? '';
    const key = shelf.homes.get(plate)?.[0] ?? '';
    const product = shelf.stage.goods.catalogue.byKey.get(key);
    if (product === undefined) return;
    for (let round = 0; round < 2; round++) {
      const things = Array.from({ length: 1 + shelf.stage.random.integer(3) }, () =>
        shelf.stage.fetch(product),
      );
      yield* shelf.put(things, plate);
      yield shelf.pause(2.5);
    }
  },
  *'quiet for minutes'(shelf: Shelf): Doing {
    yield shelf.between(200, 500);
  },
} as const satisfies Record<string, (shelf: Shelf) => Doing>;

function* takeSome(shelf: Shelf, count: number): Doing {
  const thing = shelf.any();
  if (thing !== undefined) yield* shelf.take(shelf.alike(thing, count));
}

function* takeAndReturn(shelf: Shelf, thing: Thing): Doing {
  const plate = thing.lies?.plate ?? '';
  yield* shelf.take([thing]);
  yield shelf.pause(3);
  if (shelf.between(0, 1) < 0.4) yield* shelf.put([thing], plate);
}
