import type { DeviceFaultKind } from '#readings/faults.ts';
import type { WeighingCode } from './errors.ts';
import type { WeighingFault } from './outputs.ts';

interface Active {
  readonly fault: DeviceFaultKind;
  readonly codes: Set<WeighingCode>;
}

/**
 * Which faults are on. Each kind of fault of a source is raised once, however many causes it has, and cleared when the
 * last of them has ended.
 */
export class FaultBoard {
  readonly #active = new Map<string, Active>();
  readonly #sink: (fault: WeighingFault) => void;

  constructor(sink: (fault: WeighingFault) => void) {
    this.#sink = sink;
  }

  raise(source: string, fault: DeviceFaultKind, code: WeighingCode, message: string, atUs: number): void {
    const key = `${source}\0${fault}`;
    const active = this.#active.get(key);
    if (active !== undefined) {
      active.codes.add(code);
      return;
    }
    this.#active.set(key, { fault, codes: new Set([code]) });
    this.#sink({ kind: 'fault', source, fault, code, message, cleared: false, atUs });
  }

  clear(source: string, fault: DeviceFaultKind, code: WeighingCode, message: string, atUs: number): void {
    const key = `${source}\0${fault}`;
    const active = this.#active.get(key);
    if (active === undefined || !active.codes.delete(code) || active.codes.size > 0) return;
    this.#active.delete(key);
    this.#sink({ kind: 'fault', source, fault, code, message, cleared: true, atUs });
  }

  /** The first fault of a source that is on, for the live view. */
  of(source: string): DeviceFaultKind | undefined {
    for (const [key, active] of this.#active) if (key.startsWith(`${source}\0`)) return active.fault;
    return undefined;
  }
}
