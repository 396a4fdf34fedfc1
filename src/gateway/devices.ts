import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { Backoff } from '#base/retry.ts';
import type { DeviceEntry } from '#config/board.ts';
import type { Device, DeviceIdentity, Driver, Ports } from '#drivers/driver.ts';
import { DriverError } from '#drivers/errors.ts';
import { type AttachmentSource, createSystemPorts, parseDriverOptions } from '#drivers/registry.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { Reading } from '#readings/readings.ts';
import { busesOf, inOrderOfBuses } from './bus-order.ts';
import { type OpenedDevice, otherHardware } from './calibrated-hardware.ts';
import { openingFault, sameFault } from './opening-faults.ts';

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
  /** The latest of the faults that stand. */
  readonly fault: DeviceFault | undefined;
}

export interface SupervisorOptions {
  readonly entries: readonly DeviceEntry[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Pick<Random, 'next'>;
  readonly findDriver: (name: string) => Promise<Driver>;
  /** Says when something was plugged in: what waits is then tried at once. */
  readonly attachments?: AttachmentSource | undefined;
  /** Stands between a device and its ports, as a recorder of the very bytes does. */
  readonly tapPorts?: ((entry: DeviceEntry, ports: Ports) => Ports) | undefined;
  /** What keeps the cells of an opened device from being used, by channel; asked before it starts. */
  readonly judge?:
    | ((entry: DeviceEntry, options: unknown, identity: DeviceIdentity) => readonly DeviceFault[])
    | undefined;
  readonly onReading: (reading: Reading) => void;
  readonly onFault: (source: string, fault: DeviceFault, atUs: number) => void;
}

interface Slot {
  readonly entry: DeviceEntry;
  readonly backoff: Backoff;
  /** Those that stand, by channel and kind. */
  readonly faults: Map<string, DeviceFault>;
  /** Why it is not open: the one of them that ends when another cause takes its place. */
  absence: DeviceFault | undefined;
  state: DeviceState;
  kind: string;
  /** As the driver has checked and completed them. */
  options: unknown;
  device: Device | undefined;
  readings: number;
  lastReadingUs: number | undefined;
  unsubscribe: (() => void) | undefined;
  cancelRetry: (() => void) | undefined;
  /** Openings that were given up and still hang in the driver. */
  hanging: number;
  /** Resolves when the latest attempt to open it has ended. */
  attempt: Promise<void>;
}

/** A device that doesn't stop is given up after this long, µs: it must not hold up the others. */
const stopWithinUs = 3_000_000;
/** Opening and starting are given up after this long together, µs; it is tried again like any other failure. */
const openWithinUs = 10_000_000;
/** No further attempt while so many hang: each may hold one of the process's few threads for files. */
const mostHanging = 2;

/**
 * Opens the devices of a board, keeps them open, and says so when it can't. A device that vanishes is a fault, not an
 * exception: it is reopened with growing, jittered delays, and the gateway goes on with what is left. What is reached
 * through it is lost with it and comes back with it.
 */
export class DeviceSupervisor {
  readonly #options: SupervisorOptions;
  readonly #slots = new Map<string, Slot>();
  #stopped = false;
  #unwatch: (() => void) | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    for (const entry of inOrderOfBuses(options.entries)) {
      this.#slots.set(entry.id, {
        entry,
        backoff: new Backoff({ firstMs: 250, maxMs: 10_000 }, options.random),
        faults: new Map(),
        absence: undefined,
        state: 'closed',
        kind: '',
        options: undefined,
        device: undefined,
        readings: 0,
        lastReadingUs: undefined,
        unsubscribe: undefined,
        cancelRetry: undefined,
        hanging: 0,
        attempt: Promise.resolve(),
      });
    }
  }

  /**
   * Tries every device once, each as soon as those that it is reached through were tried; one that hangs holds up only
   * those. What fails is retried on its own. Resolves when all were tried.
   */
  async start(): Promise<void> {
    const tried = new Map<string, Promise<void>>();
    for (const slot of this.#slots.values()) {
      const before = busesOf(slot.entry).map((id) => tried.get(id));
      tried.set(
        slot.entry.id,
        Promise.all(before).then(() => this.#attempt(slot)),
      );
    }
    await Promise.all(tried.values());
  }

  /** Closes every device, those that are reached through others first. What is just being opened is closed as well. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#watch();
    for (const slot of [...this.#slots.values()].reverse()) {
      await this.#close(slot, 'closed');
      await this.#within(slot, slot.attempt);
    }
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
      fault: [...slot.faults.values()].at(-1),
    }));
  }

  /** The open device of that id, for actions such as sounding a tone. */
  device(id: string): Device | undefined {
    return this.#slots.get(id)?.device;
  }

  /** The devices that are open. */
  opened(): readonly OpenedDevice[] {
    return [...this.#slots.values()].flatMap(({ entry, options, device }) =>
      device === undefined ? [] : [{ entry, options, identity: device.identity }],
    );
  }

  /** Opens a device anew that is open and delivers nothing; one that is not open is being seen to. */
  async reopen(id: string): Promise<void> {
    const slot = this.#slots.get(id);
    if (slot?.state !== 'running' || this.#stopped) return;
    await this.#lose(slot);
    this.#retry(slot);
  }

  /** Judges what is open anew: another calibration was made on what is attached, or was not. */
  rejudge(): void {
    for (const slot of this.#slots.values()) {
      const { device, entry, options, faults } = slot;
      if (device === undefined) continue;
      const found = this.#options.judge?.(entry, options, device.identity) ?? [];
      const stands = new Set(found.map(faultKey));
      const over = [...faults.values()].filter(
        (fault) => fault.code === otherHardware && !stands.has(faultKey(fault)),
      );
      for (const fault of over) this.#report(slot, { ...fault, cleared: true });
      for (const fault of found) {
        if (!sameFault(faults.get(faultKey(fault)), fault)) this.#report(slot, fault);
      }
    }
  }

  #attempt(slot: Slot): Promise<void> {
    slot.cancelRetry?.();
    slot.cancelRetry = undefined;
    if (this.#stopped) return Promise.resolve();
    slot.state = 'opening';
    slot.attempt = this.#open(slot);
    return slot.attempt;
  }

  /** Never rejects. */
  async #open(slot: Slot): Promise<void> {
    const { entry } = slot;
    const before = [...slot.faults.values()];
    const limit = new TimeLimit(this.#options.clock, openWithinUs, entry.id);
    let device: Device | undefined;
    try {
      device = await this.#openWithin(slot, limit);
      slot.device = device;
      if (this.#stopped) {
        await this.#close(slot, 'closed');
        return;
      }
      slot.unsubscribe = device.faults.subscribe((fault) => this.#faulted(slot, fault));
      for (const fault of this.#options.judge?.(entry, slot.options, device.identity) ?? []) {
        this.#report(slot, fault);
      }
      const starting = device.start((reading) => {
        if (slot.device !== device) return;
        slot.readings += 1;
        slot.lastReadingUs = reading.atUs;
        this.#options.onReading(reading);
      });
      await limit.bound(starting);
      // Lost or stopped while it started: that has been seen to.
      if (slot.device !== device) return;
      slot.state = 'running';
      slot.backoff.reset();
      slot.absence = undefined;
      this.#watch();
      // What was told anew while it started still stands.
      const over = before.filter((fault) => slot.faults.get(faultKey(fault)) === fault);
      for (const fault of over) this.#report(slot, { ...fault, cleared: true });
      this.#options.log.info({ device: entry.id, driver: entry.driver }, 'device running');
      for (const other of this.#reachedThrough(slot))
        if (other.state === 'waiting') await this.#attempt(other);
    } catch (error) {
      if (this.#stopped || (device !== undefined && slot.device !== device)) return;
      await this.#close(slot, 'waiting');
      this.#absent(slot, openingFault(error));
      this.#retry(slot);
    } finally {
      limit.lift();
    }
  }

  /** What is opened after its time is closed again at once: nobody waits for it any more. */
  async #openWithin(slot: Slot, limit: TimeLimit): Promise<Device> {
    const opening = this.#openDevice(slot);
    try {
      return await limit.bound(opening);
    } catch (error) {
      if (limit.passed) {
        slot.hanging += 1;
        void opening
          .then((device) => this.#stopDevice(slot, device))
          .catch(() => {})
          .finally(() => {
            slot.hanging -= 1;
          });
      }
      throw error;
    }
  }

  async #openDevice(slot: Slot): Promise<Device> {
    const { clock, log, findDriver, tapPorts } = this.#options;
    const { entry } = slot;
    const driver = await findDriver(entry.driver);
    slot.kind = driver.kind;
    const options = parseDriverOptions(driver, entry.options, entry.id);
    slot.options = options;
    const buses = new Map<string, Device>();
    for (const [id, { device }] of this.#slots) if (device !== undefined) buses.set(id, device);
    const system = createSystemPorts({ clock, log, buses });
    const ports = tapPorts?.(entry, system) ?? system;
    return driver.open(options, { id: entry.id, clock, log, buses, ports });
  }

  #reachedThrough(slot: Slot): Slot[] {
    return [...this.#slots.values()].filter((other) => busesOf(other.entry).includes(slot.entry.id));
  }

  #faulted(slot: Slot, fault: DeviceFault): void {
    if (fault.fault !== 'disconnected' || fault.cleared === true || fault.channel !== undefined) {
      this.#report(slot, fault);
      return;
    }
    this.#absent(slot, fault);
    void this.#lose(slot).then(() => this.#retry(slot));
  }

  /** Closes a device that vanished, after those that are reached through it: they wait until it is back. */
  async #lose(slot: Slot): Promise<void> {
    for (const other of this.#reachedThrough(slot)) {
      if (other.device === undefined) continue;
      const message = `${other.entry.id} is reached through ${slot.entry.id}, which is lost; it comes back with it`;
      this.#absent(other, { fault: 'disconnected', code: 'CW-DRV-005', message });
      await this.#lose(other);
    }
    await this.#close(slot, 'waiting');
  }

  /** Tells why a device is not open, once for each cause; the cause before it has ended. */
  #absent(slot: Slot, fault: DeviceFault): void {
    const before = slot.absence;
    if (sameFault(before, fault)) return;
    slot.absence = fault;
    this.#report(slot, fault);
    if (before !== undefined && before.fault !== fault.fault)
      this.#report(slot, { ...before, cleared: true });
  }

  #report(slot: Slot, fault: DeviceFault): void {
    const key = faultKey(fault);
    slot.faults.delete(key);
    if (fault.cleared !== true) slot.faults.set(key, fault);
    const { log, clock, onFault } = this.#options;
    const fields = { device: slot.entry.id, code: fault.code };
    if (fault.cleared === true) log.info(fields, `fault ended: ${fault.fault}`);
    else log.warn(fields, fault.message);
    onFault(slot.entry.id, fault, clock.nowUs());
  }

  /** Listens for what is plugged in for as long as a device waits for it. */
  #watch(): void {
    const waiting = !this.#stopped && [...this.#slots.values()].some(({ state }) => state === 'waiting');
    if (waiting) this.#unwatch ??= this.#options.attachments?.watch(() => this.#attached());
    else {
      this.#unwatch?.();
      this.#unwatch = undefined;
    }
  }

  /** Something was plugged in or pulled: whatever waits may be it, on whichever port. */
  #attached(): void {
    for (const slot of this.#slots.values()) {
      if (slot.state !== 'waiting' && slot.state !== 'opening') continue;
      slot.backoff.reset();
      if (slot.cancelRetry !== undefined && slot.hanging < mostHanging) void this.#attempt(slot);
    }
  }

  #retry(slot: Slot): void {
    // What it was reached through may have brought it back while it was being closed.
    if (this.#stopped || slot.state !== 'waiting') return;
    this.#watch();
    slot.cancelRetry?.();
    slot.cancelRetry = this.#options.clock.after(slot.backoff.nextMs() * 1000, () => {
      if (slot.hanging < mostHanging) void this.#attempt(slot);
      else this.#retry(slot);
    });
  }

  async #close(slot: Slot, state: DeviceState): Promise<void> {
    slot.cancelRetry?.();
    slot.cancelRetry = undefined;
    slot.unsubscribe?.();
    slot.unsubscribe = undefined;
    const { device } = slot;
    slot.device = undefined;
    slot.state = state;
    if (device !== undefined) await this.#stopDevice(slot, device);
  }

  async #stopDevice(slot: Slot, device: Device): Promise<void> {
    // An async function, so that a stop which throws at once is a rejection like any other.
    await this.#within(
      slot,
      (async () => device.stop())().catch((error: unknown) =>
        this.#options.log.warn(
          { device: slot.entry.id, err: describeError(error) },
          'device did not stop cleanly',
        ),
      ),
    );
  }

  /** Waits for what must not take long; `work` never rejects. */
  #within(slot: Slot, work: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(stopWithinUs, () => {
        this.#options.log.warn({ device: slot.entry.id }, `device did not stop in ${stopWithinUs} µs`);
        resolve();
      });
      void work.then(() => {
        cancel();
        resolve();
      });
    });
  }
}

function faultKey({ channel, fault }: DeviceFault): string {
  return `${channel ?? ''}/${fault}`;
}

/** A time limit over several steps; what is bounded by it rejects with CW-DRV-011 when it has passed. */
class TimeLimit {
  readonly #passing: Promise<never>;
  readonly #cancel: () => void;
  #passed = false;

  constructor(clock: Clock, withinUs: number, device: string) {
    const { promise, reject } = Promise.withResolvers<never>();
    this.#passing = promise;
    // It may pass while nothing is bounded by it.
    promise.catch(() => {});
    this.#cancel = clock.after(withinUs, () => {
      this.#passed = true;
      const message = `${device} was not ready within ${withinUs / 1_000_000} s; check its cable and power, it is tried again`;
      reject(new DriverError('CW-DRV-011', message));
    });
  }

  get passed(): boolean {
    return this.#passed;
  }

  bound<T>(step: Promise<T>): Promise<T> {
    return Promise.race([step, this.#passing]);
  }

  lift(): void {
    this.#cancel();
  }
}
