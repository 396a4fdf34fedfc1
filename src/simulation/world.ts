import { createRandom, type Random } from '#base/random.ts';
import { standardGravityMmS2, usPerSecond } from '#base/units.ts';
import type { Board } from '#config/board.ts';
import { BridgeModel, type CellFault, type Frame } from './bridge.ts';
import { SimulationError } from './errors.ts';
import { defaultHardwareSeed } from './hardware.ts';
import { itemTime, type SimulationItem } from './items.ts';
import type { CellTraits } from './physics/cell.ts';
import type { Handling } from './physics/handling.ts';
import { Wander } from './physics/noise.ts';
import type { Shaking } from './physics/vibration.ts';
import type { Point } from './plate.ts';
import { PlateModel } from './plate.ts';
import { findThermometers, Thermometer } from './thermometer.ts';
import { findBridges, findMotionSensors } from './wiring.ts';

/** Something that happens to the world at `atUs`. */
export type WorldAction = { readonly atUs: number } & (
  | {
      readonly kind: 'handle';
      readonly plate: string;
      /** Positive: put down; negative: taken away. */
      readonly massMg: number;
      readonly at: Point;
      readonly handling: Handling;
    }
  | {
      readonly kind: 'lean';
      readonly plate: string;
      readonly massMg: number;
      readonly at: Point;
      readonly untilUs: number;
    }
  | { readonly kind: 'shake'; readonly shaking: Shaking }
  | { readonly kind: 'tilt'; readonly radians: number; readonly rampUs: number }
  | { readonly kind: 'fail'; readonly cell: string; readonly fault: CellFault; readonly untilUs: number }
  /** No reading of any device arrives. */
  | { readonly kind: 'gap'; readonly untilUs: number }
  | { readonly kind: 'emit'; readonly item: SimulationItem }
);

/** A thing that lies on a plate from the start. */
export interface StockedThing {
  readonly plate: string;
  readonly massMg: number;
  readonly at: Point;
}

/** Two plates on springs k that something between them joins with a spring kc: `part` is kc / (k + 2·kc). */
export interface Coupling {
  readonly plates: readonly [string, string];
  readonly part: number;
}

export interface WorldOptions {
  readonly board: Board;
  /** Seed of what is by chance in this trip: noise, phases, wandering hands. */
  readonly seed: number;
  /** Seed of the pieces of hardware: zero, slope, creep of each cell. */
  readonly hardwareSeed?: number | undefined;
  readonly stock?: readonly StockedThing[] | undefined;
  /** Plates that touch: part of a load on one that the other carries. */
  readonly coupled?: readonly Coupling[] | undefined;
  /** Temperature at the start above that of calibration, K, and how fast it rises, K/h. */
  readonly startKelvin?: number | undefined;
  readonly kelvinPerHour?: number | undefined;
  /** Hysteresis of all cells, as a fraction of the largest load in the middle of the way down; none where left out. */
  readonly hysteresis?: number | undefined;
  /** Traits of single cells in place of those that the hardware's seed draws: non-linearity, slope (a corner that is off), creep, drift. */
  readonly traits?: Readonly<Record<string, Partial<CellTraits>>> | undefined;
}

const motionPeriodUs = 10_000;

/**
 * The physical world of one cart or shelf: plates on cells, a frame that shakes and tilts, devices that sample it.
 * It steps as fast as the machine allows and knows no clock; `run` moves it on.
 */
export class World implements Frame {
  readonly #plates: ReadonlyMap<string, PlateModel>;
  readonly #bridges: readonly BridgeModel[];
  readonly #sensors: readonly (MotionSensor | Thermometer)[];
  readonly #trip: Random;
  readonly #warmth: { readonly startKelvin: number; readonly kelvinPerHour: number; readonly wander: Wander };
  readonly #coupled: readonly Coupling[];
  #actions: WorldAction[] = [];
  #shakings: Shaking[] = [];
  #tilt = { fromRadians: 0, toRadians: 0, fromUs: 0, rampUs: 1 };
  #silentUntilUs = 0;
  #leans = 0;

