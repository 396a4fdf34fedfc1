import { setTimeout as sleep } from 'node:timers/promises';
import { GuestAgent } from '#test/hil/machine/agent.ts';
import { type Qemu, startQemu } from '#test/hil/machine/qemu.ts';
import type { FreshImage } from './image.ts';

export interface BoxOptions {
  /** Folders of this machine by the names under which the guest finds them below /mnt, read-only. */
  readonly shares: Readonly<Record<string, string>>;
  /** Port on loopback that the guest reaches as `brokerInBox`. */
  readonly brokerPort?: number;
  /** Ports of the guest by those of our loopback that lead to them. */
  readonly forwards?: ReadonlyMap<number, number>;
}

/** Where the guest finds the broker that runs outside. */
export const brokerInBox = 'mqtt://10.0.2.100:1883';

const bootedWithinMs = 600_000;
const endedWithinMs = 300_000;

/** A whole machine that runs: booted from its disk, with an agent inside that does what tests ask for. */
export class Box {
  readonly #qemu: Qemu;
  readonly #guest: GuestAgent;

  private constructor(qemu: Qemu, guest: GuestAgent) {
    this.#qemu = qemu;
    this.#guest = guest;
  }

  /** Switches a machine on and resolves when its agent answers. The disk is written to. */
  static async boot(image: FreshImage, disk: string, options: BoxOptions): Promise<Box> {
    const qemu = await startQemu({
      accelerator: image.accelerator,
      kernel: image.kernel,
      initialRamDisk: image.initialRamDisk,
      disk,
      memoryMegabytes: 1536,
      sharesPlugged: true,
      ...options,
    });
    const guest = new GuestAgent(qemu.agent);
    const box = new Box(qemu, guest);
    let tooLong: NodeJS.Timeout | undefined;
    try {
      await Promise.race([
        guest.booted,
        box.ended().then(() => Promise.reject(new Error('QEMU ended'))),
        new Promise((_, reject) => {
          tooLong = setTimeout(() => reject(new Error('the agent does not answer')), bootedWithinMs);
        }),
      ]);
      for (const name of Object.keys(options.shares))
        await box.sh(
          `mkdir -p /mnt/${name} && mount -t 9p -o trans=virtio,ro,msize=262144 ${name} /mnt/${name}`,
        );
      return box;
    } catch (cause) {
      await qemu.kill();
      throw new Error(`the machine does not boot: ${String(cause)}\n${qemu.console()}`, { cause });
    } finally {
      clearTimeout(tooLong);
    }
  }

  /** Runs a script as root, in the environment of a fresh login; resolves with what it printed, rejects where it fails. */
  async sh(script: string): Promise<string> {
    const { code, signal, stdout, stderr } = await this.try(script);
    if (code === 0) return stdout;
    throw new Error(`in the machine (${code ?? signal}): ${script.slice(0, 300)}\n${stderr}${stdout}`);
  }

  /** As `sh`, and resolves also where it fails. */
  try(script: string) {
    const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    return this.#guest.run(['/usr/bin/env', '-i', `PATH=${path}`, 'HOME=/root', '/bin/sh', '-c', script]);
  }

  /** Shuts the machine down in order, and waits for its end. */
  async powerOff(): Promise<void> {
    await this.try('sync; systemctl poweroff --no-block');
    let tooLong: NodeJS.Timeout | undefined;
    try {
      await Promise.race([
        this.ended(),
        new Promise((_, reject) => {
          tooLong = setTimeout(
            () => reject(new Error(`the machine does not shut down\n${this.console()}`)),
            endedWithinMs,
          );
        }),
      ]);
    } finally {
      clearTimeout(tooLong);
    }
  }

  /** Names this start of the machine. */
  async bootId(): Promise<string> {
    return (await this.sh('cat /proc/sys/kernel/random/boot_id')).trim();
  }

  /** Waits until it has started anew after the start of this name, and its agent answers. */
  async startedAfter(bootId: string): Promise<void> {
    for (const deadline = performance.now() + bootedWithinMs; performance.now() < deadline; ) {
      // What is asked while nobody listens inside is lost.
      const said = await Promise.race([this.bootId(), sleep(5_000, bootId)]).catch(() => bootId);
      if (said !== bootId) return;
    }
    throw new Error(`the machine does not start anew\n${this.console()}`);
  }

  /** Takes its power away, in the middle of whatever it does. */
  async cutPower(): Promise<void> {
    await this.#qemu.kill();
  }

  /** The last of what its kernel said. */
  console(): string {
    return this.#qemu.console();
  }

  /** Resolves when it has switched itself off, or was cut. */
  ended(): Promise<void> {
    const { child } = this.#qemu;
    return new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      else child.once('exit', () => resolve());
    });
  }
}
