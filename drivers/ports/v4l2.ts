import { DriverError } from '../errors.ts';
import { type Ioctl, SystemCallError } from './ioctl.ts';
import type { VideoControl, VideoFormat, VideoLayout, VideoOffer } from './ports.ts';

/** Requests and structures of linux/videodev2.h as 64-bit Linux has them. */
export const requests = {
  queryCapabilities: 0x80685600,
  enumerateFormats: 0xc0405602,
  setFormat: 0xc0d05605,
  requestBuffers: 0xc0145608,
  queryBuffer: 0xc0585609,
  queueBuffer: 0xc058560f,
  dequeueBuffer: 0xc0585611,
  streamOn: 0x40045612,
  streamOff: 0x40045613,
  setParameters: 0xc0cc5616,
  getControl: 0xc008561b,
  setControl: 0xc008561c,
  queryControl: 0xc0445624,
  enumerateSizes: 0xc02c564a,
  enumerateIntervals: 0xc034564b,
} as const;

export const videoCapture = 1;
export const memoryMapped = 1;
const bytes = { capability: 104, formatDescription: 64, format: 208, parameters: 204, control: 8 } as const;
const queryControlBytes = 68;
const sizeBytes = 44;
const intervalBytes = 52;
export const bufferBytes = 88;
export const requestBuffersBytes = 20;
/** struct v4l2_buffer, offsets of its members. */
export const bufferAt = {
  index: 0,
  type: 4,
  used: 8,
  flags: 12,
  seconds: 24,
  micros: 32,
  sequence: 56,
  memory: 60,
  offset: 64,
  length: 72,
} as const;
const bufferFlagError = 0x40;
const bufferFlagMonotonic = 0x2000;
const bufferTimestampMask = 0xe000;
const capabilityCapture = 0x1;
const capabilityStreaming = 0x0400_0000;
const capabilityTimePerFrame = 0x1000;
const fieldNone = 1;
const controlDisabled = 0x1;
const colourspaceJpeg = 7;
const quantizationFull = 1;
/** Structures of enumerations: one size or interval, or a range of them. */
const discrete = 1;
/** No camera has more of a kind; one that never ends its list is cut off. */
const mostListed = 64;
const mostFormats = 256;

/** What a node is, as its kernel driver says. */
export interface VideoCapabilities {
  readonly card: string;
  readonly bus: string;
  /** It gives single-planar pictures through mapped buffers. */
  readonly captures: boolean;
}

/** Asks a node what it is. Throws SystemCallError where it is no V4L2 device. */
export function queryCapabilities(ioctl: Ioctl, fd: number): VideoCapabilities {
  const data = Buffer.alloc(bytes.capability);
  ioctl.buffer(fd, requests.queryCapabilities, data);
  const ofNode = data.readUInt32LE(88);
  const capabilities = ofNode === 0 ? data.readUInt32LE(84) : ofNode;
  const captures = (capabilities & capabilityCapture) !== 0 && (capabilities & capabilityStreaming) !== 0;
  return { card: textAt(data, 16, 32), bus: textAt(data, 48, 32), captures };
}

function textAt(data: Buffer, start: number, length: number): string {
  const part = data.subarray(start, start + length);
  const end = part.indexOf(0);
  return part.subarray(0, end < 0 ? length : end).toString('utf8');
}

/** `YUYV` as the number that the kernel writes for it. */
function fourCc(name: string): number {
  return Buffer.from(name.padEnd(4).slice(0, 4), 'latin1').readUInt32LE(0);
}

function nameOf(code: number): string {
  const data = Buffer.alloc(4);
  data.writeUInt32LE(code >>> 0, 0);
  // The highest bit of the code says big-endian; no format of ours is.
  return data
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .trimEnd();
}

