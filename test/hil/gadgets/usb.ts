import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  write,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * USB devices made in the virtual machine: gadgets of the kernel on a controller that is looped back to itself, so that
 * the same kernel sees them plugged in. Runs in the machine; the tests outside call it through the agent.
 */

const folder = '/sys/kernel/config/usb_gadget';

export interface UsbDevice {
  /** Name of the gadget, for the tests. */
  readonly name: string;
  /** Four hexadecimal digits each. */
  readonly vendorId: string;
  readonly productId: string;
  readonly manufacturer: string;
  readonly product: string;
  readonly serial: string;
  readonly functions: readonly (HidFunction | SerialFunction)[];
}

export interface HidFunction {
  readonly kind: 'hid';
  /** Report descriptor, hexadecimal. */
  readonly descriptor: string;
  /** Bytes of the longest report with its id. */
  readonly reportBytes: number;
  /** 1 a keyboard that speaks the boot protocol. */
  readonly protocol?: number;
}

export interface SerialFunction {
  readonly kind: 'acm';
}

/** Describes a device to the kernel; it is not plugged in yet. */
export function make(device: UsbDevice): void {
  const path = join(folder, device.name);
  mkdirSync(path);
  put(path, 'idVendor', `0x${device.vendorId}`);
  put(path, 'idProduct', `0x${device.productId}`);
  put(path, 'bcdDevice', '0x0100');
  put(path, 'bcdUSB', '0x0200');
  const strings = join(path, 'strings/0x409');
  mkdirSync(strings);
  put(strings, 'manufacturer', device.manufacturer);
  put(strings, 'product', device.product);
  put(strings, 'serialnumber', device.serial);
  const configuration = join(path, 'configs/c.1');
  mkdirSync(configuration);
  device.functions.forEach((description, index) => {
    const own = join(path, 'functions', `${description.kind}.${device.name}${index}`);
    mkdirSync(own);
    if (description.kind === 'hid') {
      put(own, 'protocol', String(description.protocol ?? 0));
      put(own, 'subclass', description.protocol === undefined ? '0' : '1');
      put(own, 'report_length', String(description.reportBytes));
      writeFileSync(join(own, 'report_desc'), Buffer.from(description.descriptor, 'hex'));
    }
    symlinkSync(own, join(configuration, `f${index}`));
  });
}

/** Plugs it in at a port, 0 … 7: each is a USB bus of its own. Resolves when the kernel has taken it. */
export async function plug(name: string, port: number): Promise<void> {
  put(join(folder, name), 'UDC', `dummy_udc.${port}`);
  const state = `/sys/class/udc/dummy_udc.${port}/state`;
  for (let tries = 0; tries < 600; tries++) {
    if (readFileSync(state, 'utf8').trim() === 'configured') return;
    await sleep(10);
  }
  throw new Error(`${name} at port ${port} is ${readFileSync(state, 'utf8').trim()}`);
}

/** Whether it is plugged in at that port. */
export function isPlugged(name: string, port: number): boolean {
  return readFileSync(join(folder, name, 'UDC'), 'utf8').trim() === `dummy_udc.${port}`;
}

/** Pulls it. Harmless where it is not plugged in. */
export function unplug(name: string): void {
  if (readFileSync(join(folder, name, 'UDC'), 'utf8').trim() === '') return;
  put(join(folder, name), 'UDC', '\n');
}

/** Pulls it and forgets it. Harmless where there is none. */
export function remove(name: string, functions: readonly string[]): void {
  const path = join(folder, name);
  if (!existsSync(path)) return;
  unplug(name);
  functions.forEach((kind, index) => {
    unlinkSync(join(path, `configs/c.1/f${index}`));
    rmdirSync(join(path, 'functions', `${kind}.${name}${index}`));
  });
  rmdirSync(join(path, 'configs/c.1'));
  rmdirSync(join(path, 'strings/0x409'));
  rmdirSync(path);
}

/** The node on which the device's own side of a function is written. */
export function ownNode(name: string, kind: 'hid' | 'acm', index = 0): string {
  const own = join(folder, name, 'functions', `${kind}.${name}${index}`);
  if (kind === 'acm') return `/dev/ttyGS${readFileSync(join(own, 'port_num'), 'utf8').trim()}`;
  const number = readFileSync(join(own, 'dev'), 'utf8').trim();
  const named = /DEVNAME=(.*)/.exec(readFileSync(`/sys/dev/char/${number}/uevent`, 'utf8'))?.[1];
  if (named === undefined) throw new Error(`no node for ${name}`);
  return `/dev/${named}`;
}

/**
 * Sends input reports (hexadecimal) as fast as the host fetches them, or one every `everyMs`. Resolves with how many the
 * host's controller has taken; rejects where it takes none for 20 s, because nobody there has the device open.
 */
export async function sendReports(
  name: string,
  reports: readonly string[],
  everyMs = 0,
  index = 0,
): Promise<number> {
  const file = openSync(ownNode(name, 'hid', index), constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    for (const report of reports) {
      await writeWhenReady(file, Buffer.from(report, 'hex'));
      if (everyMs > 0) await sleep(everyMs);
    }
    return reports.length;
  } finally {
    closeSync(file);
  }
}

async function writeWhenReady(file: number, bytes: Buffer): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const error = await new Promise<NodeJS.ErrnoException | null>((done) =>
      write(file, bytes, 0, bytes.length, null, done),
    );
    if (error === null) return;
    // Shut down: it was just plugged in, and the host has not set it up yet.
    if (error.code !== 'EAGAIN' && error.code !== 'ESHUTDOWN') throw error;
    if (performance.now() > deadline) throw new Error('the host fetches no reports');
    if (error.code === 'ESHUTDOWN') await sleep(20);
    else await new Promise((resolve) => setImmediate(resolve));
  }
}

function put(path: string, name: string, value: string): void {
  writeFileSync(join(path, name), value);
}
