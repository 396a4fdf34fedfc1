import {
  encodeMessage,
  encodeParameter,
  FieldReader,
  findParameter,
  type LlrpMessage,
  type LlrpParameter,
  messageTypes,
  notLlrp,
  parameterTypes,
  readParameters,
  u8,
  u16,
  u32,
} from './wire.ts';

/** The one ROSpec that we put on a reader: how it is to look for tags. */
export const ownRoSpec = 0x43570001;

export interface InventoryPlan {
  /** Antennas to use, 1 to …; empty: all. */
  readonly antennas: readonly number[];
  /** Session of the air protocol: in 0 a tag answers again and again, so that its presence is known. */
  readonly session: number;
  /** How many tags are expected at once. */
  readonly population: number;
}

export const getCapabilities = (id: number) =>
  // 1: general device capabilities only.
  encodeMessage(messageTypes.getReaderCapabilities, id, u8(1));

export const getIdentification = (id: number) =>
  // All antennas, requested data 1 (identification), all GPI and GPO ports.
  encodeMessage(messageTypes.getReaderConfig, id, u16(0), u8(1), u16(0), u16(0));

/** Asks for a keepalive every `keepaliveMs`, and to be told of antennas, exceptions and full buffers. */
export function setReaderConfig(id: number, keepaliveMs: number): Uint8Array {
  const events = [3, 4, 8].map((event) =>
    encodeParameter(parameterTypes.eventNotificationState, u16(event), u8(0x80)),
  );
  return encodeMessage(
    messageTypes.setReaderConfig,
    id,
    u8(0),
    encodeParameter(parameterTypes.readerEventNotificationSpec, ...events),
    encodeParameter(parameterTypes.keepaliveSpec, u8(1), u32(keepaliveMs)),
  );
}

export const deleteRoSpec = (id: number, roSpec: number) =>
  encodeMessage(messageTypes.deleteRoSpec, id, u32(roSpec));

export const enableRoSpec = (id: number, roSpec: number) =>
  encodeMessage(messageTypes.enableRoSpec, id, u32(roSpec));

/** Looks for tags from being enabled until it is deleted, and reports each as soon as it is read. */
export function addRoSpec(id: number, roSpec: number, plan: InventoryPlan): Uint8Array {
  const p = parameterTypes;
  const boundary = encodeParameter(
    p.roBoundarySpec,
    encodeParameter(p.roSpecStartTrigger, u8(1)), // immediate
    encodeParameter(p.roSpecStopTrigger, u8(0), u32(0)), // never
  );
  const antennas = plan.antennas.length === 0 ? [0] : plan.antennas;
  const command = encodeParameter(
    p.c1g2InventoryCommand,
    u8(0),
    encodeParameter(p.c1g2SingulationControl, u8(plan.session << 6), u16(plan.population), u32(0)),
  );
  const inventory = encodeParameter(
    p.inventoryParameterSpec,
    u16(1),
    u8(1), // EPCglobal Class 1 Gen 2
    ...antennas.map((antenna) => encodeParameter(p.antennaConfiguration, u16(antenna), command)),
  );
  const look = encodeParameter(
    p.aiSpec,
    u16(antennas.length),
    ...antennas.map(u16),
    encodeParameter(p.aiSpecStopTrigger, u8(0), u32(0)), // with the ROSpec
    inventory,
  );
  const report = encodeParameter(
    p.roReportSpec,
    u8(1), // upon N tags or the end of the AISpec
    u16(1),
    // Antenna (bit 12) and peak RSSI (bit 10).
    encodeParameter(p.tagReportContentSelector, u16((1 << 12) | (1 << 10))),
  );
  const spec = encodeParameter(p.roSpec, u32(roSpec), u8(0), u8(0), boundary, look, report);
  return encodeMessage(messageTypes.addRoSpec, id, spec);
}

export const closeConnection = (id: number) => encodeMessage(messageTypes.closeConnection, id);

export const keepaliveAck = (id: number) => encodeMessage(messageTypes.keepaliveAck, id);

export interface LlrpStatus {
  /** 0: success. */
  readonly code: number;
  readonly text: string;
}

/** The status in an answer, which is its first parameter. Throws CW-DRV-006 where there is none. */
export function readStatus({ body }: LlrpMessage): LlrpStatus {
  const status = findParameter(readParameters(body), parameterTypes.llrpStatus);
  if (status === undefined) throw notLlrp('an answer without status');
  const fields = new FieldReader(status);
  return { code: fields.u16(), text: fields.text() };
}

