import { DriverError } from '../../errors.ts';

/**
 * LLRP on the wire (EPCglobal Low Level Reader Protocol 1.0.1 and 1.1, binary encoding, chapter 17 of the standard): a
 * message is 3 reserved bits, 3 bits of version, 10 bits of type, u32 length with these ten bytes, u32 id, then fields
 * and parameters, all big-endian. A parameter is either TLV (6 reserved bits, 10 bits of type, u16 length with these
 * four bytes) or TV (a set bit, 7 bits of type, and a body whose length the type fixes).
 */
export const messageTypes = {
  getReaderCapabilities: 1,
  getReaderConfig: 2,
  setReaderConfig: 3,
  closeConnectionResponse: 4,
  getReaderCapabilitiesResponse: 11,
  getReaderConfigResponse: 12,
  setReaderConfigResponse: 13,
  closeConnection: 14,
  addRoSpec: 20,
  deleteRoSpec: 21,
  enableRoSpec: 24,
  addRoSpecResponse: 30,
  deleteRoSpecResponse: 31,
  enableRoSpecResponse: 34,
  roAccessReport: 61,
  keepalive: 62,
  readerEventNotification: 63,
  keepaliveAck: 72,
  errorMessage: 100,
} as const;

export const parameterTypes = {
  antennaId: 1,
  firstSeenUtc: 2,
  firstSeenUptime: 3,
  lastSeenUtc: 4,
  lastSeenUptime: 5,
  peakRssi: 6,
  channelIndex: 7,
  tagSeenCount: 8,
  roSpecId: 9,
  inventoryParameterSpecId: 10,
  c1g2Crc: 11,
  c1g2Pc: 12,
  epc96: 13,
  specIndex: 14,
  clientRequestOpSpecResult: 15,
  accessSpecId: 16,
  utcTimestamp: 128,
  uptime: 129,
  generalDeviceCapabilities: 137,
  roSpec: 177,
  roBoundarySpec: 178,
  roSpecStartTrigger: 179,
  roSpecStopTrigger: 182,
  aiSpec: 183,
  aiSpecStopTrigger: 184,
  inventoryParameterSpec: 186,
  identification: 218,
  keepaliveSpec: 220,
  antennaConfiguration: 222,
  roReportSpec: 237,
  tagReportContentSelector: 238,
  tagReportData: 240,
  epcData: 241,
  readerEventNotificationSpec: 244,
  eventNotificationState: 245,
  readerEventNotificationData: 246,
  reportBufferLevelWarning: 250,
  reportBufferOverflow: 251,
  readerException: 252,
  antennaEvent: 255,
  connectionAttempt: 256,
  connectionClose: 257,
  llrpStatus: 287,
  c1g2InventoryCommand: 330,
  c1g2SingulationControl: 336,
} as const;

/** Bytes of the body of each TV parameter (table of clause 17.2.1 and the C1G2 annex). */
const tvBodies: ReadonlyMap<number, number> = new Map([
  [parameterTypes.antennaId, 2],
  [parameterTypes.firstSeenUtc, 8],
  [parameterTypes.firstSeenUptime, 8],
  [parameterTypes.lastSeenUtc, 8],
  [parameterTypes.lastSeenUptime, 8],
  [parameterTypes.peakRssi, 1],
  [parameterTypes.channelIndex, 2],
  [parameterTypes.tagSeenCount, 2],
  [parameterTypes.roSpecId, 4],
  [parameterTypes.inventoryParameterSpecId, 2],
  [parameterTypes.c1g2Crc, 2],
  [parameterTypes.c1g2Pc, 2],
  [parameterTypes.epc96, 12],
  [parameterTypes.specIndex, 2],
  [parameterTypes.clientRequestOpSpecResult, 2],
  [parameterTypes.accessSpecId, 4],
]);

export const headerBytes = 10;
const protocolVersion = 1;
/** Reports of a hundred tags have some kilobytes; what claims to be longer is no message. */
export const longestMessage = 262_144;

export interface LlrpMessage {
  readonly type: number;
  readonly id: number;
  /** Fields and parameters. */
  readonly body: Uint8Array;
}

export interface LlrpParameter {
  readonly type: number;
  readonly body: Uint8Array;
}

