import type { Clock } from '#base/clock.ts';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { Backoff } from '#base/retry.ts';
import type { DeviceEntry } from '#config/board.ts';
import type { Device, DeviceIdentity, Driver } from '#drivers/driver.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { Reading } from '#readings/readings.ts';

export type DeviceState = 'closed' | 'opening' | 'running' | 'waiting';

/** What is known of one device of the board, for health and the status page. */
export interface DeviceReport {
  readonly id: string;
  readonly driver: string;
  readonly kind: string;
  readonly state: DeviceState;
  readonly identity: DeviceIdentity;
  readonly readings: number;
  readonly lastReadingUs: number | undefined;
  readonly fault: DeviceFault | undefined;
}

export interface SupervisorOptions {
  readonly entries: readonly DeviceEntry[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Pick<Random, 'next'>;
  readonly findDriver: (name: string) => Promise<Driver>;
  readonly onReading: (reading: Reading) => void;
  readonly onFault: (source: string, fault: DeviceFault, atUs: number) => void;
}

interface Slot {
  readonly entry: DeviceEntry;
  readonly backoff: Backoff;
  state: DeviceState;
  kind: string;
  device: Device | undefined;
  readings: number;
  lastReadingUs: number | undefined;
  fault: DeviceFault | undefined;
  unsubscribe: (() => void) | undefined;
  cancelRetry: (() => void) | undefined;
}

/**
 * Opens the devices of a board, keeps them open, and says so when it can't. A device that vanishes is a fault, not an
 * exception: it is reopened with growing, jittered delays, and the gateway goes on with what is left.
 */
export class DeviceSupervisor {
  readonly #options: SupervisorOptions;
  readonly #slots = new Map<string, Slot>();
  #stopped = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    for (const entry of inOrderOfBuses(options.entries)) {
      this.#slots.set(entry.id, {
        entry,
        backoff: new Backoff({ firstMs: 250, maxMs: 10_000 }, options.random),
        state: 'closed',
        kind: '',
        device: undefined,
        readings: 0,
        lastReadingUs: undefined,
        fault: undefined,
        unsubscribe: undefined,
        cancelRetry: undefined,
      });
    }
  }

  /** Tries every device once, in order of who is reached through whom; those that fail are retried on their own. */
  async start(): Promise<void> {
    for (const slot of this.#slots.values()) await this.#open(slot);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const slot of [...this.#slots.values()].reverse()) await this.#close(slot, 'closed');
  }

  reports(): DeviceReport[] {
    return [...this.#slots.values()].map((slot) => ({
      id: slot.entry.id,
      driver: slot.entry.driver,
      kind: slot.kind,
      state: slot.state,
      identity: slot.device?.identity ?? {},
      readings: slot.readings,
      lastReadingUs: slot.lastReadingUs,
      fault: slot.fault,
    }));
  }

  /** The open device of that id, for actions such as sounding a tone. */
  device(id: string): Device | undefined {
    return this.#slots.get(id)?.device;
  }

  async #open(slot: Slot): Promise<void> {
    if (this.#stopped) return;
    const { entry } = slot;
    slot.state = 'opening';
    try {
      const driver = await this.#options.findDriver(entry.driver);
      slot.kind = driver.kind;
      const options = driver.options.parse(entry.options);
      const buses = new Map<string, Device>();
      for (const [id, other] of this.#slots) if (other.device !== undefined) buses.set(id, other.device);
      const { clock, log } = this.#options;
      const device = await driver.open(options, { id: entry.id, clock, log, buses });
      slot.device = device;
      slot.unsubscribe = device.faults.subscribe((fault) => this.#faulted(slot, fault));
      await device.start((reading) => {
        slot.readings += 1;
        slot.lastReadingUs = reading.atUs;
        this.#options.onReading(reading);
      });
      slot.state = 'running';
      slot.backoff.reset();
      if (slot.fault !== undefined) this.#report(slot, { ...slot.fault, cleared: true });
      this.#options.log.info({ device: entry.id, driver: entry.driver }, 'device running');
    } catch (error) {
      const code = isCoded(error) ? error.code : 'CW-DRV-005';
      await this.#close(slot, 'waiting');
      this.#report(slot, { fault: 'disconnected', code, message: describeError(error) });
      this.#retry(slot);
    }
  }

  #faulted(slot: Slot, fault: DeviceFault): void {
    this.#report(slot, fault);
    if (fault.fault !== 'disconnected' || fault.cleared === true || fault.channel !== undefined) return;
    this.#close(slot, 'waiting').then(
      () => this.#retry(slot),
      (error: unknown) =>
        this.#options.log.error({ device: slot.entry.id, err: error }, 'device did not close'),
    );
  }

  #report(slot: Slot, fault: DeviceFault): void {
    slot.fault = fault.cleared === true ? undefined : fault;
    const { log, clock, onFault } = this.#options;
    const fields = { device: slot.entry.id, code: fault.code };
    if (fault.cleared === true) log.info(fields, `fault ended: ${fault.fault}`);
    else log.warn(fields, fault.message);
    onFault(slot.entry.id, fault, clock.nowUs());
  }

  #retry(slot: Slot): void {
    if (this.#stopped) return;
    slot.cancelRetry = this.#options.clock.after(slot.backoff.nextMs() * 1000, () => {
      this.#open(slot).catch((error: unknown) => {
        this.#options.log.error({ device: slot.entry.id, err: error }, 'device did not reopen');
      });
    });
  }

  async #close(slot: Slot, state: DeviceState): Promise<void> {
    slot.cancelRetry?.();
    slot.cancelRetry = undefined;
    slot.unsubscribe?.();
    slot.unsubscribe = undefined;
    const device = slot.device;
    slot.device = undefined;
    slot.state = state;
    try {
      await device?.stop();
    } catch (error) {
      this.#options.log.warn(
        { device: slot.entry.id, err: describeError(error) },
        'device did not stop cleanly',
      );
    }
  }
}

/** Devices that others are reached through first. Options named `bus` or `world` name them. */
function inOrderOfBuses(entries: readonly DeviceEntry[]): readonly DeviceEntry[] {
  const ordered: DeviceEntry[] = [];
  const visit = (entry: DeviceEntry, path: readonly string[]) => {
    if (ordered.includes(entry) || path.includes(entry.id)) return;
    for (const name of ['bus', 'world']) {
      const through = entries.find((other) => other.id === entry.options[name]);
      if (through !== undefined) visit(through, [...path, entry.id]);
    }
    ordered.push(entry);
  };
  for (const entry of entries) visit(entry, []);
  return ordered;
}
