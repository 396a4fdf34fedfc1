import type { Clock } from '#base/clock.ts';
import {
  encodeMessage,
  encodeParameter,
  FieldReader,
  findParameter,
  type LlrpMessage,
  MessageSplitter,
  messageTypes,
  parameterTypes as p,
  readParameters,
  u8,
  u16,
  u32,
  u64,
  utf8,
} from '../../tag-reader/llrp/wire.ts';
import type { BytePeer, PeerWire } from '../peer-ports.ts';

/** Status codes of LLRPStatus (clause 14.2.1). */
const status = {
  success: 0,
  parameterError: 100,
  unsupportedMessage: 109,
  invalid: 200,
  noSuchSpec: 201,
} as const;

interface Spec {
  readonly antennas: readonly number[];
  enabled: boolean;
}

export interface FieldTag {
  readonly epc: Uint8Array;
  readonly antenna: number;
  readonly rssiDbm: number;
}

/**
 * A UHF reader that speaks LLRP: it keeps ROSpecs, inventories the tags in its field several times a second while one
 * is enabled, and keeps the connection alive as it was told to. Built from the message layouts of the standard.
 */
export class LlrpReaderPeer implements BytePeer {
  readonly identity = { address: 'simulated:5084' };
  /** What is in the field, by any key. */
  readonly tags = new Map<string, FieldTag>();
  /** ROSpecs; they outlive a connection, as on a real reader. */
  readonly specs = new Map<number, Spec>();
  /** Who is connected already; a connection attempt is answered with 2 then. */
  occupied = false;
  /** It answers nothing and sends no keepalives, though the connection stands. */
  hung = false;
  acknowledged = 0;
  readonly #clock: Clock;
  readonly #inventoryUs: number;
  #wire: PeerWire<Uint8Array> | undefined;
  #splitter = new MessageSplitter();
  #cancels: (() => void)[] = [];
  #nextId = 1_000_000;

  /** @param inventoryUs how long one round over the field takes, µs */
  constructor(clock: Clock, inventoryUs = 50_000) {
    this.#clock = clock;
    this.#inventoryUs = inventoryUs;
  }

  opened(wire: PeerWire<Uint8Array>): void {
    this.#wire = wire;
    this.#splitter = new MessageSplitter();
    this.#notify(encodeParameter(p.connectionAttempt, u16(this.occupied ? 2 : 0)));
    if (this.occupied) this.#wire = undefined;
    else this.#repeat(this.#inventoryUs, () => this.#inventory());
  }

