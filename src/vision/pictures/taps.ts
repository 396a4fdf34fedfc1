/** Weights are in units of 1 / 2^14: the largest, 1, still fits into 16 bits with a sign. */
const one = 1 << 14;

/**
 * Which source values make up each of `count` values of a resized line, and how much of each: the triangle filter of
 * a bilinear resize, as wide as the reduction, so that every source value counts (what Pillow's
 * `resize(BILINEAR, box=…)` computes). Beyond the line its first and last value go on.
 */
export class Taps {
  readonly count: number;
  /** `count` rounded up to a multiple of four: values beyond it are made of nothing. */
  readonly padded: number;
  /** First source value that is used, and the one behind the last. */
  start = 0;
  end = 0;
  /** Of each value: the first source value, counted from `start`, and how many. */
  readonly first: Int32Array;
  readonly length: Int32Array;
  /** Of each value: its weights from `value · step` on, of sum 2^14, zero behind the last. */
  weights: Int16Array;
  /** A multiple of eight: the weights of a value are read eight at a time. */
  step = 0;
  #origin = Number.NaN;
  #extent = Number.NaN;
  #size = 0;

  constructor(count: number) {
    this.count = count;
    this.padded = (count + 3) & ~3;
    this.first = new Int32Array(this.padded);
    this.length = new Int32Array(this.padded);
    this.weights = new Int16Array(0);
  }

  /** Sets what is sampled: `extent` from `origin` on, of a line of `size` values. */
  set(origin: number, extent: number, size: number): void {
    if (origin === this.#origin && extent === this.#extent && size === this.#size) return;
    this.#origin = origin;
    this.#extent = extent;
    this.#size = size;
    const scale = extent / this.count;
    const support = Math.max(scale, 1);
    this.step = (Math.min(Math.ceil(support) * 2 + 1, size) + 7) & ~7;
    const room = this.step * this.padded;
    if (this.weights.length < room) this.weights = new Int16Array(room);
    this.weights.fill(0);
    this.start = size;
    this.end = 0;
    for (let value = 0; value < this.count; value++) {
      this.#setValue(value, origin + (value + 0.5) * scale, support, size);
    }
    for (let value = 0; value < this.count; value++) {
      this.first[value] = (this.first[value] ?? 0) - this.start;
    }
  }

  #setValue(value: number, centre: number, support: number, size: number): void {
    const first = Math.min(Math.max(Math.trunc(centre - support + 0.5), 0), size - 1);
    const last = Math.min(Math.max(Math.trunc(centre + support + 0.5), first + 1), size);
    const at = value * this.step;
    let sum = 0;
    for (let source = first; source < last; source++) {
      sum += Math.max(0, 1 - Math.abs(source - centre + 0.5) / support);
    }
    let left = one;
    let heaviest = at;
    for (let source = first; source < last; source++) {
      const share = Math.max(0, 1 - Math.abs(source - centre + 0.5) / support);
      // Where the whole filter lies beyond the line, one value is left, which is its end.
      const weight = sum > 0 ? Math.round((share / sum) * one) : source === first ? one : 0;
      this.weights[at + source - first] = weight;
      left -= weight;
      if (weight > (this.weights[heaviest] ?? 0)) heaviest = at + source - first;
    }
    // What rounding left over goes where it matters least, so that an even picture stays as it is.
    this.weights[heaviest] = (this.weights[heaviest] ?? 0) + left;
    this.first[value] = first;
    this.length[value] = last - first;
    this.start = Math.min(this.start, first);
    this.end = Math.max(this.end, last);
  }
}
