import { close, constants, open } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DriverError } from '../errors.ts';
import { refusal } from './access.ts';
import { nodeExists } from './attached.ts';
import { chooseOne } from './choose.ts';
import { type Ioctl, machineIoctl } from './ioctl.ts';
import type { Attached, LinePort, LineRequest } from './ports.ts';
import { namesIn, type System, type SystemRoot } from './root.ts';

/** linux/gpio.h, version 2 of the interface (Linux 5.10 and later). */
export const gpioGetChipinfo = 0x8044b401;
export const gpioV2GetLine = 0xc250b407;
export const gpioV2SetValues = 0xc010b40f;
export const chipinfoBytes = 68;
export const lineRequestBytes = 592;
export const lineValuesBytes = 16;
/** struct gpio_v2_line_request, offsets of its members. */
export const requestAt = {
  consumer: 256,
  flags: 288,
  attributeCount: 296,
  attributes: 320,
  lineCount: 560,
  fd: 588,
};
/** struct gpio_v2_line_config_attribute: id at 0, flags at 8, mask at 16. */
const attributeAt = { id: 0, flags: 8, mask: 16 };
const flagActiveLow = 1n << 1n;
const flagOutput = 1n << 3n;
const attributeFlags = 1;
const mostLines = 64;

/** Label and node of each GPIO chip that may be looked at. */
export async function attachedGpio(root: SystemRoot): Promise<Attached[]> {
  const names = (await namesIn(root.dev)).filter((name) => /^gpiochip\d+$/.test(name));
  if (names.length === 0) return [];
  const ioctl = await machineIoctl();
  return Promise.all(
    names.map(async (name): Promise<Attached> => {
      const node = join(root.dev, name);
      const label = await chipLabel(node, ioctl).catch(() => undefined);
      return { kind: 'gpio', node, identity: label === undefined ? {} : { model: label, address: label } };
    }),
  );
}

async function chipLabel(node: string, ioctl: Ioctl): Promise<string> {
  const fd = await promisify(open)(node, constants.O_RDONLY);
  try {
    const info = Buffer.alloc(chipinfoBytes);
    ioctl.buffer(fd, gpioGetChipinfo, info);
    return textOf(info.subarray(32, 64));
  } finally {
    await promisify(close)(fd);
  }
}

function textOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.subarray(0, end < 0 ? bytes.length : end).toString('utf8');
}

/** The kernel's request for output lines, all off at first. */
export function encodeLineRequest({ lines }: LineRequest, consumer: string): Buffer {
  const request = Buffer.alloc(lineRequestBytes);
  let low = 0n;
  for (const [i, { offset, activeLow }] of lines.entries()) {
    request.writeUInt32LE(offset, i * 4);
    if (activeLow === true) low |= 1n << BigInt(i);
  }
  request.write(consumer.slice(0, 31), requestAt.consumer, 'utf8');
  request.writeBigUInt64LE(flagOutput, requestAt.flags);
  if (low !== 0n) {
    request.writeUInt32LE(1, requestAt.attributeCount);
    request.writeUInt32LE(attributeFlags, requestAt.attributes + attributeAt.id);
    request.writeBigUInt64LE(flagOutput | flagActiveLow, requestAt.attributes + attributeAt.flags);
    request.writeBigUInt64LE(low, requestAt.attributes + attributeAt.mask);
  }
  request.writeUInt32LE(lines.length, requestAt.lineCount);
  return request;
}

/** struct gpio_v2_line_values: a bit and a mask bit for each line, in the order of the request. */
export function encodeLineValues(values: readonly boolean[]): Buffer {
  const encoded = Buffer.alloc(lineValuesBytes);
  let bits = 0n;
  for (const [i, value] of values.entries()) if (value) bits |= 1n << BigInt(i);
  encoded.writeBigUInt64LE(bits, 0);
  encoded.writeBigUInt64LE((1n << BigInt(values.length)) - 1n, 8);
  return encoded;
}

/**
 * Takes output lines of a GPIO chip; they are off until set, and go back to what the board makes of them on close.
 * Rejects with CW-DRV-003 (a line is taken), CW-DRV-004, CW-DRV-012, CW-DRV-014 and CW-DRV-020 (no such line).
 */
export async function openLines(request: LineRequest, { root, beforeOpen }: System): Promise<LinePort> {
  const { chip, lines } = request;
  if (lines.length === 0 || lines.length > mostLines) {
    throw new DriverError('CW-DRV-020', `between 1 and ${mostLines} lines can be taken, not ${lines.length}`);
  }
  const attached = await attachedGpio(root);
  const unread = attached.find(({ identity }) => identity.model === undefined);
  const named = attached.some(({ identity }) => identity.model === chip);
  // A chip that may not be looked at could be the one: then the permission is what is missing.
  const device =
    !named && unread !== undefined
      ? unread
      : chooseOne(`the GPIO chip ${chip}`, attached, ({ identity }) => identity.model === chip);
  const what = `line ${lines.map(({ offset }) => offset).join(', ')} of the GPIO chip ${chip} (${device.node})`;
  await beforeOpen(device);
  let chipFd: number | undefined;
  try {
    const ioctl = await machineIoctl();
    chipFd = await promisify(open)(device.node, constants.O_RDWR);
    const encoded = encodeLineRequest(request, 'cartwright');
    ioctl.buffer(chipFd, gpioV2GetLine, encoded);
    return new OpenLines(device, lines.length, encoded.readInt32LE(requestAt.fd), ioctl);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EINVAL') {
      throw new DriverError('CW-DRV-020', `${what} can not be an output: there is no such line`, { cause });
    }
    throw await refusal(cause, { device, what, root });
  } finally {
    if (chipFd !== undefined) await promisify(close)(chipFd);
  }
}

class OpenLines implements LinePort {
  readonly identity;
  readonly #node: string;
  readonly #count: number;
  readonly #fd: number;
  readonly #ioctl: Ioctl;
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(device: Attached, count: number, fd: number, ioctl: Ioctl) {
    this.identity = device.identity;
    this.#node = device.node;
    this.#count = count;
    this.#fd = fd;
    this.#ioctl = ioctl;
  }

  /** On a thread of the pool: lines of an expander on a slow bus may make their caller wait. */
  set(values: readonly boolean[]): Promise<void> {
    const done = this.#last.then(() => this.#set(values));
    this.#last = done.catch(() => {});
    return done;
  }

  close(): Promise<void> {
    this.#closing ??= this.#last.then(() => promisify(close)(this.#fd)).catch(() => {});
    return this.#closing;
  }

  async #set(values: readonly boolean[]): Promise<void> {
    if (this.#closing !== undefined)
      throw new DriverError('CW-DRV-005', `the lines of ${this.#node} are given back`);
    if (values.length !== this.#count) {
      throw new DriverError('CW-DRV-020', `${this.#count} lines were taken, not ${values.length}`);
    }
    try {
      await this.#ioctl.bufferAsync(this.#fd, gpioV2SetValues, encodeLineValues(values), []);
    } catch (cause) {
      const gone = !(await nodeExists(this.#node)) || (cause as NodeJS.ErrnoException).code === 'ENODEV';
      const why = gone ? 'is gone' : `did not take its values (${(cause as Error).message})`;
      throw new DriverError(gone ? 'CW-DRV-005' : 'CW-DRV-020', `the GPIO chip ${this.#node} ${why}`, {
        cause,
      });
    }
  }
}
