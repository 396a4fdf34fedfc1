import { createRandom, type Random } from '#base/random.ts';
import { usPerSecond } from '#base/units.ts';
import type { Catalogue, Planogram } from '#catalogue/products.ts';
import type { Board, PlateEntry } from '#config/board.ts';
import { SimulationError } from './errors.ts';
import { findProduct, Goods, keyOf, type Lying, type Thing } from './goods.ts';
import type { SimulationItem, Truth } from './items.ts';
import { labelPayload, type Payload, productPayload, tokenPayload, usualSymbology } from './payloads.ts';
import { type Handling, liftOff, partOnPlate, putDown, slideDown } from './physics/handling.ts';
import { knockShaking, liftingShaking, rollingShaking } from './physics/vibration.ts';
import type { Point } from './plate.ts';
import {
  type LeanStep,
  type PutStep,
  type ScanStep,
  type Scenario,
  type ScenarioStep,
  stepName,
  type TakeStep,
} from './scenario.ts';
import { findBridges, findPlace, findPlate, findScanner } from './wiring.ts';
import type { StockedThing, WorldAction } from './world.ts';

export type ActionName = Exclude<keyof ScenarioStep, 'after' | 'background' | 'note'>;

/** One step of a scenario with its times, µs from the start of the world. */
export interface TimelineStep {
  readonly index: number;
  readonly action: ActionName;
  /** First touch, or when the code is read or the command is sent. */
  readonly startUs: number;
  /** When the hand lets go or the thing leaves the plate; else when the step is over. */
  readonly releaseUs: number;
  readonly endUs: number;
  readonly truths: readonly { readonly atUs: number; readonly truth: Truth }[];
  readonly command?: { readonly name: string; readonly args: Readonly<Record<string, unknown>> };
  readonly note?: string;
}

/** A thing that is put down or taken away, as whoever watches sees it. */
export interface Move {
  readonly kind: 'put' | 'take';
  readonly thing: Thing;
  readonly plate: string;
  readonly at: Point;
  /** First touch, and when the hand lets go or the thing leaves the plate, µs. */
  readonly startUs: number;
  readonly releaseUs: number;
}

/** A scenario worked out for one seed: everything that will happen, and when. */
export interface CompiledScenario {
  readonly steps: readonly TimelineStep[];
  readonly actions: readonly WorldAction[];
  readonly stock: readonly StockedThing[];
  /** The same with what they are, and every thing that is moved, in the order of the steps. */
  readonly lying: readonly Lying[];
  readonly moves: readonly Move[];
  /** What lies on the plates in the end. */
  readonly remaining: readonly Lying[];
  readonly endUs: number;
}

export interface CompileOptions {
  readonly scenario: Scenario;
  readonly board: Board;
  readonly catalogue: Catalogue;
  readonly planogram?: Planogram | undefined;
  /** In place of the scenario's own. */
  readonly seed?: number | undefined;
  /** World time at which the scenario begins, µs; all times count from the start of the world. */
  readonly originUs?: number | undefined;
}

/** Mean human pause before an action, s: reaching for the thing, turning it, looking at the display. */
const pauses: Record<ActionName, number> = {
  scan: 1.3,
  put: 1.4,
  take: 1.6,
  swap: 1.6,
  slip: 1.5,
  lean: 0.6,
  push: 0.8,
  lift: 1.2,
  tilt: 0.6,
  knock: 0.8,
  wait: 0,
  command: 1.8,
  clock: 0.5,
  fault: 0,
  gap: 0,
};

/** Works a scenario out: all chance is decided here and in the world, by seed. Throws SimulationError. */
export function compileScenario(options: CompileOptions): CompiledScenario {
  return new Compiler(options).compile();
}

/** What one step comes to. */
interface Outcome {
  readonly releaseUs: number;
  readonly endUs: number;
  readonly truths?: readonly { readonly atUs: number; readonly truth: Truth }[];
  /** The next step begins at once. */
  readonly background?: boolean;
}

class Compiler {
  readonly #options: CompileOptions;
  readonly #timing: Random;
  readonly #hands: Random;
  readonly #goods: Goods;
  readonly #actions: WorldAction[] = [];
  readonly #moves: Move[] = [];

  constructor(options: CompileOptions) {
    this.#options = options;
    const random = createRandom(options.seed ?? options.scenario.seed);
    this.#timing = random.fork('timing');
    this.#hands = random.fork('hands');
    this.#goods = new Goods(options.catalogue, options.planogram, random.fork('goods'));
  }