  constructor(options: WorldOptions) {
    const hardwareSeed = options.hardwareSeed ?? defaultHardwareSeed;
    const hardware = createRandom(hardwareSeed);
    this.#trip = createRandom(options.seed).fork('world');
    this.#warmth = {
      startKelvin: options.startKelvin ?? 0,
      kelvinPerHour: options.kelvinPerHour ?? 0,
      wander: new Wander(this.#trip.fork('temperature'), 120, 0),
    };
    this.#plates = new Map(options.board.plates.map((entry) => [entry.id, new PlateModel(entry)]));
    this.#coupled = options.coupled ?? [];
    for (const thing of options.stock ?? []) this.#plate(thing.plate).stock(thing.massMg, thing.at);
    const seeds = { hardwareSeed, hardware, trip: this.#trip };
    this.#bridges = findBridges(options.board).map(
      (bridge) => new BridgeModel(bridge, this.#plates, seeds, options),
    );
    this.#sensors = [
      ...findMotionSensors(options.board).map((id) => new MotionSensor(id, hardware, this.#trip)),
      ...findThermometers(options.board).map((id) => new Thermometer(id)),
    ];
  }

  /** Adds what will happen. Actions in the past happen at once; those of one time in the order given. */
  schedule(actions: readonly WorldAction[]): void {
    this.#actions = [...this.#actions, ...actions].sort((a, b) => a.atUs - b.atUs);
  }

  /** Moves the world on to `untilUs`, yielding everything that happens up to and at that time, in order. */
  *run(untilUs: number): Generator<SimulationItem> {
    for (;;) {
      const source = this.#nextSource();
      const action = this.#actions[0];
      if (action !== undefined && action.atUs <= (source?.nextUs ?? Number.POSITIVE_INFINITY)) {
        if (action.atUs > untilUs) return;
        this.#actions.shift();
        const item = this.#act(action);
        if (item !== undefined && !this.#isSilent(item)) yield item;
        continue;
      }
      if (source === undefined || source.nextUs > untilUs) return;
      const silent = source.nextUs < this.#silentUntilUs;
      for (const item of source instanceof BridgeModel ? this.#convert(source) : [source.sample(this)]) {
        if (!silent) yield item;
      }
    }
  }

  gravityPart(atUs: number): number {
    const level = Math.cos(this.#tiltAt(atUs));
    const shaking = this.#shakings.length === 0 ? 0 : this.#shakingAt(atUs)[2];
    return level + shaking / standardGravityMmS2;
  }

  kelvin(atUs: number): number {
    const { startKelvin, kelvinPerHour, wander } = this.#warmth;
    return startKelvin + (kelvinPerHour * atUs) / (3600 * usPerSecond) + 0.05 * wander.at(atUs);
  }

  /** Acceleration of the frame at `atUs`, mm/s², with gravity. */
  accelerationAt(atUs: number): readonly [number, number, number] {
    const [x, y, z] = this.#shakingAt(atUs);
    const tilt = this.#tiltAt(atUs);
    return [x, y + standardGravityMmS2 * Math.sin(tilt), z + standardGravityMmS2 * Math.cos(tilt)];
  }

  #shakingAt(atUs: number): [number, number, number] {
    const sum: [number, number, number] = [0, 0, 0];
    for (const shaking of this.#shakings) {
      if (atUs >= shaking.fromUs && atUs < shaking.untilUs) shaking.add(atUs, sum);
    }
    return sum;
  }

  #nextSource(): BridgeModel | MotionSensor | Thermometer | undefined {
    let first: BridgeModel | MotionSensor | Thermometer | undefined;
    for (const bridge of this.#bridges)
      if (first === undefined || bridge.nextUs < first.nextUs) first = bridge;
    for (const sensor of this.#sensors)
      if (first === undefined || sensor.nextUs < first.nextUs) first = sensor;
    return first;
  }

  *#convert(bridge: BridgeModel): Generator<SimulationItem> {
    const { atUs, sequence, cells } = bridge.sample(this);
    for (const { id, counts } of cells) {
      yield { kind: 'input', input: { kind: 'cell', source: id, atUs, counts, sequence } };
    }
    if (this.#shakings.length > 0) {
      this.#shakings = this.#shakings.filter((shaking) => shaking.untilUs > atUs - usPerSecond);
    }
  }

  #isSilent(item: SimulationItem): boolean {
    return item.kind === 'input' && item.input.kind !== 'command' && itemTime(item) < this.#silentUntilUs;
  }

  #act(action: WorldAction): SimulationItem | undefined {
    switch (action.kind) {
      case 'handle':
        this.#handle(action);
        return undefined;
      case 'lean': {
        const wander = new Wander(this.#trip.fork(`lean ${this.#leans++}`), 0.6, action.atUs);
        this.#plate(action.plate).lean(action.atUs, action.untilUs, action.massMg, action.at, wander);
        return undefined;
      }
      case 'shake':
        this.#shakings.push(action.shaking);
        return undefined;
      case 'tilt':
        this.#tilt = {
          fromRadians: this.#tiltAt(action.atUs),
          toRadians: action.radians,
          fromUs: action.atUs,
          rampUs: Math.max(1, action.rampUs),
        };
        return undefined;
      case 'fail':
        for (const bridge of this.#bridges) bridge.fail(action.cell, action.fault, action.untilUs);
        return undefined;
      case 'gap':
        this.#silentUntilUs = action.untilUs;
        return undefined;
      case 'emit':
        return action.item;
    }
  }

  #handle(action: Extract<WorldAction, { kind: 'handle' }>): void {
    const plate = this.#plate(action.plate);
    let own = action.massMg;
    // What lay there from the start had settled before the two came to touch.
    for (const { plates, part } of this.#coupled) {
      if (!plates.includes(action.plate)) continue;
      const other = plates[0] === action.plate ? plates[1] : plates[0];
      own -= part * action.massMg;
      this.#plate(other).handle(action.atUs, part * action.massMg, [0, 0], action.handling);
    }
    plate.handle(action.atUs, own, action.at, action.handling);
    const shares = plate.sharesAt(action.at);
    for (const impact of action.handling.impacts) {
      // Momentum m·v onto a plate of mass M on springs k = ω²M: the load k·z/g starts to change at ω²·m·v/g.
      const rate = plate.omega ** 2 * action.massMg * impact.seconds;
      for (const bridge of this.#bridges) bridge.kick(action.atUs + impact.afterUs, plate, shares, rate);
    }
  }

  #tiltAt(atUs: number): number {
    const { fromRadians, toRadians, fromUs, rampUs } = this.#tilt;
    const part = Math.max(0, Math.min(1, (atUs - fromUs) / rampUs));
    return fromRadians + (toRadians - fromRadians) * part;
  }

  #plate(id: string): PlateModel {
    const plate = this.#plates.get(id);
    if (plate !== undefined) return plate;
    throw new SimulationError(
      'CW-SIM-005',
      `there is no plate ${id}; the board has ${[...this.#plates.keys()].join(', ')}`,
    );
  }
}

