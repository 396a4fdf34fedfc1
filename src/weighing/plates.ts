import { usPerMs } from '#base/units.ts';
import type { ScaleReading } from '#readings/readings.ts';
import type { CellChannel } from './cell.ts';
import type { Dips } from './dips.ts';
import type { FaultBoard } from './faults.ts';
import type { PlateTracker } from './tracker.ts';

/** Above Max + 9 e nothing is indicated (OIML R 76-1, 4.2.3); a load must last this long to be one. */
const overDivisions = 9;
const overUs = 100 * usPerMs;
/** Below this many d for so long the zero is wrong, or something that belongs there was taken off the plate. */
const underDivisions = 20;
const underUs = 500 * usPerMs;
/** A sample is late after this part of its cell's period. */
const latePart = 0.95;
/** A cell at less than this part of the slowest cell's period is averaged over it. */
const fasterPart = 0.6;

/** Overload and under zero of a plate, whichever way it is weighed. */
class PlateRange {
  readonly #tracker: PlateTracker;
  readonly #faults: FaultBoard;
  readonly #overMg: number;
  #beyondSinceUs = Number.NaN;
  over = false;
  #under = false;
  #underSinceUs = Number.NaN;

  constructor(tracker: PlateTracker, faults: FaultBoard) {
    this.#tracker = tracker;
    this.#faults = faults;
    this.#overMg = tracker.maxMg + overDivisions * tracker.divisionMg;
  }

  /** True where the plate carries more than it may. HOT PATH. */
  check(atUs: number, mg: number): boolean {
    const gross = mg - this.#tracker.baseline.zeroMg;
    if (gross > this.#overMg !== this.over) {
      if (Number.isNaN(this.#beyondSinceUs)) this.#beyondSinceUs = atUs;
      if (atUs - this.#beyondSinceUs >= overUs) this.#setOver(!this.over, atUs);
    } else {
      this.#beyondSinceUs = Number.NaN;
    }
    const under = gross < -underDivisions * this.#tracker.divisionMg;
    if (under === this.#under || !this.#tracker.resting) this.#underSinceUs = Number.NaN;
    else if (Number.isNaN(this.#underSinceUs)) this.#underSinceUs = atUs;
    // A plate rings below zero for a moment when something is set down on it.
    else if (atUs - this.#underSinceUs >= underUs) this.#setUnder(under, atUs);
    return this.over;
  }

  #setOver(over: boolean, atUs: number): void {
    this.over = over;
    this.#beyondSinceUs = Number.NaN;
    const { id } = this.#tracker;
    const code = 'CW-WGH-008';
    if (over) {
      this.#faults.raise(
        id,
        'saturated',
        code,
        `Plate ${id} carries more than its Max; take load off.`,
        atUs,
      );
    } else {
      this.#faults.clear(id, 'saturated', code, `Plate ${id} is within its range again.`, atUs);
    }
  }

  #setUnder(under: boolean, atUs: number): void {
    this.#under = under;
    this.#underSinceUs = Number.NaN;
    const { id } = this.#tracker;
    const code = 'CW-WGH-009';
    if (under) {
      const message = `Plate ${id} reads far below zero; check that it lies on its cells, then calibrate its zero.`;
      this.#faults.raise(id, 'integrity', code, message, atUs);
    } else {
      this.#faults.clear(id, 'integrity', code, `Plate ${id} is no longer below zero.`, atUs);
    }
  }
}

/** A plate on cells: joins the samples of its cells into samples of the plate. A cell without calibration gives none. */
export class CellPlate {
  readonly tracker: PlateTracker;
  readonly cells: readonly CellChannel[];
  readonly #range: PlateRange;
  readonly #dips: Dips;
  /** Nothing is weighed before: the temperature at the plate is awaited, µs. */
  notBeforeUs = Number.NEGATIVE_INFINITY;

  constructor(tracker: PlateTracker, cells: readonly CellChannel[], faults: FaultBoard, dips: Dips) {
    this.tracker = tracker;
    this.cells = cells;
    this.#dips = dips;
    this.#range = new PlateRange(tracker, faults);
  }

  /** One conversion of one of its cells. HOT PATH: no allocation. */
  accept(cell: CellChannel, atUs: number, counts: number, sequence: number): void {
    const usable = cell.accept(atUs, counts, sequence);
    if (!usable) {
      if (cell.faulty) this.tracker.hold(atUs);
      return;
    }
    cell.fresh = true;
    this.#join(atUs);
  }

  /** Called when a fault of a cell began or ended outside `accept`. */
  judge(atUs: number): void {
    for (const cell of this.cells) {
      if (cell.faulty) {
        this.tracker.hold(atUs);
        return;
      }
    }
  }

  /**
   * A sample of the plate is made when each cell has a new value and none of them is about to give a newer one. So a
   * dropped sample costs one plate sample, values of different rounds don't mix, and the order in which cells arrive
   * within an instant doesn't matter.
   */
  #join(atUs: number): void {
    const { cells } = this;
    let mg = 0;
    let slowest = 0;
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i];
      if (cell === undefined || !cell.fresh || cell.faulty) return;
      if (cell.periodUs > 0 && atUs - cell.valueAtUs >= latePart * cell.periodUs) return;
      mg += cell.sumMg / cell.samples;
      if (cell.periodUs > slowest) slowest = cell.periodUs;
    }
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i];
      if (cell === undefined) continue;
      cell.fresh = false;
      cell.averages = cell.periodUs < fasterPart * slowest;
    }
    this.#take(atUs, mg);
  }

  #take(atUs: number, mg: number): void {
    if (atUs < this.notBeforeUs) return;
    const { tracker } = this;
    if (this.#range.check(atUs, mg)) {
      tracker.hold(atUs);
      return;
    }
    if (!tracker.weighable) tracker.release(atUs);
    this.#dips.push(atUs, mg, tracker.resting);
    tracker.sample(atUs, mg);
  }
}

