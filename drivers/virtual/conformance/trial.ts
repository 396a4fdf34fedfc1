import { setImmediate } from 'node:timers/promises';
import { type Clock, VirtualClock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { Reading } from '#readings/readings.ts';
import type { Device, Driver } from '../../driver.ts';
import type { Port, PortListener, Ports } from '../../ports/ports.ts';
import { parseDriverOptions } from '../../registry.ts';
import type { Bench, MakeBench } from '../bench.ts';

export const trialId = 'device-under-test';
/** Opening, starting and stopping may take so long, virtual µs: what the supervisor grants. */
const withinUs = 10_000_000;
/** A library that is being loaded takes real time, ms. */
const loadWithinMs = 20_000;
const startUs = 1_000_000;

export interface SeenFault extends DeviceFault {
  readonly atUs: number;
}

/** One driver on one fresh bench, and all that was seen of it. */
export class Trial {
  readonly clock: VirtualClock;
  readonly readings: Reading[] = [];
  readonly faults: SeenFault[] = [];
  readonly bench: Bench;
  readonly #driver: Driver;
  readonly #log: Logger;
  readonly #ports: CountedPorts;
  readonly #timers: CountedClock;

  static async make(driver: Driver, makeBench: MakeBench, seed: number, log: Logger): Promise<Trial> {
    const clock = new VirtualClock(startUs);
    return new Trial(driver, log, clock, await makeBench(clock, seed));
  }

  private constructor(driver: Driver, log: Logger, clock: VirtualClock, bench: Bench) {
    this.clock = clock;
    this.bench = bench;
    this.#driver = driver;
    this.#log = log;
    this.#ports = new CountedPorts(bench.ports);
    this.#timers = new CountedClock(clock);
  }

  /** Ports that the driver has open. */
  get openPorts(): number {
    return this.#ports.open;
  }

  /** Timers of the driver that wait. */
  get timers(): number {
    return this.#timers.waiting;
  }

  /** Opens the device and listens to its faults. */
  async open(): Promise<Device> {
    const options = parseDriverOptions(this.#driver, this.bench.options, trialId);
    const device = await this.settle(
      this.#driver.open(options, {
        id: trialId,
        clock: this.#timers,
        log: this.#log,
        buses: this.bench.buses,
        ports: this.#ports.counted,
      }),
      'open',
    );
    device.faults.subscribe((fault) => this.faults.push({ ...fault, atUs: this.clock.nowUs() }));
    return device;
  }

  async start(device: Device): Promise<void> {
    await this.settle(
      device.start((reading) => {
        // A frame is lent for the call only.
        this.readings.push(reading.kind === 'frame' ? { ...reading, data: reading.data.slice() } : reading);
      }),
      'start',
    );
  }

  async running(): Promise<Device> {
    const device = await this.open();
    await this.start(device);
    return device;
  }

  stop(device: Device): Promise<void> {
    return this.settle(device.stop(), 'stop');
  }

  /** Waits for a promise while virtual time passes. Rejects when more passes than a supervisor grants. */
  async settle<T>(work: Promise<T>, what: string): Promise<T> {
    let done = false;
    const mark = () => {
      done = true;
    };
    work.then(mark, mark);
    const limitMs = performance.now() + loadWithinMs;
    for (let turn = 0; !done && turn < 20; turn++) await setImmediate();
    // What loads a library waits for nothing that virtual time brings.
    while (!done && this.#timers.waiting === 0 && this.#ports.open === 0 && performance.now() < limitMs) {
      await setImmediate();
    }
    const limitUs = this.clock.nowUs() + withinUs;
    while (!done && this.clock.nowUs() < limitUs) await this.bench.advance(10_000);
    if (!done) throw new Error(`${what} had not come to an end after ${withinUs / 1_000_000} s`);
    return work;
  }

  /** Lets time pass in steps until `done`, at most `us`; whether it was. */
  async until(done: () => boolean, us: number): Promise<boolean> {
    const limit = this.clock.nowUs() + us;
    while (!done() && this.clock.nowUs() < limit) await this.bench.advance(20_000);
    return done();
  }

  /**
   * The process is held up for `us`: the device goes on, but timers of the driver are late, and all due together before
   * what came meanwhile is read, as an event loop has it.
   */
  pause(us: number): void {
    this.#timers.hold();
    this.#ports.hold();
    this.clock.advance(us);
    this.#timers.release();
    this.#ports.release();
  }

  /** Readings that come in `us`, with what it takes to have some. */
  async readingsWithin(us: number): Promise<Reading[]> {
    const before = this.readings.length;
    this.bench.stimulate();
    await this.bench.advance(us);
    return this.readings.slice(before);
  }

  async end(): Promise<void> {
    await this.bench.dispose?.();
  }
}

/** Counts what a driver opens and closes, and can keep back what comes in. */
class CountedPorts {
  readonly counted: Ports;
  open = 0;
  #held: (() => void)[] | undefined;

  constructor(ports: Ports) {
    const count = async <Opened extends Port>(opening: Promise<Opened>): Promise<Opened> => {
      const port = await opening;
      this.open += 1;
      let closed = false;
      return new Proxy(port, {
        get: (target, key) => {
          const value: unknown = Reflect.get(target, key);
          if (typeof value !== 'function') return value;
          if (key === 'close' && !closed) {
            return async () => {
              if (!closed) this.open -= 1;
              closed = true;
              await target.close();
            };
          }
          if (key === 'listen') {
            return (listener: PortListener<unknown>) =>
              (value as (listener: PortListener<unknown>) => void).call(target, this.#heldBack(listener));
          }
          return value.bind(target) as unknown;
        },
      });
    };
    this.counted = {
      bytes: (request) => count(ports.bytes(request)),
      reports: (request) => count(ports.reports(request)),
      i2c: (request) => count(ports.i2c(request)),
      input: (request) => count(ports.input(request)),
      attributes: (request) => count(ports.attributes(request)),
      lines: (request) => count(ports.lines(request)),
      video: (request) => count(ports.video(request)),
      program: (request) => count(ports.program(request)),
      pictures: (request) => count(ports.pictures(request)),
      list: (kind) => ports.list(kind),
    };
  }

  /** What comes from now on is read at `release`. */
  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const read of held) read();
  }

  #heldBack(listener: PortListener<unknown>): PortListener<unknown> {
    const later = (read: () => void) => {
      if (this.#held === undefined) read();
      else this.#held.push(read);
    };
    return {
      data: (data, atUs) => later(() => listener.data(data, atUs)),
      lost: (error) => later(() => listener.lost(error)),
    };
  }
}

/** Counts the timers that a driver leaves. */
class CountedClock implements Clock {
  readonly #clock: Clock;
  #held: (() => void)[] | undefined;
  waiting = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nowUs(): number {
    return this.#clock.nowUs();
  }

  utcMs(): number {
    return this.#clock.utcMs();
  }

  after(delayUs: number, action: () => void): () => void {
    let waits = true;
    this.waiting += 1;
    const over = () => {
      if (waits) this.waiting -= 1;
      waits = false;
    };
    const fire = () => {
      if (!waits) return;
      over();
      action();
    };
    const cancel = this.#clock.after(delayUs, () => {
      if (this.#held === undefined) fire();
      else this.#held.push(fire);
    });
    return () => {
      over();
      cancel();
    };
  }

  /** What falls due from now on waits for `release`. */
  hold(): void {
    this.#held = [];
  }

  release(): void {
    const due = this.#held ?? [];
    this.#held = undefined;
    for (const fire of due) fire();
  }
}
