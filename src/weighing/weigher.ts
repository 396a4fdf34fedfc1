import { isSameJson } from '#base/canonical-json.ts';
import { usPerMs } from '#base/units.ts';
import { gravityFactor } from '#calibration/gravity.ts';
import type { Calibration, PlateEntry } from '#config/board.ts';
import type { WeighingConfig } from '#config/schema.ts';
import type { DeviceFault, DeviceFaultKind } from '#readings/faults.ts';
import type { MotionReading, ScaleReading, TemperatureReading } from '#readings/readings.ts';
import type { BaselineState } from './baseline.ts';
import { calibratePlate } from './calibrated.ts';
import { CellChannel } from './cell.ts';
import { Dips } from './dips.ts';
import { WeighingError } from './errors.ts';
import { FaultBoard } from './faults.ts';
import { MotionGate } from './motion.ts';
import type { PlateStatus, WeighingOutput } from './outputs.ts';
import { CellPlate, ScalePlate } from './plates.ts';
import { type SavedTemperatures, Temperatures } from './temperatures.ts';
import { PlateTracker } from './tracker.ts';

/** Devices get this long to start before their silence is a fault, µs. */
const graceUs = 3_000 * usPerMs;
/** A scale is asked a few times a second, a cell converts many times: it may be silent so many times longer. */
const scalePatience = 4;
/** Faults of a device that leave its readings usable. */
const harmless = new Set<DeviceFaultKind>(['timing']);

/** What must survive a restart: plain JSON. Baselines hold only for the calibration they were made with. */
export interface WeighingState {
  readonly revision?: number;
  readonly plates: Readonly<Record<string, BaselineState>>;
  readonly temperatures?: SavedTemperatures;
}

export interface WeigherOptions {
  readonly plates: readonly PlateEntry[];
  readonly calibration: Calibration | undefined;
  readonly config: WeighingConfig;
  /** Acceleration of gravity where it weighs, µm/s²; undefined where that is not known. */
  readonly gravityUmS2?: number | undefined;
  readonly sink: (output: WeighingOutput) => void;
  /** Hears that a plate can't be weighed any more, and that it can again and is at rest. */
  readonly onWeighable?: (plate: string, weighable: boolean, atUs: number) => void;
  readonly state?: WeighingState;
}

/** One cell for the live view. `ratePerS` is 0 until two samples have come. */
export interface CellStatus {
  readonly cell: string;
  readonly plate: string;
  readonly counts: number | undefined;
  /** What the last counts mean by the calibration, mg, unrounded; undefined without one. */
  readonly massMg: number | undefined;
  readonly atUs: number | undefined;
  readonly ratePerS: number;
  readonly fault: DeviceFaultKind | undefined;
}

interface CellSlot {
  readonly cell: CellChannel;
  readonly plate: CellPlate;
}

interface MotionSlot {
  readonly source: string;
  readonly gate: MotionGate;
  missing: boolean;
}

/**
 * Counts in, plateaus and movements out, for all plates of a board. Inputs arrive in order of time; the same inputs
 * give the same outputs, bit for bit. It has no clock: what is due by time fires in `advance`.
 */
export class Weigher {
  readonly #config: WeighingConfig;
  readonly #plates: readonly PlateEntry[];
  readonly #gravityUmS2: number | undefined;
  #calibration: Calibration | undefined;
  readonly #faults: FaultBoard;
  readonly #sink: (output: WeighingOutput) => void;
  readonly #onWeighable: WeigherOptions['onWeighable'];
  readonly #cells = new Map<string, CellSlot>();
  readonly #cellPlates: CellPlate[] = [];
  readonly #scales = new Map<string, ScalePlate>();
  readonly #motions = new Map<string, MotionSlot>();
  readonly #trackers = new Map<string, PlateTracker>();
  readonly #temperatures: Temperatures;
  readonly #uncalibrated = new Map<string, readonly string[]>();
  /** First instant seen, µs; NaN before it. */
  #startUs = Number.NaN;
  #nowUs = Number.NaN;
  readonly #missingUs: number;
  /** Nothing is due before this; it may be too early, never too late. None once everything is missing, until a reading. */
  #deadlineUs = Number.POSITIVE_INFINITY;

