import { setImmediate } from 'node:timers/promises';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { Device, Driver } from '#drivers/driver.ts';
import type { Ports } from '#drivers/ports/ports.ts';
import { parseDriverOptions } from '#drivers/registry.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { Reading } from '#readings/readings.ts';

export const fuzzRuns = Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000);

export interface SeenFault extends DeviceFault {
  readonly atUs: number;
}

/** A sensor driver on simulated ports in virtual time. */
export class SensorTrial {
  readonly clock: VirtualClock;
  readonly readings: Reading[] = [];
  readonly faults: SeenFault[] = [];
  #device: Device | undefined;

  constructor(clock = new VirtualClock(1_000_000)) {
    this.clock = clock;
  }

  get device(): Device {
    if (this.#device === undefined) throw new Error('the device is not open');
    return this.#device;
  }

  async open(driver: Driver, options: unknown, ports: Ports, id = 'sensor'): Promise<Device> {
    const parsed = parseDriverOptions(driver, options, id);
    const context = { id, clock: this.clock, log: silentLogger, buses: new Map(), ports };
    const device = await this.settle(driver.open(parsed, context));
    device.faults.subscribe((fault) => this.faults.push({ ...fault, atUs: this.clock.nowUs() }));
    this.#device = device;
    return device;
  }

  async start(): Promise<void> {
    await this.settle(this.device.start((reading) => this.readings.push(reading)));
  }

  async running(driver: Driver, options: unknown, ports: Ports, id = 'sensor'): Promise<this> {
    await this.open(driver, options, ports, id);
    await this.start();
    return this;
  }

  /** Lets virtual time pass, with what is awaited in between. */
  async pass(us: number, sliceUs = 1_000): Promise<void> {
    const end = this.clock.nowUs() + us;
    while (this.clock.nowUs() < end) {
      this.clock.advanceTo(Math.min(end, this.clock.nowUs() + sliceUs));
      await setImmediate();
    }
  }

  /** Lets time pass until the promise has settled. */
  async settle<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const mark = () => {
      done = true;
    };
    work.then(mark, mark);
    for (let slice = 0; !done && slice < 20_000; slice++) await this.pass(1_000);
    return work;
  }

  of<Kind extends Reading['kind']>(kind: Kind): Extract<Reading, { kind: Kind }>[] {
    return this.readings.filter(
      (reading): reading is Extract<Reading, { kind: Kind }> => reading.kind === kind,
    );
  }

  /** Faults as `missing CW-DRV-008`, with `over` where they ended. */
  said(): string[] {
    return this.faults.map(
      ({ fault, code, cleared }) => `${fault} ${code}${cleared === true ? ' over' : ''}`,
    );
  }
}
