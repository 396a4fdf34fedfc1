import { type Size, slopes } from './planes.ts';

/** How a picture lies against another: `after(x + dx, y + dy)` shows what `before(x, y)` showed. */
export interface Shift {
  readonly dx: number;
  readonly dy: number;
  /** How well the edges agree there, at most 1; unrelated pictures have about 0. */
  readonly agreement: number;
}

/** Edges are looked at in squares of so many values, the strongest few of each, so that no bright corner decides alone. */
const squareSide = 8;
const pointsPerSquare = 4;
/** Slopes below this, in levels a value, are taken for noise. */
const weakestSlope = 2.5;
/** Of two shifts that fit about equally well (a grating fits itself again), the smaller one is believed. */
const costOfDistance = 0.0015;
const margin = 1;

/** Finds small shifts between two pictures by the directions of their edges, which light and shadow leave as they are. */
export class Registration {
  readonly #size: Size;
  readonly #beforeX: Float32Array;
  readonly #beforeY: Float32Array;
  readonly #afterX: Float32Array;
  readonly #afterY: Float32Array;
  readonly #points: Int32Array;
  #count = 0;

  constructor(size: Size) {
    const values = size.width * size.height;
    this.#size = size;
    this.#beforeX = new Float32Array(values);
    this.#beforeY = new Float32Array(values);
    this.#afterX = new Float32Array(values);
    this.#afterY = new Float32Array(values);
    const squares = Math.ceil(size.width / squareSide) * Math.ceil(size.height / squareSide);
    this.#points = new Int32Array(squares * pointsPerSquare);
  }

  /**
   * The best shift of at most `reach` values a side, to a fraction of a value.
   *
   * The measure is the mean over edge points of g·h / (|g|·|h| + c²), g and h being the slopes of both pictures there: each
   * point counts at most 1, so that things that came or went are outvoted by what stayed.
   *
   * @param counts which values of `before` may be looked at; all, unless told
   */
  find(before: Float32Array, after: Float32Array, reach: number, counts?: (at: number) => boolean): Shift {
    slopes(before, this.#size, this.#beforeX, this.#beforeY);
    slopes(after, this.#size, this.#afterX, this.#afterY);
    this.#choosePoints(counts);
    if (this.#count < 8) return { dx: 0, dy: 0, agreement: 0 };
    let best = { dx: 0, dy: 0, worth: Number.NEGATIVE_INFINITY };
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) {
        const worth = this.#agreement(dx, dy) - costOfDistance * Math.hypot(dx, dy);
        if (worth > best.worth) best = { dx, dy, worth };
      }
    }
    const here = this.#agreement(best.dx, best.dy);
    const fraction = (lower: number, upper: number) => {
      const curvature = lower - 2 * here + upper;
      return curvature >= -1e-6 ? 0 : Math.max(-0.5, Math.min(0.5, (lower - upper) / (2 * curvature)));
    };
    return {
      dx: best.dx + fraction(this.#agreement(best.dx - 1, best.dy), this.#agreement(best.dx + 1, best.dy)),
      dy: best.dy + fraction(this.#agreement(best.dx, best.dy - 1), this.#agreement(best.dx, best.dy + 1)),
      agreement: here,
    };
  }

  /** The strongest edges of `before` in each square. */
  #choosePoints(counts: ((at: number) => boolean) | undefined): void {
    const { width, height } = this.#size;
    this.#count = 0;
    for (let top = margin; top < height - margin; top += squareSide) {
      for (let left = margin; left < width - margin; left += squareSide) {
        const first = this.#count;
        for (let y = top; y < Math.min(top + squareSide, height - margin); y++) {
          for (let x = left; x < Math.min(left + squareSide, width - margin); x++) {
            const at = y * width + x;
            if (counts === undefined || counts(at)) this.#offer(at, first);
          }
        }
      }
    }
  }

  /** Keeps a point if it is among the strongest of its square, whose points begin at `first` and are in order. */
  #offer(at: number, first: number): void {
    const strength = this.#strength(at);
    if (strength < weakestSlope * weakestSlope) return;
    let place = this.#count;
    if (this.#count - first === pointsPerSquare) {
      if (this.#strength(this.#points[this.#count - 1] ?? 0) >= strength) return;
      place--;
    } else this.#count++;
    while (place > first && this.#strength(this.#points[place - 1] ?? 0) < strength) {
      this.#points[place] = this.#points[place - 1] ?? 0;
      place--;
    }
    this.#points[place] = at;
  }

  #strength(at: number): number {
    return (this.#beforeX[at] ?? 0) ** 2 + (this.#beforeY[at] ?? 0) ** 2;
  }

  #agreement(dx: number, dy: number): number {
    const { width, height } = this.#size;
    let sum = 0;
    let count = 0;
    for (let index = 0; index < this.#count; index++) {
      const at = this.#points[index] ?? 0;
      const x = (at % width) + dx;
      const y = Math.floor(at / width) + dy;
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      const there = y * width + x;
      const beforeX = this.#beforeX[at] ?? 0;
      const beforeY = this.#beforeY[at] ?? 0;
      const afterX = this.#afterX[there] ?? 0;
      const afterY = this.#afterY[there] ?? 0;
      const lengths = Math.sqrt(
        (beforeX * beforeX + beforeY * beforeY) * (afterX * afterX + afterY * afterY),
      );
      sum += (beforeX * afterX + beforeY * afterY) / (lengths + weakestSlope * weakestSlope);
      count++;
    }
    return count === 0 ? 0 : sum / count;
  }
}
