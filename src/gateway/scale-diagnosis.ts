import type { Clock } from '#base/clock.ts';
import { usPerSecond } from '#base/units.ts';
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

/** The noise and drift test of cells, on what they deliver now. One at a time; nothing is changed by it. */
export class ScaleDiagnosis {
  readonly #options: ScaleDiagnosisOptions;
  #run: DiagnosisRun | undefined;

  constructor(options: ScaleDiagnosisOptions) {
    this.#options = options;
  }

  /** Sees every input. HOT PATH. */
  see(input: PipelineInput): void {
    if (this.#run === undefined || input.kind !== 'cell') return;
    this.#run.sample(input.source, input.atUs, input.counts, input.sequence);
  }

  /** Rejects with CW-CAL-173 while another one runs, CW-CAL-174 for plates that have no cells. */
  async run(ids: readonly string[] | undefined, seconds: number): Promise<Diagnosis> {
    if (this.#run !== undefined) {
      throw new CalibrationError('CW-CAL-173', 'a diagnosis is under way; wait for its answer');
    }
    const cells = this.#cells(ids);
    const run = new DiagnosisRun({ cells });
    this.#run = run;
    try {
      const { clock } = this.#options;
      await new Promise<void>((resolve) => clock.after(seconds * usPerSecond + lateUs, resolve));
      return run.result();
    } finally {
      this.#run = undefined;
    }
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