/** A message as bytes. `parts` are its fields and parameters in order. */
export function encodeMessage(type: number, id: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(headerBytes);
  head.writeUInt16BE((protocolVersion << 10) | type, 0);
  head.writeUInt32BE(headerBytes + body.length, 2);
  head.writeUInt32BE(id >>> 0, 6);
  return Uint8Array.from(Buffer.concat([head, body]));
}

/** A TLV parameter, or a TV one where the type says so. */
export function encodeParameter(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(parts);
  if (type < 128) return Uint8Array.from(Buffer.concat([Uint8Array.of(0x80 | type), body]));
  return Uint8Array.from(Buffer.concat([u16(type), u16(4 + body.length), body]));
}

export const u8 = (value: number): Uint8Array => Uint8Array.of(value & 0xff);
export const u16 = (value: number): Uint8Array => Uint8Array.of((value >> 8) & 0xff, value & 0xff);
export function u32(value: number): Uint8Array {
  return Uint8Array.of((value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}
/** @param value up to 2⁵³ − 1 */
export function u64(value: number): Uint8Array {
  return Uint8Array.from([...u32(Math.floor(value / 2 ** 32)), ...u32(value % 2 ** 32)]);
}
/** UTF-8 with its length in bytes before it. */
export function utf8(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return Uint8Array.from([...u16(bytes.length), ...bytes]);
}

/** Cuts a stream into messages. What is no message ends the stream: there is nothing to resynchronize on. */
export class MessageSplitter {
  #rest: Uint8Array = new Uint8Array(0);

  /** The messages that `bytes` complete. Throws CW-DRV-006; the connection must be closed then. */
  push(bytes: Uint8Array): LlrpMessage[] {
    const data = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const messages: LlrpMessage[] = [];
    let at = 0;
    while (data.length - at >= headerBytes) {
      const view = new DataView(data.buffer, data.byteOffset + at, headerBytes);
      const length = view.getUint32(2);
      const version = (view.getUint16(0) >> 10) & 7;
      if (version < 1 || version > 2) throw notLlrp(`protocol version ${version}`);
      if (length < headerBytes || length > longestMessage) throw notLlrp(`a message of ${length} bytes`);
      if (data.length - at < length) break;
      messages.push({
        type: view.getUint16(0) & 0x3ff,
        id: view.getUint32(6),
        body: Uint8Array.from(data.subarray(at + headerBytes, at + length)),
      });
      at += length;
    }
    this.#rest = Uint8Array.from(data.subarray(at));
    return messages;
  }
}

/** The parameters in a body, from `offset`. Throws CW-DRV-006 where they do not fit. */
export function readParameters(body: Uint8Array, offset = 0): LlrpParameter[] {
  const parameters: LlrpParameter[] = [];
  let at = offset;
  while (at < body.length) {
    const first = body[at] ?? 0;
    const short = (first & 0x80) !== 0;
    const type = short ? first & 0x7f : ((first & 3) << 8) | (body[at + 1] ?? 0);
    const head = short ? 1 : 4;
    const tvBody = short ? tvBodies.get(type) : undefined;
    if (short && tvBody === undefined) throw notLlrp(`a parameter of the unknown short type ${type}`);
    const length = tvBody === undefined ? ((body[at + 2] ?? 0) << 8) | (body[at + 3] ?? 0) : head + tvBody;
    if (length < head || at + length > body.length) throw notLlrp(`parameter ${type} with ${length} bytes`);
    parameters.push({ type, body: body.subarray(at + head, at + length) });
    at += length;
  }
  return parameters;
}

/** The first parameter of a type. */
export function findParameter(parameters: readonly LlrpParameter[], type: number): Uint8Array | undefined {
  return parameters.find((parameter) => parameter.type === type)?.body;
}

/** Reads big-endian fields one after the other. Throws CW-DRV-006 past the end. */
export class FieldReader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  s8(): number {
    return this.#view.getInt8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.slice(at, at + count);
  }

  /** UTF-8 with its length before it. */
  text(): string {
    return new TextDecoder().decode(this.bytes(this.u16()));
  }

  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length) throw notLlrp('a field that is cut off');
    this.#at += count;
    return at;
  }
}

export function notLlrp(what: string): DriverError {
  const message = `the tag reader sent ${what}, which LLRP does not have; is this its LLRP port (5084)?`;
  return new DriverError('CW-DRV-006', message);
}
