import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { attribute, given, type SystemRoot } from './root.ts';

/** The USB device that something of the kernel belongs to. Ids have four lower-case hexadecimal digits. */
export interface UsbDevice {
  readonly vendorId: string;
  readonly productId: string;
  readonly serial?: string;
  readonly manufacturer?: string;
  readonly product?: string;
  /** The interface where it is one of a device's several, `1-1.2:1.0`, else the device, `1-1.2`. */
  readonly topology: string;
}

/** A folder of a USB interface: bus, ports, configuration, interface (Documentation/ABI/testing/sysfs-bus-usb). */
const interfaceName = /^\d+-\d+(?:\.\d+)*:\d+\.\d+$/;

/**
 * The USB device above a folder of sysfs (links are followed), undefined where there is none: a port of the mainboard,
 * a Bluetooth device. Never rejects.
 */
export async function usbDeviceOf(folder: string, root: SystemRoot): Promise<UsbDevice | undefined> {
  const top = await realpath(root.sys).catch(() => root.sys);
  let at = await realpath(folder).catch(() => undefined);
  let usbInterface: string | undefined;
  for (; at?.startsWith(`${top}/`); at = dirname(at)) {
    if (interfaceName.test(basename(at))) usbInterface = basename(at);
    const vendorId = await attribute(join(at, 'idVendor'));
    const productId = await attribute(join(at, 'idProduct'));
    if (vendorId === undefined || productId === undefined) continue;
    const text = (name: string) => attribute(join(at ?? '', name));
    const [serial, manufacturer, product] = await Promise.all(
      ['serial', 'manufacturer', 'product'].map((name) => text(name)),
    );
    const topology = usbInterface ?? basename(at);
    return { vendorId, productId, topology, ...given({ serial, manufacturer, product }) };
  }
  return undefined;
}
