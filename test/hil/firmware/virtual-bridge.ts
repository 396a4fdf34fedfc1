import { readFileSync } from 'node:fs';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { LoadCellBridge } from '#drivers/load-cell/firmata-hx711/bridge.ts';
import { firmataHx711 } from '#drivers/load-cell/firmata-hx711/driver.ts';
import { firmataHx711Options } from '#drivers/load-cell/firmata-hx711/options.ts';
import { passTime } from '#drivers/virtual/benches.ts';
import { Mpu6050, mpu6050Address } from '#drivers/virtual/chips/mpu6050.ts';
import { beginFault, type McuFault } from '#drivers/virtual/microcontroller/faults.ts';
import { readHex } from '#drivers/virtual/microcontroller/hex.ts';
import type { Conversion } from '#drivers/virtual/microcontroller/hx711.ts';
import { Microcontroller } from '#drivers/virtual/microcontroller/microcontroller.ts';
import { PeerPorts, type PeerWire } from '#drivers/virtual/peer-ports.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { CellReading } from '#readings/readings.ts';

const firmware = 'boards/firmware/load-cell-bridge/load-cell-bridge.hex';
/** A USB adapter hands bytes over once a millisecond. */
const sliceUs = 1_000;
const startUs = 1_000_000;

export interface TimedFault extends DeviceFault {
  readonly atUs: number;
}

/** The driver on the real firmware, on a simulated microcontroller in virtual time. */
export class VirtualFirmwareBridge {
  readonly clock = new VirtualClock(startUs);
  readonly mcu: Microcontroller;
  readonly latched: (Conversion & { readonly channel: number })[] = [];
  readonly readings: CellReading[] = [];
  readonly faults: TimedFault[] = [];
  readonly ports: PeerPorts;
  #wire: PeerWire<Uint8Array> | undefined;

  constructor(channels: number, crystalPpm = 0) {
    let count = 0;
    this.mcu = new Microcontroller({
      program: readHex(readFileSync(firmware, 'utf8')),
      // No two alike: a reading says which conversion it is.
      cells: Array.from({ length: channels }, () => () => count++),
      chips: (nowUs) =>
        new Map([[mpu6050Address, new Mpu6050({ nowUs, acceleration: () => [0, 0, 9_807] as const })]]),
      seed: 5,
      crystalPpm,
      onConversion: (channel, conversion) => this.latched.push({ channel, ...conversion }),
    });
    this.ports = new PeerPorts(this.clock, {
      bytes: {
        identity: { model: 'simulated adapter' },
        opened: (wire) => {
          this.#wire = wire;
        },
        closed: () => {
          this.#wire = undefined;
        },
        received: (bytes) => this.mcu.send(bytes),
      },
    });
    this.#run();
  }

  /** Microcontroller time of an instant of the clock. */
  static toMcuUs(atUs: number): number {
    return atUs - startUs;
  }

  async open(cells: readonly string[]): Promise<LoadCellBridge> {
    const options = firmataHx711Options.parse({ port: { path: 'simulated' }, cells });
    const { clock, ports } = this;
    // Loaded before time passes that waits for it.
    await import('johnny-five');
    const context = { id: 'bridge', clock, log: silentLogger, buses: new Map(), ports };
    const device = (await this.settle(firmataHx711.open(options, context))) as LoadCellBridge;
    device.faults.subscribe((fault) => this.faults.push({ ...fault, atUs: clock.nowUs() }));
    await this.settle(
      device.start((reading) => {
        if (reading.kind === 'cell') this.readings.push(reading);
      }),
    );
    return device;
  }

  pass(us: number): Promise<void> {
    return passTime(this.clock, us, sliceUs);
  }

  async settle<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const mark = () => {
      done = true;
    };
    work.then(mark, mark);
    const limitUs = this.clock.nowUs() + 10_000_000;
    while (!done && this.clock.nowUs() < limitUs) await this.pass(5_000);
    return work;
  }

  /** Makes something go wrong for so long. */
  async fault(what: McuFault, us: number): Promise<void> {
    const end = beginFault(this.mcu, what);
    await this.pass(us);
    end();
  }

  #run(): void {
    this.clock.after(sliceUs, () => {
      this.mcu.run(VirtualFirmwareBridge.toMcuUs(this.clock.nowUs()));
      const bytes = this.mcu.take();
      if (bytes.length > 0) this.#wire?.send(bytes);
      this.#run();
    });
  }
}
