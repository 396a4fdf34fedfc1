import type { DeviceFault, DeviceFaultKind } from '#readings/faults.ts';
import type { FaultBus } from '../fault-bus.ts';

/** The faults of a device that stand: each is told once when it begins and once, with `cleared`, when it ends. */
export class FaultLatch {
  readonly #bus: FaultBus;
  readonly #standing = new Map<string, DeviceFault>();

  constructor(bus: FaultBus) {
    this.#bus = bus;
  }

  /** Tells of a fault, unless one of its kind stands for this channel already. */
  raise(fault: DeviceFault): void {
    const key = keyOf(fault.fault, fault.channel);
    if (this.#standing.has(key)) return;
    this.#standing.set(key, fault);
    this.#bus.emit(fault);
  }

  /** Ends the fault of that kind, where one stands. */
  clear(kind: DeviceFaultKind, channel?: string): void {
    const key = keyOf(kind, channel);
    const fault = this.#standing.get(key);
    if (fault === undefined) return;
    this.#standing.delete(key);
    this.#bus.emit({ ...fault, cleared: true });
  }

  /** Raises or clears by what is the case now. */
  set(stands: boolean, fault: DeviceFault): void {
    if (stands) this.raise(fault);
    else this.clear(fault.fault, fault.channel);
  }

  stands(kind: DeviceFaultKind, channel?: string): boolean {
    return this.#standing.has(keyOf(kind, channel));
  }
}

function keyOf(kind: DeviceFaultKind, channel: string | undefined): string {
  return `${channel ?? ''}/${kind}`;
}
