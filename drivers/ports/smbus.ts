import { DriverError } from '../errors.ts';
import type { Ioctl } from './ioctl.ts';

/** linux/i2c-dev.h, linux/i2c.h. */
export const i2cSlave = 0x0703;
export const i2cSmbus = 0x0720;
/** struct i2c_smbus_ioctl_data of 64-bit Linux: u8 read_write, command; u32 size at 4; union i2c_smbus_data *data at 8. */
export const smbusCallBytes = 16;
/** union i2c_smbus_data: a byte, a word, or a block with its length first. */
export const smbusDataBytes = 34;
/** I2C_SMBUS_QUICK, _BYTE, _BYTE_DATA, _I2C_BLOCK_DATA. */
const sizes = { quick: 0, byte: 1, byteData: 2, i2cBlock: 8 } as const;
const mostBlockBytes = 32;

/** One call of SMBus that puts the same bits on the wire as a transfer of I²C. */
export interface SmbusCall {
  readonly read: boolean;
  readonly command: number;
  readonly size: number;
  readonly data: Uint8Array;
  /** Where what was read lies in `data`. */
  readonly answerAt: number;
}

/**
 * The call for a transfer (register first, as chips have it), undefined where SMBus has none: more than 32 bytes at
 * once, several bytes without a register, or a register of two bytes.
 */
export function smbusCall(write: Uint8Array, readBytes: number): SmbusCall | undefined {
  const data = new Uint8Array(smbusDataBytes);
  const [command = 0, ...values] = write;
  const read = readBytes > 0;
  const call = (size: number, answerAt = 0): SmbusCall => ({ read, command, size, data, answerAt });
  if (write.length === 0) {
    if (readBytes > 1) return undefined;
    return call(read ? sizes.byte : sizes.quick);
  }
  if (read) {
    if (values.length > 0 || readBytes > mostBlockBytes) return undefined;
    if (readBytes === 1) return call(sizes.byteData);
    data[0] = readBytes;
    return call(sizes.i2cBlock, 1);
  }
  if (values.length === 0) return call(sizes.byte);
  if (values.length > mostBlockBytes) return undefined;
  if (values.length === 1) {
    data[0] = values[0] ?? 0;
    return call(sizes.byteData);
  }
  data[0] = values.length;
  data.set(values, 1);
  return call(sizes.i2cBlock);
}

/** The call as the kernel's structure; `addressOf` says where its data lies. */
export function encodeSmbusCall(
  { read, command, size, data }: SmbusCall,
  addressOf: (data: Uint8Array) => bigint,
): Buffer {
  const encoded = Buffer.alloc(smbusCallBytes);
  encoded.writeUInt8(read ? 1 : 0, 0);
  encoded.writeUInt8(command, 1);
  encoded.writeUInt32LE(size, 4);
  encoded.writeBigUInt64LE(addressOf(data), 8);
  return encoded;
}

/**
 * A transfer through an adapter that knows SMBus only, as mainboards have them. Rejects as the ioctl does, and with
 * CW-DRV-020 where SMBus has no such call.
 */
export async function smbusTransfer(
  ioctl: Ioctl,
  fd: number,
  address: number,
  write: Uint8Array,
  readBytes: number,
): Promise<Uint8Array> {
  const call = smbusCall(write, readBytes);
  if (call === undefined) {
    const message = `this adapter knows SMBus only, which can not write ${write.length} and read ${readBytes} bytes at once`;
    throw new DriverError('CW-DRV-020', message);
  }
  ioctl.value(fd, i2cSlave, address);
  await ioctl.bufferAsync(fd, i2cSmbus, encodeSmbusCall(call, ioctl.addressOf), [call.data]);
  if (call.answerAt === 1 && call.data[0] !== readBytes) {
    const message = `the chip at 0x${address.toString(16)} sent ${call.data[0]} of ${readBytes} bytes; check its wiring`;
    throw new DriverError('CW-DRV-013', message);
  }
  return call.data.slice(call.answerAt, call.answerAt + readBytes);
}
