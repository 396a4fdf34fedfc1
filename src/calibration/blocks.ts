import type { Capture, CellCapture } from './types.ts';

/** Ends of a 24-bit converter's range: what it says when its input is beyond. */
const maximumCode = 0x7fffff;
const minimumCode = -0x800000;

/** Readings of one block of time. */
interface Block {
  samples: number;
  /** Sums about the first reading of the cell, so that nothing cancels out. */
  sum: number;
  squares: number;
  minCounts: number;
  maxCounts: number;
  /** Σ of times, s from the first reading of the cell. */
  times: number;
  saturated: boolean;
}

/** Readings of one cell, block by block. */
export class CellBlocks {
  readonly #blocks = new Map<number, Block>();
  #originCounts = 0;
  #originUs = Number.NaN;
  #sequence = -1;

  add(index: number, atUs: number, counts: number, sequence: number): void {
    // A repeated reading is no second one.
    if (sequence === this.#sequence || !Number.isFinite(counts)) return;
    this.#sequence = sequence;
    if (Number.isNaN(this.#originUs)) {
      this.#originUs = atUs;
      this.#originCounts = counts;
    }
    const block = this.#block(index);
    const value = counts - this.#originCounts;
    block.samples++;
    block.sum += value;
    block.squares += value * value;
    block.minCounts = Math.min(block.minCounts, counts);
    block.maxCounts = Math.max(block.maxCounts, counts);
    block.times += (atUs - this.#originUs) * 1e-6;
    block.saturated ||= counts >= maximumCode || counts <= minimumCode;
  }

  has(index: number): boolean {
    return this.#blocks.has(index);
  }

  hasAny(from: number, to: number): boolean {
    for (let index = from; index < to; index++) if (this.#blocks.has(index)) return true;
    return false;
  }

  /** Mean of each block, and its mean time, s; counts from the first reading of the cell. */
  means(from: number, to: number): { readonly seconds: number; readonly counts: number }[] {
    return this.#between(from, to).map(({ samples, sum, times }) => ({
      seconds: times / samples,
      counts: sum / samples,
    }));
  }

  summary(from: number, to: number): CellCapture {
    const blocks = this.#between(from, to);
    const samples = blocks.reduce((sum, block) => sum + block.samples, 0);
    const mean = blocks.reduce((sum, block) => sum + block.sum, 0) / samples;
    const squares = blocks.reduce((sum, block) => sum + block.squares, 0);
    const variance = samples < 2 ? 0 : Math.max(0, (squares - samples * mean * mean) / (samples - 1));
    return {
      samples,
      meanCounts: this.#originCounts + mean,
      sigmaCounts: Math.sqrt(variance),
      minCounts: Math.min(...blocks.map(({ minCounts }) => minCounts)),
      maxCounts: Math.max(...blocks.map(({ maxCounts }) => maxCounts)),
      driftCountsPerS: slopeOf(this.means(from, to).map(({ seconds, counts }) => [seconds, counts])),
      saturated: blocks.some(({ saturated }) => saturated),
    };
  }

  /** Fewest readings of a block. */
  fewest(from: number, to: number): number {
    return Math.min(...this.#between(from, to).map(({ samples }) => samples));
  }

  #between(from: number, to: number): Block[] {
    const found: Block[] = [];
    for (let index = from; index < to; index++) {
      const block = this.#blocks.get(index);
      if (block !== undefined) found.push(block);
    }
    return found;
  }

  #block(index: number): Block {
    const known = this.#blocks.get(index);
    if (known !== undefined) return known;
    const made: Block = {
      samples: 0,
      sum: 0,
      squares: 0,
      minCounts: Number.POSITIVE_INFINITY,
      maxCounts: Number.NEGATIVE_INFINITY,
      times: 0,
      saturated: false,
    };
    this.#blocks.set(index, made);
    return made;
  }
}

/** Indications of a complete scale, block by block. */
export class ScaleBlocks {
  readonly #blocks = new Map<number, { readonly masses: number[]; stable: boolean }>();

  add(index: number, massMg: number, stable: boolean): void {
    const block = this.#blocks.get(index) ?? { masses: [], stable: true };
    block.masses.push(massMg);
    block.stable &&= stable;
    this.#blocks.set(index, block);
  }

  has(index: number): boolean {
    // A scale that is asked twice a second has an empty block now and then.
    return this.#blocks.has(index) || this.#blocks.has(index - 1);
  }

  hasAny(from: number, to: number): boolean {
    for (let index = from; index < to; index++) if (this.#blocks.has(index)) return true;
    return false;
  }

  isStable(from: number, to: number): boolean {
    for (let index = from; index < to; index++) if (this.#blocks.get(index)?.stable === false) return false;
    return true;
  }

  masses(from: number, to: number): number[] {
    const found: number[] = [];
    for (let index = from; index < to; index++) found.push(...(this.#blocks.get(index)?.masses ?? []));
    return found;
  }

  summary(from: number, to: number): NonNullable<Capture['indication']> {
    const masses = this.masses(from, to);
    const samples = masses.length;
    const meanMg = masses.reduce((sum, mass) => sum + mass, 0) / samples;
    const squares = masses.reduce((sum, mass) => sum + (mass - meanMg) ** 2, 0);
    return { meanMg, sigmaMg: samples < 2 ? 0 : Math.sqrt(squares / (samples - 1)), samples };
  }
}

/** Slope of the least squares line through points [x, y]; 0 of fewer than two. */
export function slopeOf(points: readonly (readonly [number, number])[]): number {
  if (points.length < 2) return 0;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  let xy = 0;
  let xx = 0;
  for (const [x, y] of points) {
    xy += (x - meanX) * (y - meanY);
    xx += (x - meanX) ** 2;
  }
  return xx === 0 ? 0 : xy / xx;
}
