import { createRandom, type Random } from '#base/random.ts';
import { usPerSecond } from '#base/units.ts';
import type { Product } from '#catalogue/products.ts';
import type { Board, PlateEntry } from '#config/board.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import type { Payload } from '#simulation/payloads.ts';
import type { Handling } from '#simulation/physics/handling.ts';
import { knockShaking, rollingShaking } from '#simulation/physics/vibration.ts';
import type { Point } from '#simulation/plate.ts';
import { findScanner } from '#simulation/wiring.ts';
import { type StockedThing, World, type WorldAction } from '#simulation/world.ts';
import type { Goods } from './catalogue.ts';
import type { Engine } from './engines.ts';
import type { Looks } from './looks.ts';

/** One piece, or one handful of loose produce. */
export interface Thing {
  readonly id: number;
  /** Undefined for what the catalogue doesn't have. */
  readonly product: Product | undefined;
  /** A code that the catalogue doesn't have. */
  readonly strangeCode?: string;
  /** False for a bag or a coat, which is not for sale. */
  readonly forSale: boolean;
  readonly massMg: number;
  /** On the label of the shop's own scale. */
  labelMinor?: number;
  /** Where it lies; undefined in somebody's hand. */
  lies?: { readonly plate: string; readonly at: Point };
}

/** What really happened to one thing: known to the stage alone. */
export interface TrueUnit {
  readonly thing: Thing;
  readonly sign: 1 | -1;
  readonly plate: string;
  /** First touch, and when the hand let go or the thing left the plate, µs. */
  readonly startUs: number;
  readonly atUs: number;
  readonly label: string;
  /** It lies where the planogram doesn't have it. */
  readonly astray: boolean;
}

/** What somebody does: yields how many seconds pass before going on. */
export type Doing = Generator<number, void, void>;

/** What is written of a trip that is kept: inputs and truths in their order. */
export interface Keeper {
  input(input: PipelineInput): void;
  truth(unit: TrueUnit): void;
}

interface StageOptions {
  readonly board: Board;
  readonly goods: Goods;
  readonly looks: Looks | undefined;
  readonly seed: number;
  readonly engine: Engine;
  readonly stock: readonly Thing[];
  readonly climate: { readonly startKelvin: number; readonly kelvinPerHour: number };
  readonly homes?: ReadonlyMap<string, readonly string[]> | undefined;
  readonly keeper?: Keeper | undefined;
}

/** A movement that cameras look at. */
interface Looking {
  readonly plate: string;
  readonly startedAtUs: number;
  readonly settledAtUs: number;
}

/** So long after a hand let go a camera takes a view for quiet, where no scale tells it, µs. */
const quietUs = 500_000;
/** How long before a movement's start and after its end a hand may have been at it, µs. */
const nearUs = 300_000;

/** The simulated world with people in it: it lets time pass, tells the engine what its devices say, and keeps the truth. */
export class Stage {
  readonly board: Board;
  readonly goods: Goods;
  readonly engine: Engine;
  readonly units: TrueUnit[] = [];
  readonly random: Random;
  nowUs = 0;
  /** What the act that goes on is called. */
  label = 'start';
  readonly #options: StageOptions;
  readonly #world: World;
  readonly #eyes: Random;
  readonly #doing: { atUs: number; readonly doing: Doing }[] = [];
  #things = 0;

  constructor(options: StageOptions) {
    this.#options = options;
    this.board = options.board;
    this.goods = options.goods;
    this.engine = options.engine;
    const random = createRandom(options.seed);
    this.random = random.fork('people');
    this.#eyes = random.fork('eyes');
    const stock = options.stock.flatMap(({ massMg, lies }): StockedThing[] =>
      lies === undefined ? [] : [{ plate: lies.plate, massMg, at: lies.at }],
    );
    this.#world = new World({ board: options.board, seed: options.seed, stock, ...options.climate });
    options.engine.onMovement = (movement) => this.#look(movement);
  }

