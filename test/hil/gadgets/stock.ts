import { keyboard, posScale, posScanner } from './descriptors.ts';
import type { UsbDevice } from './usb.ts';

/** The devices that the tests plug in, by their id on the board test/hil/boards/vm.yaml, with ids that real makers use. */
export const stock: Readonly<Record<string, UsbDevice>> = {
  'hid-scanner': {
    name: 'hid-scanner',
    vendorId: '05e0',
    productId: '1300',
    manufacturer: 'Symbol Technologies, Inc, 2008',
    product: 'Symbol Bar Code Scanner',
    serial: 'S-0001-HID',
    functions: [{ kind: 'hid', descriptor: posScanner, reportBytes: 64 }],
  },
  'key-scanner': {
    name: 'key-scanner',
    vendorId: '05e0',
    productId: '1200',
    manufacturer: 'Symbol Technologies, Inc, 2008',
    product: 'Symbol Bar Code Scanner KBD',
    serial: 'S-0002-KBD',
    functions: [{ kind: 'hid', descriptor: keyboard, reportBytes: 8, protocol: 1 }],
  },
  'cdc-scanner': {
    name: 'cdc-scanner',
    vendorId: '05f9',
    productId: '4204',
    manufacturer: 'Datalogic',
    product: 'Handheld Barcode Scanner',
    serial: 'S-0003-CDC',
    functions: [{ kind: 'acm' }],
  },
  'hid-scale': {
    name: 'hid-scale',
    vendorId: '0922',
    productId: '8003',
    manufacturer: 'DYMO',
    product: 'M10 10 kg Digital Postal Scale',
    serial: 'S-0004-HID',
    functions: [{ kind: 'hid', descriptor: posScale, reportBytes: 6 }],
  },
  'cdc-scale': {
    name: 'cdc-scale',
    vendorId: '0eb8',
    productId: 'f000',
    manufacturer: 'METTLER TOLEDO',
    product: 'Ariva-S',
    serial: 'S-0005-CDC',
    functions: [{ kind: 'acm' }],
  },
};
