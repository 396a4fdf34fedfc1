import { Duplex } from 'node:stream';

/** A PUBLISH that was thrown away unread. */
export interface OversizedPublish {
  readonly topic: string;
  /** Length of the whole packet after its fixed header, bytes. */
  readonly bytes: number;
}

/** The broker sent what no broker may. */
export class MalformedPacket extends Error {}

const publishType = 3;
/** What a broker may send: CONNACK, PUBLISH, the acknowledgements, PINGRESP, DISCONNECT. Not AUTH, which nobody asked for. */
const fromBroker = new Set([2, publishType, 4, 5, 6, 7, 9, 11, 13, 14]);
/** PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK begin with a packet id. */
const withId = new Set([4, 5, 6, 7, 9, 11]);
/** Topic length, the longest topic, and the packet id (MQTT 3.1.1 §3.3.2). */
const longestPrefix = 2 + 65_535 + 2;

/**
 * Follows the framing of MQTT (remaining length, §2.2.3) and lets through only packets up to a limit. The parser behind
 * it gathers a packet before looking at it, up to 256 MB; a gateway must not let its memory be filled from outside.
 * A larger PUBLISH is skipped as it comes in and acknowledged, so that it isn't sent again and frees the broker's window.
 * What no broker may send, or is too short for what has to be in it, ends the connection here: MQTT.js 5.16 throws where
 * it answers a packet whose id it could not read.
 */
export class PacketGuard {
  readonly #maxBytes: number;
  readonly #onOversized: (publish: OversizedPublish, packetId: number | undefined) => void;
  #pending: Buffer = Buffer.alloc(0);
  #remaining = 0;
  #skipping: { flags: number; bytes: number; prefix: Buffer[]; held: number } | undefined;

  /** @param onOversized called once a skipped packet has passed; `packetId` is there for QoS 1 */
  constructor(
    maxBytes: number,
    onOversized: (publish: OversizedPublish, packetId: number | undefined) => void,
  ) {
    this.#maxBytes = maxBytes;
    this.#onOversized = onOversized;
  }

  /** Returns the part of `incoming` that may pass, in order. Throws MalformedPacket, also for an oversized packet that isn't a PUBLISH. */
  feed(incoming: Buffer): Buffer[] {
    const chunk = this.#pending.length === 0 ? incoming : Buffer.concat([this.#pending, incoming]);
    this.#pending = Buffer.alloc(0);
    const passed: Buffer[] = [];
    let from = 0;
    let at = 0;
    const pass = (to: number) => {
      if (to > from) passed.push(chunk.subarray(from, to));
    };
    while (at < chunk.length) {
      if (this.#remaining > 0) {
        const taken = Math.min(this.#remaining, chunk.length - at);
        if (this.#skipping !== undefined) this.#skip(chunk.subarray(at, at + taken));
        at += taken;
        this.#remaining -= taken;
        if (this.#skipping !== undefined) {
          from = at;
          if (this.#remaining === 0) this.#finishSkipping();
        }
        continue;
      }
      const header = readHeader(chunk, at);
      if (header === undefined) {
        pass(at);
        this.#pending = Buffer.from(chunk.subarray(at));
        return passed;
      }
      checkHeader(header);
      this.#remaining = header.remaining;
      if (header.remaining > this.#maxBytes) {
        if (header.first >> 4 !== publishType) {
          throw new MalformedPacket(`the broker sent a packet of ${header.remaining} bytes`);
        }
        pass(at);
        this.#skipping = { flags: header.first & 0x0f, bytes: header.remaining, prefix: [], held: 0 };
        from = at + header.length;
      }
      at += header.length;
    }
    pass(at);
    return passed;
  }

  #skip(part: Buffer): void {
    const skipping = this.#skipping;
    if (skipping === undefined || skipping.held >= longestPrefix) return;
    const kept = Buffer.from(part.subarray(0, longestPrefix - skipping.held));
    skipping.prefix.push(kept);
    skipping.held += kept.length;
  }

  #finishSkipping(): void {
    const skipping = this.#skipping;
    this.#skipping = undefined;
    if (skipping === undefined) return;
    const prefix = Buffer.concat(skipping.prefix);
    const topicBytes = prefix.length >= 2 ? prefix.readUInt16BE(0) : 0;
    const qos = (skipping.flags >> 1) & 3;
    const idAt = 2 + topicBytes;
    const packetId = qos > 0 && idAt + 2 <= prefix.length ? prefix.readUInt16BE(idAt) : undefined;
    const topic = prefix.subarray(2, 2 + topicBytes).toString('utf8');
    this.#onOversized({ topic, bytes: skipping.bytes }, packetId);
  }
}

interface FixedHeader {
  readonly first: number;
  readonly remaining: number;
  readonly length: number;
  /** Of a PUBLISH: the length of its topic. */
  readonly topicBytes: number;
}

/**
 * The fixed header at `at`, of a PUBLISH with the length of its topic, or undefined while it is incomplete. Throws for a length
 * of more than four bytes.
 */
function readHeader(chunk: Buffer, at: number): FixedHeader | undefined {
  let remaining = 0;
  for (let i = 1; i <= 4; i++) {
    const byte = chunk[at + i];
    const first = chunk[at];
    if (byte === undefined || first === undefined) return undefined;
    remaining += (byte & 0x7f) * 128 ** (i - 1);
    if ((byte & 0x80) !== 0) continue;
    const length = i + 1;
    if (first >> 4 !== publishType || remaining < 2) return { first, remaining, length, topicBytes: 0 };
    if (chunk.length < at + length + 2) return undefined;
    return { first, remaining, length, topicBytes: chunk.readUInt16BE(at + length) };
  }
  throw new MalformedPacket('the broker sent a packet without an end to its length');
}

/** Throws for a packet that no broker may send, and for one that is too short for its topic or its id. */
function checkHeader({ first, remaining, topicBytes }: FixedHeader): void {
  const type = first >> 4;
  if (!fromBroker.has(type))
    throw new MalformedPacket(`the broker sent a packet of type ${type}, which only clients send`);
  const qos = type === publishType ? (first >> 1) & 3 : 0;
  const least = type === publishType ? 2 + topicBytes + (qos > 0 ? 2 : 0) : withId.has(type) ? 2 : 0;
  if (qos === 3 || remaining < least) {
    throw new MalformedPacket(`the broker sent a malformed packet of type ${type} (${remaining} bytes)`);
  }
}

/** A connected socket whose incoming side passes a `PacketGuard`. Destroying it destroys the socket. */
export class GuardedStream extends Duplex {
  readonly #socket: Duplex;

  constructor(socket: Duplex, maxBytes: number, onOversized: (publish: OversizedPublish) => void) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    const guard = new PacketGuard(maxBytes, (publish, packetId) => {
      if (packetId !== undefined) socket.write(Buffer.from([0x40, 0x02, packetId >> 8, packetId & 0xff]));
      onOversized(publish);
    });
    socket.on('data', (data: Buffer) => {
      try {
        for (const part of guard.feed(data)) if (!this.push(part)) socket.pause();
      } catch (error) {
        this.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
