import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { type IConnackPacket, type IPublishPacket, MqttClient } from 'mqtt';
import { describeError } from '#base/errors.ts';
import type { Random } from '#base/random.ts';
import { Addresses, settledMs } from './addresses.ts';
import { distrust, isTlsError, openSocket, type TlsFiles, unreachable, unusable } from './broker-socket.ts';
import { UplinkError } from './errors.ts';
import { GuardedStream, MalformedPacket } from './packet-guard.ts';
import { type Protocol, Protocols } from './protocols.ts';
import type { Transport } from './quota.ts';

export interface LinkOptions {
  /** `mqtt://host:port` or `mqtts://host:port`, of one broker: the nodes of a cluster, the preferred one first. */
  readonly urls: readonly string[];
  readonly protocol: 'auto' | Protocol;
  readonly clientId: string;
  readonly username?: string | undefined;
  /** Read at each connection, so that a new password needs no restart. */
  readonly passwordFile?: string | undefined;
  /** Files in PEM, read at each connection, for mqtts://. */
  readonly tls?: TlsFiles | undefined;
  readonly keepaliveS: number;
  readonly reconnectFirstMs: number;
  readonly reconnectMaxMs: number;
  /** From TCP to CONNACK, ms. */
  readonly connectTimeoutMs: number;
  /** Largest packet that is taken from the broker, bytes. */
  readonly maxIncomingBytes: number;
}

export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** One accepted connection. */
export interface Session {
  readonly client: MqttClient;
  /** The address that was reached. */
  readonly url: string;
  readonly protocol: Protocol;
  /** How many QoS 1 messages the broker takes before it acknowledges; 65,535 unless it says otherwise. */
  readonly receiveMaximum: number;
  /** Largest packet that the broker takes, bytes. */
  readonly maximumPacketSize: number;
}

/** Why a session ended: its last word, and whether the broker did it. */
export interface SessionEnd {
  readonly reason: string;
  /** `taken-over`: it said that another client has the session; `closed`: it hung up; `broken`: network, time-out, or ourselves. */
  readonly by: 'taken-over' | 'closed' | 'broken';
}

export interface LinkHooks {
  /** The last will of the connection about to be made to an address; called once per CONNECT. */
  will(url: string): Will;
  up(session: Session): void;
  /** A session ended. Returns how long to leave the broker alone, ms; 0 for the usual delay. */
  down(end: SessionEnd): number;
  /** There is no session, and why; also after an attempt that failed. */
  away(reason: string): void;
  /** `done` acknowledges the message. */
  message(packet: IPublishPacket, done: () => void): void;
  fault(error: UplinkError): void;
}

/**
 * The broker has too much to do: CONNACK 3 of 3.1.1; 5's server unavailable, server busy, quota exceeded, connection rate
 * exceeded, in CONNACK and DISCONNECT.
 */
const busyCodes = new Set([3, 0x88, 0x89, 0x97, 0x9f]);
const takenOver = 0x8e;
/** Connections in a row that the broker ended soon after it accepted them, until that is reported. */
const quickEndsUntilReported = 5;

/** One connection, from the first try on. */
interface Dial {
  readonly url: string;
  readonly socket: Socket;
  client: MqttClient | undefined;
  /** What the end is put down to, where more is known than the socket's error. */
  reason: string | undefined;
  by: SessionEnd['by'] | undefined;
  refused: boolean;
  busy: boolean;
  upSince: number;
}

