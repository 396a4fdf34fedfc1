import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from '#base/log.ts';
import { brokerUrls } from '#config/broker.ts';
import type { Config } from '#config/schema.ts';
import type { UplinkError } from './errors.ts';
import type { OutboxStart } from './outbox-types.ts';
import type { EngineOptions, UplinkStatus } from './thread.ts';

export interface UplinkOptions {
  readonly store: string;
  readonly device: string;
  /** Folder that survives a reboot; the outbox is `outbox.sqlite` in it. */
  readonly folder: string;
  readonly encoding: 'cbor' | 'json';
  readonly broker: Pick<
    Config['broker'],
    | 'url'
    | 'urls'
    | 'protocol'
    | 'username'
    | 'passwordFile'
    | 'caFile'
    | 'certFile'
    | 'keyFile'
    | 'subscribeQos'
    | 'keepaliveS'
    | 'reconnectFirstMs'
    | 'reconnectMaxMs'
  >;
  readonly outbox: Config['outbox'];
  /** What went wrong, coded; each is also logged. The uplink goes on by itself. */
  readonly onFault?: (error: UplinkError) => void;
  readonly log?: Logger;
  /** Bounds, for tests; the defaults suit a store. */
  readonly limits?: {
    /** A PUBACK that takes longer means that the link is dead, ms (20,000). */
    readonly pubackTimeoutMs?: number;
    /** Where the store acknowledges: silence after which events are sent again, ms (60,000; doubles). */
    readonly resendAfterMs?: number;
    /** While there is no link, dropped ranges are told at most this often, ms (600,000). */
    readonly dropReportMs?: number;
    /** From TCP to CONNACK, ms (15,000). */
    readonly connectTimeoutMs?: number;
    /** First time that the device leaves the broker to another one with its identity, ms (240,000; doubles, up to an hour). */
    readonly standBackMs?: number;
    /** Largest message taken from the broker, bytes (262,144). */
    readonly maxIncomingBytes?: number;
    /** Events that may wait in memory while the disk doesn't take them, bytes (16 MiB). */
    readonly maxPendingBytes?: number;
    /** A thread that does not answer for so long is replaced, ms (12,000: a worn card may hold up a write for seconds). */
    readonly silentMs?: number;
  };
}

/** What the thread gets: plain values, with defaults filled in. */
export function engineOptions(options: UplinkOptions): EngineOptions {
  const { broker, outbox, limits = {} } = options;
  return {
    path: join(options.folder, 'outbox.sqlite'),
    store: options.store,
    device: options.device,
    encoding: options.encoding,
    maxBytes: outbox.maxBytes,
    ledgerShare: outbox.ledgerShare,
    subscribeQos: broker.subscribeQos,
    groupMs: outbox.groupMs,
    window: outbox.window,
    pubackTimeoutMs: limits.pubackTimeoutMs ?? 20_000,
    resendAfterMs: limits.resendAfterMs ?? 60_000,
    dropReportMs: limits.dropReportMs ?? 600_000,
    link: {
      urls: brokerUrls(broker),
      protocol: broker.protocol,
      username: broker.username,
      passwordFile: broker.passwordFile,
      tls: { caFile: broker.caFile, certFile: broker.certFile, keyFile: broker.keyFile },
      keepaliveS: broker.keepaliveS,
      reconnectFirstMs: broker.reconnectFirstMs,
      reconnectMaxMs: broker.reconnectMaxMs,
      connectTimeoutMs: limits.connectTimeoutMs ?? 15_000,
      maxIncomingBytes: limits.maxIncomingBytes ?? 262_144,
    },
    silentMs: limits.silentMs ?? 12_000,
    standBackMs: limits.standBackMs ?? 240_000,
    instance: randomBytes(8).toString('hex'),
    // Jitter only has to differ between devices and boots.
    seed: (process.pid ^ Date.now()) >>> 0,
  };
}

/** Before the thread has said anything. */
export function emptyStatus(broker: string, start: OutboxStart): UplinkStatus {
  return {
    connected: false,
    protocol: undefined,
    broker,
    reason: 'not connected yet',
    contested: undefined,
    connection: 0,
    outboxEvents: 0,
    outboxBytes: 0,
    ledgerBytes: 0,
    ledgerFull: false,
    blocked: undefined,
    dropped: 0,
    published: 0,
    publishedThrough: start.nextSequence - 1,
    releasedThrough: 0,
    acknowledged: false,
    oldestUs: undefined,
    commits: 0,
  };
}