/** VIDIOC_S_FMT: `format` asked for, progressive, with rows as close as the driver has them. */
export function encodeFormat({ pixelFormat, width, height }: VideoFormat): Buffer {
  const data = Buffer.alloc(bytes.format);
  data.writeUInt32LE(videoCapture, 0);
  data.writeUInt32LE(width, 8);
  data.writeUInt32LE(height, 12);
  data.writeUInt32LE(fourCc(pixelFormat), 16);
  data.writeUInt32LE(fieldNone, 20);
  return data;
}

/** What the kernel made of a format. */
export function decodeFormat(data: Buffer): VideoLayout {
  const full = data.readUInt32LE(48) === quantizationFull || data.readUInt32LE(32) === colourspaceJpeg;
  return {
    pixelFormat: nameOf(data.readUInt32LE(16)),
    width: data.readUInt32LE(8),
    height: data.readUInt32LE(12),
    bytesPerLine: data.readUInt32LE(24),
    range: full ? 'full' : 'limited',
  };
}

/** Sets the rate; the kernel's answer, a second; undefined where the camera has none to set. */
export async function setRate(
  ioctl: Ioctl,
  fd: number,
  framesPerSecond: number,
): Promise<number | undefined> {
  const data = Buffer.alloc(bytes.parameters);
  data.writeUInt32LE(videoCapture, 0);
  data.writeUInt32LE(1000, 12);
  data.writeUInt32LE(Math.round(framesPerSecond * 1000), 16);
  try {
    await ioctl.bufferAsync(fd, requests.setParameters, data, []);
  } catch (error) {
    if (isSystemCall(error, 'ENOTTY', 'EINVAL')) return undefined;
    throw error;
  }
  const [numerator, denominator] = [data.readUInt32LE(12), data.readUInt32LE(16)];
  const hasRate = (data.readUInt32LE(4) & capabilityTimePerFrame) !== 0;
  return hasRate && numerator > 0 && denominator > 0 ? denominator / numerator : undefined;
}

/** All sizes and their highest rates, for each of these formats that the camera has. */
export async function listOffers(
  ioctl: Ioctl,
  fd: number,
  pixelFormats: readonly string[],
): Promise<VideoOffer[]> {
  const offers: VideoOffer[] = [];
  for (let format = 0; format < mostFormats; format++) {
    const description = Buffer.alloc(bytes.formatDescription);
    description.writeUInt32LE(format, 0);
    description.writeUInt32LE(videoCapture, 4);
    if (!(await answers(ioctl, fd, requests.enumerateFormats, description))) break;
    const code = description.readUInt32LE(44);
    if (!pixelFormats.includes(nameOf(code))) continue;
    for (let index = 0; index < mostListed; index++) {
      const size = Buffer.alloc(sizeBytes);
      size.writeUInt32LE(index, 0);
      size.writeUInt32LE(code, 4);
      if (!(await answers(ioctl, fd, requests.enumerateSizes, size))) break;
      offers.push(await offerOf(ioctl, fd, code, size));
      if (size.readUInt32LE(8) !== discrete) break;
    }
  }
  return offers;
}

async function offerOf(ioctl: Ioctl, fd: number, code: number, size: Buffer): Promise<VideoOffer> {
  const at = (offset: number) => size.readUInt32LE(offset);
  // Ranges are width from, to, step, then height from, to, step.
  const isRange = at(8) !== discrete;
  const least = [at(12), at(isRange ? 24 : 16)] as const;
  const most = isRange ? ([at(16), at(28)] as const) : least;
  const framesPerSecond = await highestRate(ioctl, fd, code, most);
  return { pixelFormat: nameOf(code), least, most, framesPerSecond };
}

async function highestRate(
  ioctl: Ioctl,
  fd: number,
  code: number,
  [width, height]: readonly [number, number],
): Promise<number | undefined> {
  let highest = 0;
  for (let index = 0; index < mostListed; index++) {
    const interval = Buffer.alloc(intervalBytes);
    for (const [i, value] of [index, code, width, height].entries()) interval.writeUInt32LE(value, i * 4);
    if (!(await answers(ioctl, fd, requests.enumerateIntervals, interval))) break;
    // The first of a range is the shortest interval.
    const [numerator, denominator] = [interval.readUInt32LE(20), interval.readUInt32LE(24)];
    if (numerator > 0) highest = Math.max(highest, denominator / numerator);
    if (interval.readUInt32LE(16) !== discrete) break;
  }
  return highest === 0 ? undefined : highest;
}

