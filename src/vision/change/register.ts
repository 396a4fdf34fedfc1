import { type Pose, type Size, slopes } from './planes.ts';

/** How a picture lies against another: the middle of `before` is seen at (dx, dy) from the middle of `after`. */
export interface Shift extends Pose {
  /** How well the edges agree there, at most 1; unrelated pictures have about 0. */
  readonly agreement: number;
}

/** Edges are looked at in squares of so many values, the strongest few of each, so that no bright corner decides alone. */
const squareSide = 8;
const pointsPerSquare = 4;
/** Slopes below this, in levels a value, are taken for noise. */
const weakestSlope = 2.5;
/** Of two shifts that fit about equally well (a grating fits itself again), the smaller one is believed. */
const costOfDistance = 0.01;
const margin = 1;
/** Beyond this angle (radians) the quarters disagree for another reason. */
const largestTurn = 0.025;

interface Part {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const everywhere: Part = { left: 0, top: 0, right: 1e9, bottom: 1e9 };

function quarters(width: number, height: number): Part[] {
  const [x, y] = [width >> 1, height >> 1];
  return [
    { left: 0, top: 0, right: x, bottom: y },
    { left: x, top: 0, right: width, bottom: y },
    { left: 0, top: y, right: x, bottom: height },
    { left: x, top: y, right: width, bottom: height },
  ];
}

/** Finds small shifts between two pictures by the directions of their edges, which light and shadow leave as they are. */
export class Registration {
  readonly #size: Size;
  readonly #beforeX: Float32Array;
  readonly #beforeY: Float32Array;
  readonly #afterX: Float32Array;
  readonly #afterY: Float32Array;
  /** Squared lengths of the slopes. */
  readonly #beforeSquared: Float64Array;
  readonly #afterSquared: Float64Array;
  readonly #points: Int32Array;
  /** Of the points. */
  readonly #columns: Int32Array;
  readonly #lines: Int32Array;
  #count = 0;

  constructor(size: Size) {
    const values = size.width * size.height;
    this.#size = size;
    this.#beforeX = new Float32Array(values);
    this.#beforeY = new Float32Array(values);
    this.#afterX = new Float32Array(values);
    this.#afterY = new Float32Array(values);
    this.#beforeSquared = new Float64Array(values);
    this.#afterSquared = new Float64Array(values);
    const squares = Math.ceil(size.width / squareSide) * Math.ceil(size.height / squareSide);
    this.#points = new Int32Array(squares * pointsPerSquare);
    this.#columns = new Int32Array(this.#points.length);
    this.#lines = new Int32Array(this.#points.length);
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
    squared(this.#beforeX, this.#beforeY, this.#beforeSquared);
    squared(this.#afterX, this.#afterY, this.#afterSquared);
    this.#choosePoints(counts);
    if (this.#count < 8) return { dx: 0, dy: 0, turn: 0, agreement: 0 };
    let best = { dx: 0, dy: 0, worth: Number.NEGATIVE_INFINITY };
    const tryAt = (dx: number, dy: number, every: number) => {
      const worth = this.#agreement(dx, dy, everywhere, every) - costOfDistance * Math.hypot(dx, dy);
      if (worth > best.worth) best = { dx, dy, worth };
    };
    for (let dy = -reach; dy <= reach; dy++) for (let dx = -reach; dx <= reach; dx++) tryAt(dx, dy, 3);
    const { dx: nearX, dy: nearY } = best;
    best.worth = Number.NEGATIVE_INFINITY;
    for (let dy = nearY - 1; dy <= nearY + 1; dy++) {
      for (let dx = nearX - 1; dx <= nearX + 1; dx++) tryAt(dx, dy, 1);
    }
    const fine = this.#refine(best.dx, best.dy, everywhere);
    return {
      ...fine,
      turn: this.#turn(best.dx, best.dy, fine),
      agreement: this.#agreement(best.dx, best.dy),
    };
  }

  /** The top of the parabola through the agreement at a whole shift and at its neighbours. */
  #refine(dx: number, dy: number, part: Part): { dx: number; dy: number; agreement: number } {
    const here = this.#agreement(dx, dy, part);
    const fraction = (lower: number, upper: number) => {
      const curvature = lower - 2 * here + upper;
      return curvature >= -1e-6 ? 0 : Math.max(-1, Math.min(1, (lower - upper) / (2 * curvature)));
    };
    return {
      dx: dx + fraction(this.#agreement(dx - 1, dy, part), this.#agreement(dx + 1, dy, part)),
      dy: dy + fraction(this.#agreement(dx, dy - 1, part), this.#agreement(dx, dy + 1, part)),
      agreement: here,
    };
  }

  /** The angle at which the quarters of the picture, registered each for itself, agree best; small angles only. */
  #turn(nearX: number, nearY: number, whole: { dx: number; dy: number }): number {
    const { width, height } = this.#size;
    let moment = 0;
    let inertia = 0;
    for (const part of quarters(width, height)) {
      const { dx, dy, agreement } = this.#refine(nearX, nearY, part);
      if (agreement < 0.35) continue;
      const armX = (part.left + part.right) / 2 - width / 2;
      const armY = (part.top + part.bottom) / 2 - height / 2;
      moment += armX * (dy - whole.dy) - armY * (dx - whole.dx);
      inertia += armX * armX + armY * armY;
    }
    const turn = inertia === 0 ? 0 : moment / inertia;
    return Math.abs(turn) > largestTurn ? 0 : turn;
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
    for (let index = 0; index < this.#count; index++) {
      const at = this.#points[index] ?? 0;
      this.#columns[index] = at % width;
      this.#lines[index] = Math.floor(at / width);
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
    return this.#beforeSquared[at] ?? 0;
  }

  #agreement(dx: number, dy: number, part: Part = everywhere, every = 1): number {
    const { width, height } = this.#size;
    const [points, columns, lines] = [this.#points, this.#columns, this.#lines];
    const [beforeX, beforeY, beforeSquared] = [this.#beforeX, this.#beforeY, this.#beforeSquared];
    const [afterX, afterY, afterSquared] = [this.#afterX, this.#afterY, this.#afterSquared];
    let sum = 0;
    let count = 0;
    for (let index = 0; index < this.#count; index += every) {
      const at = points[index] ?? 0;
      const column = columns[index] ?? 0;
      const line = lines[index] ?? 0;
      if (column < part.left || column >= part.right || line < part.top || line >= part.bottom) continue;
      const x = column + dx;
      const y = line + dy;
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      const there = y * width + x;
      const along = (beforeX[at] ?? 0) * (afterX[there] ?? 0) + (beforeY[at] ?? 0) * (afterY[there] ?? 0);
      const lengths = Math.sqrt((beforeSquared[at] ?? 0) * (afterSquared[there] ?? 0));
      sum += along / (lengths + weakestSlope * weakestSlope);
      count++;
    }
    return count === 0 ? 0 : sum / count;
  }
}

function squared(alongX: Float32Array, alongY: Float32Array, into: Float64Array): void {
  for (let at = 0; at < into.length; at++) into[at] = (alongX[at] ?? 0) ** 2 + (alongY[at] ?? 0) ** 2;
}
