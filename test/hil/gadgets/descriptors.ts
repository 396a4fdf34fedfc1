/**
 * HID report descriptors of the devices that the tests plug in, with usages as in the USB-IF's HID point-of-sale usage
 * tables (scanners: page 0x8C, scales: page 0x8D) and the HID usage tables (keyboards).
 */

const hex = (...lines: readonly string[]) => lines.join('').replaceAll(' ', '');

/** Report 2, 63 bytes after the id: length, AIM identifier, 56 bytes of data, the maker's symbology, reserved, flags. */
export const posScanner = hex(
  '05 8c 09 02 a1 01', // usage page scanner, bar code scanner, application
  '85 02 09 12 a1 02', // report 2: scanned data report
  '15 00 26 ff 00 75 08', // bytes
  '95 01 05 01 09 3b 81 02', // byte count
  '05 8c 95 01 09 fb 81 02 09 fc 81 02 09 fd 81 02', // three letters of the AIM identifier
  '95 38 09 fe 82 02 01', // decoded data, buffered bytes
  '95 01 09 15 81 02', // symbology identifier of the maker
  '95 01 81 03', // reserved
  '95 01 09 ff 81 02', // data is continued
  'c0 c0',
);

/** Report 3: status, unit, exponent, weight; report 2 out: zero. */
export const posScale = hex(
  '05 8d 09 20 a1 01', // usage page scale, scale device, application
  '85 03 09 32 a1 02', // report 3: scale data report
  '09 70 a1 02 15 01 25 08 75 08 95 01 19 71 29 78 81 00 c0', // status: fault … re-zero
  '09 50 a1 02 15 01 25 0c 75 08 95 01 19 51 29 5c 81 00 c0', // unit: milligram … pound
  '09 41 15 80 25 7f 75 08 95 01 81 02', // exponent, signed
  '09 40 15 00 27 ff ff 00 00 75 10 95 01 81 02', // weight
  'c0',
  '85 02 09 31 a1 02 15 00 25 01 75 01 95 02 09 81 09 80 91 02 95 06 91 03 c0', // enforced zero return, zero scale
  'c0',
);

/** A keyboard as the boot protocol has it: modifiers, reserved, six keys. */
export const keyboard = hex(
  '05 01 09 06 a1 01 05 07',
  '19 e0 29 e7 15 00 25 01 75 01 95 08 81 02', // modifiers
  '95 01 75 08 81 03', // reserved
  '95 05 75 01 05 08 19 01 29 05 91 02 95 01 75 03 91 03', // lamps
  '95 06 75 08 15 00 25 65 05 07 19 00 29 65 81 00', // keys
  'c0',
);