/** False at the end of an enumeration, and where a driver has none. */
async function answers(ioctl: Ioctl, fd: number, request: number, data: Buffer): Promise<boolean> {
  try {
    await ioctl.bufferAsync(fd, request, data, []);
    return true;
  } catch (error) {
    if (isSystemCall(error, 'EINVAL', 'ENOTTY')) return false;
    throw error;
  }
}

/** A control's name and range; undefined where there is none, or none that can be used. */
export async function queryControl(ioctl: Ioctl, fd: number, id: number): Promise<VideoControl | undefined> {
  const data = Buffer.alloc(queryControlBytes);
  data.writeUInt32LE(id, 0);
  if (!(await answers(ioctl, fd, requests.queryControl, data))) return undefined;
  if ((data.readUInt32LE(56) & controlDisabled) !== 0) return undefined;
  return { name: textAt(data, 8, 32), minimum: data.readInt32LE(40), maximum: data.readInt32LE(44) };
}

/** Sets a control and resolves with the value that it has then. Rejects with CW-DRV-020 where the camera refuses. */
export async function setControl(ioctl: Ioctl, fd: number, id: number, value: number): Promise<number> {
  const data = Buffer.alloc(bytes.control);
  data.writeUInt32LE(id, 0);
  data.writeInt32LE(value, 4);
  try {
    await ioctl.bufferAsync(fd, requests.setControl, data, []);
    await ioctl.bufferAsync(fd, requests.getControl, data, []);
  } catch (cause) {
    if (!isSystemCall(cause, 'EINVAL', 'ERANGE', 'EBUSY', 'EACCES', 'EIO', 'EPIPE')) throw cause;
    const control = `the control 0x${id.toString(16)} to ${value}`;
    throw new DriverError('CW-DRV-020', `the camera refuses to set ${control} (${cause.code})`, { cause });
  }
  return data.readInt32LE(4);
}

/** What the kernel says of a dequeued buffer. */
export interface FilledBuffer {
  readonly index: number;
  readonly used: number;
  readonly sequence: number;
  readonly damaged: boolean;
  /** On the kernel's monotonic clock, µs; undefined where the driver's stamps are on another one. */
  readonly kernelUs: number | undefined;
}

/** A struct v4l2_buffer for the buffer of that number. */
export function encodeBuffer(index: number): Buffer {
  const data = Buffer.alloc(bufferBytes);
  data.writeUInt32LE(index, bufferAt.index);
  data.writeUInt32LE(videoCapture, bufferAt.type);
  data.writeUInt32LE(memoryMapped, bufferAt.memory);
  return data;
}

/** Reads a struct v4l2_buffer that was dequeued. */
export function decodeBuffer(data: Buffer): FilledBuffer {
  const flags = data.readUInt32LE(bufferAt.flags);
  const stampUs =
    Number(data.readBigInt64LE(bufferAt.seconds)) * 1_000_000 + Number(data.readBigInt64LE(bufferAt.micros));
  return {
    index: data.readUInt32LE(bufferAt.index),
    used: data.readUInt32LE(bufferAt.used),
    sequence: data.readUInt32LE(bufferAt.sequence),
    damaged: (flags & bufferFlagError) !== 0,
    kernelUs: (flags & bufferTimestampMask) === bufferFlagMonotonic ? stampUs : undefined,
  };
}

/** True for a failed system call with one of these errors. */
export function isSystemCall(error: unknown, ...codes: readonly string[]): error is SystemCallError {
  return error instanceof SystemCallError && codes.includes(error.code);
}
