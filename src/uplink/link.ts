import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type IConnackPacket, type IPublishPacket, MqttClient } from 'mqtt';
import { describeError } from '#base/errors.ts';
import type { Random } from '#base/random.ts';
import { Backoff } from '#base/retry.ts';
import { UplinkError } from './errors.ts';
import { GuardedStream } from './packet-guard.ts';
import type { Transport } from './quota.ts';

export type Protocol = '5' | '3.1.1';

export interface LinkOptions {
  /** `mqtt://host:port` or `mqtts://host:port`. */
  readonly url: string;
  readonly protocol: 'auto' | Protocol;
  readonly clientId: string;
  readonly username?: string | undefined;
  /** Read at each connection, so that a new password needs no restart. */
  readonly passwordFile?: string | undefined;
  /** Files in PEM, read at each connection, for mqtts://. */
  readonly tls?:
    | {
        readonly caFile?: string | undefined;
        readonly certFile?: string | undefined;
        readonly keyFile?: string | undefined;
      }
    | undefined;
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
  readonly protocol: Protocol;
  /** How many QoS 1 messages the broker takes before it acknowledges; 65,535 unless it says otherwise. */
  readonly receiveMaximum: number;
  /** Largest packet that the broker takes, bytes. */
  readonly maximumPacketSize: number;
}

export interface LinkHooks {
  /** The last will of the connection about to be made; called once per CONNECT. */
  will(): Will;
  up(session: Session): void;
  down(reason: string): void;
  /** `done` acknowledges the message. */
  message(packet: IPublishPacket, done: () => void): void;
  fault(error: UplinkError): void;
}

/** A connection that lasted this long was a good one: only then the next delay is short again. */
const settledMs = 10_000;
/** CONNACK codes that mean "not this version": 3.1.1's 1 and 5's 0x84. */
const wrongVersion = new Set([1, 0x84]);
const takenOver = 0x8e;

