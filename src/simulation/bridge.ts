import type { Random } from '#base/random.ts';
import { usPerSecond } from '#base/units.ts';
import { cellTraits } from './hardware.ts';
import type { CellTraits } from './physics/cell.ts';
import { CellModel } from './physics/cell.ts';
import { maximumCode } from './physics/converter.ts';
import { type SuspensionState, stepSuspension } from './physics/suspension.ts';
import type { PlateModel } from './plate.ts';
import type { Bridge } from './wiring.ts';

export const cellFaults = ['dropout', 'stuck', 'saturated'] as const;
export type CellFault = (typeof cellFaults)[number];

/** The frame that all plates of a world stand on. */
export interface Frame {
  /** Part of gravity that presses at right angles on the plates, with shaking: 1 at rest on a level floor. */
  gravityPart(atUs: number): number;
  /** Temperature above that of calibration, K. */
  kelvin(atUs: number): number;
}

interface Channel {
  readonly id: string;
  readonly model: CellModel;
  readonly plate: PlateModel;
  /** Index of the cell in its plate. */
  readonly index: number;
  readonly state: SuspensionState;
  last: number;
  fault: { readonly kind: CellFault; readonly untilUs: number } | undefined;
}

interface Kick {
  readonly atUs: number;
  readonly plate: PlateModel;
  readonly shares: readonly number[];
  readonly rateMgPerS: number;
}

/** The conversions of one bridge at one instant. A cell that dropped out is not among them. */
export interface BridgeSample {
  readonly atUs: number;
  readonly sequence: number;
  readonly cells: readonly { readonly id: string; readonly counts: number }[];
}

/** Longest step of the plates' oscillation: the converter's filter sees the mean over its period, not one instant. */
const longestStepUs = 3_200;

/** A converter board: all its cells are sampled at the same instants, by a clock of its own. */
export class BridgeModel {
  readonly id: string;
  readonly periodUs: number;
  readonly #channels: readonly Channel[];
  readonly #plates: readonly PlateModel[];
  readonly #substeps: number;
  #kicks: Kick[] = [];
  #nextUs: number;
  #sequence = 0;

  constructor(
    bridge: Bridge,
    plates: ReadonlyMap<string, PlateModel>,
    seeds: { readonly hardwareSeed: number; readonly hardware: Random; readonly trip: Random },
    /** What is otherwise than drawn: of all cells the hysteresis, of some cells any of their traits. */
    other: {
      readonly hysteresis?: number | undefined;
      readonly traits?: Readonly<Record<string, Partial<CellTraits>>> | undefined;
    } = {},
  ) {
    this.id = bridge.id;
    // Ceramic resonators and RC oscillators of such boards are off by some hundred ppm.
    const clock = seeds.hardware.fork(`clock ${bridge.id}`);
    this.periodUs = Math.round((usPerSecond / bridge.samplesPerSecond) * (1 + 2e-4 * clock.gaussian()));
    this.#substeps = Math.max(4, Math.ceil(this.periodUs / longestStepUs));
    this.#nextUs = seeds.trip.fork(`phase ${bridge.id}`).integer(this.periodUs);
    this.#channels = bridge.cells.flatMap(({ cell, plate }) => {
      const model = plates.get(plate.id);
      const index = plate.cells?.indexOf(cell) ?? -1;
      if (model === undefined || index < 0) return [];
      const restMg = model.settledMg(index);
      return [
        {
          id: cell.id,
          model: new CellModel(
            {
              ...cellTraits(cell, seeds.hardwareSeed),
              hysteresis: other.hysteresis,
              ...other.traits?.[cell.id],
            },
            restMg,
            bridge.samplesPerSecond,
            seeds.trip.fork(`noise ${cell.id}`),
          ),
          plate: model,
          index,
          state: { loadMg: restMg, rateMgPerS: 0 },
          last: 0,
          fault: undefined,
        },
      ];
    });
    this.#plates = [...new Set(this.#channels.map((channel) => channel.plate))];
  }

  /** When the next conversion is due, µs. */
  get nextUs(): number {
    return this.#nextUs;
  }

  /** A blow onto a plate: each cell's load gets a rate of change at `atUs`. */
  kick(atUs: number, plate: PlateModel, shares: readonly number[], rateMgPerS: number): void {
    if (this.#plates.includes(plate)) this.#kicks.push({ atUs, plate, shares, rateMgPerS });
  }

  /** True if the cell is one of this bridge. */
  fail(cell: string, kind: CellFault, untilUs: number): boolean {
    const channel = this.#channels.find((other) => other.id === cell);
    if (channel !== undefined) channel.fault = { kind, untilUs };
    return channel !== undefined;
  }

  /** Converts all cells at `nextUs`. */
  sample(frame: Frame): BridgeSample {
    const atUs = this.#nextUs;
    const sums = new Float64Array(this.#channels.length);
    const substeps = this.#substeps;
    for (let sub = 1; sub <= substeps; sub++) {
      this.#advance(atUs - ((substeps - sub) * this.periodUs) / substeps, frame, sums);
    }
    const kelvin = frame.kelvin(atUs);
    const cells: { id: string; counts: number }[] = [];
    this.#channels.forEach((channel, index) => {
      const counts = channel.model.sample((sums[index] ?? 0) / substeps, kelvin);
      const shown = this.#withFault(channel, counts, atUs);
      if (shown !== undefined) cells.push({ id: channel.id, counts: shown });
    });
    for (const plate of this.#plates) plate.settle(atUs - this.periodUs);
    this.#nextUs += this.periodUs;
    const sequence = this.#sequence;
    this.#sequence = (this.#sequence + 1) >>> 0;
    return { atUs, sequence, cells };
  }

  #advance(atUs: number, frame: Frame, sums: Float64Array): void {
    const seconds = this.periodUs / this.#substeps / usPerSecond;
    const gravity = frame.gravityPart(atUs);
    const due = this.#kicks.length === 0 ? [] : this.#kicks.filter((kick) => kick.atUs <= atUs);
    if (due.length > 0) this.#kicks = this.#kicks.filter((kick) => kick.atUs > atUs);
    for (let index = 0; index < this.#channels.length; index++) {
      const channel = this.#channels[index];
      if (channel === undefined) continue;
      const { plate, state } = channel;
      for (const kick of due) {
        if (kick.plate === plate) state.rateMgPerS += kick.rateMgPerS * (kick.shares[channel.index] ?? 0);
      }
      stepSuspension(state, plate.step(seconds), plate.loadMg(channel.index, atUs) * gravity);
      sums[index] = (sums[index] ?? 0) + state.loadMg;
    }
  }

  #withFault(channel: Channel, counts: number, atUs: number): number | undefined {
    if (channel.fault !== undefined && atUs >= channel.fault.untilUs) channel.fault = undefined;
    switch (channel.fault?.kind) {
      case 'dropout':
        return undefined;
      case 'stuck':
        return channel.last;
      case 'saturated':
        return maximumCode;
      case undefined:
        channel.last = counts;
        return counts;
    }
  }
}
