import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { SystemRoot } from '#drivers/ports/root.ts';

/** A USB device of a made-up machine. */
export interface TreeUsb {
  /** `1-1.2` */
  readonly port: string;
  readonly vendorId: string;
  readonly productId: string;
  readonly serial?: string;
  readonly manufacturer?: string;
  readonly product?: string;
}

const controller = 'devices/pci0000:00/0000:00:14.0/usb1';

/** Folders as sysfs, /dev and /proc have them (layouts as a Debian 12 kernel shows them), for as long as a test runs. */
export class KernelTree {
  readonly root: SystemRoot;
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    this.root = { sys: join(folder, 'sys'), dev: join(folder, 'dev'), proc: join(folder, 'proc') };
  }

  static async make(): Promise<KernelTree> {
    const tree = new KernelTree(await mkdtemp(join(tmpdir(), 'kernel-')));
    for (const folder of ['sys', 'dev', 'proc']) await mkdir(join(tree.folder, folder));
    return tree;
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  async file(path: string, content: string | Uint8Array = ''): Promise<void> {
    const at = join(this.folder, path);
    await mkdir(dirname(at), { recursive: true });
    await writeFile(at, typeof content === 'string' && content !== '' ? `${content}\n` : content);
  }

  /** A link as sysfs makes them: relative. */
  async link(path: string, target: string): Promise<void> {
    const at = join(this.folder, path);
    await mkdir(dirname(at), { recursive: true });
    await symlink(relative(dirname(at), join(this.folder, target)), at);
  }

  async usb({ port, vendorId, productId, serial, manufacturer, product }: TreeUsb): Promise<string> {
    const folder = `sys/${controller}/${port}`;
    const texts = { idVendor: vendorId, idProduct: productId, serial, manufacturer, product };
    for (const [name, text] of Object.entries(texts)) {
      if (text !== undefined) await this.file(`${folder}/${name}`, text);
    }
    return folder;
  }

  /** A bridge chip (ttyUSB…) or a device of class CDC-ACM (ttyACM…). */
  async serial(name: string, usb: TreeUsb, byId?: string): Promise<void> {
    const device = await this.usb(usb);
    const usbInterface = `${device}/${usb.port}:1.0`;
    const parent = name.startsWith('ttyACM') ? usbInterface : `${usbInterface}/${name}`;
    await this.file(`${parent}/tty/${name}/dev`, '188:0');
    await this.link(`${parent}/tty/${name}/device`, parent);
    await this.link(`sys/class/tty/${name}`, `${parent}/tty/${name}`);
    if (byId !== undefined) await this.link(`dev/serial/by-id/${byId}`, `dev/${name}`);
  }

  async unplug({ port }: TreeUsb, name: string): Promise<void> {
    await rm(join(this.folder, 'sys', controller, port), { recursive: true, force: true });
    await rm(join(this.folder, 'sys/class/tty', name), { force: true });
    await rm(join(this.folder, 'dev', name), { force: true });
  }

  /** A HID device with its hidraw node, and an input device where it types. */
  async hid(number: number, usb: TreeUsb, descriptor: Uint8Array, inputName?: string): Promise<void> {
    const device = await this.usb(usb);
    const ids = `${usb.vendorId}:${usb.productId}`.toUpperCase();
    const hid = `${device}/${usb.port}:1.0/0003:${ids}.000${number}`;
    const [vendor, product] = ids.split(':');
    const uevent = [
      'DRIVER=hid-generic',
      `HID_ID=0003:0000${vendor}:0000${product}`,
      `HID_NAME=${usb.manufacturer} ${usb.product}`,
      `HID_PHYS=usb-0000:00:14.0-${usb.port.slice(2)}/input0`,
      `HID_UNIQ=${usb.serial ?? ''}`,
    ];
    await this.file(`${hid}/uevent`, uevent.join('\n'));
    await this.file(`${hid}/report_descriptor`, descriptor);
    await this.file(`${hid}/hidraw/hidraw${number}/dev`, `248:${number}`);
    await this.link(`${hid}/hidraw/hidraw${number}/device`, hid);
    await this.link(`sys/class/hidraw/hidraw${number}`, `${hid}/hidraw/hidraw${number}`);
    if (inputName === undefined) return;
    const input = `${hid}/input/input${number}`;
    const texts = {
      name: inputName,
      'id/vendor': usb.vendorId,
      'id/product': usb.productId,
      uniq: usb.serial ?? '',
    };
    for (const [name, text] of Object.entries(texts)) await this.file(`${input}/${name}`, text);
    await this.link(`${input}/event${number}/device`, input);
    await this.link(`sys/class/input/event${number}`, `${input}/event${number}`);
  }

  /** A process and what it has open. */
  async process(
    pid: number,
    comm: string,
    command: readonly string[],
    open: readonly string[],
  ): Promise<void> {
    await this.file(`proc/${pid}/comm`, comm);
    await this.file(
      `proc/${pid}/cmdline`,
      new TextEncoder().encode(command.map((part) => `${part}\0`).join('')),
    );
    await mkdir(join(this.folder, `proc/${pid}/fd`), { recursive: true });
    for (const [fd, target] of open.entries())
      await symlink(target, join(this.folder, `proc/${pid}/fd/${fd}`));
  }
}
