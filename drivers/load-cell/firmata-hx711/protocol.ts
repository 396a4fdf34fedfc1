import { encodeFrame } from './wire.ts';

/** The version of boards/firmware/load-cell-bridge/PROTOCOL.md that is spoken here. */
export const protocolVersion = 1;
/** What the bridge calls itself in its Firmata firmware report. */
export const firmwareName = 'CartwrightLoadCells';
export const mostChannels = 8;
/** No channel in particular, in a notice. */
export const noChannel = 255;
/** Unit of a sample's age, µs; 255 stands for anything longer. */
export const ageUnitUs = 128;
export const oldestAge = 255;

/** Ids of the protocol's own messages: Firmata leaves 0x01 to 0x0F to the user. */
export const messageIds = {
  start: 0x01,
  stop: 0x02,
  rate: 0x03,
  gain: 0x04,
  status: 0x05,
  echo: 0x06,
  answer: 0x07,
  samples: 0x08,
  statusReport: 0x09,
  echoReply: 0x0a,
  notice: 0x0b,
  identify: 0x0c,
  setSerial: 0x0d,
  restart: 0x0e,
  identity: 0x0f,
} as const;

/** How the bridge answers a message, by its code. */
export const results = ['done', 'malformed', 'out of range', 'not now', 'EEPROM failed'] as const;

export const noticeKinds = {
  missing: 1,
  back: 2,
  rejected: 3,
  stuck: 4,
  unstuck: 5,
  badCrc: 6,
  framesDropped: 7,
  i2cSilent: 8,
  late: 9,
} as const;

export const channelFlags = { enabled: 1, missing: 2, settling: 4, stuck: 8, saturated: 16 } as const;

export type HostMessage =
  | { readonly kind: 'start'; readonly channels: number; readonly rate: number; readonly gain: number }
  | { readonly kind: 'stop' | 'status' | 'identify' | 'restart' }
  | { readonly kind: 'rate'; readonly rate: number }
  | { readonly kind: 'gain'; readonly channels: number; readonly gain: number }
  | { readonly kind: 'echo'; readonly bytes: Uint8Array }
  | { readonly kind: 'setSerial'; readonly serial: Uint8Array };

export interface Sample {
  readonly channel: number;
  /** In units of `ageUnitUs`. */
  readonly age: number;
  readonly counts: number;
}

export interface ChannelStatus {
  readonly flags: number;
  readonly conversions: number;
  readonly rejected: number;
  readonly late: number;
}

export interface StatusReport {
  readonly kind: 'statusReport';
  /** MCUSR of the chip: 1 power, 2 reset pin, 4 brown-out, 8 watchdog. */
  readonly resetCause: number;
  readonly uptimeMs: number;
  readonly streaming: boolean;
  readonly channels: number;
  readonly rate: number;
  readonly frames: number;
  readonly framesDropped: number;
  readonly badCrc: number;
  readonly receiveErrors: number;
  readonly i2cErrors: number;
  readonly perChannel: readonly ChannelStatus[];
}

export interface BridgeIdentity {
  readonly kind: 'identity';
  readonly protocol: number;
  readonly version: readonly [major: number, minor: number, patch: number];
  readonly channels: number;
  /** Of the chip: 0x950F is an ATmega328P. */
  readonly signature: number;
  readonly serial: Uint8Array;
  readonly resetCause: number;
}

export interface Notice {
  readonly kind: 'notice';
  readonly what: number;
  readonly channel: number;
  readonly detail: number;
}

export type BridgeMessage =
  | { readonly kind: 'answer'; readonly of: number; readonly result: number }
  | {
      readonly kind: 'samples';
      readonly sequence: number;
      readonly timestampUs: number;
      readonly samples: readonly Sample[];
    }
  | StatusReport
  | { readonly kind: 'echoReply'; readonly bytes: Uint8Array }
  | Notice
  | BridgeIdentity;

const mostEchoBytes = 24;
const serialBytes = 8;
const restartKey = [0x5a, 0xa5] as const;
const sampleHeadBytes = 7;
const sampleBytes = 4;
const statusHeadBytes = 20;
const channelStatusBytes = 7;

/** A frame of samples as it is read again and again: fields are overwritten by the next one. */
export class SampleFrame {
  sequence = 0;
  timestampUs = 0;
  /** How many of the entries below are of this frame. */
  length = 0;
  readonly channel = new Uint8Array(mostChannels);
  readonly age = new Uint8Array(mostChannels);
  readonly counts = new Int32Array(mostChannels);

