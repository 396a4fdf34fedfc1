import type { MassUnit } from '../../scale/mass.ts';

/** A simulated complete scale, whatever it speaks: what lies on it, and what it does with zero and tare. */
export class ScaleModel {
  readonly unit: MassUnit;
  readonly decimals: number;
  readonly maxMg: number;
  /** What lies on the platter, mg. */
  loadMg = 0;
  /** Its load is swinging. */
  motion = false;
  /** Broken: RAM error, fault, whatever the protocol has for it. */
  broken = false;
  /** It lost its calibration. */
  uncalibrated = false;
  /** It does not answer and sends nothing. */
  silent = false;
  #zeroMg = 0;
  tareMg = 0;

  constructor(unit: MassUnit = 'kg', decimals = 3, maxMg = 15_000_000) {
    this.unit = unit;
    this.decimals = decimals;
    this.maxMg = maxMg;
  }

  /** What it indicates, mg: net of the tare, gross without one. */
  get shownMg(): number {
    return this.grossMg - this.tareMg;
  }

  get grossMg(): number {
    return this.loadMg - this.#zeroMg;
  }

  get net(): boolean {
    return this.tareMg !== 0;
  }

  get over(): boolean {
    return this.grossMg > this.maxMg;
  }

  /** More than a fiftieth of Max below zero. */
  get under(): boolean {
    return this.grossMg < -this.maxMg / 50;
  }

  get stable(): boolean {
    return !this.motion;
  }

  get atZero(): boolean {
    return this.stable && !this.net && this.grossMg === 0;
  }

  /** Zeroes; refused in motion and beyond 2 % of Max from the zero it was calibrated with (OIML R 76-1, 4.5.1). */
  zero(): boolean {
    if (this.motion || Math.abs(this.loadMg) > this.maxMg / 50) return false;
    this.#zeroMg = this.loadMg;
    this.tareMg = 0;
    return true;
  }

  /** Takes what lies on it, or a known mass, as tare. */
  tare(massMg?: number): boolean {
    if (this.motion || this.over || this.under) return false;
    this.tareMg = massMg ?? this.grossMg;
    return true;
  }

  clearTare(): void {
    this.tareMg = 0;
  }
}