/**
 * Keeps one connection to the broker. MQTT.js is transport only: each connection is a client of its own that never
 * reconnects and whose queue is thrown away with it; what must arrive is kept by the outbox and by `Retained`.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #hooks: LinkHooks;
  readonly #backoff: Backoff;
  #stopped = true;
  #timer: NodeJS.Timeout | undefined;
  #socket: Socket | undefined;
  #client: MqttClient | undefined;
  #session: Session | undefined;
  #protocol: Protocol;
  #downReason: string | undefined;
  #upSince = 0;
  #refused = false;
  #ended: (() => void) | undefined;

  constructor(options: LinkOptions, hooks: LinkHooks, random: Pick<Random, 'next'>) {
    this.#options = options;
    this.#hooks = hooks;
    this.#backoff = new Backoff(
      {
        firstMs: Math.max(10, options.reconnectFirstMs),
        maxMs: Math.max(options.reconnectFirstMs, options.reconnectMaxMs, 10),
      },
      random,
    );
    this.#protocol = options.protocol === 'auto' ? '5' : options.protocol;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#connect();
  }

  /** Sends DISCONNECT (so that the broker drops the will) and ends. Waits at most `withinMs`. Idempotent. */
  async stop(withinMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const client = this.#client;
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
    this.#socket?.destroy();
    this.#session = undefined;
  }

  /** Ends this connection as broken; the next one follows after the usual delay. */
  abandon(reason: string): void {
    this.#downReason ??= reason;
    this.#socket?.destroy();
  }

  #connect(): void {
    this.#downReason = undefined;
    this.#refused = false;
    let socket: Socket;
    try {
      socket = openSocket(this.#options);
    } catch (error) {
      const problem = unusable(this.#options.url, error);
      this.#hooks.fault(problem);
      this.#again();
      return;
    }
    this.#socket = socket;
    const secure = this.#options.url.startsWith('mqtts:');
    socket.setNoDelay(true);
    socket.setTimeout(this.#options.connectTimeoutMs, () => {
      if (this.#client === undefined) socket.destroy(new Error('no answer'));
    });
    let failure: Error = new Error('closed');
    let reached = false;
    socket.once('connect', () => {
      reached = true;
    });
    socket.on('error', (error) => {
      failure = error;
      if (isTlsError(error)) this.#downReason = describeError(error);
    });
    socket.once('close', () => {
      if (secure && (isTlsError(failure) || (reached && this.#client === undefined))) {
        this.#hooks.fault(distrust(this.#options.url, failure));
        // The other version would fail in the same way.
        this.#refused = true;
      } else if (this.#client === undefined) {
        this.#hooks.fault(
          new UplinkError(
            'CW-UPL-020',
            `${this.#options.url} can not be reached (${describeError(failure)}); events wait on disk. Check the network and broker.url`,
          ),
        );
      }
      this.#down(this.#downReason ?? describeError(failure));
    });
    socket.once(secure ? 'secureConnect' : 'connect', () => this.#handshake(socket));
  }

  #handshake(socket: Socket): void {
    socket.setTimeout(0);
    const protocol = this.#protocol;
    const { maxIncomingBytes } = this.#options;
    let client: MqttClient;
    try {
      client = this.#createClient(socket, protocol);
    } catch (error) {
      this.#hooks.fault(unusable(this.#options.url, error));
      socket.destroy();
      return;
    }
    this.#client = client;
    const watch = setTimeout(
      () => this.abandon('the broker did not answer CONNECT'),
      this.#options.connectTimeoutMs,
    );
    socket.once('close', () => clearTimeout(watch));
    client.on('error', (error) => this.#onClientError(error));
    client.on('disconnect', (packet) => {
      if (packet.reasonCode === takenOver) this.#downReason = 'session taken over';
      else this.#downReason ??= `the broker ended the connection (reason ${packet.reasonCode ?? 0})`;
    });
    client.handleMessage = (packet, done) => this.#hooks.message(packet, () => done());
    client.once('connect', (packet) => {
      clearTimeout(watch);
      this.#upSince = performance.now();
      this.#session = describeSession(client, protocol, packet, maxIncomingBytes);
      this.#hooks.up(this.#session);
    });
  }

  #createClient(socket: Socket, protocol: Protocol): MqttClient {
    const { passwordFile, username, maxIncomingBytes, keepaliveS, clientId } = this.#options;
    const will = this.#hooks.will();
    const stream = new GuardedStream(socket, maxIncomingBytes, ({ topic, bytes }) =>
      this.#hooks.fault(
        new UplinkError(
          'CW-UPL-025',
          `a message of ${bytes} bytes on ${JSON.stringify(topic.slice(0, 200))} was ignored; at most ${maxIncomingBytes} are taken`,
          { details: { bytes, limitBytes: maxIncomingBytes } },
        ),
      ),
    );
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

  #onClientError(error: Error & { code?: number | string }): void {
    if (this.#session !== undefined || typeof error.code !== 'number') {
      this.#downReason ??= describeError(error);
      this.#socket?.destroy();
      return;
    }
    this.#downReason = `the broker refused the connection: ${error.message}`;
    const other = wrongVersion.has(error.code) && this.#options.protocol === 'auto';
    if (!other) {
      this.#refused = true;
      this.#hooks.fault(
        new UplinkError(
          'CW-UPL-021',
          `${this.#options.url} refused the connection (${error.message}); check broker.username, broker.passwordFile and the broker's access rules`,
          { details: { reasonCode: error.code } },
        ),
      );
    }
    this.#socket?.destroy();
  }

  #down(reason: string): void {
    const wasUp = this.#session !== undefined;
    const handshook = this.#client !== undefined;
    this.#session = undefined;
    const client = this.#client;
    this.#client = undefined;
    this.#socket = undefined;
    client?.end(true);
    this.#ended?.();
    if (wasUp) {
      this.#hooks.down(reason);
      if (performance.now() - this.#upSince >= settledMs) this.#backoff.reset();
    } else if (handshook && !this.#refused && this.#options.protocol === 'auto') {
      // A broker that doesn't know the version answers so, or just hangs up: the other one is tried at once, and back.
      const first = this.#protocol === '5';
      this.#protocol = first ? '3.1.1' : '5';
      if (first && !this.#stopped) {
        this.#connect();
        return;
      }
    }
    this.#again();
  }

  #again(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.#connect(), this.#backoff.nextMs());
  }
}

function describeSession(
  client: MqttClient,
  protocol: Protocol,
  connack: IConnackPacket,
  fallbackBytes: number,
): Session {
  const { receiveMaximum, maximumPacketSize } = connack.properties ?? {};
  return {
    client,
    protocol,
    receiveMaximum: receiveMaximum ?? 65_535,
    maximumPacketSize: maximumPacketSize ?? Math.max(fallbackBytes, 268_435_455),
  };
}

function openSocket(options: LinkOptions): Socket {
  const url = new URL(options.url);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (url.protocol === 'mqtt:') return connectTcp({ host, port: Number(url.port || 1883) });
  if (url.protocol !== 'mqtts:') throw new Error(`the scheme ${url.protocol} is not mqtt: or mqtts:`);
  const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  return connectTls({
    host,
    port: Number(url.port || 8883),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ca: read(options.tls?.caFile),
    cert: read(options.tls?.certFile),
    key: read(options.tls?.keyFile),
    minVersion: 'TLSv1.2',
  });
}

/** Codes of OpenSSL's handshake and of its verification of certificates (https://nodejs.org/api/tls.html). */
function isTlsError(error: Error): boolean {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return /^(ERR_SSL_|ERR_TLS_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|HOSTNAME_)/.test(code);
}

function distrust(url: string, error: Error): UplinkError {
  return new UplinkError(
    'CW-UPL-032',
    `TLS with ${url} failed (${describeError(error)}); events wait on disk. Check broker.caFile, broker.certFile, broker.keyFile, the broker's certificate and the clock`,
    { cause: error },
  );
}

function unusable(url: string, error: unknown): UplinkError {
  return new UplinkError(
    'CW-UPL-031',
    `the settings of the broker ${JSON.stringify(url)} are not usable (${describeError(error)}); give mqtt://host:port or mqtts://host:port and readable files`,
    { cause: error },
  );
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
