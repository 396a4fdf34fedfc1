import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { createRandom } from '#base/random.ts';
import { type Device, type Driver, driverContract } from '#drivers/driver.ts';
import { DriverError } from '#drivers/errors.ts';
import { FaultBus } from '#drivers/fault-bus.ts';
import type { PortBus } from '#drivers/ports/ports.ts';
import { findDriver } from '#drivers/registry.ts';
import { Mpu6050 } from '#drivers/virtual/chips/mpu6050.ts';
import { LineFace } from '#drivers/virtual/microcontroller/face.ts';
import { beginFault, type McuFault } from '#drivers/virtual/microcontroller/faults.ts';
import { readHex } from '#drivers/virtual/microcontroller/hex.ts';
import type { Conversion } from '#drivers/virtual/microcontroller/hx711.ts';
import { Microcontroller } from '#drivers/virtual/microcontroller/microcontroller.ts';
import { DeviceSupervisor } from '#gateway/devices.ts';
import type { CellReading, MotionReading } from '#readings/readings.ts';
import { calibrationOf, defaults, plateOf } from '#test/weighing/bench-plate.ts';
import { Weigher } from '#weighing/weigher.ts';
import { releasedFirmware } from './stream.ts';

export interface ToldFault {
  readonly atUs: number;
  readonly source: string;
  readonly kind: string;
  readonly code: string;
  readonly cleared: boolean;
}

interface Options {
  /** What a channel's converter gives for its n-th conversion. */
  readonly counts: (channel: number, conversion: number) => number;
  readonly channels: number;
  readonly seed: number;
  readonly crystalPpm?: number;
}

const sliceUs = 1_000;

/**
 * The gateway's own supervisor and drivers (with johnny-five) on the real firmware, in virtual time; what the cells
 * read goes through weighing, which finds what only values can tell.
 */
export class VirtualGateway {
  readonly clock = new VirtualClock(1_000_000_000);
  readonly mcu: Microcontroller;
  readonly readings: CellReading[] = [];
  readonly motions: MotionReading[] = [];
  readonly faults: ToldFault[] = [];
  readonly latched: readonly Conversion[][];
  readonly supervisor: DeviceSupervisor;
  readonly #originUs = this.clock.nowUs();
  readonly #face = new LineFace({ model: 'simulated line' }, (bytes) => this.mcu.send(bytes));

  constructor({ counts, channels, seed, crystalPpm }: Options) {
    this.latched = Array.from({ length: channels }, () => []);
    const shaking = createRandom(seed).fork('shaking');
    const shaken = () => 20 * shaking.gaussian();
    const conversions = new Array<number>(channels).fill(0);
    this.mcu = new Microcontroller({
      program: readHex(readFileSync(releasedFirmware, 'utf8')),
      cells: this.latched.map((_, channel) => () => {
        conversions[channel] = (conversions[channel] ?? 0) + 1;
        return counts(channel, conversions[channel]);
      }),
      chips: (nowUs) =>
        new Map([[0x68, new Mpu6050({ nowUs, acceleration: () => [shaken(), shaken(), 9_806 + shaken()] })]]),
      seed,
      crystalPpm,
      onConversion: (channel, conversion) => this.latched[channel]?.push(conversion),
    });
    const plate = plateOf(4);
    const weigher = new Weigher({
      plates: [plate],
      calibration: calibrationOf(plate),
      config: defaults,
      sink: (output) => {
        if (output.kind === 'fault')
          this.#told(output.source, output.fault, output.code, output.cleared === true);
      },
    });
    const cells = this.latched.map((_, channel) => `cell-${channel}`);
    this.supervisor = new DeviceSupervisor({
      entries: [
        { id: 'mcu', driver: 'bench-microcontroller', options: {} },
        { id: 'bridge', driver: 'firmata-hx711', options: { bus: 'mcu', cells } },
        { id: 'imu', driver: 'mpu6050', options: { bus: 'bridge' } },
      ],
      clock: this.clock,
      log: silentLogger,
      random: createRandom(seed),
      findDriver: async (name) => (name === 'bench-microcontroller' ? this.#driver() : findDriver(name)),
      onReading: (reading) => {
        if (reading.kind === 'motion') this.motions.push(reading);
        if (reading.kind !== 'cell') return;
        this.readings.push(reading);
        weigher.cell(reading.source, reading.atUs, reading.counts, reading.sequence);
      },
      onFault: (source, { fault, code, channel, cleared }) =>
        this.#told(channel ?? source, fault, code, cleared === true),
    });
  }

  /** Opens and starts all devices. */
  async start(): Promise<void> {
    let done = false;
    const started = this.supervisor.start().finally(() => {
      done = true;
    });
    // Loading libraries takes real time, in which virtual time goes on; the supervisor has patience for ten seconds.
    for (let turn = 0; !done; turn++) {
      if (turn % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      await this.pass(sliceUs);
    }
    await started;
  }

  async stop(): Promise<void> {
    let done = false;
    const stopped = this.supervisor.stop().finally(() => {
      done = true;
    });
    while (!done) await this.pass(sliceUs);
    await stopped;
  }

  async pass(us: number): Promise<void> {
    const untilUs = this.clock.nowUs() + us;
    while (this.clock.nowUs() < untilUs) {
      this.clock.advance(sliceUs);
      this.mcu.run(this.clock.nowUs() - this.#originUs);
      this.#face.deliver(this.mcu.take(), this.clock.nowUs());
      await setImmediate();
    }
  }

  /** Lets time pass until something holds; answers how long that took, µs, undefined where it took longer. */
  async until(holds: () => boolean, withinUs: number): Promise<number | undefined> {
    const fromUs = this.clock.nowUs();
    while (!holds()) {
      if (this.clock.nowUs() - fromUs >= withinUs) return undefined;
      await this.pass(10_000);
    }
    return this.clock.nowUs() - fromUs;
  }

  /** Makes something go wrong; the returned function ends it. */
  begin(fault: McuFault): () => void {
    const end = beginFault(this.mcu, fault);
    if (fault.fault !== 'unplugged') return end;
    this.#face.lose(new DriverError('CW-DRV-005', 'the board was unplugged'));
    return () => {
      end();
      this.#face.comeBack();
    };
  }

  /** Faults that stand: those told and not cleared since. */
  standing(): readonly string[] {
    const standing = new Set<string>();
    for (const { source, kind, cleared } of this.faults) {
      if (cleared) standing.delete(`${source} ${kind}`);
      else standing.add(`${source} ${kind}`);
    }
    return [...standing];
  }

  #told(source: string, kind: string, code: string, cleared: boolean): void {
    this.faults.push({ atUs: this.clock.nowUs(), source, kind, code, cleared });
  }

  #driver(): Driver {
    return {
      contract: driverContract,
      name: 'bench-microcontroller',
      kind: 'bus',
      options: { safeParse: (data) => ({ success: true, data }) },
      open: async (): Promise<Device & PortBus> => ({
        identity: { model: 'simulated ATmega328P' },
        faults: new FaultBus(() => {}),
        start: async () => {},
        stop: async () => {},
        openBytes: async () => {
          const port = this.#face.open();
          this.mcu.pressReset();
          return port;
        },
      }),
    };
  }
}