  /** Reads an unpacked payload; false where it isn't one of samples. HOT PATH: allocates nothing. */
  read(payload: Uint8Array, length: number): boolean {
    if (length < sampleHeadBytes) return false;
    let mask = payload[6] ?? 0;
    let at = sampleHeadBytes;
    let count = 0;
    for (let channel = 0; mask !== 0; channel++, mask >>= 1) {
      if ((mask & 1) === 0) continue;
      const low = payload[at + 1] ?? 0;
      const middle = payload[at + 2] ?? 0;
      const high = payload[at + 3] ?? 0;
      this.channel[count] = channel;
      this.age[count] = payload[at] ?? 0;
      // The high byte's sign bit becomes the number's.
      this.counts[count] = ((high << 24) | (middle << 16) | (low << 8)) >> 8;
      at += sampleBytes;
      count += 1;
    }
    if (at !== length) return false;
    this.sequence = (payload[0] ?? 0) | ((payload[1] ?? 0) << 8);
    this.timestampUs =
      ((payload[2] ?? 0) |
        ((payload[3] ?? 0) << 8) |
        ((payload[4] ?? 0) << 16) |
        ((payload[5] ?? 0) << 24)) >>>
      0;
    this.length = count;
    return true;
  }
}

/** A host's message as it goes over the line. Throws RangeError where a field does not fit. */
export function encodeHostMessage(message: HostMessage): Uint8Array {
  return encodeFrame(messageIds[message.kind], hostPayload(message));
}

function hostPayload(message: HostMessage): Uint8Array {
  switch (message.kind) {
    case 'start':
      return Uint8Array.of(u8(message.channels), u8(message.rate), u8(message.gain));
    case 'rate':
      return Uint8Array.of(u8(message.rate));
    case 'gain':
      return Uint8Array.of(u8(message.channels), u8(message.gain));
    case 'echo':
      if (message.bytes.length > mostEchoBytes)
        throw new RangeError(`an echo has at most ${mostEchoBytes} bytes`);
      return message.bytes;
    case 'setSerial':
      if (message.serial.length !== serialBytes)
        throw new RangeError(`a serial number has ${serialBytes} bytes`);
      return message.serial;
    case 'restart':
      return Uint8Array.from(restartKey);
    default:
      return new Uint8Array();
  }
}

/** What a host's unpacked payload says; undefined where the protocol has no such message. */
export function decodeHostMessage(id: number, payload: Uint8Array): HostMessage | undefined {
  const [first = 0, second = 0, third = 0] = payload;
  const { length } = payload;
  if (id === messageIds.start && length === 3)
    return { kind: 'start', channels: first, rate: second, gain: third };
  if (id === messageIds.rate && length === 1) return { kind: 'rate', rate: first };
  if (id === messageIds.gain && length === 2) return { kind: 'gain', channels: first, gain: second };
  if (id === messageIds.echo && length <= mostEchoBytes) return { kind: 'echo', bytes: payload.slice() };
  if (id === messageIds.setSerial && length === serialBytes)
    return { kind: 'setSerial', serial: payload.slice() };
  if (id === messageIds.restart && length === 2 && first === restartKey[0] && second === restartKey[1]) {
    return { kind: 'restart' };
  }
  if (length !== 0) return undefined;
  if (id === messageIds.stop) return { kind: 'stop' };
  if (id === messageIds.status) return { kind: 'status' };
  return id === messageIds.identify ? { kind: 'identify' } : undefined;
}

/** A bridge's message as it goes over the line: for simulated bridges. Throws RangeError where a field does not fit. */
export function encodeBridgeMessage(message: BridgeMessage): Uint8Array {
  return encodeFrame(messageIds[message.kind], bridgePayload(message));
}

function bridgePayload(message: BridgeMessage): Uint8Array {
  switch (message.kind) {
    case 'answer':
      return Uint8Array.of(u8(message.of), u8(message.result));
    case 'samples':
      return samplesPayload(message.sequence, message.timestampUs, message.samples);
    case 'statusReport':
      return statusPayload(message);
    case 'echoReply':
      if (message.bytes.length > mostEchoBytes)
        throw new RangeError(`an echo has at most ${mostEchoBytes} bytes`);
      return message.bytes;
    case 'notice':
      return Uint8Array.of(u8(message.what), u8(message.channel), ...u16(message.detail));
    case 'identity': {
      if (message.serial.length !== serialBytes)
        throw new RangeError(`a serial number has ${serialBytes} bytes`);
      const head = [message.protocol, ...message.version, message.channels].map(u8);
      return Uint8Array.of(...head, ...u16(message.signature), ...message.serial, u8(message.resetCause));
    }
  }
}

function samplesPayload(sequence: number, timestampUs: number, samples: readonly Sample[]): Uint8Array {
  let mask = 0;
  for (const { channel } of samples) {
    if (channel >= mostChannels || mask >> channel !== 0)
      throw new RangeError('channels must ascend from 0 to 7');
    mask |= 1 << channel;
  }
  const bytes = samples.flatMap(({ age, counts }) => {
    if (counts < -0x800000 || counts > 0x7fffff) throw new RangeError(`${counts} is not a code of 24 bits`);
    return [u8(age), counts & 0xff, (counts >> 8) & 0xff, (counts >> 16) & 0xff];
  });
  return Uint8Array.of(...u16(sequence), ...u32(timestampUs), mask, ...bytes);
}