  constructor(options: WeigherOptions) {
    this.#config = options.config;
    this.#missingUs = Math.max(1, options.config.missingMs * usPerMs);
    this.#calibration = options.calibration;
    this.#plates = options.plates;
    this.#gravityUmS2 = options.gravityUmS2;
    this.#sink = options.sink;
    this.#onWeighable = options.onWeighable;
    this.#faults = new FaultBoard(this.#sink);
    this.#temperatures = new Temperatures({
      plates: options.plates,
      cellPlates: this.#cellPlates,
      faults: this.#faults,
      creepMgPerS: options.config.creepMgPerS,
      saved: options.state?.temperatures,
    });
    const known = options.state?.revision === options.calibration?.revision ? options.state : undefined;
    for (const plate of options.plates) {
      if (plate.kind === 'unweighed') continue;
      this.#addPlate(plate, ownState(known, plate.id) ?? tareOnly(ownState(options.state, plate.id)));
    }
    this.#temperatures.follow(this.#calibration);
  }

  #addPlate(plate: PlateEntry, state: BaselineState | undefined): void {
    const { cells, scale } = plate;
    if (cells === undefined && scale === undefined) return;
    const gate = plate.motion === undefined ? undefined : this.#gate(plate.motion);
    const dips = new Dips(() => tracker.baseline.massMg);
    const sink = (output: WeighingOutput) => this.#sink(dips.of(output));
    const tracker = new PlateTracker(plate, this.#config, gate, state, sink, this.#onWeighable);
    this.#trackers.set(plate.id, tracker);
    if (cells === undefined) {
      if (scale !== undefined) this.#scales.set(scale, new ScalePlate(tracker, scale, this.#faults));
      return;
    }
    const { scales, missing } = this.#compile(plate);
    const dead = plate.deadLoadMg / cells.length;
    const channels = cells.map(
      (cell) => new CellChannel(cell, dead, scales.get(cell.id), this.#config, this.#faults),
    );
    const joined = new CellPlate(tracker, channels, this.#faults, dips);
    this.#cellPlates.push(joined);
    for (const cell of channels) this.#cells.set(cell.id, { cell, plate: joined });
    if (missing.length > 0) this.#uncalibrated.set(plate.id, missing);
  }

  #compile(plate: PlateEntry) {
    const factor = gravityFactor(this.#calibration?.gravityUmS2, this.#gravityUmS2);
    return calibratePlate(plate, this.#calibration, { gravityFactor: factor });
  }

  /**
   * Another calibration from now on. Plates that it changes begin anew, but for their tare: that their mass jumps is no
   * movement. The others go on as if nothing had been.
   */
  recalibrate(calibration: Calibration, atUs: number): void {
    this.#tick(atUs);
    const before = this.#calibration;
    this.#calibration = calibration;
    const isElsewhere = before?.gravityUmS2 !== calibration.gravityUmS2;
    for (const plate of this.#plates) {
      const joined = this.#cellPlates.find(({ tracker }) => tracker.id === plate.id);
      if (joined === undefined) continue;
      if (!isElsewhere && isSameJson(before?.plates[plate.id], calibration.plates[plate.id])) continue;
      const { scales, missing } = this.#compile(plate);
      for (const cell of joined.cells) cell.recalibrate(scales.get(cell.id));
      joined.tracker.recalibrate(atUs);
      this.#setUncalibrated(plate.id, missing, atUs);
    }
    this.#temperatures.follow(this.#calibration);
    if (!Number.isNaN(this.#startUs)) this.#expect(this.#temperatures.dueUs(this.#startUs));
  }

  #setUncalibrated(plate: string, cells: readonly string[], atUs: number): void {
    if (cells.length > 0) {
      this.#uncalibrated.set(plate, cells);
      if (!Number.isNaN(this.#startUs)) this.#raiseUncalibrated(plate, cells, atUs);
    } else if (this.#uncalibrated.delete(plate)) {
      this.#faults.clear(plate, 'configuration', 'CW-WGH-001', `Plate ${plate} is calibrated.`, atUs);
    }
  }

  #raiseUncalibrated(plate: string, cells: readonly string[], atUs: number): void {
    const message = `Plate ${plate} has no calibration for ${cells.join(', ')}; calibrate it.`;
    this.#faults.raise(plate, 'configuration', 'CW-WGH-001', message, atUs);
  }

  #gate(source: string): MotionGate {
    const known = this.#motions.get(source);
    if (known !== undefined) return known.gate;
    const gate = new MotionGate(this.#config.motionMmS2, this.#config.tiltMilliradians);
    this.#motions.set(source, { source, gate, missing: false });
    return gate;
  }

  /** One conversion of one cell; cells of other boards are ignored. HOT PATH: allocates nothing. */
  cell(source: string, atUs: number, counts: number, sequence: number): void {
    const slot = this.#cells.get(source);
    if (slot === undefined || !this.#tick(atUs)) return;
    this.#expect(atUs + this.#missingUs);
    slot.plate.accept(slot.cell, atUs, counts, sequence);
  }

  /** One indication of a complete scale. */
  scale(reading: ScaleReading): void {
    const plate = this.#scales.get(reading.source);
    if (plate === undefined || !this.#tick(reading.atUs)) return;
    this.#expect(reading.atUs + scalePatience * this.#missingUs);
    plate.accept(reading);
  }

  /** One reading of a motion sensor. */
  motion(reading: MotionReading): void {
    const slot = this.#motions.get(reading.source);
    if (slot === undefined || !this.#tick(reading.atUs)) return;
    this.#expect(reading.atUs + scalePatience * this.#missingUs);
    const [x, y, z] = reading.accelerationMmS2;
    slot.gate.accept(reading.atUs, x, y, z);
    if (slot.missing) this.#setMotionMissing(slot, false, reading.atUs);
  }

  /** One reading of a temperature sensor; others than those that drift is taken out by are ignored. */
  temperature(reading: TemperatureReading): void {
    if (!this.#tick(reading.atUs) || !this.#temperatures.accept(reading)) return;
    this.#expect(this.#temperatures.dueUs(this.#startUs));
  }

  /**
   * A fault that a device reported of itself (its channel, else the device, is a cell, a scale or a motion sensor). The
   * plate can't be weighed until it is cleared; the device's own report is not repeated.
   */
  fault(source: string, fault: DeviceFault, atUs: number): void {
    if (!this.#tick(atUs) || harmless.has(fault.fault)) return;
    const id = fault.channel ?? source;
    const cleared = fault.cleared === true;
    const slot = this.#cells.get(id);
    if (slot !== undefined) {
      slot.cell.device(fault.fault, cleared);
      slot.plate.judge(atUs);
    }
    this.#scales.get(id)?.device(fault.fault, cleared, atUs);
    if (!cleared) this.#motions.get(id)?.gate.reset();
  }

  /** Lets time pass to `toUs`; what falls due fires in order, each with its own time. */
  advance(toUs: number): void {
    if (!this.#tick(toUs)) return;
  }

  /** The next instant at which `advance` may have something to do; nothing is due before it. */
  nextDeadlineUs(): number | undefined {
    return Number.isFinite(this.#deadlineUs) ? this.#deadlineUs : undefined;
  }

  /** Moves time; false for times that are none. Starts the waiting for silent devices at the first one. */
  #tick(atUs: number): boolean {
    if (atUs < this.#deadlineUs && atUs >= this.#nowUs) {
      this.#nowUs = atUs;
      return true;
    }
    if (!Number.isFinite(atUs)) return false;
    if (Number.isNaN(this.#startUs)) this.#begin(atUs);
    while (this.#deadlineUs <= atUs) this.#fire();
    if (atUs > this.#nowUs) this.#nowUs = atUs;
    return true;
  }

  #begin(atUs: number): void {
    this.#startUs = atUs;
    this.#nowUs = atUs;
    this.#deadlineUs = atUs + Math.min(graceUs, this.#missingUs);
    for (const [plate, cells] of this.#uncalibrated) this.#raiseUncalibrated(plate, cells, atUs);
    this.#temperatures.begin(atUs);
  }

  /** Raises what is due at the deadline and finds the next one. */
  #fire(): void {
    const dueUs = this.#deadlineUs;
    const missingUs = this.#missingUs;
    let next = Number.POSITIVE_INFINITY;
    for (const plate of this.#cellPlates) {
      for (const cell of plate.cells) {
        const at = cell.missingAtUs(this.#startUs, missingUs, graceUs);
        if (at <= dueUs) {
          cell.miss(dueUs);
          plate.judge(dueUs);
        } else if (at < next) next = at;
      }
    }
    for (const scale of this.#scales.values()) {
      const at = scale.missingAtUs(this.#startUs, scalePatience * missingUs, graceUs);
      if (at <= dueUs) scale.miss(dueUs);
      else if (at < next) next = at;
    }
    for (const slot of this.#motions.values()) {
      if (slot.missing) continue;
      const { lastUs } = slot.gate;
      const at = Number.isFinite(lastUs) ? lastUs + scalePatience * missingUs : this.#startUs + graceUs;
      if (at <= dueUs) this.#setMotionMissing(slot, true, dueUs);
      else if (at < next) next = at;
    }
    this.#temperatures.fire(this.#startUs, dueUs);
    next = Math.min(next, this.#temperatures.dueUs(this.#startUs));
    this.#deadlineUs = next;
  }

  /** A device spoke: its silence has an end again, of which nothing is known where it was missing. HOT PATH. */
  #expect(dueUs: number): void {
    if (dueUs < this.#deadlineUs) this.#deadlineUs = dueUs;
  }

  #setMotionMissing(slot: MotionSlot, missing: boolean, atUs: number): void {
    slot.missing = missing;
    const { source } = slot;
    const code = 'CW-WGH-004';
    if (missing) {
      slot.gate.reset();
      const message = `Motion sensor ${source} sends no readings; motion is judged by the mass alone.`;
      this.#faults.raise(source, 'missing', code, message, atUs);
    } else {
      this.#faults.clear(source, 'missing', code, `Motion sensor ${source} works again.`, atUs);
    }
  }

  /**
   * Takes the mass that is on the plate as tare and returns it, mg.
   * @throws WeighingError CW-WGH-020 … 024 where the plate is unknown, unweighable, moving, unstable or below zero
   */
  tare(plate: string, atUs: number): number {
    this.#tick(atUs);
    const tracker = this.#tracker(plate);
    const mass = tracker.massMg;
    if (mass === undefined) {
      throw new WeighingError('CW-WGH-021', `plate ${plate} can not be weighed now; see its faults`);
    }
    if (tracker.moving(atUs)) {
      throw new WeighingError('CW-WGH-022', `plate ${plate} moves; hold it still and try again`);
    }
    if (!tracker.resting) {
      throw new WeighingError('CW-WGH-023', `the mass on plate ${plate} is not stable; wait and try again`);
    }
    const { baseline } = tracker;
    const gross = Math.round(mass - baseline.zeroMg);
    if (gross < -0.5 * tracker.divisionMg) {
      const message = `plate ${plate} reads ${gross} mg, below zero; clear it and calibrate its zero`;
      throw new WeighingError('CW-WGH-024', message, { details: { grossMg: gross } });
    }
    baseline.tareMg = Math.max(0, gross);
    return baseline.tareMg;
  }

  /** In a session nothing may move the zero: somebody may be adding slowly. */
  setSession(active: boolean): void {
    for (const tracker of this.#trackers.values()) tracker.session = active;
  }

  /** @throws WeighingError CW-WGH-020 for a plate that isn't weighed */
  status(plate: string): PlateStatus {
    const tracker = this.#tracker(plate);
    const mass = tracker.massMg;
    const atUs = Number.isNaN(this.#nowUs) ? 0 : this.#nowUs;
    const moving = tracker.moving(atUs);
    return {
      plate,
      atUs,
      grossMg: mass === undefined ? undefined : Math.round(mass - tracker.baseline.zeroMg),
      tareMg: tracker.baseline.tareMg,
      stable: tracker.resting && !moving,
      moving,
      zeroVerified: tracker.zeroVerified,
    };
  }

  cellStatus(): CellStatus[] {
    const list: CellStatus[] = [];
    for (const [id, { cell, plate }] of this.#cells) {
      const seen = cell.lastAtUs !== Number.NEGATIVE_INFINITY;
      list.push({
        cell: id,
        plate: plate.tracker.id,
        counts: cell.lastCounts,
        massMg: cell.lastMg,
        atUs: seen ? cell.lastAtUs : undefined,
        ratePerS: cell.ratePerS(),
        fault: this.#faults.of(id),
      });
    }
    return list;
  }

  saveState(): WeighingState {
    const plates: Record<string, BaselineState> = {};
    for (const [id, tracker] of this.#trackers) plates[id] = tracker.baseline.saveState();
    const revision = this.#calibration?.revision;
    const temperatures = this.#temperatures.saveState();
    return {
      ...(revision === undefined ? {} : { revision }),
      plates,
      ...(temperatures === undefined ? {} : { temperatures }),
    };
  }

  #tracker(plate: string): PlateTracker {
    const tracker = this.#trackers.get(plate);
    if (tracker !== undefined) return tracker;
    const known = [...this.#trackers.keys()].join(', ');
    throw new WeighingError(
      'CW-WGH-020',
      `there is no weighed plate ${JSON.stringify(plate)}; there are: ${known}`,
    );
  }
}

function ownState(state: WeighingState | undefined, plate: string): BaselineState | undefined {
  return state !== undefined && Object.hasOwn(state.plates, plate) ? state.plates[plate] : undefined;
}

/** Under another calibration the old baseline and zero mean nothing; the tare is a mass and stays. */
function tareOnly(state: BaselineState | undefined): BaselineState | undefined {
  return state === undefined ? undefined : { tareMg: state.tareMg, zeroMg: 0 };
}