export interface ReaderCapabilities {
  readonly antennas: number;
  /** IANA private enterprise number of its maker. */
  readonly maker: number;
  readonly model: number;
  readonly firmware: string;
}

/** Undefined where the reader does not tell. Throws CW-DRV-006. */
export function readCapabilities({ body }: LlrpMessage): ReaderCapabilities | undefined {
  const general = findParameter(readParameters(body), parameterTypes.generalDeviceCapabilities);
  if (general === undefined) return undefined;
  const fields = new FieldReader(general);
  const antennas = fields.u16();
  fields.u16(); // flags
  return { antennas, maker: fields.u32(), model: fields.u32(), firmware: fields.text() };
}

/** The reader's MAC address or EPC in hexadecimal; undefined where it does not tell. Throws CW-DRV-006. */
export function readIdentification({ body }: LlrpMessage): string | undefined {
  const identification = findParameter(readParameters(body), parameterTypes.identification);
  if (identification === undefined) return undefined;
  const fields = new FieldReader(identification);
  fields.u8(); // 0: MAC address, 1: EPC
  return Buffer.from(fields.bytes(fields.u16())).toString('hex');
}

export interface SeenTag {
  readonly epc: Uint8Array;
  readonly antenna?: number;
  readonly rssiDbm?: number;
}

/** The tags of an RO_ACCESS_REPORT. Throws CW-DRV-006. */
export function readTags({ body }: LlrpMessage): SeenTag[] {
  return readParameters(body)
    .filter(({ type }) => type === parameterTypes.tagReportData)
    .map((report) => readTag(readParameters(report.body)));
}

function readTag(parameters: readonly LlrpParameter[]): SeenTag {
  const epc = readEpc(parameters);
  const antenna = findParameter(parameters, parameterTypes.antennaId);
  const rssi = findParameter(parameters, parameterTypes.peakRssi);
  return {
    epc,
    ...(antenna === undefined ? {} : { antenna: new FieldReader(antenna).u16() }),
    ...(rssi === undefined ? {} : { rssiDbm: new FieldReader(rssi).s8() }),
  };
}

function readEpc(parameters: readonly LlrpParameter[]): Uint8Array {
  const short = findParameter(parameters, parameterTypes.epc96);
  if (short !== undefined) return short.slice();
  const long = findParameter(parameters, parameterTypes.epcData);
  if (long === undefined) throw notLlrp('a tag without EPC');
  const fields = new FieldReader(long);
  const bits = fields.u16();
  const epc = fields.bytes(Math.ceil(bits / 8));
  if (epc.length === 0) throw notLlrp('a tag with an empty EPC');
  return epc;
}

export type ReaderEvent =
  | { readonly kind: 'connection'; readonly status: number }
  | { readonly kind: 'closing' }
  | { readonly kind: 'antenna'; readonly antenna: number; readonly connected: boolean }
  | { readonly kind: 'buffer'; readonly lost: boolean }
  | { readonly kind: 'exception'; readonly text: string };

/** What a READER_EVENT_NOTIFICATION tells; kinds that we don't use are left out. Throws CW-DRV-006. */
export function readEvents({ body }: LlrpMessage): ReaderEvent[] {
  const data = findParameter(readParameters(body), parameterTypes.readerEventNotificationData);
  if (data === undefined) throw notLlrp('a notification without data');
  return readParameters(data).flatMap(readEvent);
}

function readEvent({ type, body }: LlrpParameter): ReaderEvent[] {
  const fields = new FieldReader(body);
  switch (type) {
    case parameterTypes.connectionAttempt:
      return [{ kind: 'connection', status: fields.u16() }];
    case parameterTypes.connectionClose:
      return [{ kind: 'closing' }];
    case parameterTypes.antennaEvent: {
      const connected = fields.u8() === 1;
      return [{ kind: 'antenna', connected, antenna: fields.u16() }];
    }
    case parameterTypes.reportBufferLevelWarning:
      return [{ kind: 'buffer', lost: false }];
    case parameterTypes.reportBufferOverflow:
      return [{ kind: 'buffer', lost: true }];
    case parameterTypes.readerException:
      return [{ kind: 'exception', text: fields.text() }];
    default:
      return [];
  }
}
