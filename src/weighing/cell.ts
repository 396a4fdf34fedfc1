import { usPerMs, usPerSecond } from '#base/units.ts';
import type { CellScale } from '#calibration/cell-scale.ts';
import type { CellEntry } from '#config/board.ts';
import type { WeighingConfig } from '#config/schema.ts';
import type { DeviceFaultKind } from '#readings/faults.ts';

import type { WeighingCode } from './errors.ts';
import type { FaultBoard } from './faults.ts';

/** Codes at which HX711 and NAU7802 saturate. */
const maximumCode = 0x7fffff;
const minimumCode = -0x800000;
/** Conversions that are not settled after power-up, a reset or a change of gain or rate (HX711: four). */
const unsettled = 4;
const saturatedSamples = 2;
const goodSamples = 4;
/** Fewest identical samples that are a stuck cell. */
const stuckSamples = 8;
/** In-order samples that end a timing fault, and the losses (each good sample makes up for an eighth) that raise one. */
const orderedSamples = 32;
const lossLimit = 8;
const lossRecovery = 1 / 8;
/** After one rejected sample, this many are taken as they are: what repeats is no glitch. */
const glitchPause = 8;
/** A single sample this far away (of capacity) and back is electrical; so many of them within the time are a fault. */
const glitchPart = 0.1;
const glitchLimit = 3;
const glitchForgetUs = 2 * usPerSecond;
/** A load beyond the range must last this long: a thing that drops onto the plate exceeds it for a moment. */
const overloadUs = 100 * usPerMs;
/** A cell that reads less than this part of its capacity is loose or miswired. */
const negativePart = -0.5;

/** One load cell: checks each conversion and gives its mass, or a fault. Nothing here allocates per sample. */
export class CellChannel {
  readonly id: string;
  #scale: CellScale | undefined;
  readonly #capacityMg: number;
  readonly #deadMg: number;
  readonly #jumpMg: number;
  readonly #stuckUs: number;
  readonly #faults: FaultBoard;

  /** Mean of the samples since the plate took one, mg; only the newest unless `averages`. */
  sumMg = 0;
  samples = 0;
  fresh = false;
  averages = false;
  valueAtUs = Number.NEGATIVE_INFINITY;
  /** Learned interval between conversions, µs; 0 until known. */
  periodUs = 0;
  /** Last good or bad sample: what `missing` counts from. */
  lastAtUs = Number.NEGATIVE_INFINITY;
  lastCounts: number | undefined;
  /** The cell can't be trusted: the plate is not weighed. */
  faulty = false;

  #sequence = -1;
  #stray = -1;
  #settle = unsettled;
  #lost = 0;
  #ordered = 0;
  #timing = false;
  #saturatedRun = 0;
  #goodRun = 0;
  #saturated = false;
  #sameCounts = 0;
  #sameSinceUs = 0;
  #stuck = false;
  #missing = false;
  #device = new Set<DeviceFaultKind>();
  #mg = 0;
  #known = false;
  #pending = false;
  #pause = 0;
  #glitches = 0;
  #glitchAtUs = 0;
  #glitchy = false;
  #beyondSinceUs = Number.NaN;
  #withinSinceUs = Number.NaN;
  #overloaded = false;
  #negative = false;

  constructor(
    cell: CellEntry,
    deadMg: number,
    scale: CellScale | undefined,
    config: WeighingConfig,
    faults: FaultBoard,
  ) {
    this.id = cell.id;
    this.#scale = scale;
    this.#capacityMg = cell.capacityMg;
    this.#deadMg = deadMg;
    this.#jumpMg = Math.max(config.minimumMovementMg, 1);
    this.#stuckUs = config.stuckMs * usPerMs;
    this.#faults = faults;
  }

  /** Another calibration: what its last samples meant tells nothing of the next one's. */
  recalibrate(scale: CellScale | undefined): void {
    this.#scale = scale;
    this.#known = false;
    this.#pending = false;
    this.fresh = false;
  }

  /** Temperature at the cell, m°C, for the drift that its calibration knows. */
  setTemperature(milliCelsius: number): void {
    this.#scale?.setTemperature(milliCelsius);
  }

