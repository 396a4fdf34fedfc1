import { close, constants, open } from 'node:fs';
import { promisify } from 'node:util';
import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import { DriverError } from '../errors.ts';
import { refusal } from './access.ts';
import { attachedI2c, nodeExists } from './attached.ts';
import { chooseOne } from './choose.ts';
import { type Ioctl, machineIoctl } from './ioctl.ts';
import type { Attached, I2cAnswer, I2cPort, I2cRequest } from './ports.ts';
import type { System } from './root.ts';
import { smbusTransfer } from './smbus.ts';

/** linux/i2c-dev.h, linux/i2c.h. */
export const i2cFuncs = 0x0705;
export const i2cRdwr = 0x0707;
/** I2C_FUNC_I2C: the adapter takes transfers as they are. */
export const plainI2c = 1;
const readFlag = 0x0001;
/** struct i2c_msg of 64-bit Linux: __u16 addr, flags, len; __u8 *buf at 8. */
export const messageBytes = 16;
/** struct i2c_rdwr_ioctl_data: struct i2c_msg *msgs; __u32 nmsgs. */
export const transferBytes = 16;
/** The kernel refuses longer messages (i2c-dev.c). */
const mostBytes = 8192;

/** Opens an adapter of the kernel. Rejects with CW-DRV-004, CW-DRV-012 and CW-DRV-014. */
export async function openI2cDev(
  adapter: Extract<I2cRequest, { via: 'linux' }>['adapter'],
  { clock, root, beforeOpen }: System,
): Promise<I2cPort> {
  const numbered = typeof adapter === 'number';
  const device = chooseOne(
    `the I²C adapter ${numbered ? `i2c-${adapter}` : adapter}`,
    await attachedI2c(root),
    ({ identity }) => (numbered ? identity.address === `i2c-${adapter}` : identity.model === adapter),
  );
  const what = `the I²C adapter ${device.node}`;
  await beforeOpen(device);
  try {
    const ioctl = await machineIoctl();
    const fd = await promisify(open)(device.node, constants.O_RDWR);
    return new OpenI2c(device, fd, ioctl, clock);
  } catch (cause) {
    throw await refusal(cause, { device, what, root });
  }
}

/** The messages of one transfer as the kernel's structures; `addressOf` says where a buffer lies. */
export function encodeTransfer(
  address: number,
  write: Uint8Array,
  read: Uint8Array,
  addressOf: (data: Uint8Array) => bigint,
): { readonly transfer: Buffer; readonly messages: Buffer } {
  // A chip that is only asked whether it is there gets an empty write.
  const parts = [
    ...(write.length > 0 || read.length === 0 ? [{ data: write, flags: 0 }] : []),
    ...(read.length > 0 ? [{ data: read, flags: readFlag }] : []),
  ];
  const messages = Buffer.alloc(messageBytes * parts.length);
  for (const [i, { data, flags }] of parts.entries()) {
    const at = i * messageBytes;
    messages.writeUInt16LE(address, at);
    messages.writeUInt16LE(flags, at + 2);
    messages.writeUInt16LE(data.length, at + 4);
    messages.writeBigUInt64LE(addressOf(data), at + 8);
  }
  const transfer = Buffer.alloc(transferBytes);
  transfer.writeBigUInt64LE(addressOf(messages), 0);
  transfer.writeUInt32LE(parts.length, 8);
  return { transfer, messages };
}

/** What the adapter can do, as the kernel says; an adapter that doesn't say is taken for a plain one. */
function knowsPlainI2c(ioctl: Ioctl, fd: number): boolean {
  // An unsigned long.
  const functions = Buffer.alloc(8);
  try {
    ioctl.buffer(fd, i2cFuncs, functions);
  } catch {
    return true;
  }
  return (functions.readUInt32LE(0) & plainI2c) !== 0;
}

class OpenI2c implements I2cPort {
  readonly identity;
  readonly #device: Attached;
  readonly #fd: number;
  readonly #ioctl: Ioctl;
  readonly #clock: Clock;
  readonly #smbusOnly: boolean;
  #last: Promise<unknown> = Promise.resolve();
  #listener: ((error: DriverError) => void) | undefined;
  #error: DriverError | undefined;
  #closing: Promise<void> | undefined;

