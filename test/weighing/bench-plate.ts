import { createRandom, type Random } from '#base/random.ts';
import type { Calibration, PlateEntry } from '#config/board.ts';
import { plateSchema } from '#config/board.ts';
import { type WeighingConfig, weighingSchema } from '#config/schema.ts';
import type { Activity, Movement, WeighingFault, WeighingOutput } from '#weighing/outputs.ts';
import { Weigher, type WeighingState } from '#weighing/weigher.ts';

export const mgPerCount = 1e3 / 429.5;

/** A plate of `count` cells of 10 kg at the corners; `kind` and the rest as told. */
export function plateOf(count: number, more: Partial<PlateEntry> = {}): PlateEntry {
  return plateSchema.parse({
    id: 'basket',
    kind: 'cart',
    maxMg: count * 7_500_000,
    intervalMg: count >= 4 ? 5_000 : 1_000,
    cells: Array.from({ length: count }, (_, i) => ({
      id: `cell-${i}`,
      positionMm: [i % 2 ? 220 : -220, i < 2 ? 330 : -330],
      capacityMg: 10_000_000,
    })),
    ...more,
  });
}

export interface CellTraits {
  zeroCounts: number;
  milligramsPerCount: number;
  points?: [number, number][];
  milligramsPerKelvin?: number;
  referenceMilliCelsius?: number;
}

export function calibrationOf(plate: PlateEntry, more: Partial<CellTraits>[] = []): Calibration {
  const cells: Record<string, CellTraits> = {};
  for (const [i, cell] of (plate.cells ?? []).entries()) {
    cells[cell.id] = { zeroCounts: 80_000 + 1_000 * i, milligramsPerCount: mgPerCount, ...more[i] };
  }
  return { calibration: 1, revision: 7, plates: { [plate.id]: { cells } } };
}

export const defaults: WeighingConfig = weighingSchema.parse({});

/** Load on one plate over time, mg. */
export type Load = (atUs: number) => number;

/**
 * A mass that is put down at `atUs` (or taken: negative): the plate rings at `hertz` and dies out with `tauS`, as an
 * underdamped spring does.
 */
export function step(atUs: number, mg: number, hertz = 12, tauS = 0.08): Load {
  return (nowUs) => {
    const s = (nowUs - atUs) / 1e6;
    return s < 0 ? 0 : mg * (1 - Math.exp(-s / tauS) * Math.cos(2 * Math.PI * hertz * s));
  };
}

export const sumOf =
  (...loads: Load[]): Load =>
  (atUs) =>
    loads.reduce((sum, load) => sum + load(atUs), 0);

export interface RigOptions {
  readonly plate?: PlateEntry;
  readonly calibration?: Calibration | undefined;
  readonly config?: Partial<WeighingConfig>;
  readonly state?: WeighingState;
  readonly seed?: number;
  readonly samplesPerSecond?: number;
  readonly noiseMg?: number;
  /** Where it weighs. */
  readonly gravityUmS2?: number | undefined;
}

/** What a cell delivers, or nothing (a lost sample): may change counts on the way. */
export type Tamper = (cell: number, atUs: number, counts: number) => number | undefined;

/** A synthetic plate on its cells in front of a weigher, in virtual time. */
export class Rig {
  readonly plate: PlateEntry;
  readonly weigher: Weigher;
  readonly outputs: WeighingOutput[] = [];
  readonly calibration: Calibration | undefined;
  readonly #random: Random;
  readonly #periodUs: number;
  readonly #noiseMg: number;
  readonly #sequences: number[];
  nowUs = 0;

  constructor(options: RigOptions = {}) {
    this.plate = options.plate ?? plateOf(4);
    this.calibration = 'calibration' in options ? options.calibration : calibrationOf(this.plate);
    this.weigher = new Weigher({
      plates: [this.plate],
      calibration: this.calibration,
      config: { ...defaults, ...options.config },
      gravityUmS2: options.gravityUmS2,
      sink: (output) => this.outputs.push(output),
      ...(options.state === undefined ? {} : { state: options.state }),
    });
    this.#random = createRandom(options.seed ?? 1);
    this.#periodUs = Math.round(1e6 / (options.samplesPerSecond ?? 80));
    this.#noiseMg = options.noiseMg ?? 90;
    this.#sequences = (this.plate.cells ?? []).map(() => 0);
  }

  /** Lets `seconds` pass under `load`; `each` is called before every round of samples. */
  run(seconds: number, load: Load, options: { tamper?: Tamper; each?: (atUs: number) => void } = {}): this {
    const until = this.nowUs + Math.round(seconds * 1e6);
    const cells = this.plate.cells ?? [];
    for (; this.nowUs + this.#periodUs <= until; ) {
      this.nowUs += this.#periodUs;
      options.each?.(this.nowUs);
      const share = load(this.nowUs) / cells.length;
      for (const [i, cell] of cells.entries()) {
        const sequence = this.#sequences[i] ?? 0;
        this.#sequences[i] = sequence + 1;
        const traits = this.calibration?.plates[this.plate.id]?.cells[cell.id];
        const slope = traits?.milligramsPerCount ?? mgPerCount;
        const zero = traits?.zeroCounts ?? 80_000;
        const exact = Math.round(zero + (share + this.#noiseMg * this.#random.gaussian()) / slope);
        const counts = options.tamper === undefined ? exact : options.tamper(i, this.nowUs, exact);
        if (counts !== undefined) this.weigher.cell(cell.id, this.nowUs, counts, sequence);
      }
    }
    this.nowUs = until;
    this.weigher.advance(until);
    return this;
  }

  get movements(): Movement[] {
    return this.outputs.filter((output) => output.kind === 'movement');
  }

  get activities(): Activity[] {
    return this.outputs.filter((output) => output.kind === 'activity');
  }

  get faults(): WeighingFault[] {
    return this.outputs.filter((output) => output.kind === 'fault');
  }
}