function statusPayload(status: StatusReport): Uint8Array {
  if (status.perChannel.length !== mostChannels)
    throw new RangeError(`a status has ${mostChannels} channels`);
  return Uint8Array.of(
    u8(status.resetCause),
    ...u32(status.uptimeMs),
    status.streaming ? 1 : 0,
    u8(status.channels),
    u8(status.rate),
    ...u32(status.frames),
    ...u16(status.framesDropped),
    ...u16(status.badCrc),
    ...u16(status.receiveErrors),
    ...u16(status.i2cErrors),
    ...status.perChannel.flatMap(({ flags, conversions, rejected, late }) => [
      u8(flags),
      ...u16(conversions),
      ...u16(rejected),
      ...u16(late),
    ]),
  );
}

/** What a bridge's unpacked payload says; undefined where the protocol has no such message. */
export function decodeBridgeMessage(id: number, payload: Uint8Array): BridgeMessage | undefined {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const { length } = payload;
  switch (id) {
    case messageIds.answer:
      return length === 2 ? { kind: 'answer', of: view.getUint8(0), result: view.getUint8(1) } : undefined;
    case messageIds.samples:
      return decodeSamples(payload);
    case messageIds.statusReport:
      return decodeStatus(view);
    case messageIds.echoReply:
      return length <= mostEchoBytes ? { kind: 'echoReply', bytes: payload.slice() } : undefined;
    case messageIds.notice: {
      if (length !== 4) return undefined;
      const detail = view.getUint16(2, true);
      return { kind: 'notice', what: view.getUint8(0), channel: view.getUint8(1), detail };
    }
    case messageIds.identity:
      return decodeIdentity(view, payload);
    default:
      return undefined;
  }
}

function decodeSamples(payload: Uint8Array): BridgeMessage | undefined {
  const frame = new SampleFrame();
  if (!frame.read(payload, payload.length)) return undefined;
  const samples = Array.from({ length: frame.length }, (_, index) => ({
    channel: frame.channel[index] ?? 0,
    age: frame.age[index] ?? 0,
    counts: frame.counts[index] ?? 0,
  }));
  return { kind: 'samples', sequence: frame.sequence, timestampUs: frame.timestampUs, samples };
}

function decodeStatus(view: DataView): StatusReport | undefined {
  if (view.byteLength !== statusHeadBytes + mostChannels * channelStatusBytes) return undefined;
  const streaming = view.getUint8(5);
  if (streaming > 1) return undefined;
  return {
    kind: 'statusReport',
    resetCause: view.getUint8(0),
    uptimeMs: view.getUint32(1, true),
    streaming: streaming === 1,
    channels: view.getUint8(6),
    rate: view.getUint8(7),
    frames: view.getUint32(8, true),
    framesDropped: view.getUint16(12, true),
    badCrc: view.getUint16(14, true),
    receiveErrors: view.getUint16(16, true),
    i2cErrors: view.getUint16(18, true),
    perChannel: Array.from({ length: mostChannels }, (_, channel) => {
      const at = statusHeadBytes + channel * channelStatusBytes;
      return {
        flags: view.getUint8(at),
        conversions: view.getUint16(at + 1, true),
        rejected: view.getUint16(at + 3, true),
        late: view.getUint16(at + 5, true),
      };
    }),
  };
}

function decodeIdentity(view: DataView, payload: Uint8Array): BridgeIdentity | undefined {
  if (view.byteLength !== 16) return undefined;
  return {
    kind: 'identity',
    protocol: view.getUint8(0),
    version: [view.getUint8(1), view.getUint8(2), view.getUint8(3)],
    channels: view.getUint8(4),
    signature: view.getUint16(5, true),
    serial: payload.slice(7, 15),
    resetCause: view.getUint8(15),
  };
}

/**
 * The serial number as people and calibrations write it: text where all its bytes are printable (zeros at the end
 * left out), else hexadecimal; undefined where none was set (all FF).
 */
export function serialText(serial: Uint8Array): string | undefined {
  if (serial.every((byte) => byte === 0xff)) return undefined;
  const text = Buffer.from(serial).toString('latin1').replace(/\0+$/, '');
  return /^[!-~]+$/.test(text) ? text : Buffer.from(serial).toString('hex');
}

function u8(value: number): number {
  return fits(value, 0xff);
}

function u16(value: number): [number, number] {
  fits(value, 0xffff);
  return [value & 0xff, value >> 8];
}

function u32(value: number): [number, number, number, number] {
  fits(value, 0xffffffff);
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
}

function fits(value: number, most: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new RangeError(`${value} is not an integer from 0 to ${most}`);
}
