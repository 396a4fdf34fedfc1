import type { DeviceFaultKind } from '#readings/faults.ts';
import type { ReadingSink } from '#readings/readings.ts';
import type { DriverError } from '../errors.ts';
import type { FaultBus } from '../fault-bus.ts';
import { type Indication, type ScaleCondition, statusOf } from './indication.ts';

export interface ReporterOptions {
  /** The scale's id in the board profile. */
  readonly id: string;
  readonly faults: FaultBus;
  readonly certificateId: string | undefined;
  /** Whether a net indication counts (`accept`), or is a fault until the tare is cleared. */
  readonly net: 'accept' | 'refuse';
}

interface Standing {
  readonly code: string;
  readonly message: string;
}

/** What each condition that lets nobody weigh is as a fault, and what to do about it. */
const conditionFaults: Readonly<
  Partial<Record<ScaleCondition, { readonly fault: DeviceFaultKind; readonly advice: string }>>
> = {
  over: { fault: 'saturated', advice: 'says that it is overloaded; take load off' },
  'under-zero': {
    fault: 'saturated',
    advice: 'says that it is below zero; put its platter back, or zero it while it is empty',
  },
  fault: { fault: 'integrity', advice: 'says that it is out of order' },
  calibrate: { fault: 'configuration', advice: 'says that it needs calibration; call its service' },
  're-zero': { fault: 'configuration', advice: 'says that it needs zeroing; clear it and zero it' },
};

/** So many refused answers in a row are a fault; a single one is noise. */
const badAnswers = 2;

/**
 * Makes readings and faults of what a scale says. A fault stands until an answer no longer has it. Where a condition comes
 * without a mass, the reading repeats the last one as `held` and unstable: weighing then sees that the scale is busy. A
 * mass is never made up: before the first one there is no reading.
 */
export class ScaleReporter {
  readonly #options: ReporterOptions;
  readonly #standing = new Map<DeviceFaultKind, Standing>();
  #sink: ReadingSink | undefined;
  #certificateId: string | undefined;
  #lastMg: number | undefined;
  #bad = 0;
  #lost = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#certificateId = options.certificateId;
  }

  begin(sink: ReadingSink): void {
    this.#sink = sink;
  }

  end(): void {
    this.#sink = undefined;
  }

  /** The certificate is of another scale: readings carry none from now on, and the fault stands. */
  disownCertificate(message: string): void {
    this.#certificateId = undefined;
    this.#raise('configuration', { code: 'CW-DRV-015', message });
    this.#disowned = message;
  }
  #disowned: string | undefined;

  /** One indication, at the time at which it came. */
  indicate(indication: Indication, atUs: number): void {
    if (this.#lost) return;
    this.#bad = 0;
    const faults = this.#faultsOf(indication);
    for (const kind of [...this.#standing.keys()]) if (!faults.has(kind)) this.#clear(kind);
    for (const [kind, standing] of faults) this.#raise(kind, standing);
    const massMg = indication.massMg ?? this.#lastMg;
    if (massMg === undefined) return;
    this.#lastMg = massMg;
    const counts = indication.condition === 'stable' || indication.condition === 'zero';
    this.#sink?.({
      kind: 'scale',
      source: this.#options.id,
      atUs,
      massMg,
      stable: counts && indication.massMg !== undefined && !faults.has('configuration'),
      status: statusOf(indication, indication.massMg === undefined),
      ...(this.#certificateId === undefined ? {} : { certificateId: this.#certificateId }),
    });
  }

  /** An answer that the protocol doesn't allow. One alone is only counted. */
  refused(error: DriverError): void {
    this.#bad += 1;
    if (this.#lost || this.#bad < badAnswers) return;
    this.#raise('integrity', { code: error.code, message: `${this.#options.id}: ${error.message}` });
  }

  /** The scale didn't answer in time. */
  silent(message: string): void {
    if (!this.#lost) this.#raise('timing', { code: 'CW-DRV-008', message });
  }

  /** The scale restarted by itself: what it weighed before may not be what it weighs from now on. */
  restarted(): void {
    this.#lastMg = undefined;
    if (this.#lost) return;
    const message = `${this.#options.id} restarted by itself; check its power supply`;
    this.#raise('integrity', { code: 'CW-DRV-018', message });
  }

  /** The port is lost, or the scale was silent for too long. Told once; nothing is told after it. */
  lost(message: string): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#options.faults.emit({ fault: 'disconnected', code: 'CW-DRV-005', message });
  }

  #faultsOf(indication: Indication): Map<DeviceFaultKind, Standing> {
    const { id, net } = this.#options;
    const faults = new Map<DeviceFaultKind, Standing>();
    const code = 'CW-DRV-015';
    if (this.#disowned !== undefined) faults.set('configuration', { code, message: this.#disowned });
    if (indication.net === true && net === 'refuse') {
      const message = `${id} shows a net mass: a tare is set on it; clear the tare, or set its option net to accept`;
      faults.set('configuration', { code, message });
    }
    const found = conditionFaults[indication.condition];
    if (found !== undefined) {
      const what = indication.what === undefined ? '' : ` (${indication.what})`;
      faults.set(found.fault, { code, message: `${id} ${found.advice}${what}` });
    }
    return faults;
  }

  #raise(fault: DeviceFaultKind, standing: Standing): void {
    const before = this.#standing.get(fault);
    if (before?.code === standing.code && before.message === standing.message) return;
    if (before !== undefined) this.#clear(fault);
    this.#standing.set(fault, standing);
    this.#options.faults.emit({ fault, ...standing });
  }

  #clear(fault: DeviceFaultKind): void {
    const standing = this.#standing.get(fault);
    if (standing === undefined) return;
    this.#standing.delete(fault);
    this.#options.faults.emit({ fault, ...standing, cleared: true });
  }
}
