import { describeError } from '#base/errors.ts';
import { UplinkError } from './errors.ts';
import type { DropRange } from './outbox-policy.ts';
import type { EncodedEvent } from './outbox-types.ts';
import type { Quota, Transport } from './quota.ts';
import { eventTopic } from './topics.ts';

/** The part of the outbox that delivery works on. */
export interface DeliverySource {
  readonly start: { readonly ledger: string };
  readonly nextSequence: number;
  readonly releasedThrough: number;
  readonly publishedThrough: number;
  readonly acknowledged: boolean;
  read(after: number, limit: number): EncodedEvent[];
  release(sequence: number): void;
  notePublished(sequence: number): void;
  setAcknowledged(on: boolean): void;
  refuse(event: EncodedEvent): DropRange;
}

export interface DeliveryOptions {
  /** Events in flight before their PUBACK. */
  readonly window: number;
  /** A PUBACK that takes longer means that the link is dead, ms. */
  readonly pubackTimeoutMs: number;
  /** Where the store acknowledges: events are sent again when it is silent this long about them, ms; doubles. */
  readonly resendAfterMs: number;
  /** `cw/1/{store}/{device}` */
  readonly prefix: string;
  /** The payload as it travels: the stored bytes, or another view of them. */
  payload(event: EncodedEvent): Uint8Array;
}

export interface DeliveryHooks {
  fault(error: UplinkError): void;
  dropped(range: DropRange): void;
  /** Something was released, or a place in the window became free. */
  progress(): void;
}

interface InFlight {
  readonly event: EncodedEvent;
  readonly atMs: number;
}

const readAhead = 256;
/** The broker says that this very message is at fault: malformed topic, packet too large, bad payload (MQTT 5 §2.4). */
const blamesMessage = new Set([0x90, 0x95, 0x99]);
const refusalsUntilGivenUp = 3;
const refusalPauseMs = 1_000;
const longestRefusalPauseMs = 60_000;
const longestResendMs = 15 * 60_000;

/**
 * Publishes the outbox in order of sequence within a window, and releases what is delivered: on PUBACK, or, once the
 * store has acknowledged anything of this ledger, on the store's acknowledgement alone.
 */
export class Delivery {
  readonly #source: DeliverySource;
  readonly #options: DeliveryOptions;
  readonly #hooks: DeliveryHooks;
  #transport: Transport | undefined;
  #quota: Quota | undefined;
  /** Changes whenever sending begins anew; answers to an older one are ignored. */
  #generation = 0;
  #cursor = 0;
  #ready: EncodedEvent[] = [];
  #readyAt = 0;
  #inFlight = new Map<number, InFlight>();
  #refusals = new Map<number, number>();
  #pauseMs = refusalPauseMs;
  #pausedUntilMs = 0;
  #silentSinceMs = 0;
  #resendMs: number;
  #published = 0;

  constructor(source: DeliverySource, options: DeliveryOptions, hooks: DeliveryHooks) {
    this.#source = source;
    this.#options = options;
    this.#hooks = hooks;
    this.#resendMs = options.resendAfterMs;
  }

  /** PUBACKs of events since the start. */
  get published(): number {
    return this.#published;
  }

  /** True while an event could be sent or waits for its PUBACK. */
  get busy(): boolean {
    if (this.#transport === undefined) return false;
    return this.#inFlight.size > 0 || this.#cursor < this.#source.nextSequence - 1;
  }

  /** Begins with the oldest event that isn't released. */
  connected(transport: Transport, quota: Quota, nowMs: number): void {
    this.#transport = transport;
    this.#quota = quota;
    this.#restart(nowMs);
  }

  disconnected(): void {
    this.#transport = undefined;
    this.#quota = undefined;
    this.#restart(0);
  }

  #restart(nowMs: number): void {
    this.#generation++;
    this.#inFlight.clear();
    this.#ready = [];
    this.#readyAt = 0;
    this.#cursor = this.#source.releasedThrough;
    this.#silentSinceMs = nowMs;
  }