  received(bytes: Uint8Array): void {
    if (this.#wire === undefined || this.hung) return;
    for (const message of this.#splitter.push(bytes)) this.#answer(message);
  }

  closed(): void {
    this.#wire = undefined;
    for (const cancel of this.#cancels.splice(0)) cancel();
  }

  setAntenna(antenna: number, connected: boolean): void {
    this.#notify(encodeParameter(p.antennaEvent, u8(connected ? 1 : 0), u16(antenna)));
  }

  overflow(): void {
    this.#notify(encodeParameter(p.reportBufferOverflow));
  }

  announceClosing(): void {
    this.#notify(encodeParameter(p.connectionClose));
  }

  /** Bytes that are no LLRP. */
  babble(bytes: Uint8Array): void {
    this.#wire?.send(bytes);
  }

  #send(type: number, id: number, ...parts: readonly Uint8Array[]): void {
    if (!this.hung) this.#wire?.send(encodeMessage(type, id, ...parts));
  }

  #notify(event: Uint8Array): void {
    const now = encodeParameter(p.utcTimestamp, u64(this.#clock.utcMs() * 1000));
    this.#send(
      messageTypes.readerEventNotification,
      this.#nextId++,
      encodeParameter(p.readerEventNotificationData, now, event),
    );
  }

  #answer(message: LlrpMessage): void {
    const { type, id, body } = message;
    const m = messageTypes;
    const answer = (answerType: number, code: number, ...parts: readonly Uint8Array[]) =>
      this.#send(answerType, id, statusOf(code), ...parts);
    if (type === m.getReaderCapabilities)
      answer(m.getReaderCapabilitiesResponse, status.success, capabilities());
    else if (type === m.getReaderConfig) answer(m.getReaderConfigResponse, status.success, identification());
    else if (type === m.setReaderConfig) answer(m.setReaderConfigResponse, this.#configure(body));
    else if (type === m.addRoSpec) answer(m.addRoSpecResponse, this.#add(body));
    else if (type === m.deleteRoSpec) answer(m.deleteRoSpecResponse, this.#delete(body));
    else if (type === m.enableRoSpec) answer(m.enableRoSpecResponse, this.#enable(body));
    else if (type === m.closeConnection) answer(m.closeConnectionResponse, status.success);
    else if (type === m.keepaliveAck) this.acknowledged += 1;
    else this.#send(m.errorMessage, id, statusOf(status.unsupportedMessage, `message ${type}`));
  }

  #configure(body: Uint8Array): number {
    // A byte of flags comes first.
    const keepalive = findParameter(readParameters(body, 1), p.keepaliveSpec);
    if (keepalive === undefined) return status.success;
    const fields = new FieldReader(keepalive);
    const periodic = fields.u8() === 1;
    const everyMs = fields.u32();
    if (periodic && everyMs === 0) return status.invalid;
    if (periodic) this.#repeat(everyMs * 1000, () => this.#send(messageTypes.keepalive, this.#nextId++));
    return status.success;
  }

  #add(body: Uint8Array): number {
    const spec = findParameter(readParameters(body), p.roSpec);
    if (spec === undefined) return status.parameterError;
    const fields = new FieldReader(spec);
    const id = fields.u32();
    fields.u8(); // priority
    const state = fields.u8();
    const parameters = readParameters(spec, fields.offset);
    const look = findParameter(parameters, p.aiSpec);
    const complete = findParameter(parameters, p.roBoundarySpec) !== undefined && look !== undefined;
    if (id === 0 || state !== 0 || !complete || this.specs.has(id)) return status.invalid;
    const antennaFields = new FieldReader(look);
    const antennas = Array.from({ length: antennaFields.u16() }, () => antennaFields.u16());
    const rest = readParameters(look, antennaFields.offset);
    if (antennas.length === 0 || findParameter(rest, p.inventoryParameterSpec) === undefined)
      return status.invalid;
    this.specs.set(id, { antennas, enabled: false });
    return status.success;
  }

  #delete(body: Uint8Array): number {
    const id = new FieldReader(body).u32();
    if (id === 0) this.specs.clear();
    else if (!this.specs.delete(id)) return status.noSuchSpec;
    return status.success;
  }

  #enable(body: Uint8Array): number {
    const spec = this.specs.get(new FieldReader(body).u32());
    if (spec === undefined) return status.noSuchSpec;
    spec.enabled = true;
    return status.success;
  }

  /** One round over the field: each tag is reported in a report of its own, as triggered by N = 1. */
  #inventory(): void {
    for (const [id, { enabled, antennas }] of this.specs) {
      if (!enabled) continue;
      for (const { epc, antenna, rssiDbm } of this.tags.values()) {
        if (!antennas.includes(0) && !antennas.includes(antenna)) continue;
        const code =
          epc.length === 12
            ? encodeParameter(p.epc96, epc)
            : encodeParameter(p.epcData, u16(epc.length * 8), epc);
        const report = encodeParameter(
          p.tagReportData,
          code,
          encodeParameter(p.roSpecId, u32(id)),
          encodeParameter(p.antennaId, u16(antenna)),
          encodeParameter(p.peakRssi, u8(rssiDbm)),
        );
        this.#send(messageTypes.roAccessReport, this.#nextId++, report);
      }
    }
  }

  #repeat(everyUs: number, action: () => void): void {
    const index = this.#cancels.length;
    const next = () => {
      this.#cancels[index] = this.#clock.after(everyUs, () => {
        action();
        next();
      });
    };
    next();
  }
}

function statusOf(code: number, text = ''): Uint8Array {
  return encodeParameter(p.llrpStatus, u16(code), utf8(text));
}

function capabilities(): Uint8Array {
  // Four antennas, with a UTC clock, enterprise number 0 (reserved), model 1.
  return encodeParameter(p.generalDeviceCapabilities, u16(4), u16(0x4000), u32(0), u32(1), utf8('1.0.0'));
}

function identification(): Uint8Array {
  // A MAC address of the range for documentation (RFC 7042).
  return encodeParameter(p.identification, u8(0), u16(8), Uint8Array.of(0, 0, 0x5e, 0xff, 0xfe, 0, 0x53, 1));
}