  /**
   * Takes one conversion. True where it gave a mass that the plate may use (in `sumMg`, `samples`, `valueAtUs`).
   */
  accept(atUs: number, counts: number, sequence: number): boolean {
    if (!Number.isSafeInteger(counts) || counts > maximumCode || counts < minimumCode) {
      this.#spoil(atUs);
      return false;
    }
    if (!this.#inOrder(atUs, sequence)) return false;
    this.lastAtUs = atUs;
    this.lastCounts = counts;
    if (this.#settle > 0) {
      this.#settle--;
      return false;
    }
    if (this.#missing) this.#setMissing(false, atUs);
    if (!this.#inRange(atUs, counts) || !this.#alive(atUs, counts)) return false;
    const scale = this.#scale;
    if (scale === undefined) return false;
    const mg = scale.toMg(counts);
    if (this.#isGlitch(atUs, mg)) return false;
    this.#mg = mg;
    this.#known = true;
    if (!this.#carries(atUs, mg)) return false;
    if (this.averages && this.fresh) {
      this.sumMg += mg;
      this.samples++;
    } else {
      this.sumMg = mg;
      this.samples = 1;
    }
    this.valueAtUs = atUs;
    return !this.faulty;
  }

  /** Load that the last counts mean, mg, unrounded; undefined without a calibration or before the first. */
  get lastMg(): number | undefined {
    return this.lastCounts === undefined ? undefined : this.#scale?.toMg(this.lastCounts);
  }

  /** When the cell counts as missing if nothing comes. */
  missingAtUs(startUs: number, missingUs: number, graceUs: number): number {
    if (this.#missing) return Number.POSITIVE_INFINITY;
    return this.lastAtUs === Number.NEGATIVE_INFINITY ? startUs + graceUs : this.lastAtUs + missingUs;
  }

  miss(atUs: number): void {
    this.#restart();
    this.#setMissing(true, atUs);
  }

  /** A fault that the device reported of itself. After it the converter has to settle anew. */
  device(fault: DeviceFaultKind, cleared: boolean): void {
    if (cleared) {
      this.#device.delete(fault);
    } else {
      this.#device.add(fault);
    }
    this.#restart();
    this.#update();
  }

  ratePerS(): number {
    return this.periodUs > 0 ? usPerSecond / this.periodUs : 0;
  }

  /** The converter starts anew: discard what isn't settled, forget what came before. */
  #restart(): void {
    this.#settle = unsettled;
    this.#known = false;
    this.#pending = false;
    this.#sequence = -1;
    this.#stray = -1;
    this.fresh = false;
  }

  #update(): void {
    this.faulty =
      this.#missing ||
      this.#stuck ||
      this.#saturated ||
      this.#overloaded ||
      this.#negative ||
      this.#device.size > 0;
    if (this.faulty) this.fresh = false;
  }

  #setMissing(missing: boolean, atUs: number): void {
    this.#missing = missing;
    this.#report(missing, 'missing', 'CW-WGH-004', atUs, 'sends no readings; check its cable and its bridge');
    this.#update();
  }

  #report(on: boolean, fault: DeviceFaultKind, code: WeighingCode, atUs: number, what: string): void {
    if (on) this.#faults.raise(this.id, fault, code, `Cell ${this.id} ${what}.`, atUs);
    else this.#faults.clear(this.id, fault, code, `Cell ${this.id} works again.`, atUs);
  }

  #spoil(atUs: number): void {
    this.#ordered = 0;
    if (this.#timing) return;
    this.#timing = true;
    this.#report(
      true,
      'timing',
      'CW-WGH-011',
      atUs,
      'sends values that are no 24-bit codes; check its driver',
    );
  }

  /** Checks time and running number; learns the period. Repeated and stray samples are dropped. */
  #inOrder(atUs: number, sequence: number): boolean {
    const before = this.#sequence;
    if (before < 0) {
      this.#sequence = sequence >>> 0;
      return atUs >= this.lastAtUs;
    }
    const step = ((sequence >>> 0) - before) >>> 0;
    if (atUs < this.lastAtUs || step === 0 || step >= 0x80000000) {
      this.#disorder(atUs);
      const follows = this.#stray >= 0 && sequence >>> 0 === (this.#stray + 1) >>> 0;
      this.#stray = step === 0 || atUs < this.lastAtUs ? -1 : sequence >>> 0;
      // Two in a row from elsewhere: the converter was started anew.
      if (follows) {
        this.#restart();
        this.#sequence = sequence >>> 0;
      }
      return false;
    }
    this.#stray = -1;
    this.#sequence = sequence >>> 0;
    const interval = (atUs - this.lastAtUs) / step;
    this.periodUs = this.periodUs === 0 ? interval : this.periodUs + (interval - this.periodUs) / 16;
    if (step > 1) {
      this.#lost += step - 1;
      if (this.#lost >= lossLimit) this.#disorder(atUs);
    } else if (this.#lost > 0) {
      this.#lost -= lossRecovery;
    }
    if (this.#timing && this.#lost < 1 && ++this.#ordered >= orderedSamples) this.#clearTiming(atUs);
    return true;
  }

  #disorder(atUs: number): void {
    this.#ordered = 0;
    this.#lost = Math.min(this.#lost, lossLimit);
    if (this.#timing) return;
    this.#timing = true;
    this.#report(
      true,
      'timing',
      'CW-WGH-005',
      atUs,
      'loses, repeats or reorders readings; check its bridge and its cable',
    );
  }

  #clearTiming(atUs: number): void {
    this.#timing = false;
    this.#lost = 0;
    // Whichever of the two raised it; only one of them is on.
    this.#report(false, 'timing', 'CW-WGH-005', atUs, '');
    this.#report(false, 'timing', 'CW-WGH-011', atUs, '');
  }

