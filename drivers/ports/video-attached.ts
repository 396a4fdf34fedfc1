import { close, constants, open } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stableNames } from './attached.ts';
import { machineIoctl } from './ioctl.ts';
import type { Attached } from './ports.ts';
import { attribute, given, namesIn, type SystemRoot } from './root.ts';
import { usbDeviceOf } from './usb.ts';
import { queryCapabilities, type VideoCapabilities } from './v4l2.ts';

/**
 * Cameras of the kernel's own interface. Nodes that say that they give no pictures (metadata, encoders, raw sensors of a
 * mainboard) are left out; those that may not be asked are listed.
 */
export async function attachedVideo(root: SystemRoot): Promise<Attached[]> {
  const folder = join(root.sys, 'class/video4linux');
  const [byId, byPath] = [await stableNames(root, 'v4l/by-id'), await stableNames(root, 'v4l/by-path')];
  const names = (await namesIn(folder)).filter((name) => /^video\d+$/.test(name));
  const found = await Promise.all(
    names.map(async (name): Promise<Attached | undefined> => {
      const node = join(root.dev, name);
      const capabilities = await capabilitiesOf(node);
      if (capabilities?.captures === false) return undefined;
      // Of one that may not be asked the first node has the pictures, others what is said about them.
      const index = await attribute(join(folder, name, 'index'));
      if (capabilities === undefined && index !== undefined && index !== '0') return undefined;
      const usb = await usbDeviceOf(join(folder, name, 'device'), root);
      const model = capabilities?.card ?? (await attribute(join(folder, name, 'name')));
      const address = byId.get(name) ?? byPath.get(name) ?? usb?.topology ?? capabilities?.bus;
      return {
        kind: 'video',
        node,
        ...given({ vendorId: usb?.vendorId, productId: usb?.productId, topology: usb?.topology }),
        identity: given({ vendor: usb?.manufacturer, model, serial: usb?.serial, address }),
      };
    }),
  );
  return found.filter((one) => one !== undefined);
}

async function capabilitiesOf(node: string): Promise<VideoCapabilities | undefined> {
  let fd: number | undefined;
  try {
    fd = await promisify(open)(node, constants.O_RDWR | constants.O_NONBLOCK);
    return queryCapabilities(await machineIoctl(), fd);
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) await promisify(close)(fd);
  }
}
