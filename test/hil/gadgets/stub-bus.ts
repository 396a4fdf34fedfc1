import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineIoctl } from '#drivers/ports/ioctl.ts';
import { smbusTransfer } from '#drivers/ports/smbus.ts';

/**
 * Chips of the kernel's i2c-stub: registers in memory that keep what is written to them. What the electronics of a chip
 * would do by themselves is done here, through another file on the same bus.
 */

/** How often it is looked what was written, ms: drivers wait tens of ms for a reset. */
const lookEveryMs = 3;

export class StubBus {
  readonly #file: number;

  constructor(node: string) {
    this.#file = openSync(node, 'r+');
  }

  async read(address: number, register: number, bytes = 1): Promise<number[]> {
    const read = await smbusTransfer(
      await machineIoctl(),
      this.#file,
      address,
      Uint8Array.of(register),
      bytes,
    );
    return [...read];
  }

  async write(address: number, register: number, values: readonly number[]): Promise<void> {
    await smbusTransfer(await machineIoctl(), this.#file, address, Uint8Array.of(register, ...values), 0);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Clears a chip's reset bit as often as it is set, as the chip does after some ms, until stopped. */
export class SelfClearingReset {
  #running = true;
  #resets = 0;
  readonly #ended: Promise<void>;

  constructor(bus: StubBus, address: number, register: number, bit: number, after: number) {
    this.#ended = this.#run(bus, address, register, bit, after);
  }

  /** How often it was reset. */
  async stop(): Promise<number> {
    this.#running = false;
    await this.#ended;
    return this.#resets;
  }

  async #run(bus: StubBus, address: number, register: number, bit: number, after: number): Promise<void> {
    while (this.#running) {
      const [value = 0] = await bus.read(address, register);
      if ((value & bit) !== 0) {
        await bus.write(address, register, [after]);
        this.#resets += 1;
      }
      await sleep(lookEveryMs);
    }
  }
}