  /** Sends what the window allows. */
  pump(nowMs: number): void {
    if (nowMs < this.#pausedUntilMs) return;
    const transport = this.#transport;
    const quota = this.#quota;
    if (transport === undefined || quota === undefined) return;
    while (this.#inFlight.size < this.#options.window) {
      const event = this.#peek();
      if (event === undefined) return;
      if (!quota.take()) return;
      this.#readyAt++;
      this.#cursor = event.sequence;
      this.#send(transport, quota, event, nowMs);
    }
  }

  #peek(): EncodedEvent | undefined {
    if (this.#readyAt >= this.#ready.length) {
      if (this.#cursor >= this.#source.nextSequence - 1) return undefined;
      this.#ready = this.#source.read(this.#cursor, readAhead);
      this.#readyAt = 0;
    }
    return this.#ready[this.#readyAt];
  }

  #send(transport: Transport, quota: Quota, event: EncodedEvent, nowMs: number): void {
    const message = this.#message(event);
    if (message === undefined) {
      quota.give();
      return;
    }
    const generation = this.#generation;
    this.#inFlight.set(event.sequence, { event, atMs: nowMs });
    this.#source.notePublished(event.sequence);
    const { topic, payload } = message;
    const done = (refusal: number | undefined) => {
      quota.give();
      if (generation === this.#generation) this.#answered(event, refusal);
      this.#hooks.progress();
    };
    // Fixed header, topic, packet id and an empty property list take less than 16 bytes beside the names.
    if (payload.length + topic.length + 16 > transport.maximumPacketSize) {
      queueMicrotask(() => done(0x95));
      return;
    }
    transport.publish(topic, payload, { qos: 1, retain: false }, done);
  }

  /** Topic and payload; undefined where the stored event is damaged: it is given up, so that those after it go on. */
  #message(event: EncodedEvent): { topic: string; payload: Uint8Array } | undefined {
    try {
      return {
        topic: `${this.#options.prefix}/${eventTopic(event.type)}`,
        payload: this.#options.payload(event),
      };
    } catch (error) {
      this.#hooks.fault(
        new UplinkError(
          'CW-UPL-013',
          `stored event ${event.sequence} (${event.type}) can not be read (${describeError(error)}); it was given up and is counted. Check the disk`,
          { cause: error, details: { sequence: event.sequence, type: event.type } },
        ),
      );
      this.#hooks.dropped(this.#source.refuse(event));
      return undefined;
    }
  }

  #answered(event: EncodedEvent, refusal: number | undefined): void {
    const sent = this.#inFlight.get(event.sequence);
    if (sent === undefined) return;
    if (refusal !== undefined) {
      this.#refused(event, refusal, sent.atMs);
      return;
    }
    this.#inFlight.delete(event.sequence);
    this.#refusals.delete(event.sequence);
    this.#pauseMs = refusalPauseMs;
    this.#published++;
    if (!this.#source.acknowledged) this.#releasePublished();
  }

  /** Everything before the oldest event that still waits for its PUBACK. */
  #releasePublished(): void {
    const { releasedThrough } = this.#source;
    // One that the store acknowledged before its PUBACK holds nothing back.
    const oldest = this.#inFlight.keys().find((sequence) => sequence > releasedThrough);
    const through = oldest === undefined ? this.#cursor : oldest - 1;
    if (through > releasedThrough) this.#source.release(through);
  }

  /** All that is in flight is sent again after a pause; an event that is itself at fault is given up after some tries. */
  #refused(event: EncodedEvent, reasonCode: number, atMs: number): void {
    const times = (this.#refusals.get(event.sequence) ?? 0) + 1;
    const givenUp = blamesMessage.has(reasonCode) && times >= refusalsUntilGivenUp;
    const fate = givenUp ? 'it was given up and is counted' : 'it is kept and tried again';
    this.#hooks.fault(
      new UplinkError(
        'CW-UPL-024',
        `the broker refused event ${event.sequence} (${event.type}) with reason 0x${reasonCode.toString(16)}; ${fate}. Check the broker's access rules and limits`,
        { details: { sequence: event.sequence, type: event.type, reasonCode } },
      ),
    );
    if (givenUp) {
      this.#refusals.delete(event.sequence);
      this.#hooks.dropped(this.#source.refuse(event));
    } else {
      this.#refusals.set(event.sequence, times);
      this.#pausedUntilMs = atMs + this.#pauseMs;
      this.#pauseMs = Math.min(longestRefusalPauseMs, this.#pauseMs * 2);
    }
    this.#restart(atMs);
  }

  /**
   * The store says that everything of `ledger` up to `sequence` is safe; from now on only that releases events. Ignored
   * for another ledger, for 0 (which names no event) and for a sequence that was not published yet; the latter means
   * that the outbox was put back to an older copy, which is reported.
   */
  acknowledge(ledger: string, sequence: number, nowMs: number): void {
    if (ledger !== this.#source.start.ledger || sequence < 1) return;
    if (sequence > this.#source.publishedThrough) {
      this.#hooks.fault(
        new UplinkError(
          'CW-UPL-027',
          `the store acknowledges event ${sequence} of ledger ${ledger}, which has published ${this.#source.publishedThrough}; if the data folder was restored from a copy, move it away to begin a new ledger`,
          { details: { sequence, published: this.#source.publishedThrough } },
        ),
      );
      return;
    }
    this.#source.setAcknowledged(true);
    if (sequence <= this.#source.releasedThrough) return;
    this.#source.release(sequence);
    this.#cursor = Math.max(this.#cursor, sequence);
    while ((this.#ready[this.#readyAt]?.sequence ?? Infinity) <= sequence) this.#readyAt++;
    this.#silentSinceMs = nowMs;
    this.#resendMs = this.#options.resendAfterMs;
    this.#hooks.progress();
  }

  /** The store acknowledges no more: PUBACK is delivery again, also for what had one already. */
  stopAcknowledging(): void {
    if (!this.#source.acknowledged) return;
    this.#source.setAcknowledged(false);
    if (this.#transport !== undefined) this.#releasePublished();
    this.#hooks.progress();
  }

  /** Time has passed: is the link dead, or the store silent? Returns false where the connection is to be given up. */
  tick(nowMs: number): boolean {
    if (this.#transport === undefined) return true;
    const [oldest] = this.#inFlight.values();
    if (oldest !== undefined && nowMs - oldest.atMs > this.#options.pubackTimeoutMs) return false;
    const waiting = this.#source.acknowledged && this.#cursor > this.#source.releasedThrough;
    if (!waiting) this.#silentSinceMs = nowMs;
    else if (this.#inFlight.size === 0 && nowMs - this.#silentSinceMs > this.#resendMs) {
      this.#resendMs = Math.min(longestResendMs, this.#resendMs * 2);
      this.#restart(nowMs);
    }
    return true;
  }
}
