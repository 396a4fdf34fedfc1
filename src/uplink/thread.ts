import type { EventClass } from '#events/catalog.ts';
import type { PlainError } from './errors.ts';
import type { LinkOptions } from './link.ts';
import type { DropRange } from './outbox-policy.ts';
import type { Batch, EncodedEvent, OutboxLimits, OutboxStart } from './outbox-types.ts';
import type { BirthFields } from './payloads.ts';

/** What crosses between the gateway's thread and the uplink's: plain values only. */

/** A batch in one piece of memory: events one after the other, so that it is copied once and not event by event. */
export interface PackedBatch {
  readonly sequences: readonly number[];
  readonly types: readonly string[];
  readonly classes: readonly EventClass[];
  readonly lengths: readonly number[];
  readonly bytes: Uint8Array;
  readonly state: Readonly<Record<string, string | null>>;
  readonly reported: Batch['reported'];
}

export interface EngineOptions extends OutboxLimits {
  readonly path: string;
  readonly store: string;
  readonly device: string;
  readonly encoding: 'cbor' | 'json';
  readonly subscribeQos: 0 | 1;
  readonly groupMs: number;
  readonly window: number;
  readonly pubackTimeoutMs: number;
  readonly resendAfterMs: number;
  /** While there is no link, dropped ranges are told at most this often, ms: each report takes room of the ledger's. */
  readonly dropReportMs: number;
  readonly link: Omit<LinkOptions, 'clientId'>;
  /** A thread that says nothing for so long, though it was asked to, is replaced, ms. */
  readonly silentMs: number;
  /** First time that this device leaves the broker to another one with its identity, ms; doubles. */
  readonly standBackMs: number;
  /** Drawn at each start: tells copies of one device apart. */
  readonly instance: string;
  /** Seeds the jitter of delays; each device has its own. */
  readonly seed: number;
}

export interface WorkerStart {
  readonly options: EngineOptions;
  /** Set where a worker is replaced within one run of the gateway. */
  readonly resume: { readonly boot: number } | undefined;
}

export type ToWorker =
  | { readonly kind: 'store'; readonly id: number; readonly batch: PackedBatch }
  | {
      readonly kind: 'publish';
      readonly topic: string;
      readonly payload: Uint8Array;
      readonly qos: 0 | 1;
      readonly retain: boolean;
    }
  | { readonly kind: 'birth'; readonly fields: BirthFields }
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly filter: string }
  | { readonly kind: 'handled' }
  | { readonly kind: 'stop'; readonly withinMs: number };

/** To be answered at once with `pong`: it shows that the thread gets on. */
export interface Ping {
  readonly kind: 'ping';
}

/** A message that arrived for a subscription. */
export interface IncomingMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
  readonly properties: {
    readonly responseTopic?: string | undefined;
    readonly correlationData?: Uint8Array | undefined;
    readonly contentType?: string | undefined;
  };
}

export interface UplinkStatus {
  readonly connected: boolean;
  /** Of the connection, or of the last one. */
  readonly protocol: '5' | '3.1.1' | undefined;
  /** Address of the broker: the one that is connected, else the one that was tried last. */
  readonly broker: string;
  /** Why there is no connection. */
  readonly reason: string | undefined;
  /** Another device uses this identity (CW-UPL-022). */
  readonly contested:
    | {
        /** How often it threw this one off. */
        readonly times: number;
        /** How long this one still leaves the broker to it, s; 0 while it doesn't. */
        readonly standsBackS: number;
      }
    | undefined;
  /** CONNECTs so far, across boots. */
  readonly connection: number;
  readonly outboxEvents: number;
  readonly outboxBytes: number;
  readonly ledgerBytes: number;
  /** The ledger's share is nearly used up: finish the running session, refuse a new one. */
  readonly ledgerFull: boolean;
  /** CW-UPL-007: ledger events are given up, the outbox is full of them; -008: the disk takes nothing. */
  readonly blocked: string | undefined;
  /** Events given up since the ledger began. */
  readonly dropped: number;
  /** Events that the broker took since the start. */
  readonly published: number;
  readonly publishedThrough: number;
  readonly releasedThrough: number;
  /** Only the store's acknowledgement releases events. */
  readonly acknowledged: boolean;
  /** Monotonic time of the oldest waiting event that was stored in this run, µs. */
  readonly oldestUs: number | undefined;
  /** Transactions since the start. */
  readonly commits: number;
}

export type FromWorker =
  | {
      readonly kind: 'opened';
      readonly start: OutboxStart;
      readonly setAside: { readonly path: string; readonly reason: string } | undefined;
      readonly unreported: readonly DropRange[];
    }
  | { readonly kind: 'failed'; readonly error: PlainError }
  | { readonly kind: 'stored'; readonly ids: readonly number[] }
  | { readonly kind: 'rejected'; readonly id: number; readonly error: PlainError }
  | { readonly kind: 'dropped'; readonly ranges: readonly DropRange[] }
  | { readonly kind: 'message'; readonly message: IncomingMessage }
  | { readonly kind: 'status'; readonly status: UplinkStatus }
  | { readonly kind: 'fault'; readonly error: PlainError }
  | { readonly kind: 'pong' }
  | { readonly kind: 'stopped' };

export function packBatch(batch: Batch): PackedBatch {
  const { events } = batch;
  let length = 0;
  for (const event of events) length += event.bytes.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const event of events) {
    bytes.set(event.bytes, at);
    at += event.bytes.length;
  }
  return {
    sequences: events.map((event) => event.sequence),
    types: events.map((event) => event.type),
    classes: events.map((event) => event.class),
    lengths: events.map((event) => event.bytes.length),
    bytes,
    state: batch.state,
    reported: batch.reported,
  };
}

export function unpackBatch(packed: PackedBatch): Batch {
  const events: EncodedEvent[] = [];
  let at = 0;
  for (const [i, sequence] of packed.sequences.entries()) {
    const type = packed.types[i];
    const name = packed.classes[i];
    const length = packed.lengths[i];
    if (type === undefined || name === undefined || length === undefined) {
      throw new Error('a packed batch is incomplete');
    }
    events.push({ sequence, type, class: name, bytes: packed.bytes.subarray(at, at + length) });
    at += length;
  }
  return { events, state: packed.state, reported: packed.reported };
}
