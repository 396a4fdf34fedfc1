import { boxMean, type Size } from './planes.ts';

/** Values that hang together (also by their corners). Sides in values; `right` and `bottom` are the first ones outside. */
export interface Blob {
  readonly label: number;
  readonly area: number;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  /** How many of its values lie at the edge of the picture. */
  readonly atEdge: number;
  /** Sum of the weights of its values. */
  readonly weight: number;
}

/** Morphology and labelling of masks (1 set, 0 not) of one size, with room made once. */
export class Blobs {
  /** The blob each value belongs to, 1 … ; 0 for none. Of the last `find`. */
  readonly labels: Int32Array;
  readonly #size: Size;
  readonly #stack: Int32Array;
  readonly #scratch: Float32Array;
  readonly #plane: Float32Array;

  constructor(size: Size) {
    const values = size.width * size.height;
    this.#size = size;
    this.labels = new Int32Array(values);
    this.#stack = new Int32Array(values);
    this.#scratch = new Float32Array(values);
    this.#plane = new Float32Array(values);
  }

  /** Sets what is less than `radius` (a square) away from a set value; with a negative radius unsets accordingly. */
  grow(mask: Uint8Array, radius: number): void {
    const set = radius > 0 ? 1 : 0;
    for (let at = 0; at < mask.length; at++) this.#plane[at] = mask[at] === set ? 1 : 0;
    boxMean(this.#plane, this.#size, Math.abs(radius), this.#scratch, this.#plane);
    // Running sums leave rounding errors far below one value's share of a window.
    for (let at = 0; at < mask.length; at++) if ((this.#plane[at] ?? 0) > 1e-3) mask[at] = set;
  }

  /** Keeps of the values of at least `weak` those that hang together with one of at least `strong`. */
  hysteresis(evidence: Float32Array, weak: number, strong: number, mask: Uint8Array): void {
    mask.fill(0);
    let depth = 0;
    for (let at = 0; at < evidence.length; at++) {
      if ((evidence[at] ?? 0) < strong || mask[at] === 1) continue;
      mask[at] = 1;
      this.#stack[depth++] = at;
      while (depth > 0) {
        depth = this.#spread(this.#stack[--depth] ?? 0, depth, (next) => {
          if (mask[next] === 1 || (evidence[next] ?? 0) < weak) return false;
          mask[next] = 1;
          return true;
        });
      }
    }
  }

  /**
   * Takes what is set in `part` out of a blob of the last `find`, and what is left of it where that is too thin to be more
   * than an edge (less than five values wide).
   */
  split(mask: Uint8Array, part: Uint8Array, { label }: Blob): void {
    const plane = this.#plane;
    for (let at = 0; at < mask.length; at++) plane[at] = this.labels[at] === label && part[at] === 0 ? 1 : 0;
    boxMean(plane, this.#size, 2, this.#scratch, plane);
    for (let at = 0; at < mask.length; at++) plane[at] = (plane[at] ?? 0) > 0.999 ? 1 : 0;
    boxMean(plane, this.#size, 2, this.#scratch, plane);
    for (let at = 0; at < mask.length; at++) {
      if (this.labels[at] === label) mask[at] = (plane[at] ?? 0) > 1e-3 ? 1 : 0;
    }
  }

  /** Takes a blob of the last `find` out. */
  erase(mask: Uint8Array, { label }: Blob): void {
    for (let at = 0; at < mask.length; at++) if (this.labels[at] === label) mask[at] = 0;
  }

  /** Fills what is enclosed by set values, up to so many values. */
  fillHoles(mask: Uint8Array, largest: number): void {
    for (const hole of this.find(mask, 0)) {
      if (hole.atEdge > 0 || hole.area > largest) continue;
      for (let at = 0; at < mask.length; at++) if (this.labels[at] === hole.label) mask[at] = 1;
    }
  }

  /** Labels what is `set` and hangs together. At most `most` blobs are told, the largest. */
  find(mask: Uint8Array, set: 0 | 1, weights?: Float32Array, most = 64): Blob[] {
    this.labels.fill(0);
    const found: Blob[] = [];
    for (let at = 0; at < mask.length; at++) {
      if (mask[at] !== set || this.labels[at] !== 0) continue;
      found.push(this.#trace(mask, set, at, found.length + 1, weights));
    }
    return found.sort((a, b) => b.area - a.area).slice(0, most);
  }

  #trace(
    mask: Uint8Array,
    set: 0 | 1,
    start: number,
    label: number,
    weights: Float32Array | undefined,
  ): Blob {
    const { width, height } = this.#size;
    const blob = { label, area: 0, left: width, top: height, right: 0, bottom: 0, atEdge: 0, weight: 0 };
    this.labels[start] = label;
    this.#stack[0] = start;
    let depth = 1;
    while (depth > 0) {
      const at = this.#stack[--depth] ?? 0;
      const x = at % width;
      const y = (at - x) / width;
      blob.area++;
      blob.weight += weights?.[at] ?? 0;
      if (x < blob.left) blob.left = x;
      if (x >= blob.right) blob.right = x + 1;
      if (y < blob.top) blob.top = y;
      if (y >= blob.bottom) blob.bottom = y + 1;
      if (x === 0 || y === 0 || x === width - 1 || y === height - 1) blob.atEdge++;
      depth = this.#spread(at, depth, (next) => {
        if (mask[next] !== set || this.labels[next] !== 0) return false;
        this.labels[next] = label;
        return true;
      });
    }
    return blob;
  }

  /** Puts those of the eight neighbours that `takes` onto the stack; returns its depth. */
  #spread(at: number, depth: number, takes: (next: number) => boolean): number {
    const { width, height } = this.#size;
    const x = at % width;
    const y = (at - x) / width;
    let reached = depth;
    for (let nextY = Math.max(0, y - 1); nextY <= Math.min(height - 1, y + 1); nextY++) {
      for (let nextX = Math.max(0, x - 1); nextX <= Math.min(width - 1, x + 1); nextX++) {
        const next = nextY * width + nextX;
        if (next !== at && takes(next)) this.#stack[reached++] = next;
      }
    }
    return reached;
  }
}
