import type { VirtualClock } from '#base/clock.ts';
import type { DeviceFaultKind } from '#readings/faults.ts';
import type { Device } from '../driver.ts';
import type { Ports } from '../ports/ports.ts';

/**
 * What a driver is tried on without hardware: a simulated peer that speaks the device's own bytes, and what can happen
 * to it. `cartwright driver verify` runs the same suite on every bench; each shipped driver has one in `benches/`.
 */
export interface Bench {
  /** Options to open the driver with. */
  readonly options: unknown;
  readonly ports: Ports;
  readonly buses: ReadonlyMap<string, Device>;
  /** Lets `us` of virtual time pass, and what it brings be delivered. */
  advance(us: number): Promise<void>;
  /** Makes the device deliver at least one reading within a second; devices that stream may do nothing. */
  stimulate(): void;
  /** How many readings a second of undisturbed running brings at least (0: only by `stimulate`). */
  readonly readingsPerSecond: number;
  /** The device is unplugged, and put back in again. */
  unplug(): void;
  replug(): void;
  /** What else can go wrong: each must be told as this fault within a second of virtual time, and cleared after it ends. */
  readonly troubles: readonly BenchTrouble[];
  /** Bytes that no device sends: the driver must survive them, and read on. */
  babble?(seed: number): void;
  dispose?(): Promise<void>;
}

export interface BenchTrouble {
  readonly name: string;
  readonly fault: DeviceFaultKind;
  begin(): void;
  end(): void;
}

export type MakeBench = (clock: VirtualClock, seed: number) => Promise<Bench>;