  /** A new unit of a product, of the mass that it really has. */
  fetch(product: Product): Thing {
    return { id: this.#things++, product, forSale: true, massMg: this.goods.draw(product, this.random) };
  }

  /** Something that the catalogue doesn't have. */
  strange(massMg: number, more: Partial<Pick<Thing, 'strangeCode' | 'forSale'>> = {}): Thing {
    return { id: this.#things++, product: undefined, forSale: true, massMg: Math.round(massMg), ...more };
  }

  /** Somebody begins to do something now, beside what others do. */
  begin(doing: Doing): void {
    this.#doing.push({ atUs: this.nowUs, doing });
  }

  /** Lets everything happen until nobody does anything any more. */
  play(): void {
    for (;;) {
      let next = this.#doing[0];
      for (const one of this.#doing) if (next !== undefined && one.atUs < next.atUs) next = one;
      if (next === undefined) return;
      this.#passTo(next.atUs);
      const { value, done } = next.doing.next();
      if (done === true) this.#doing.splice(this.#doing.indexOf(next), 1);
      else next.atUs = this.nowUs + Math.round(value * usPerSecond);
    }
  }

  /** A code is read. */
  read({ data, symbology }: Payload): void {
    const source = findScanner(this.board, undefined);
    this.#emit({ kind: 'scan', source, atUs: this.nowUs, data, symbology });
  }

  /** A command arrives, as from the display. Answers whether it was carried out. */
  command(command: string, args: Readonly<Record<string, unknown>>): boolean {
    const input: PipelineInput = { kind: 'command', atUs: this.nowUs, command, args };
    this.#options.keeper?.input(input);
    return this.engine.accept(input);
  }

  /** Things begin to be put down together. `part`: what of their mass comes onto the plate. Answers the seconds until released. */
  put(things: readonly Thing[], plate: string, handling: Handling, at: Point, part = 1): number {
    const massMg = part * things.reduce((sum, thing) => sum + thing.massMg, 0);
    this.#handle(plate, massMg, at, handling);
    for (const thing of things) {
      thing.lies = { plate, at };
      this.#happens(thing, 1, plate, handling);
    }
    return handling.releaseUs / usPerSecond;
  }

  /** Things begin to be taken away together from where each lies. Answers the seconds until they have left. */
  take(things: readonly Thing[], handling: Handling): number {
    for (const thing of things) {
      const { lies } = thing;
      if (lies === undefined) continue;
      this.#handle(lies.plate, -thing.massMg, lies.at, handling);
      delete thing.lies;
      this.#happens(thing, -1, lies.plate, handling);
    }
    return handling.releaseUs / usPerSecond;
  }

  /** More or less of a load comes onto a plate without anything being put there: a thing slides, a neighbour presses. */
  shift(plate: string, massMg: number, at: Point, handling: Handling): void {
    this.#handle(plate, massMg, at, handling);
  }

  lean(plate: string, massMg: number, at: Point, seconds: number): void {
    const untilUs = this.nowUs + Math.round(seconds * usPerSecond);
    this.#schedule({ kind: 'lean', atUs: this.nowUs, plate, massMg: Math.round(massMg), at, untilUs });
  }

  roll(seconds: number, speed: number): void {
    const shaking = rollingShaking(
      this.nowUs,
      seconds,
      speed * 1_000,
      this.random.fork(`roll ${this.nowUs}`),
    );
    this.#schedule({ kind: 'shake', atUs: this.nowUs, shaking });
  }

  knock(strength: number): void {
    const shaking = knockShaking(this.nowUs, strength * 1_000, this.random.fork(`knock ${this.nowUs}`));
    this.#schedule({ kind: 'shake', atUs: this.nowUs, shaking });
  }

  tilt(milliradians: number, seconds: number): void {
    const rampUs = Math.round(seconds * usPerSecond);
    this.#schedule({ kind: 'tilt', atUs: this.nowUs, radians: milliradians / 1_000, rampUs });
  }

  /** A place by chance within the middle 60 % of what the cells span (at least ±40 mm across a line of cells). */
  somewhere(plate: PlateEntry | undefined): Point {
    const along = (axis: 0 | 1): number => {
      const values = (plate?.cells ?? []).map((cell) => cell.positionMm[axis]);
      const half = Math.max(66, (Math.max(...values) - Math.min(...values)) / 2);
      return Math.round(0.6 * half * (2 * this.random.next() - 1));
    };
    return [along(0), along(1)];
  }

  plate(id: string): PlateEntry | undefined {
    return this.board.plates.find((plate) => plate.id === id);
  }

  #happens(thing: Thing, sign: 1 | -1, plate: string, handling: Handling): void {
    const home = this.#options.homes?.get(plate)?.includes(thing.product?.key ?? '') ?? true;
    const unit: TrueUnit = {
      thing,
      sign,
      plate,
      startUs: this.nowUs,
      atUs: this.nowUs + handling.releaseUs,
      label: this.label,
      astray: sign > 0 && !home,
    };
    this.units.push(unit);
    this.#options.keeper?.truth(unit);
    // Without scales a camera notices by itself when it is quiet again.
    if (!this.engine.weighs) {
      const settledAtUs = unit.atUs + quietUs;
      this.#look({ plate, startedAtUs: unit.startUs, settledAtUs });
    }
  }

  #handle(plate: string, massMg: number, at: Point, handling: Handling): void {
    this.#schedule({ kind: 'handle', atUs: this.nowUs, plate, massMg: Math.round(massMg), at, handling });
  }

  #emit(input: PipelineInput): void {
    this.#schedule({ kind: 'emit', atUs: input.atUs, item: { kind: 'input', input } });
  }

  #schedule(action: WorldAction): void {
    this.#world.schedule([action]);
  }

  #passTo(untilUs: number): void {
    for (const item of this.#world.run(untilUs)) {
      if (item.kind !== 'input') continue;
      this.#options.keeper?.input(item.input);
      this.engine.accept(item.input);
    }
    this.nowUs = untilUs;
    this.engine.advance(untilUs);
  }

  /** The cameras over a plate look at what moved there. */
  #look({ plate, startedAtUs, settledAtUs }: Looking): void {
    const { looks, goods } = this.#options;
    if (looks === undefined) return;
    const moved = this.units.filter(
      (unit) =>
        unit.plate === plate && unit.atUs > startedAtUs - nearUs && unit.startUs < settledAtUs + nearUs,
    );
    const atUs = Math.max(this.engine.nowUs, settledAtUs + looks.delayUs(this.#eyes));
    for (const { id: camera } of this.plate(plate)?.cameras ?? []) {
      const said = looks.say(
        moved.map(({ thing, sign }) => ({
          look: thing.product?.look,
          change: sign > 0 ? ('came' as const) : ('went' as const),
        })),
        { camera, plate, settledAtUs, atUs },
        goods.catalogue,
        this.#eyes,
      );
      if (said !== undefined) this.#emit(said);
    }
  }
}