/**
 * Keeps one connection to the broker, at one of its addresses. MQTT.js is transport only: each connection is a client of its
 * own that never reconnects and whose queue is thrown away with it; what must arrive is kept by the outbox and by `Retained`.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #hooks: LinkHooks;
  readonly #addresses: Addresses;
  readonly #protocols: Protocols;
  #stopped = true;
  #timer: NodeJS.Timeout | undefined;
  #dial: Dial | undefined;
  #session: Session | undefined;
  #quickEnds = 0;
  #ended: (() => void) | undefined;

  constructor(options: LinkOptions, hooks: LinkHooks, random: Pick<Random, 'next'>) {
    this.#options = options;
    this.#hooks = hooks;
    const { urls, clientId, reconnectFirstMs, reconnectMaxMs, protocol } = options;
    this.#addresses = new Addresses(
      { urls, key: clientId, firstMs: reconnectFirstMs, maxMs: reconnectMaxMs },
      random,
    );
    this.#protocols = new Protocols(protocol);
  }

  get session(): Session | undefined {
    return this.#session;
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#again();
  }

  /** Sends DISCONNECT (so that the broker drops the will) and ends. Waits at most `withinMs`. Idempotent. */
  async stop(withinMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const { client, socket } = this.#dial ?? {};
    if (client !== undefined && this.#session !== undefined) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        this.#ended = () => {
          clearTimeout(timer);
          resolve();
        };
        client.end(false);
      });
    }
    socket?.destroy();
    this.#session = undefined;
  }

  /** Ends this connection as broken; the next one follows after the usual delay. */
  abandon(reason: string): void {
    if (this.#dial !== undefined) this.#giveUp(this.#dial, reason);
  }

  #giveUp(dial: Dial, reason: string): void {
    dial.reason ??= reason;
    dial.by ??= 'broken';
    dial.socket.destroy();
  }

  #connect(url: string): void {
    let socket: Socket;
    try {
      socket = openSocket(url, this.#options.tls);
    } catch (error) {
      this.#hooks.fault(unusable(url, error));
      this.#hooks.away(describeError(error));
      this.#addresses.failed(url, performance.now());
      this.#again();
      return;
    }
    const dial: Dial = {
      ...{ url, socket, client: undefined, reason: undefined, by: undefined },
      ...{ refused: false, busy: false, upSince: 0 },
    };
    this.#dial = dial;
    const secure = url.startsWith('mqtts:');
    socket.setNoDelay(true);
    socket.setTimeout(this.#options.connectTimeoutMs, () => {
      if (dial.client === undefined) socket.destroy(new Error('no answer'));
    });
    let failure: Error = new Error('closed');
    let reached = false;
    socket.once('connect', () => {
      reached = true;
    });
    socket.once('end', () => {
      dial.by ??= 'closed';
    });
    socket.on('error', (error) => {
      failure = error;
      if (isTlsError(error)) dial.reason = describeError(error);
      else if ('code' in error && error.code === 'ECONNRESET') dial.by ??= 'closed';
    });
    socket.once('close', () => {
      if (secure && (isTlsError(failure) || (reached && dial.client === undefined))) {
        this.#hooks.fault(distrust(url, failure));
        // The other version would fail in the same way.
        dial.refused = true;
      } else if (dial.client === undefined) this.#hooks.fault(unreachable(url, failure));
      this.#down(dial, dial.reason ?? describeError(failure));
    });
    socket.once(secure ? 'secureConnect' : 'connect', () => this.#handshake(dial));
  }

  #handshake(dial: Dial): void {
    const { url, socket } = dial;
    socket.setTimeout(0);
    const protocol = this.#protocols.of(url);
    let client: MqttClient;
    try {
      client = this.#createClient(dial, protocol);
    } catch (error) {
      this.#hooks.fault(unusable(url, error));
      dial.refused = true;
      socket.destroy();
      return;
    }
    dial.client = client;
    const watch = setTimeout(
      () => this.#giveUp(dial, 'the broker did not answer CONNECT'),
      this.#options.connectTimeoutMs,
    );
    socket.once('close', () => clearTimeout(watch));
    client.on('error', (error) => this.#onClientError(dial, error));
    client.on('disconnect', ({ reasonCode = 0 }) => {
      dial.busy = busyCodes.has(reasonCode);
      if (reasonCode === takenOver) {
        dial.reason = 'another device with this identity took the session over';
        dial.by = 'taken-over';
      } else dial.reason ??= `the broker ended the connection (reason ${reasonCode})`;
    });
    client.handleMessage = (packet, done) => this.#hooks.message(packet, () => done());
    client.once('connect', (packet) => {
      clearTimeout(watch);
      dial.upSince = performance.now();
      this.#protocols.accepted(url, protocol);
      this.#session = describeSession(client, url, protocol, packet, this.#options.maxIncomingBytes);
      this.#hooks.up(this.#session);
    });
  }

  #createClient(dial: Dial, protocol: Protocol): MqttClient {
    const { url, socket } = dial;
    const { passwordFile, username, maxIncomingBytes, keepaliveS, clientId } = this.#options;
    const will = this.#hooks.will(url);
    const stream = new GuardedStream(socket, maxIncomingBytes, ({ topic, bytes }) =>
      this.#hooks.fault(
        new UplinkError(
          'CW-UPL-025',
          `a message of ${bytes} bytes on ${JSON.stringify(topic.slice(0, 200))} was ignored; at most ${maxIncomingBytes} are taken`,
          { details: { bytes, limitBytes: maxIncomingBytes } },
        ),
      ),
    );
    stream.once('error', (error) => {
      if (error instanceof MalformedPacket) this.#malformed(dial, error);
    });
    return new MqttClient(() => stream, {
      protocolVersion: protocol === '5' ? 5 : 4,
      protocolId: 'MQTT',
      clientId,
      clean: true,
      keepalive: keepaliveS,
      reconnectPeriod: 0,
      connectTimeout: this.#options.connectTimeoutMs,
      resubscribe: false,
      queueQoSZero: false,
      ...(username === undefined ? {} : { username }),
      ...(passwordFile === undefined
        ? {}
        : { password: readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '') }),
      // No Maximum Packet Size: Mosquitto 2.0 gives a QoS 1 message that it withholds a place in our window for ever, so
      // a few of them would shut out every request. What is too large is skipped, and acknowledged, on our side.
      ...(protocol === '5' ? { properties: { sessionExpiryInterval: 0 } } : {}),
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
    });
  }

  #malformed(dial: Dial, error: MalformedPacket): void {
    this.#hooks.fault(
      new UplinkError(
        'CW-UPL-034',
        `${error.message}; the connection was ended. Check that ${dial.url} is an MQTT broker, and what stands between`,
        { details: { url: dial.url } },
      ),
    );
    this.#giveUp(dial, error.message);
  }

  #onClientError(dial: Dial, error: Error & { code?: number | string }): void {
    if (this.#session !== undefined || typeof error.code !== 'number') {
      this.#giveUp(dial, describeError(error));
      return;
    }
    dial.reason = `the broker refused the connection: ${error.message}`;
    dial.busy = busyCodes.has(error.code);
    if (!this.#protocols.isOther(error.code)) {
      dial.refused = true;
      this.#hooks.fault(
        new UplinkError(
          'CW-UPL-021',
          `${dial.url} refused the connection (${error.message}); check broker.username, broker.passwordFile and the broker's access rules`,
          { details: { reasonCode: error.code, url: dial.url } },
        ),
      );
    }
    dial.socket.destroy();
  }

  #down(dial: Dial, reason: string): void {
    const wasUp = this.#session !== undefined;
    this.#session = undefined;
    this.#dial = undefined;
    dial.client?.end(true);
    this.#ended?.();
    const nowMs = performance.now();
    let leaveMs = 0;
    if (wasUp) {
      const upMs = nowMs - dial.upSince;
      this.#addresses.lost(dial.url, nowMs, upMs);
      this.#countQuickEnds(dial, upMs);
      leaveMs = this.#hooks.down({ reason, by: dial.by ?? 'broken' });
    } else {
      this.#hooks.away(reason);
      const handshook = dial.client !== undefined && !dial.refused;
      // A broker that doesn't know the version answers so, or just hangs up: the other one is tried at once, and back.
      if (handshook && this.#protocols.refused(dial.url) && !this.#stopped) {
        this.#connect(dial.url);
        return;
      }
      this.#addresses.failed(dial.url, nowMs);
    }
    if (dial.busy) this.#addresses.busy(dial.url, nowMs);
    this.#again(leaveMs);
  }

  #countQuickEnds({ url, by }: Dial, upMs: number): void {
    this.#quickEnds = upMs < settledMs && by === 'closed' ? this.#quickEnds + 1 : 0;
    if (this.#quickEnds < quickEndsUntilReported) return;
    this.#hooks.fault(
      new UplinkError(
        'CW-UPL-033',
        `${url} accepted the last ${this.#quickEnds} connections and ended each within ${settledMs / 1_000} s without saying why; see its log. Another device with this name, a rule of access or a limit of the broker does that`,
        { details: { url, times: this.#quickEnds } },
      ),
    );
  }

  #again(leaveMs = 0): void {
    if (this.#stopped) return;
    const { url, delayMs } = this.#addresses.next(performance.now());
    if (delayMs + leaveMs === 0) this.#connect(url);
    else if (leaveMs > 0) this.#timer = setTimeout(() => this.#again(), leaveMs);
    else this.#timer = setTimeout(() => this.#connect(url), delayMs);
  }
}

function describeSession(
  client: MqttClient,
  url: string,
  protocol: Protocol,
  connack: IConnackPacket,
  fallbackBytes: number,
): Session {
  const { receiveMaximum, maximumPacketSize } = connack.properties ?? {};
  return {
    client,
    url,
    protocol,
    receiveMaximum: receiveMaximum ?? 65_535,
    maximumPacketSize: maximumPacketSize ?? Math.max(fallbackBytes, 268_435_455),
  };
}

/** A session as a way to send: QoS 1 answers with PUBACK or the broker's refusal, or not at all where it ends before. */
export function transportOf(session: Session): Transport {
  const { client } = session;
  return {
    maximumPacketSize: session.maximumPacketSize,
    publish(topic, payload, { qos, retain }, done) {
      client.publish(
        topic,
        Buffer.from(payload.buffer, payload.byteOffset, payload.length),
        { qos, retain },
        (error) => {
          if (error === undefined || error === null) done(undefined);
          // Anything but the broker's own word means that the connection ended: the next one sends it again.
          else if ('code' in error && typeof error.code === 'number' && error.code >= 0x80) done(error.code);
        },
      );
    },
  };
}
