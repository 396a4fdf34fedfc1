import type { DeviceFault, DeviceFaultKind } from '#readings/faults.ts';
import type { Health } from './health.ts';

/** What somebody should see to; in health while it stands, and in the ledger when it begins and ends. */
export interface Warning {
  readonly code: string;
  readonly fault: DeviceFaultKind;
  readonly message: string;
  /** What it is about; the machine where left out. */
  readonly source?: string;
}

/** What the machine itself is in the ledger, as the source of a fault. */
const machineSource = 'machine';

/** Tells each warning once when it begins, and once when it is over, as faults. */
export class Warnings {
  readonly #tell: (source: string, fault: DeviceFault) => void;
  #standing: ReadonlyMap<string, Warning> = new Map();

  constructor(tell: (source: string, fault: DeviceFault) => void) {
    this.#tell = tell;
  }

  get health(): NonNullable<Health['warnings']> {
    return [...this.#standing.values()].map(({ code, message }) => ({ code, message }));
  }

  /** All that stand now; the words of one may change without its being told anew. */
  set(warnings: readonly Warning[]): void {
    const before = this.#standing;
    const now = new Map(warnings.map((warning) => [warning.code, warning]));
    this.#standing = now;
    for (const [code, warning] of now) if (!before.has(code)) this.#say(warning, false);
    for (const [code, warning] of before) {
      if (!now.has(code)) this.#say(warning, true);
    }
  }

  #say({ code, fault, message, source = machineSource }: Warning, isOver: boolean): void {
    // The code is its channel: of one kind several may stand at once.
    const told = { fault, code, message, channel: code };
    this.#tell(source, isOver ? { ...told, cleared: true } : told);
  }
}
