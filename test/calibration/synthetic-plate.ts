import { createRandom, type Random } from '#base/random.ts';
import type { Procedure } from '#calibration/procedure.ts';
import type { BeginOptions, Step, StepResult } from '#calibration/session.ts';
import { defaultSettings, nominalSlope } from '#calibration/settings.ts';
import type { Capture, Placement, Weight } from '#calibration/types.ts';
import { type CellEntry, type PlateEntry, plateSchema } from '#config/board.ts';
import { loadShares } from '#config/statics.ts';

/** What one cell of a synthetic plate is like. */
export interface CellTruth {
  readonly zeroCounts: number;
  /** Slope over nominal, counts a mg; negative where its wires are swapped. */
  readonly sensitivity: number;
  /** Deviation from a straight line at half capacity, as part of capacity. */
  readonly bow: number;
  readonly mgPerKelvin: number;
  readonly spanPpmPerKelvin: number;
}

export interface Lying {
  readonly massMg: number;
  readonly at?: Placement | readonly [number, number];
}

/** A plate whose cells are known exactly: gives captures as a capturer would, without time passing. */
export class SyntheticPlate {
  readonly entry: PlateEntry;
  readonly truths: readonly CellTruth[];
  /** 0: rigid, a load over a corner lifts the opposite one; 1: each corner carries what lies on it alone. */
  readonly flex: number;
  readonly #random: Random;
  /** Noise of one reading, counts. */
  noiseCounts = 40;
  kelvin = 0;
  /** Part of every load that the frame carries instead. */
  touches = 0;

  constructor(entry: PlateEntry, truths: readonly CellTruth[], flex = 0, seed = 1) {
    this.entry = entry;
    this.truths = truths;
    this.flex = flex;
    this.#random = createRandom(seed);
  }

  capture(lying: readonly Lying[] = [], milliCelsius?: number): Capture {
    const cells = this.entry.cells ?? [];
    const loads = cells.map(() => 0);
    for (const { massMg, at } of [{ massMg: this.entry.deadLoadMg }, ...lying] as Lying[]) {
      const part = at === undefined && massMg === this.entry.deadLoadMg ? 1 : 1 - this.touches;
      this.#shares(at ?? 'centre').forEach((share, index) => {
        loads[index] = (loads[index] ?? 0) + share * massMg * part;
      });
    }
    const read = cells.map((cell, index) => [cell.id, this.#read(cell, index, loads[index] ?? 0)] as const);
    return {
      plate: this.entry.id,
      fromUs: 0,
      toUs: 2_000_000,
      cells: Object.fromEntries(read),
      ...(milliCelsius === undefined ? {} : { milliCelsius }),
    };
  }

  #shares(at: Placement | readonly [number, number]): number[] {
    const cells = this.entry.cells ?? [];
    if (typeof at !== 'string') return loadShares(cells, at);
    const over = cells.findIndex(({ id }) => id === at);
    if (over < 0) return loadShares(cells, [0, 0]);
    const rigid = loadShares(cells, cells[over]?.positionMm ?? [0, 0]);
    return rigid.map((share, index) => (1 - this.flex) * share + (index === over ? this.flex : 0));
  }

  #read(cell: CellEntry, index: number, loadMg: number): Capture['cells'][string] {
    const truth = this.truths[index];
    if (truth === undefined) throw new Error('every cell has a truth');
    const relative = loadMg / cell.capacityMg;
    const bowed = loadMg + 4 * truth.bow * cell.capacityMg * relative * (1 - relative);
    const span = 1 + truth.spanPpmPerKelvin * 1e-6 * this.kelvin;
    const felt = bowed * span + truth.mgPerKelvin * this.kelvin;
    const counts = truth.zeroCounts + (felt * truth.sensitivity) / nominalSlope(cell, defaultSettings);
    const samples = 160;
    const mean = counts + (this.noiseCounts * this.#random.gaussian()) / Math.sqrt(samples);
    return {
      samples,
      meanCounts: mean,
      sigmaCounts: this.noiseCounts,
      minCounts: Math.round(mean - 3 * this.noiseCounts) - 1,
      maxCounts: Math.round(mean + 3 * this.noiseCounts) + 1,
      driftCountsPerS: 0,
      saturated: false,
    };
  }
}

