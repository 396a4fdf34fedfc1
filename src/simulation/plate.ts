import type { CellEntry, PlateEntry } from '#config/board.ts';
import { loadShares } from '#config/statics.ts';
import { deadLoads } from './hardware.ts';
import type { Handling } from './physics/handling.ts';
import type { Wander } from './physics/noise.ts';
import { naturalFrequency, type SuspensionStep, suspensionStep } from './physics/suspension.ts';

/** A point in mm, right of and forward of the plate's centre. */
export type Point = readonly [x: number, y: number];

/** A load that is changing: a thing being put down or lifted, or a hand that leans. */
interface Transient {
  readonly fromUs: number;
  readonly untilUs: number;
  readonly massMg: number;
  readonly shares: readonly number[];
  readonly part: (sinceUs: number) => number;
}

/** How springy a plate is, by its kind. A basket hangs in a frame on rubber wheels, a shelf slot stands stiff. */
const springs = {
  cart: { emptyHz: 21, damping: 0.09 },
  shelf: { emptyHz: 31, damping: 0.11 },
  unweighed: { emptyHz: 31, damping: 0.11 },
} as const;

/** One weighing surface: what lies on it, and what each of its cells is loaded with at any moment. */
export class PlateModel {
  readonly entry: PlateEntry;
  readonly #cells: readonly CellEntry[];
  /** Settled load of each cell, mg, dead load included. */
  readonly #settled: Float64Array;
  #transients: Transient[] = [];
  #loadMg = 0;
  readonly #deadMg: number;
  readonly #steps = new Map<number, SuspensionStep>();

  constructor(entry: PlateEntry) {
    this.entry = entry;
    const cells = entry.cells ?? [];
    this.#cells = cells;
    this.#settled = Float64Array.from(deadLoads(cells, entry.deadLoadMg));
    // A plate without a stated dead load still has a mass that swings: some 2 % of what it carries at most.
    this.#deadMg = Math.max(entry.deadLoadMg, 0.02 * cells.reduce((sum, cell) => sum + cell.capacityMg, 0));
  }

  /** Natural frequency now, rad/s. */
  get omega(): number {
    return naturalFrequency(springs[this.entry.kind].emptyHz, this.#deadMg, this.#loadMg);
  }

  /** Settled load of one cell, mg: where its creep rests at the start. */
  settledMg(cell: number): number {
    return this.#settled[cell] ?? 0;
  }

  /** Part of a load at `at` that each cell carries. */
  sharesAt(at: Point): number[] {
    return loadShares(this.#cells, at);
  }

  /** Lays a thing on the plate as if it had always been there. */
  stock(massMg: number, at: Point): void {
    this.sharesAt(at).forEach((share, cell) => {
      this.#settled[cell] = this.settledMg(cell) + share * massMg;
    });
    this.#changeLoad(massMg);
  }

  /** Begins to put down (`massMg` > 0) or to take away (< 0) a thing. */
  handle(fromUs: number, massMg: number, at: Point, handling: Handling): void {
    this.#transients.push({
      fromUs,
      untilUs: fromUs + handling.endUs,
      massMg,
      shares: this.sharesAt(at),
      part: handling.part,
    });
    this.#changeLoad(massMg);
  }

  /** A hand leans on the plate, wandering about `massMg`, and lets go. It moves no mass, so the pitch stays. */
  lean(fromUs: number, untilUs: number, massMg: number, at: Point, wander: Wander): void {
    const lasts = untilUs - fromUs;
    const shares = this.sharesAt(at);
    this.#transients.push({
      fromUs,
      untilUs,
      massMg,
      shares,
      part: (sinceUs) =>
        sinceUs >= lasts
          ? 0
          : Math.max(0, Math.min(1, sinceUs / 250_000, (lasts - sinceUs) / 250_000)) *
            Math.max(0.1, 1 + 0.25 * wander.at(fromUs + sinceUs)),
    });
  }

  /** Folds what has come to an end before `nowUs` into the settled loads. */
  settle(nowUs: number): void {
    if (this.#transients.length === 0) return;
    this.#transients = this.#transients.filter((transient) => {
      if (transient.untilUs > nowUs) return true;
      const massMg = transient.massMg * transient.part(transient.untilUs - transient.fromUs);
      transient.shares.forEach((share, cell) => {
        this.#settled[cell] = this.settledMg(cell) + share * massMg;
      });
      return false;
    });
  }

  /** Static load of one cell at `atUs`, mg, on a level floor at rest. */
  loadMg(cell: number, atUs: number): number {
    let load = this.#settled[cell] ?? 0;
    for (const transient of this.#transients) {
      if (atUs < transient.fromUs) continue;
      const sinceUs = Math.min(atUs, transient.untilUs) - transient.fromUs;
      load += transient.massMg * transient.part(sinceUs) * (transient.shares[cell] ?? 0);
    }
    return load;
  }

  /** The step of the plate's oscillation over `seconds`; kept until the load changes. */
  step(seconds: number): SuspensionStep {
    const known = this.#steps.get(seconds);
    if (known !== undefined) return known;
    const made = suspensionStep(this.omega, springs[this.entry.kind].damping, seconds);
    this.#steps.set(seconds, made);
    return made;
  }

  #changeLoad(massMg: number): void {
    this.#loadMg += massMg;
    this.#steps.clear();
  }
}
