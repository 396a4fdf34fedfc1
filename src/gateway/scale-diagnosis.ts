import type { Clock } from '#base/clock.ts';
import { usPerSecond } from '#base/units.ts';
import { type PressResult, PressTest } from '#calibration/diagnosis/press.ts';
import { DiagnosisRun } from '#calibration/diagnosis/run.ts';
import type { DiagnosedCell, Diagnosis } from '#calibration/diagnosis/types.ts';
import { CalibrationError } from '#calibration/errors.ts';
import type { Calibration, DeviceEntry, PlateEntry } from '#config/board.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import { stringsIn } from './calibrated-hardware.ts';

interface ScaleDiagnosisOptions {
  readonly plates: readonly PlateEntry[];
  readonly devices: readonly DeviceEntry[];
  readonly clock: Clock;
  readonly current: () => Calibration | undefined;
}

/** Readings of the last moment are here by then, µs. */
const lateUs = usPerSecond / 5;
/** Before a press the cells are heard for so long at rest. */
const restUs = usPerSecond;

/** The noise and drift test of cells, on what they deliver now. One at a time; nothing is changed by it. */
export class ScaleDiagnosis {
  readonly #options: ScaleDiagnosisOptions;
  #run: DiagnosisRun | undefined;
  #press: PressTest | undefined;

  constructor(options: ScaleDiagnosisOptions) {
    this.#options = options;
  }

  /** Sees every input. HOT PATH. */
  see(input: PipelineInput): void {
    if (input.kind !== 'cell') return;
    this.#run?.sample(input.source, input.atUs, input.counts, input.sequence);
    this.#press?.sample(input.source, input.counts);
  }

  /** Rejects with CW-CAL-173 while another one runs, CW-CAL-174 for plates that have no cells. */
  async run(ids: readonly string[] | undefined, seconds: number, empty = false): Promise<Diagnosis> {
    this.#assertIdle();
    const run = new DiagnosisRun({ cells: this.#cells(ids), empty });
    this.#run = run;
    try {
      await this.#wait(seconds * usPerSecond + lateUs);
      return run.result();
    } finally {
      this.#run = undefined;
    }
  }

  /**
   * One press: the cells are heard for a second at rest, then for `seconds` while a technician presses over `cell`. Rejects
   * as `run` does, and with CW-CAL-174 for a cell that is none of these plates'.
   */
  async press(ids: readonly string[] | undefined, cell: string, seconds: number): Promise<PressResult> {
    this.#assertIdle();
    const cells = this.#cells(ids);
    const known = cells.map((one) => one.cell);
    if (!known.includes(cell)) {
      const message = `there is no cell ${JSON.stringify(cell)} on these plates; there are: ${known.join(', ')}`;
      throw new CalibrationError('CW-CAL-174', message);
    }
    const press = new PressTest(cells);
    this.#press = press;
    try {
      await this.#wait(restUs);
      press.expect(cell);
      await this.#wait(seconds * usPerSecond + lateUs);
      return press.result();
    } finally {
      this.#press = undefined;
    }
  }

  #assertIdle(): void {
    if (this.#run === undefined && this.#press === undefined) return;
    throw new CalibrationError('CW-CAL-173', 'a diagnosis is under way; wait for its answer');
  }

  #wait(us: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(us, resolve));
  }

  #cells(ids: readonly string[] | undefined): readonly DiagnosedCell[] {
    const { plates, devices, current } = this.#options;
    const onCells = plates.filter(({ cells }) => cells !== undefined);
    const strange = ids?.find((id) => !onCells.some((plate) => plate.id === id));
    if (strange !== undefined || onCells.length === 0) {
      const known = onCells.map(({ id }) => id).join(', ');
      throw new CalibrationError(
        'CW-CAL-174',
        `there is no plate ${JSON.stringify(strange)} on cells; there are: ${known}`,
      );
    }
    const calibration = current();
    return onCells
      .filter(({ id }) => ids === undefined || ids.includes(id))
      .flatMap(({ id: plate, cells = [], divisionMg, intervalMg }) =>
        cells.map(({ id: cell, capacityMg }) => {
          const entry = calibration?.plates[plate]?.cells[cell];
          return {
            ...{ cell, plate, capacityMg, divisionMg: divisionMg ?? intervalMg ?? 1 },
            milligramsPerCount: entry?.milligramsPerCount,
            zeroCounts: entry?.zeroCounts,
            samplesPerSecond: rateOf(cell, devices),
          };
        }),
      );
  }
}

/** Rate that the device of a cell is set to; undefined where it has no such option. */
function rateOf(cell: string, devices: readonly DeviceEntry[]): number | undefined {
  const device = devices.find(({ id, options }) => id === cell || stringsIn(options).includes(cell));
  const rate = device?.options.samplesPerSecond;
  return typeof rate === 'number' ? rate : undefined;
}