  compile(): CompiledScenario {
    const { scenario } = this.#options;
    const lying = this.#stock();
    let cursorUs = (this.#options.originUs ?? 0) + Math.round(scenario.leadInSeconds * usPerSecond);
    let lastUs = cursorUs;
    const steps = scenario.steps.map((step, index) => {
      const action = actionOf(step);
      const startUs = cursorUs + this.#pauseUs(step, action);
      const outcome = this.#stepOrTell(step, action, startUs, index);
      cursorUs = step.background || outcome.background === true ? startUs : outcome.endUs;
      lastUs = Math.max(lastUs, outcome.endUs);
      return {
        index,
        action,
        startUs,
        releaseUs: outcome.releaseUs,
        endUs: outcome.endUs,
        truths: outcome.truths ?? [],
        ...(step.command === undefined ? {} : { command: step.command }),
        ...(step.note === undefined ? {} : { note: step.note }),
      };
    });
    const endUs = lastUs + Math.round(scenario.tailSeconds * usPerSecond);
    return {
      steps,
      actions: this.#actions,
      stock: lying.map(({ thing, plate, at }) => ({ plate, massMg: thing.massMg, at })),
      lying,
      moves: this.#moves,
      remaining: this.#goods.lying,
      endUs,
    };
  }

  #stock(): readonly Lying[] {
    for (const entry of this.#options.scenario.stock) {
      const plate = findPlate(this.#options.board, entry.plate);
      for (const thing of this.#goods.fetch(entry, entry.count, undefined)) {
        this.#goods.put([thing], plate.id, this.#somewhere(plate));
      }
    }
    return [...this.#goods.lying];
  }

  #pauseUs(step: ScenarioStep, action: ActionName): number {
    // Drawn also where it isn't used, so that fixing one pause leaves the others as they were.
    const chance = Math.exp(Math.max(-0.45, Math.min(0.45, 0.17 * this.#timing.gaussian())));
    const human = pauses[action] * this.#options.scenario.pace * chance;
    return Math.round((step.after ?? human) * usPerSecond);
  }

  /** Throws SimulationError that names file and step. */
  #stepOrTell(step: ScenarioStep, action: ActionName, startUs: number, index: number): Outcome {
    try {
      return this.#step(step, action, startUs, index);
    } catch (cause) {
      if (!(cause instanceof SimulationError)) throw cause;
      const { path } = this.#options.scenario;
      const place = `${path === '' ? '' : `${path}: `}${stepName(index, step)}`;
      throw new SimulationError(cause.code, `${place}: ${cause.message}`, {
        cause,
        details: { ...cause.details, step: index + 1 },
      });
    }
  }

  #step(step: ScenarioStep, action: ActionName, startUs: number, index: number): Outcome {
    const at = { releaseUs: startUs, endUs: startUs };
    if (step.scan !== undefined) return this.#scan(step.scan, startUs);
    if (step.put !== undefined) return this.#put(step.put, startUs);
    if (step.take !== undefined) return this.#take(step.take, startUs);
    if (step.swap !== undefined) return this.#swap(step.swap, startUs);
    if (step.slip !== undefined) return this.#slip(step.slip, startUs);
    if (step.lean !== undefined) return this.#lean(step.lean, startUs);
    const shaken = this.#shake(step, startUs, index);
    if (shaken !== undefined) return shaken;
    if (step.clock !== undefined) {
      const { utc, quality } = step.clock;
      const input = { kind: 'clock', atUs: startUs, utcMs: Date.parse(utc), quality } as const;
      this.#emit({ kind: 'input', input });
      return at;
    }
    if (step.command !== undefined) {
      const { name, args } = step.command;
      this.#emit({ kind: 'input', input: { kind: 'command', atUs: startUs, command: name, args } });
      return at;
    }
    if (step.fault !== undefined || step.gap !== undefined) return this.#trouble(step, startUs);
    const waited = startUs + Math.round((step.wait ?? 0) * usPerSecond);
    if (action !== 'wait')
      throw new SimulationError('CW-SIM-003', `step ${index}: ${action} is not an action`);
    return { releaseUs: waited, endUs: waited };
  }

  /** What happens to the frame as a whole: it rolls, is lifted, tilts or is bumped into. */
  #shake(step: ScenarioStep, atUs: number, index: number): Outcome | undefined {
    if (step.push !== undefined) {
      const { seconds, speed, floor } = step.push;
      const random = this.#hands.fork(`push ${index}`);
      const shaking = rollingShaking(atUs, seconds, speed * 1_000, random, floor);
      this.#actions.push({ kind: 'shake', atUs, shaking });
      return { releaseUs: shaking.untilUs, endUs: shaking.untilUs };
    }
    if (step.lift !== undefined) {
      const { seconds, heightMm, milliradians } = step.lift;
      const shaking = liftingShaking(atUs, seconds, heightMm, this.#hands.fork(`lift ${index}`));
      this.#actions.push({ kind: 'shake', atUs, shaking });
      const rampUs = Math.round(0.6 * usPerSecond);
      this.#actions.push({ kind: 'tilt', atUs, radians: milliradians / 1_000, rampUs });
      const levelUs = atUs + Math.round((0.8 + seconds) * usPerSecond);
      this.#actions.push({ kind: 'tilt', atUs: levelUs, radians: 0, rampUs });
      const endUs = Math.max(shaking.untilUs, levelUs + rampUs);
      return { releaseUs: endUs, endUs };
    }
    if (step.tilt !== undefined) {
      const rampUs = Math.round(step.tilt.seconds * usPerSecond);
      this.#actions.push({ kind: 'tilt', atUs, radians: step.tilt.milliradians / 1_000, rampUs });
      return { releaseUs: atUs + rampUs, endUs: atUs + rampUs };
    }
    if (step.knock === undefined) return undefined;
    const shaking = knockShaking(atUs, step.knock.strength * 1_000, this.#hands.fork(`knock ${index}`));
    this.#actions.push({ kind: 'shake', atUs, shaking });
    return { releaseUs: atUs, endUs: atUs };
  }

  #trouble(step: ScenarioStep, startUs: number): Outcome {
    const untilUs = startUs + Math.round((step.fault?.seconds ?? step.gap?.seconds ?? 0) * usPerSecond);
    if (step.fault === undefined) {
      this.#actions.push({ kind: 'gap', atUs: startUs, untilUs });
    } else {
      const { cell, kind } = step.fault;
      const cells = findBridges(this.#options.board).flatMap((bridge) => bridge.cells.map((c) => c.cell.id));
      if (!cells.includes(cell)) {
        throw new SimulationError(
          'CW-SIM-005',
          `board ${this.#options.board.name} has no cell ${cell}; it has ${cells.join(', ')}`,
        );
      }
      this.#actions.push({ kind: 'fail', atUs: startUs, cell, fault: kind, untilUs });
    }
    return { releaseUs: untilUs, endUs: untilUs, background: true };
  }

  #scan(scan: ScanStep, startUs: number): Outcome {
    const { data, symbology } = this.#payload(scan);
    const source = findScanner(this.#options.board, scan.scanner);
    this.#emit({ kind: 'input', input: { kind: 'scan', source, atUs: startUs, data, symbology } });
    return { releaseUs: startUs, endUs: startUs };
  }

  #payload(scan: ScanStep): Payload {
    if (scan.session !== undefined) return tokenPayload(scan.session);
    if (scan.text !== undefined)
      return { data: new TextEncoder().encode(scan.text), symbology: scan.symbology };
    const { lot, serial, expiry, massMg, priceMinor } = scan;
    if (scan.label !== undefined) {
      return labelPayload({ ...scan.label, massMg, priceMinor }, this.#options.catalogue.variableMeasure);
    }
    const gtin = scan.gtin ?? '';
    const elements = { lot, serial, expiry, massMg, priceMinor };
    return productPayload(gtin, scan.as ?? usualSymbology(gtin, elements), elements);
  }

  #put(put: PutStep, startUs: number): Outcome {
    const plate = findPlace(this.#options.board, put.plate);
    if (put.unlisted === undefined) findProduct(this.#options.catalogue, put);
    const things = this.#goods.fetch(put, put.count, put.massMg);
    const at = put.at ?? this.#somewhere(plate);
    const handling = putDown(put.how, this.#hands);
    const part = put.rim === undefined ? 1 : partOnPlate(put.rim);
    this.#handle(startUs, plate, part * total(things), at, handling);
    this.#goods.put(things, plate.id, at, part);
    for (const thing of things) {
      const releaseUs = startUs + handling.releaseUs;
      this.#moves.push({ kind: 'put', thing, plate: plate.id, at, startUs, releaseUs });
    }
    const home = things.every((thing) => this.#goods.isAtHome(thing, plate.id));
    const kind = plate.kind === 'shelf' ? (home ? 'returned' : 'misplaced') : 'added';
    const releaseUs = startUs + handling.releaseUs;
    return {
      releaseUs,
      endUs: startUs + handling.endUs,
      truths: put.staff ? [] : this.#truths(kind, things, plate.id, releaseUs),
    };
  }

  #take(take: TakeStep, startUs: number): Outcome {
    const taken = this.#goods.take(keyOf(take), take.count, take.which, take.plate);
    const handling = liftOff(this.#hands);
    for (const { thing, plate, at, part } of taken) {
      const where = findPlace(this.#options.board, plate);
      this.#handle(startUs, where, -part * thing.massMg, at, handling);
      const releaseUs = startUs + handling.releaseUs;
      this.#moves.push({ kind: 'take', thing, plate, at, startUs, releaseUs });
    }
    const things = taken.map((other) => other.thing);
    const plate = findPlace(this.#options.board, taken[0]?.plate);
    const kind = plate.kind === 'shelf' ? 'taken' : 'removed';
    const releaseUs = startUs + handling.releaseUs;
    return {
      releaseUs,
      endUs: startUs + handling.endUs,
      truths: take.staff ? [] : this.#truths(kind, things, plate.id, releaseUs),
    };
  }

  /** One hand lifts while the other is already on its way down. */
  #swap(swap: { take: TakeStep; put: PutStep }, startUs: number): Outcome {
    const out = this.#take(swap.take, startUs);
    const overlapUs = Math.round((0.05 + 0.25 * this.#hands.next()) * usPerSecond);
    const into = this.#put(swap.put, out.releaseUs + overlapUs);
    return {
      releaseUs: into.releaseUs,
      endUs: Math.max(out.endUs, into.endUs),
      truths: [...(out.truths ?? []), ...(into.truths ?? [])],
    };
  }

  #lean(lean: LeanStep, startUs: number): Outcome {
    const kilograms = lean.kg ?? (lean.newton === undefined ? undefined : lean.newton / 9.80665);
    if (kilograms === undefined) throw new SimulationError('CW-SIM-008', 'lean needs kg or newton');
    const plate = findPlate(this.#options.board, lean.plate);
    const ys = (plate.cells ?? []).map((cell) => cell.positionMm[1]);
    const at = lean.at ?? ([0, Math.min(...ys)] as const);
    const untilUs = startUs + Math.round(lean.seconds * usPerSecond);
    const massMg = Math.round(kilograms * 1e6);
    this.#actions.push({ kind: 'lean', atUs: startUs, plate: plate.id, massMg, at, untilUs });
    return { releaseUs: untilUs, endUs: untilUs };
  }

  /** What leant on the rim of the frame lies flat from now on. */
  #slip(slip: TakeStep, startUs: number): Outcome {
    const handling = slideDown(this.#hands);
    for (const { thing, plate, at, part } of this.#goods.straighten(keyOf(slip), slip.count, slip.plate)) {
      const where = findPlace(this.#options.board, plate);
      this.#handle(startUs, where, (1 - part) * thing.massMg, at, handling);
    }
    return { releaseUs: startUs + handling.releaseUs, endUs: startUs + handling.endUs };
  }

  /** On a rack without cells things lie all the same: they load nothing. */
  #handle(atUs: number, { id, cells }: PlateEntry, massMg: number, at: Point, handling: Handling): void {
    if (cells === undefined) return;
    this.#actions.push({ kind: 'handle', atUs, plate: id, massMg: Math.round(massMg), at, handling });
  }

  #truths(kind: Truth['kind'], things: readonly Thing[], plate: string, atUs: number) {
    const [first] = things;
    if (first === undefined || !first.goods) return [];
    // A handful of loose produce is one line, however many pieces.
    const truth: Truth = { kind, ...first.names, count: things.length, plate };
    this.#emit({ kind: 'truth', atUs, truth });
    return [{ atUs, truth }];
  }

  #emit(item: SimulationItem): void {
    this.#actions.push({ kind: 'emit', atUs: item.kind === 'input' ? item.input.atUs : item.atUs, item });
  }

  /** A place within the middle 60 % of what the cells span (at least ±40 mm across a line of cells). */
  #somewhere({ cells }: PlateEntry): Point {
    if (cells === undefined) return [0, 0];
    const along = (axis: 0 | 1): number => {
      const values = cells.map((cell) => cell.positionMm[axis]);
      const half = Math.max(66, (Math.max(...values) - Math.min(...values)) / 2);
      return Math.round(0.6 * half * (2 * this.#hands.next() - 1));
    };
    return [along(0), along(1)];
  }
}

function total(things: readonly Thing[]): number {
  return things.reduce((sum, thing) => sum + thing.massMg, 0);
}

function actionOf(step: ScenarioStep): ActionName {
  const found = (Object.keys(pauses) as ActionName[]).find((name) => step[name] !== undefined);
  if (found === undefined) throw new SimulationError('CW-SIM-003', 'a step has no action');
  return found;
}