/** Statuses with which a scale says that its mass is none (metrology: only stable and zero count). */
const unweighable = new Set(['over', 'fault', 'calibrate', 'error', 're-zero', 'unsettled']);

/** A plate that is a complete scale: its own verdict on stability counts. */
export class ScalePlate {
  readonly tracker: PlateTracker;
  readonly source: string;
  readonly #faults: FaultBoard;
  readonly #range: PlateRange;
  lastAtUs = Number.NEGATIVE_INFINITY;
  #first = true;
  #missing = false;
  #reported = false;
  readonly #device = new Set<string>();

  constructor(tracker: PlateTracker, source: string, faults: FaultBoard) {
    this.tracker = tracker;
    this.source = source;
    this.#faults = faults;
    this.#range = new PlateRange(tracker, faults);
  }

  accept(reading: ScaleReading): void {
    const { atUs, massMg } = reading;
    if (atUs < this.lastAtUs || !Number.isSafeInteger(massMg)) return;
    this.lastAtUs = atUs;
    if (this.#missing) this.#setMissing(false, atUs);
    // The first reading of a scale may be left over from before.
    if (this.#first) {
      this.#first = false;
      return;
    }
    // The first word is the condition; the others say more about the indication.
    const [condition = ''] = (reading.status ?? '').split(' ', 1);
    const broken = unweighable.has(condition);
    // What the device has reported as a fault itself is not repeated.
    if (broken ? !this.#reported && this.#device.size === 0 : this.#reported) {
      this.#report(broken, condition, atUs);
    }
    if (broken || this.#device.size > 0 || this.#range.check(atUs, massMg)) {
      this.tracker.hold(atUs);
      return;
    }
    if (!this.tracker.weighable) this.tracker.release(atUs);
    this.tracker.certificateId = reading.certificateId;
    this.tracker.indicate(atUs, massMg, reading.stable);
  }

  missingAtUs(startUs: number, missingUs: number, graceUs: number): number {
    if (this.#missing) return Number.POSITIVE_INFINITY;
    return this.lastAtUs === Number.NEGATIVE_INFINITY ? startUs + graceUs : this.lastAtUs + missingUs;
  }

  miss(atUs: number): void {
    this.#first = true;
    this.#setMissing(true, atUs);
    this.tracker.hold(atUs);
  }

  device(fault: string, cleared: boolean, atUs: number): void {
    if (cleared) {
      this.#device.delete(fault);
    } else {
      this.#device.add(fault);
      this.#first = true;
      this.tracker.hold(atUs);
    }
  }

  #setMissing(missing: boolean, atUs: number): void {
    this.#missing = missing;
    const { source } = this;
    const code = 'CW-WGH-004';
    if (missing) {
      const message = `Scale ${source} sends no readings; check its cable and power.`;
      this.#faults.raise(source, 'missing', code, message, atUs);
    } else {
      this.#faults.clear(source, 'missing', code, `Scale ${source} works again.`, atUs);
    }
  }

  #report(broken: boolean, status: string, atUs: number): void {
    this.#reported = broken;
    const { source } = this;
    const code = 'CW-WGH-010';
    if (broken) {
      const message = `Scale ${source} reports ${status}; see its manual.`;
      this.#faults.raise(source, 'integrity', code, message, atUs);
    } else {
      this.#faults.clear(source, 'integrity', code, `Scale ${source} weighs again.`, atUs);
    }
  }
}