/** A motion sensor on the frame: 100 samples a second, with the bias and the noise of a consumer part (MPU-6050). */
class MotionSensor {
  readonly #id: string;
  readonly #bias: readonly [number, number, number];
  readonly #noise: Random;
  #nextUs: number;

  constructor(id: string, hardware: Random, trip: Random) {
    const bias = hardware.fork(`bias ${id}`);
    this.#id = id;
    this.#bias = [120 * bias.gaussian(), 120 * bias.gaussian(), 160 * bias.gaussian()];
    this.#noise = trip.fork(`noise ${id}`);
    this.#nextUs = trip.fork(`phase ${id}`).integer(motionPeriodUs);
  }

  get nextUs(): number {
    return this.#nextUs;
  }

  sample(world: World): SimulationItem {
    const atUs = this.#nextUs;
    this.#nextUs += motionPeriodUs;
    const [x, y, z] = world.accelerationAt(atUs);
    const read = (value: number, axis: 0 | 1 | 2) =>
      Math.round(value + this.#bias[axis] + 22 * this.#noise.gaussian());
    return {
      kind: 'input',
      input: {
        kind: 'motion',
        source: this.#id,
        atUs,
        accelerationMmS2: [read(x, 0), read(y, 1), read(z, 2)],
      },
    };
  }
}
