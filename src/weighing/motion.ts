import { usPerMs } from '#base/units.ts';

/** Readings that are looked back on: long enough for the 5 Hz of wheels on tiles, short enough not to delay a decision. */
const windowUs = 250 * usPerMs;
const capacity = 128;
const minimumReadings = 4;
/** Once moving, the deviation must fall below this part of the limit. */
const restPart = 0.7;
/** Tilt must fall this far below the limit to count as level again. */
const levelPart = 0.9;
/** A motion sensor that is silent this long says nothing any more. */
const silentUs = 1_000 * usPerMs;

/**
 * Says from a motion sensor whether a plate may be weighed: standard deviations of each axis and of |a| over a
 * quarter of a second, and the angle between the mean acceleration and the vertical. Textbook statistics only.
 */
export class MotionGate {
  readonly #limitMmS2: number;
  readonly #tiltLimit: number;
  readonly #x = new Float64Array(capacity);
  readonly #y = new Float64Array(capacity);
  readonly #z = new Float64Array(capacity);
  readonly #at = new Float64Array(capacity);
  #head = 0;
  #count = 0;
  #lastUs = Number.NEGATIVE_INFINITY;
  #shaking = false;
  #tilted = false;
  /** Last instant at which it was moving. */
  #movedUs = Number.NEGATIVE_INFINITY;
  #tilt = 0;

  constructor(motionMmS2: number, tiltMilliradians: number) {
    this.#limitMmS2 = motionMmS2;
    this.#tiltLimit = tiltMilliradians / 1000;
  }

  get lastUs(): number {
    return this.#lastUs;
  }

  /** Last instant at which the cart moved or leant. */
  get movedUs(): number {
    return this.#movedUs;
  }

  /** Angle to the vertical, rad. */
  get tilt(): number {
    return this.#tilt;
  }

  /** True while readings come. */
  knows(atUs: number): boolean {
    return this.#count >= minimumReadings && atUs - this.#lastUs <= silentUs;
  }

  moving(atUs: number): boolean {
    return (this.#shaking || this.#tilted) && this.knows(atUs);
  }

  /** Forgets everything: the sensor is gone. */
  reset(): void {
    this.#count = 0;
    this.#shaking = false;
    this.#tilted = false;
  }

  accept(atUs: number, x: number, y: number, z: number): void {
    if (!Number.isFinite(x) || !Number.isFinite(y) || !Number.isFinite(z) || atUs < this.#lastUs) return;
    if (atUs - this.#lastUs > silentUs) this.reset();
    const i = this.#head;
    this.#x[i] = x;
    this.#y[i] = y;
    this.#z[i] = z;
    this.#at[i] = atUs;
    this.#head = (i + 1) % capacity;
    if (this.#count < capacity) this.#count++;
    this.#lastUs = atUs;
    this.#judge(atUs);
  }

  #judge(atUs: number): void {
    let n = 0;
    const sum = [0, 0, 0, 0] as [number, number, number, number];
    const squares = [0, 0, 0, 0] as [number, number, number, number];
    for (; n < this.#count; n++) {
      const i = (this.#head - 1 - n + capacity) % capacity;
      if (n >= minimumReadings && (this.#at[i] ?? 0) < atUs - windowUs) break;
      const x = this.#x[i] ?? 0;
      const y = this.#y[i] ?? 0;
      const z = this.#z[i] ?? 0;
      const a = Math.sqrt(x * x + y * y + z * z);
      sum[0] += x;
      sum[1] += y;
      sum[2] += z;
      sum[3] += a;
      squares[0] += x * x;
      squares[1] += y * y;
      squares[2] += z * z;
      squares[3] += a * a;
    }
    if (n < minimumReadings) return;
    let variance = 0;
    for (const axis of [0, 1, 2, 3] as const) {
      const mean = sum[axis] / n;
      variance = Math.max(variance, squares[axis] / n - mean * mean);
    }
    const limit = this.#shaking ? this.#limitMmS2 * restPart : this.#limitMmS2;
    this.#shaking = variance > limit * limit;
    this.#tilt = Math.atan2(Math.sqrt(sum[0] * sum[0] + sum[1] * sum[1]), sum[2]);
    this.#tilted = this.#tilt > (this.#tilted ? this.#tiltLimit * levelPart : this.#tiltLimit);
    if (this.#shaking || this.#tilted) this.#movedUs = atUs;
  }
}
