import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GuestAgent } from './agent.ts';
import { copyDisk, type Image, prepareImage, snapshotName } from './build.ts';
import { holdLock } from './lock.ts';
import { type Qemu, startQemu } from './qemu.ts';
import { cacheFolder } from './recipe.ts';
import { makeShare, packagesFolder, programPath } from './share.ts';

/** Where the repository lies in the guest. */
export const project = '/project';

/** Where one of our programs lies in the guest. */
export const inGuest = (name: Parameters<typeof programPath>[0]) => `${project}/${programPath(name)}`;

/** Where the guest finds the broker that runs outside. */
export const brokerInGuest = 'mqtt://10.0.2.100:1883';

/** A restored machine. */
export interface Machine {
  readonly image: Image;
  readonly guest: GuestAgent;
  readonly qemu: Qemu;
  /** Plugs QEMU's own USB serial adapter (an FTDI with that serial number) in; what the host side sends and gets is on `port`. */
  plugSerialAdapter(id: string, serial: string): Promise<void>;
  unplug(id: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Restores the machine, building it first where the cache has none. One machine at a time on one computer: others wait.
 * @param options.brokerPort the port on loopback that the guest shall reach as `brokerInGuest`
 */
export async function startMachine(options: {
  readonly brokerPort?: number;
  readonly log?: (line: string) => void;
}): Promise<Machine> {
  const image = await prepareImage(options.log ?? (() => {}));
  const release = await holdLock(join(cacheFolder, 'run.lock'));
  const disk = await copyDisk(image, `run-${process.pid}.qcow2`);
  let qemu: Qemu | undefined;
  const stop = async () => {
    await qemu?.kill();
    await rm(disk, { force: true });
    await release();
  };
  try {
    qemu = await startQemu({
      accelerator: image.accelerator,
      kernel: join(image.folder, 'vmlinuz'),
      initialRamDisk: join(image.folder, 'initrd'),
      disk,
      shares: { project: await makeShare(), packages: packagesFolder },
      brokerPort: options.brokerPort,
      snapshot: snapshotName,
    });
    const guest = new GuestAgent(qemu.agent);
    await settle(qemu, guest);
    return { image, guest, qemu, ...plugging(qemu), stop };
  } catch (error) {
    await stop();
    throw new Error(`the machine could not be restored: ${String(error)}\n${qemu?.console() ?? ''}`, {
      cause: error,
    });
  }
}

/** What a snapshot can't hold: the time of day, and the share, with which QEMU would not have taken it. */
async function settle(qemu: Qemu, guest: GuestAgent): Promise<void> {
  await guest.ping();
  const places = { project, packages: `${project}/node_modules` };
  for (const tag of Object.keys(places))
    await qemu.qmp.execute('device_add', {
      driver: 'virtio-9p-pci',
      fsdev: tag,
      mount_tag: tag,
      id: `${tag}-share`,
    });
  await guest.sh(
    [
      `date -s @${Math.floor(Date.now() / 1000)} >/dev/null`,
      ...Object.entries(places).map(
        ([tag, place]) =>
          `for try in $(seq 100); do mount -t 9p -o trans=virtio,ro,cache=loose,msize=262144 ${tag} ${place} 2>/dev/null && break; sleep 0.1; done; mountpoint -q ${place}`,
      ),
    ].join('\n'),
  );
}

function plugging(qemu: Qemu): Pick<Machine, 'plugSerialAdapter' | 'unplug'> {
  return {
    async plugSerialAdapter(id, serial) {
      await qemu.qmp.execute('chardev-add', {
        id: `${id}-line`,
        backend: { type: 'ringbuf', data: { size: 65_536 } },
      });
      await qemu.qmp.execute('device_add', {
        driver: 'usb-serial',
        id,
        chardev: `${id}-line`,
        serial,
        bus: 'usb.0',
      });
    },
    async unplug(id) {
      const gone = new Promise<void>((resolve) => {
        const stop = qemu.qmp.onEvent((event, data) => {
          if (event !== 'DEVICE_DELETED' || data.device !== id) return;
          stop();
          resolve();
        });
      });
      await qemu.qmp.execute('device_del', { id });
      await gone;
      await qemu.qmp.execute('chardev-remove', { id: `${id}-line` });
    },
  };
}

/** Whether a machine lies in the cache already; for reports. */
export function isCached(folder: string): boolean {
  return existsSync(folder);
}