/** A basket of Max 30 kg, e = 5 g, d = 1 g on four cells of 10 kg. */
export const basket = plateSchema.parse({
  id: 'basket',
  kind: 'cart',
  maxMg: 30_000_000,
  intervalMg: 5_000,
  divisionMg: 1_000,
  deadLoadMg: 2_600_000,
  cells: [
    { id: 'fl', positionMm: [-220, 330], capacityMg: 10_000_000 },
    { id: 'fr', positionMm: [220, 330], capacityMg: 10_000_000 },
    { id: 'rl', positionMm: [-220, -330], capacityMg: 10_000_000 },
    { id: 'rr', positionMm: [220, -330], capacityMg: 10_000_000 },
  ],
});

/** A slot of Max 5 kg, e = 2 g on one cell. */
export const slot = plateSchema.parse({
  id: 'slot',
  kind: 'shelf',
  maxMg: 5_000_000,
  intervalMg: 2_000,
  deadLoadMg: 500_000,
  cells: [{ id: 'only', positionMm: [0, 0], capacityMg: 10_000_000 }],
});

/** Cells as good as none is. */
export function perfect(plate: PlateEntry): CellTruth[] {
  return (plate.cells ?? []).map((_cell, index) => ({
    zeroCounts: 20_000 + 7_000 * index,
    sensitivity: 1,
    bow: 0,
    mgPerKelvin: 0,
    spanPpmPerKelvin: 0,
  }));
}

/** Weights of class F2 that suffice for any of these plates: kilogram masses by name. */
export const weights: readonly Weight[] = [
  ['a1', 1],
  ['b1', 1],
  ['a2', 2],
  ['b2', 2],
  ['a5', 5],
  ['b5', 5],
  ['a10', 10],
  ['b10', 10],
  ['c10', 10],
].map(([id, kg]) => ({ id: String(id), massMg: Number(kg) * 1_000_000, class: 'F2' }));

/** Options of a session on some plates, with nothing in force. */
export function options(...plates: PlateEntry[]): BeginOptions {
  return {
    session: 'session-1',
    purpose: 'calibrate',
    plates,
    current: undefined,
    by: { role: 'technician', who: 17 },
    weights,
    atUs: 0,
    leaseUs: 120_000_000,
  };
}

/** Takes a step with what lies on the plate. */
export function step(
  procedure: Procedure,
  plate: SyntheticPlate,
  taken: Omit<Step, 'capture'>,
  lying: readonly Lying[] = [],
  milliCelsius?: number,
): StepResult {
  const capture = plate.capture(lying, milliCelsius);
  return procedure.take({ ...taken, plate: plate.entry.id, capture }, 1_000_000);
}

/** Sum of the masses of some weights. */
export function massOf(ids: readonly string[]): number {
  return weights.filter(({ id }) => ids.includes(id)).reduce((sum, { massMg }) => sum + massMg, 0);
}

/** Puts named weights on, in the middle or over a cell, and takes the step. */
export function load(
  procedure: Procedure,
  plate: SyntheticPlate,
  kind: 'load' | 'verify',
  ids: readonly string[],
  at: Placement = 'centre',
): StepResult {
  return step(procedure, plate, { kind, weights: ids, at }, [{ massMg: massOf(ids), at }]);
}

/** Takes zero, three loads in the middle up to near Max, and one over each cell. */
export function takeLoads(procedure: Procedure, plate: SyntheticPlate): void {
  const { cells = [], maxMg = 0 } = plate.entry;
  step(procedure, plate, { kind: 'zero' });
  const middle = {
    5000000: [['a2'], ['a2', 'b2'], ['a5']],
    15000000: [['a5'], ['a10'], ['a10', 'a5']],
    30000000: [['a10'], ['a10', 'b10'], ['a10', 'b10', 'a5', 'a2', 'a1']],
  }[maxMg];
  for (const ids of middle ?? []) load(procedure, plate, 'load', ids);
  // Where the plate bends, a cell bears all of what lies on it.
  const corner = maxMg > 15_000_000 ? (plate.flex > 0.5 ? ['a5', 'a2', 'a1', 'b1'] : ['a10']) : ['a5'];
  if (cells.length > 1) for (const { id } of cells) load(procedure, plate, 'load', corner, id);
}