  constructor(device: Attached, fd: number, ioctl: Ioctl, clock: Clock) {
    this.identity = device.identity;
    this.#device = device;
    this.#fd = fd;
    this.#ioctl = ioctl;
    this.#clock = clock;
    this.#smbusOnly = !knowsPlainI2c(ioctl, fd);
  }

  onLost(listener: (error: DriverError) => void): void {
    this.#listener = listener;
    if (this.#error !== undefined && this.#closing === undefined) listener(this.#error);
  }

  /** One after the other: those that wait for a slow bus hold one thread of the pool, not all of them. */
  transfer(address: number, write: Uint8Array, readBytes: number): Promise<I2cAnswer> {
    if (write.length > mostBytes || readBytes > mostBytes || address < 0 || address > 0x7f) {
      const message = `no I²C transfer has address ${address}, ${write.length} bytes to write and ${readBytes} to read`;
      return Promise.reject(new DriverError('CW-DRV-020', message));
    }
    const copy = Uint8Array.from(write);
    const answer = this.#last.then(() => this.#transfer(address, copy, readBytes));
    this.#last = answer.catch(() => {});
    return answer;
  }

  close(): Promise<void> {
    this.#listener = undefined;
    // The number may be another file's as soon as it is closed: not before the last transfer has ended.
    this.#closing ??= this.#last.then(() => promisify(close)(this.#fd)).catch(() => {});
    return this.#closing;
  }

  async #transfer(address: number, write: Uint8Array, readBytes: number): Promise<I2cAnswer> {
    if (this.#error !== undefined) throw this.#error;
    if (this.#closing !== undefined) {
      throw new DriverError('CW-DRV-005', `the I²C adapter ${this.#device.node} is closed`);
    }
    try {
      const data = this.#smbusOnly
        ? await smbusTransfer(this.#ioctl, this.#fd, address, write, readBytes)
        : await this.#plainTransfer(address, write, readBytes);
      return { data, atUs: this.#clock.nowUs() };
    } catch (cause) {
      throw await this.#failure(address, cause);
    }
  }

  async #plainTransfer(address: number, write: Uint8Array, readBytes: number): Promise<Uint8Array> {
    const data = new Uint8Array(readBytes);
    const { transfer, messages } = encodeTransfer(address, write, data, this.#ioctl.addressOf);
    await this.#ioctl.bufferAsync(this.#fd, i2cRdwr, transfer, [messages, write, data]);
    return data;
  }

  /** What adapters answer (Documentation/i2c/fault-codes.rst), in words. */
  async #failure(address: number, cause: unknown): Promise<DriverError> {
    if (cause instanceof DriverError) return cause;
    const { code } = cause as NodeJS.ErrnoException;
    const where = `0x${address.toString(16).padStart(2, '0')} of ${this.#device.node}`;
    // Some adapters say ENODEV of a chip: only that the node is gone says that the adapter is.
    if (!(await nodeExists(this.#device.node))) {
      this.#error ??= new DriverError('CW-DRV-005', `the I²C adapter ${this.#device.node} is gone`, {
        cause,
      });
      this.#listener?.(this.#error);
      this.#listener = undefined;
      return this.#error;
    }
    if (code === 'EBUSY') {
      const message = `the chip at ${where} is held by a driver of the kernel; use that one, or unbind it`;
      return new DriverError('CW-DRV-003', message, { cause });
    }
    if (code === 'ETIMEDOUT' || code === 'EAGAIN') {
      const message = `no answer in time from ${where} (${code}): no chip is there, or SDA or SCL is held low; check wiring, pull-ups and power`;
      return new DriverError('CW-DRV-013', message, { cause });
    }
    if (code === 'EOPNOTSUPP' || code === 'EINVAL') {
      return new DriverError(
        'CW-DRV-020',
        `the adapter can not do this transfer to ${where}: ${describeError(cause)}`,
        {
          cause,
        },
      );
    }
    const message = `no chip answers at ${where} (${code ?? describeError(cause)}); check its wiring, power and address`;
    return new DriverError('CW-DRV-013', message, { cause });
  }
}
