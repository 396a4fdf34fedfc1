import { DriverError } from '../../errors.ts';

/** Flash of an ATmega328P. */
const flashBytes = 32 * 1024;

/**
 * The program in an Intel HEX file, as the flash of an ATmega328P in 16-bit words; what the file leaves out is erased
 * (0xffff). Throws CW-DRV-016, with the line, where the text is no such file or doesn't fit.
 */
export function readHex(text: string): Uint16Array {
  const flash = new Uint8Array(flashBytes).fill(0xff);
  const refuse = (line: number, why: string) =>
    new DriverError(
      'CW-DRV-016',
      `line ${line + 1} of the firmware's hex file ${why}; build or fetch it again`,
    );
  let base = 0;
  const lines = text.split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    if (!/^:(?:[0-9a-f]{2}){5,}$/i.test(line)) throw refuse(index, 'is no record of Intel HEX');
    const bytes = Buffer.from(line.slice(1), 'hex');
    const [count = 0, high = 0, low = 0, kind = 0] = bytes;
    if (bytes.length !== count + 5) throw refuse(index, 'has another length than it says');
    if ((bytes.reduce((sum, byte) => sum + byte, 0) & 0xff) !== 0)
      throw refuse(index, 'has a wrong checksum');
    const data = bytes.subarray(4, 4 + count);
    if (kind === 0) {
      const address = base + high * 256 + low;
      if (address + count > flashBytes) throw refuse(index, `lies beyond ${flashBytes} bytes of flash`);
      flash.set(data, address);
    } else if (kind === 1) {
      return new Uint16Array(flash.buffer);
    } else if (kind === 2 || kind === 4) {
      base = ((data[0] ?? 0) * 256 + (data[1] ?? 0)) * (kind === 2 ? 16 : 65_536);
    } else if (kind !== 3 && kind !== 5) {
      throw refuse(index, `is of the unknown kind ${kind}`);
    }
  }
  throw refuse(lines.length - 1, 'is the last one, but no end record');
}
