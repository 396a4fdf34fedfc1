import type { DeviceFault, DeviceFaultKind } from '#readings/faults.ts';
import type { driverCodes } from '../../errors.ts';
import type { FaultBus } from '../../fault-bus.ts';

/** A fault that is told by events, not by a state, ends when none came for this long, µs. */
const quietUs = 1_000_000;

interface Standing {
  readonly fault: DeviceFault;
  readonly sinceUs: number;
  /** When it ends by itself unless it is told again; undefined for what lasts until it is cleared. */
  untilUs: number | undefined;
}

/** Which faults of a device stand: each is told once, and its end once. */
export class FaultLedger {
  readonly #bus: FaultBus;
  readonly #standing = new Map<string, Standing>();

  constructor(bus: FaultBus) {
    this.#bus = bus;
  }

  has(kind: DeviceFaultKind, channel?: string): boolean {
    return this.#standing.has(key(kind, channel));
  }

  /** When the fault was told, µs; undefined where it doesn't stand. */
  since(kind: DeviceFaultKind, channel?: string): number | undefined {
    return this.#standing.get(key(kind, channel))?.sinceUs;
  }

  /** A fault that lasts until it is cleared. Another code for the same kind takes the place of the one before. */
  raise(
    kind: DeviceFaultKind,
    code: keyof typeof driverCodes,
    message: string,
    nowUs: number,
    channel?: string,
  ): void {
    const before = this.#standing.get(key(kind, channel));
    if (before !== undefined && before.fault.code === code) {
      before.untilUs = undefined;
      return;
    }
    if (before !== undefined) this.clear(kind, channel);
    this.#tell(kind, code, message, nowUs, undefined, channel);
  }

  /** Something bad happened just now: a fault that ends when it hasn't happened for a second. */
  pulse(
    kind: DeviceFaultKind,
    code: keyof typeof driverCodes,
    message: string,
    nowUs: number,
    channel?: string,
  ): void {
    const before = this.#standing.get(key(kind, channel));
    if (before === undefined) this.#tell(kind, code, message, nowUs, nowUs + quietUs, channel);
    else if (before.untilUs !== undefined) before.untilUs = nowUs + quietUs;
  }

  clear(kind: DeviceFaultKind, channel?: string): void {
    const standing = this.#standing.get(key(kind, channel));
    if (standing === undefined) return;
    this.#standing.delete(key(kind, channel));
    this.#bus.emit({ ...standing.fault, cleared: true });
  }

  /** Ends what has been quiet for long enough. */
  expire(nowUs: number): void {
    for (const { fault, untilUs } of [...this.#standing.values()]) {
      if (untilUs !== undefined && nowUs >= untilUs) this.clear(fault.fault, fault.channel);
    }
  }

  #tell(
    kind: DeviceFaultKind,
    code: keyof typeof driverCodes,
    message: string,
    sinceUs: number,
    untilUs: number | undefined,
    channel: string | undefined,
  ): void {
    const fault: DeviceFault = { fault: kind, code, message, ...(channel === undefined ? {} : { channel }) };
    this.#standing.set(key(kind, channel), { fault, sinceUs, untilUs });
    this.#bus.emit(fault);
  }
}

function key(kind: DeviceFaultKind, channel: string | undefined): string {
  return `${kind}/${channel ?? ''}`;
}
