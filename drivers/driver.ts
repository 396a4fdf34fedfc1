import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { ReadingSink } from '#readings/readings.ts';
import type { DeviceIdentity } from './identity.ts';
import type { Ports } from './ports/ports.ts';

export type { DeviceIdentity } from './identity.ts';

export type { Ports } from './ports/ports.ts';

/** The version of this contract; a driver built for another major version is refused. */
export const driverContract = 1;

/** What a device can be. A `bus` delivers nothing itself: others are reached through it. */
export const deviceKinds = [
  'load-cell',
  'scale',
  'scanner',
  'camera',
  'motion',
  'power',
  'temperature',
  'position',
  'tag-reader',
  'indicator',
  'bus',
] as const;

export type DeviceKind = (typeof deviceKinds)[number];

export interface FaultSource {
  /** Subscribes; the returned function unsubscribes. */
  subscribe(listener: (fault: DeviceFault) => void): () => void;
}

export interface DriverContext {
  /** The device's id in the board profile: the `source` of its readings. */
  readonly id: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Devices of a profile that this one is reached through (`bus`), already open. */
  readonly buses: ReadonlyMap<string, Device>;
  /** How it reaches hardware. A driver that opens files or sockets by itself can't be recorded or replayed. */
  readonly ports: Ports;
}

/** What is wrong with options, as zod says it; only what is read here. */
export interface OptionsError {
  readonly message?: string;
  readonly issues?: readonly { readonly path?: readonly PropertyKey[]; readonly message: string }[];
}

/**
 * Checks and completes a device's options. Every zod schema is one; so is any object with a `safeParse` of its own, so
 * that a maker's driver needs no library.
 */
export interface OptionsSchema<Options = unknown> {
  safeParse(
    options: unknown,
  ):
    | { readonly success: true; readonly data: Options }
    | { readonly success: false; readonly error: OptionsError };
}

export interface Driver<Options = unknown> {
  readonly contract: typeof driverContract;
  /** `firmata-hx711`, `hid-pos-scanner`: what a profile's `driver` says. */
  readonly name: string;
  readonly kind: DeviceKind;
  readonly options: OptionsSchema<Options>;
  /** What is attached and could be opened by this driver. */
  discover?(context: DriverContext): Promise<DeviceIdentity[]>;
  /** Opens the device; rejects with a coded `DriverError`. */
  open(options: Options, context: DriverContext): Promise<Device>;
}

export interface Device {
  readonly identity: DeviceIdentity;
  /** Readings flow until `stop`; start never tares or zeroes. */
  start(sink: ReadingSink): Promise<void>;
  /** Idempotent; frees the port. */
  stop(): Promise<void>;
  /** Zero a scale, sound a tone, light a lamp: what the driver documents. */
  call?(action: string, args: unknown): Promise<unknown>;
  readonly faults: FaultSource;
}
