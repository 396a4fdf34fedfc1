import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** What the virtual machine is made of. All of it goes into the keys of the cache: a change builds anew. */

export const repository = resolve(import.meta.dirname, '../../..');

/** Where images are kept. Several checkouts may share one by CARTWRIGHT_HIL_CACHE. */
export const cacheFolder = process.env.CARTWRIGHT_HIL_CACHE ?? join(repository, '.cache/hil');

/** The Debian release of the guest, whatever the host is. */
export const release = 'bookworm';

/** Debian packages of the guest; libusb is what node-hid links against, libstdc++ what Node and the native parts need. */
export const packages = [
  'busybox-static',
  'dbus',
  'i2c-tools',
  'kmod',
  'libstdc++6',
  'libusb-1.0-0',
  'procps',
  'systemd',
  'systemd-sysv',
  'udev',
  'v4l-utils',
] as const;

/** Kernel modules of the guest; what they depend on comes along. */
export const modules = [
  // The machine itself.
  ...['virtio_pci', 'virtio_blk', 'virtio_console', 'virtio_net', 'virtio_rng', 'ext4', '9p', '9pnet_virtio'],
  // USB devices made in software: a controller looped back to itself, and what can be plugged into it.
  ...['dummy_hcd', 'libcomposite', 'usb_f_hid', 'usb_f_acm', 'uhid', 'usbmon'],
  // What the host side of those devices needs.
  ...['xhci_pci', 'usbhid', 'hid_generic', 'cdc_acm', 'ftdi_sio', 'uinput', 'evdev', 'vivid'],
  // I²C chips as registers in memory, and kernel drivers that take them for real.
  ...['i2c_dev', 'i2c_stub', 'lm75', 'ina2xx_adc', 'st_lsm6dsx_i2c', 'nau7802', 'sbs_battery'],
  // A USB bridge to I²C and GPIO whose other end can be played from user space.
  ...['hid_cp2112'],
  // For trials of the network, the watchdog and cameras.
  ...['sch_netem', 'softdog', 'cuse', 'usb_f_uvc'],
] as const;

/** Loaded before the snapshot is taken, so that a restored machine has them at once. */
export const preloaded = [
  ...[
    '9p',
    '9pnet_virtio',
    'virtio_net',
    'virtio_rng',
    'dummy_hcd num=8',
    'libcomposite',
    'usb_f_hid',
    'usb_f_acm',
  ],
  ...['usbmon', 'xhci_pci', 'usbhid', 'hid_generic', 'cdc_acm', 'ftdi_sio', 'uinput', 'evdev', 'i2c_dev'],
  ...['uhid', 'hid_cp2112', 'lm75', 'st_lsm6dsx_i2c', 'sbs_battery', 'vivid n_devs=1'],
] as const;

/** Root file system and kernel packages: the slow part, which only the list of packages changes. */
export function rootKey(): string {
  return digest(['1', release, ...packages, text('root.sh')]);
}

/** Disk, initial RAM disk and snapshot. */
export function machineKey(parts: { readonly qemu: string; readonly accelerator: string }): string {
  return digest([
    '1',
    rootKey(),
    parts.qemu,
    parts.accelerator,
    process.version,
    ...modules,
    ...preloaded,
    ...['image.sh', 'build.ts', 'qemu.ts', 'cpio.ts'].map(text),
    ...guestFiles().map((name) => name + text(join('guest', name))),
  ]);
}

export function guestFiles(): string[] {
  return readdirSync(join(import.meta.dirname, 'guest')).sort();
}

function text(name: string): string {
  return readFileSync(join(import.meta.dirname, name), 'utf8');
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
