import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { usagesOf } from './hid-descriptor.ts';
import type { Attached } from './ports.ts';
import { attribute, given, linkedName, namesIn, type SystemRoot } from './root.ts';
import { type UsbDevice, usbDeviceOf } from './usb.ts';

/** Serial ports: all of USB, and those of the mainboard that have a chip behind them. */
export async function attachedSerial(root: SystemRoot): Promise<Attached[]> {
  const folder = join(root.sys, 'class/tty');
  const byId = await stableNames(root, 'serial/by-id');
  const found = await Promise.all(
    (await namesIn(folder)).map(async (name): Promise<Attached | undefined> => {
      const device = join(folder, name, 'device');
      // Consoles and ptys have no device; a port of type 0 (PORT_UNKNOWN) is a number without a chip.
      if ((await realpath(device).catch(() => undefined)) === undefined) return undefined;
      if ((await attribute(join(folder, name, 'type'))) === '0') return undefined;
      const usb = await usbDeviceOf(device, root);
      const node = join(root.dev, name);
      return { kind: 'serial', node, ...usbFacts(usb, byId.get(name) ?? usb?.topology ?? node) };
    }),
  );
  return found.filter((one) => one !== undefined);
}

/** HID devices with a hidraw node, once for each usage page that they are used as. */
export async function attachedHid(root: SystemRoot): Promise<Attached[]> {
  const folder = join(root.sys, 'class/hidraw');
  const found = await Promise.all(
    (await namesIn(folder)).map(async (name): Promise<Attached[]> => {
      const device = join(folder, name, 'device');
      const usb = await usbDeviceOf(device, root);
      const facts = ueventFacts(await readFile(join(device, 'uevent'), 'utf8').catch(() => ''));
      const descriptor = await readFile(join(device, 'report_descriptor')).catch(() => new Uint8Array());
      const pages = new Set(usagesOf(descriptor).map(({ usagePage }) => usagePage));
      const base: Attached = {
        kind: 'hid',
        node: join(root.dev, name),
        ...usbFacts(usb, usb?.topology ?? facts.phys),
        ...given({ vendorId: facts.vendorId, productId: facts.productId }),
        identity: given({
          vendor: usb?.manufacturer,
          model: usb?.product ?? facts.name,
          serial: facts.serial ?? usb?.serial,
          address: usb?.topology ?? facts.phys,
        }),
      };
      return pages.size === 0 ? [base] : [...pages].map((usagePage) => ({ ...base, usagePage }));
    }),
  );
  return found.flat();
}

/** Input devices (evdev). */
export async function attachedInput(root: SystemRoot): Promise<Attached[]> {
  const folder = join(root.sys, 'class/input');
  const names = (await namesIn(folder)).filter((name) => /^event\d+$/.test(name));
  return Promise.all(
    names.map(async (name): Promise<Attached> => {
      const device = join(folder, name, 'device');
      const usb = await usbDeviceOf(device, root);
      const [model, vendorId, productId, unique, phys] = await Promise.all(
        ['name', 'id/vendor', 'id/product', 'uniq', 'phys'].map((path) => attribute(join(device, path))),
      );
      return {
        kind: 'input',
        node: join(root.dev, 'input', name),
        ...usbFacts(usb, undefined),
        ...given({ vendorId, productId }),
        identity: given({
          vendor: usb?.manufacturer,
          model,
          serial: unique ?? usb?.serial,
          address: usb?.topology ?? phys,
        }),
      };
    }),
  );
}

/** I²C adapters. */
export async function attachedI2c(root: SystemRoot): Promise<Attached[]> {
  const folder = join(root.sys, 'bus/i2c/devices');
  const names = (await namesIn(folder)).filter((name) => /^i2c-\d+$/.test(name));
  return Promise.all(
    names.map(async (name): Promise<Attached> => {
      const model = await attribute(join(folder, name, 'name'));
      const usb = await usbDeviceOf(join(folder, name), root);
      return {
        kind: 'i2c',
        node: join(root.dev, name),
        ...usbFacts(usb, name),
        identity: given({ model, address: name }),
      };
    }),
  );
}

/** Folders of kernel attributes. `identity.model` is the driver's name for it, `identity.address` the device it belongs to. */
export async function attachedAttributes(
  kind: 'iio' | 'hwmon' | 'power_supply',
  root: SystemRoot,
): Promise<Attached[]> {
  const folder = join(root.sys, kind === 'iio' ? 'bus/iio/devices' : `class/${kind}`);
  const names = (await namesIn(folder)).filter((name) => kind !== 'iio' || name.startsWith('iio:device'));
  return Promise.all(
    names.map(async (name): Promise<Attached> => {
      const node = join(folder, name);
      const model = kind === 'power_supply' ? name : await attribute(join(node, 'name'));
      const own = await realpath(node).catch(() => undefined);
      const device = await realpath(join(node, 'device')).catch(() => undefined);
      const above = own === undefined ? undefined : kind === 'iio' ? dirname(own) : dirname(dirname(own));
      const parent = device ?? above;
      return {
        kind,
        node,
        identity: given({ model, address: parent === undefined ? undefined : basename(parent) }),
      };
    }),
  );
}

/** Links of a folder of /dev, by the name of the node that they lead to. */
export async function stableNames(root: SystemRoot, folder: string): Promise<Map<string, string>> {
  const links = new Map<string, string>();
  for (const name of await namesIn(join(root.dev, folder))) {
    const link = join(root.dev, folder, name);
    const node = await linkedName(link);
    if (node !== undefined && !links.has(node)) links.set(node, link);
  }
  return links;
}

function usbFacts(usb: UsbDevice | undefined, address: string | undefined) {
  return {
    ...given({ vendorId: usb?.vendorId, productId: usb?.productId, topology: usb?.topology }),
    identity: given({ vendor: usb?.manufacturer, model: usb?.product, serial: usb?.serial, address }),
  };
}

/** HID_ID=0003:00000C2E:00000B61, HID_NAME, HID_PHYS and HID_UNIQ of a HID device's uevent file. */
function ueventFacts(text: string) {
  const value = (key: string) => {
    const found = new RegExp(`^${key}=(.+)$`, 'm').exec(text)?.[1]?.trim();
    return found === '' ? undefined : found;
  };
  const [, vendor, product] = /^[0-9A-F]+:([0-9A-F]{8}):([0-9A-F]{8})$/i.exec(value('HID_ID') ?? '') ?? [];
  return {
    vendorId: vendor?.slice(-4).toLowerCase(),
    productId: product?.slice(-4).toLowerCase(),
    name: value('HID_NAME'),
    phys: value('HID_PHYS'),
    serial: value('HID_UNIQ'),
  };
}

/** Whether a node is there; its folder may have come and gone. */
export async function nodeExists(node: string): Promise<boolean> {
  return (await stat(node).catch(() => undefined)) !== undefined;
}
