import { Duplex } from 'node:stream';

/** A PUBLISH that was thrown away unread. */
export interface OversizedPublish {
  readonly topic: string;
  /** Length of the whole packet after its fixed header, bytes. */
  readonly bytes: number;
}

const publishType = 3;
/** Topic length, the longest topic, and the packet id (MQTT 3.1.1 §3.3.2). */
const longestPrefix = 2 + 65_535 + 2;

/**
 * Follows the framing of MQTT (remaining length, §2.2.3) and lets through only packets up to a limit. The parser behind
 * it gathers a packet before looking at it, up to 256 MB; a gateway must not let its memory be filled from outside.
 * A larger PUBLISH is skipped as it comes in and acknowledged, so that it isn't sent again and frees the broker's window.
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

  /** Returns the part of `incoming` that may pass, in order. Throws for an oversized packet that isn't a PUBLISH. */
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
      this.#remaining = header.remaining;
      if (header.remaining > this.#maxBytes) {
        if (header.first >> 4 !== publishType) {
          throw new Error(`the broker sent a packet of ${header.remaining} bytes`);
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
}

/** The fixed header at `at`, or undefined while it is incomplete. A malformed length is left to the parser (remaining 0). */
function readHeader(chunk: Buffer, at: number): FixedHeader | undefined {
  let remaining = 0;
  for (let i = 1; i <= 4; i++) {
    const byte = chunk[at + i];
    const first = chunk[at];
    if (byte === undefined || first === undefined) return undefined;
    remaining += (byte & 0x7f) * 128 ** (i - 1);
    if ((byte & 0x80) === 0) return { first, remaining, length: i + 1 };
  }
  return { first: chunk[at] ?? 0, remaining: 0, length: 5 };
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
