/**
 * Packets of Zebra's Simple Serial Interface: [0] length without the checksum, [1] opcode, [2] source (0 scanner, 4 host),
 * [3] status, data, then two bytes of checksum, high byte first: 0x10000 less the sum of all before it.
 */
export interface SsiPacket {
  readonly opcode: number;
  readonly source: number;
  readonly status: number;
  readonly data: Uint8Array;
}

export const ssiSource = { scanner: 0x00, host: 0x04 } as const;

/** Bit 0: sent before; bit 1: more of the same message follows. */
export const ssiStatus = { retransmit: 0x01, continued: 0x02 } as const;

export const ssiOpcode = {
  management: 0x80,
  requestRevision: 0xa3,
  replyRevision: 0xa4,
  imageData: 0xb1,
  videoData: 0xb4,
  aimOff: 0xc4,
  aimOn: 0xc5,
  paramSend: 0xc6,
  acknowledge: 0xd0,
  refuse: 0xd1,
  capabilities: 0xd4,
  beep: 0xe6,
  startSession: 0xe4,
  stopSession: 0xe5,
  ledOn: 0xe7,
  ledOff: 0xe8,
  scanEnable: 0xe9,
  scanDisable: 0xea,
  decodeData: 0xf3,
  event: 0xf6,
} as const;

/** Why a packet is refused (CMD_NAK). */
export const ssiRefusal = { resend: 1, badContext: 2, denied: 6, cancelled: 10 } as const;

const headerBytes = 4;
const checksumBytes = 2;
export const longestSsiData = 255 - headerBytes;

/** What scanners send; anything else where an opcode belongs is no packet. */
const fromScanner: ReadonlySet<number> = new Set([
  ssiOpcode.management,
  ssiOpcode.replyRevision,
  ssiOpcode.imageData,
  ssiOpcode.videoData,
  ssiOpcode.paramSend,
  ssiOpcode.acknowledge,
  ssiOpcode.refuse,
  ssiOpcode.capabilities,
  ssiOpcode.decodeData,
  ssiOpcode.event,
]);

/** The bytes of a packet. Throws RangeError for more than 251 data bytes. */
export function encodeSsi({ opcode, source, status, data }: SsiPacket): Uint8Array {
  if (data.length > longestSsiData) throw new RangeError(`${data.length} data bytes do not fit a packet`);
  const length = headerBytes + data.length;
  const bytes = new Uint8Array(length + checksumBytes);
  bytes.set([length, opcode, source, status]);
  bytes.set(data, headerBytes);
  const sum = checksum(bytes.subarray(0, length));
  bytes.set([sum >> 8, sum & 0xff], length);
  return bytes;
}

function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return (0x10000 - (sum & 0xffff)) & 0xffff;
}

export interface SsiListener {
  packet(packet: SsiPacket): void;
  /** A packet whose checksum is wrong: it should be sent again. */
  corrupt(): void;
  /** The first of bytes that belong to no packet. */
  garbage(): void;
}

/**
 * Finds packets in a stream of bytes. NULs between packets are silently passed over: both sides send them to wake the
 * other. After anything else that is no packet it goes on byte by byte to what looks like a scanner's packet.
 */
export class SsiFramer {
  readonly #listener: SsiListener;
  readonly #bytes = new Uint8Array(255 + checksumBytes);
  #length = 0;
  #inGarbage = false;

  constructor(listener: SsiListener) {
    this.#listener = listener;
  }

  /** Bytes of a packet that is not complete yet; never more than 256. */
  get pending(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    for (const byte of bytes) {
      this.#bytes[this.#length++] = byte;
      this.#scan();
    }
  }

  /** Forgets what is incomplete: the rest of it does not come any more. */
  reset(): void {
    this.#length = 0;
    this.#inGarbage = false;
  }

  #scan(): void {
    while (this.#length > 0) {
      if (this.#bytes[0] === 0) {
        this.#drop(1);
      } else if (!this.#looksLikePacket()) {
        this.#dropGarbage();
      } else {
        const total = (this.#bytes[0] ?? 0) + checksumBytes;
        if (this.#length < total) return;
        this.#take(total);
      }
    }
  }

  #looksLikePacket(): boolean {
    const [length = 0, opcode = 0, source = 0] = this.#bytes;
    if (length < headerBytes) return false;
    if (this.#length > 1 && !fromScanner.has(opcode)) return false;
    return this.#length < 3 || source === ssiSource.scanner;
  }

  #take(total: number): void {
    const packet = this.#bytes.slice(0, total);
    const body = packet.subarray(0, total - checksumBytes);
    if (checksum(body) !== (packet[total - 2] ?? 0) * 256 + (packet[total - 1] ?? 0)) {
      // The length itself may be what is damaged, so that the next packet can have begun anywhere.
      if (!this.#inGarbage) this.#listener.corrupt();
      this.#inGarbage = true;
      this.#drop(1);
      return;
    }
    this.#drop(total);
    this.#inGarbage = false;
    const [, opcode = 0, source = 0, status = 0] = body;
    this.#listener.packet({ opcode, source, status, data: body.subarray(headerBytes) });
  }

  #dropGarbage(): void {
    if (!this.#inGarbage) this.#listener.garbage();
    this.#inGarbage = true;
    this.#drop(1);
  }

  #drop(count: number): void {
    this.#bytes.copyWithin(0, count, this.#length);
    this.#length -= count;
  }
}