  #inRange(atUs: number, counts: number): boolean {
    if (counts === maximumCode || counts === minimumCode) {
      this.#goodRun = 0;
      if (!this.#saturated && ++this.#saturatedRun >= saturatedSamples) {
        this.#saturated = true;
        const what = "reads the end of its converter's range; check its wiring and load";
        this.#report(true, 'saturated', 'CW-WGH-002', atUs, what);
        this.#update();
      }
      return false;
    }
    this.#saturatedRun = 0;
    if (!this.#saturated) return true;
    if (++this.#goodRun < goodSamples) return false;
    this.#saturated = false;
    this.#known = false;
    this.#report(false, 'saturated', 'CW-WGH-002', atUs, '');
    this.#update();
    return true;
  }

  /** A converter always sees some noise: counts that never change are those of a frozen one. */
  #alive(atUs: number, counts: number): boolean {
    if (counts !== this.#lastRaw) {
      this.#lastRaw = counts;
      this.#sameCounts = 1;
      this.#sameSinceUs = atUs;
      if (this.#stuck) {
        this.#stuck = false;
        this.#report(false, 'stuck', 'CW-WGH-003', atUs, '');
        this.#update();
      }
      return true;
    }
    this.#sameCounts++;
    if (this.#stuck) return false;
    if (this.#stuckUs === 0 || this.#sameCounts < stuckSamples || atUs - this.#sameSinceUs < this.#stuckUs) {
      return true;
    }
    this.#stuck = true;
    this.#report(
      true,
      'stuck',
      'CW-WGH-003',
      atUs,
      `repeats ${counts} without any noise; restart its bridge`,
    );
    this.#update();
    return false;
  }
  #lastRaw = Number.NaN;

  /**
   * Holds a sample that jumps until the next one shows whether it stays: a sample that returns was a glitch and is
   * dropped. What is let through is the raw sample, never a filter's output.
   */
  #isGlitch(atUs: number, mg: number): boolean {
    if (this.#pause > 0) this.#pause--;
    if (this.#glitchy && atUs - this.#glitchAtUs > glitchForgetUs) {
      this.#glitchy = false;
      this.#report(false, 'integrity', 'CW-WGH-006', atUs, '');
    }
    const jumps = this.#known && Math.abs(mg - this.#mg) > this.#jumpMg;
    if (!jumps) {
      if (this.#pending) this.#returned(atUs);
      return false;
    }
    if (this.#pending || this.#pause > 0) {
      this.#pending = false;
      return false;
    }
    this.#pending = true;
    this.#pendingMg = mg;
    return true;
  }
  #pendingMg = 0;

  #returned(atUs: number): void {
    this.#pending = false;
    this.#pause = glitchPause;
    if (Math.abs(this.#pendingMg - this.#mg) < glitchPart * this.#capacityMg) return;
    this.#glitches = atUs - this.#glitchAtUs > glitchForgetUs ? 1 : this.#glitches + 1;
    this.#glitchAtUs = atUs;
    if (this.#glitches < glitchLimit || this.#glitchy) return;
    this.#glitchy = true;
    const what = 'jumps and returns within one reading; check shielding and connectors';
    this.#report(true, 'integrity', 'CW-WGH-006', atUs, what);
  }

  /** Load against capacity, dead load included; a state must last before it is believed. */
  #carries(atUs: number, mg: number): boolean {
    const load = mg + this.#deadMg;
    const over = load > this.#capacityMg;
    const under = load < negativePart * this.#capacityMg;
    const beyond = over || under;
    if (!beyond && !this.#overloaded && !this.#negative) {
      this.#beyondSinceUs = Number.NaN;
      return true;
    }
    if (beyond) {
      this.#withinSinceUs = Number.NaN;
      if (Number.isNaN(this.#beyondSinceUs)) this.#beyondSinceUs = atUs;
      if (atUs - this.#beyondSinceUs >= overloadUs) this.#setBeyond(over, under, atUs);
      return true;
    }
    if (Number.isNaN(this.#withinSinceUs)) this.#withinSinceUs = atUs;
    if (atUs - this.#withinSinceUs < overloadUs) return false;
    this.#withinSinceUs = Number.NaN;
    this.#beyondSinceUs = Number.NaN;
    this.#setBeyond(false, false, atUs);
    return true;
  }

  #setBeyond(over: boolean, under: boolean, atUs: number): void {
    if (over !== this.#overloaded) {
      this.#overloaded = over;
      const what = 'carries more than its capacity; take load off before it bends';
      this.#report(over, 'saturated', 'CW-WGH-007', atUs, what);
    }
    if (under !== this.#negative) {
      this.#negative = under;
      const what = 'reads far below zero; check its wiring and its calibration';
      this.#report(under, 'integrity', 'CW-WGH-009', atUs, what);
    }
    this.#update();
  }
}
