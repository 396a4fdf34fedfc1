import { type Logger, silentLogger } from '#base/log.ts';
import { brokerUrls } from '#config/broker.ts';
import { eventTypes } from '#events/catalog.ts';
import { encodeEvent } from '#events/codec.ts';
import type { CartEvent } from '#events/event.ts';
import { fromPlain, UplinkError } from './errors.ts';
import { emptyStatus, engineOptions, type UplinkOptions } from './options.ts';
import type { DropRange } from './outbox-policy.ts';
import type { OutboxStart } from './outbox-types.ts';
import { type BirthFields, encodeState } from './payloads.ts';
import { Supervisor } from './supervisor.ts';
import { type FromWorker, type IncomingMessage, packBatch, type UplinkStatus } from './thread.ts';
import { devicePrefix, matchesFilter, parseTopic, storePrefix } from './topics.ts';

export type { UplinkOptions } from './options.ts';
export type { DropRange } from './outbox-policy.ts';
export type { OutboxStart } from './outbox-types.ts';
export type { BirthFields } from './payloads.ts';
export type { UplinkStatus } from './thread.ts';

export interface MessageInfo {
  /** The broker had kept it: it was sent before this device subscribed. */
  readonly retain: boolean;
  readonly properties: IncomingMessage['properties'];
}
/** The message counts as handled when what it returns has settled: until then it holds a place in the window. */
export type MessageHandler = (topic: string, payload: Uint8Array, info: MessageInfo) => void | Promise<void>;

interface Pending {
  readonly message: {
    readonly kind: 'store';
    readonly id: number;
    readonly batch: ReturnType<typeof packBatch>;
  };
  readonly resolve: () => void;
  readonly reject: (error: UplinkError) => void;
}

/** An event that is larger has no place in a ledger, bytes. */
const largestEventBytes = 256 * 1024;

/**
 * The way from this device to the store: events go to disk and from there to the broker, in a thread of its own.
 * A broker that is away delays nothing here; a thread that dies is replaced, and what it hadn't confirmed is stored
 * by the next one.
 */
export class Uplink {
  /** How the ledger stood when it was opened. */
  readonly start: OutboxStart;
  readonly #options: UplinkOptions;
  readonly #log: Logger;
  readonly #supervisor: Supervisor;
  readonly #pending = new Map<number, Pending>();
  readonly #retained = new Map<string, { payload: Uint8Array; qos: 0 | 1 }>();
  readonly #subscriptions: { readonly filter: string; readonly handler: MessageHandler }[] = [];
  readonly #statusListeners = new Set<(status: UplinkStatus) => void>();
  readonly #dropListeners = new Set<(range: DropRange) => void>();
  #dropsHeld: DropRange[] = [];
  #pendingBytes = 0;
  #nextId = 1;
  #birth: BirthFields | undefined;
  #status: UplinkStatus;
  #replaced: UplinkError | undefined;
  #stopped = false;

  /**
   * Opens the outbox; resolves as soon as it is open, whether or not there is a broker. Connecting begins with
   * `setBirth`. Rejects with CW-UPL-001 (can't be opened), -003 (newer format), -004 (held by another process) or
   * -030 (names).
   */
  static async open(options: UplinkOptions): Promise<Uplink> {
    const early: FromWorker[] = [];
    let uplink: Uplink | undefined;
    const supervisor = new Supervisor(engineOptions(options), {
      message: (message) => {
        if (uplink === undefined) early.push(message);
        else uplink.#receive(message);
      },
      replaced: () => {
        if (uplink !== undefined) uplink.#resume();
      },
      fault: (error) => {
        if (uplink !== undefined) uplink.#fault(error);
      },
    });
    const opened = await supervisor.open();
    uplink = new Uplink(options, supervisor, opened.start);
    uplink.#noteOpened(opened);
    for (const message of early) uplink.#receive(message);
    return uplink;
  }

  private constructor(options: UplinkOptions, supervisor: Supervisor, start: OutboxStart) {
    this.#options = options;
    this.#log = options.log ?? silentLogger;
    this.#supervisor = supervisor;
    this.start = start;
    this.#status = emptyStatus(brokerUrls(options.broker)[0] ?? options.broker.url, start);
  }

  /**
   * Stores events and state in one transaction; resolves when they are on disk. The events' sequences continue the row
   * (CW-UPL-005 otherwise; nothing of the batch is stored then). State is small JSON text by key; null removes a key.
   * A broker that is away never makes it reject: what an outbox full of ledger events can't take is given up, reported
   * as CW-UPL-007 and told as dropped ranges, and the state is stored all the same. While the disk itself fails, events
   * wait in memory; rejects with CW-UPL-009 where too many do, with -010 for
   * an event above 256 KiB, -006 where the ledger had to be replaced, -011 after `stop`.
   */
  store(events: readonly CartEvent[], state: Readonly<Record<string, string | null>> = {}): Promise<void> {
    try {
      if (this.#stopped) throw new UplinkError('CW-UPL-011', 'the uplink is stopped; nothing more is stored');
      if (this.#replaced !== undefined) throw this.#replaced;
      const batch = packBatch({
        events: events.map((event) => ({
          sequence: event.sequence,
          type: event.type,
          class: eventTypes[event.type].class,
          bytes: checkSize(event, encodeEvent(event)),
        })),
        state,
        reported: events.flatMap((event) => (event.type === 'outbox.dropped' ? [event.data] : [])),
      });
      this.#admit(batch.bytes.length);
      const message = { kind: 'store', id: this.#nextId++, batch } as const;
      return new Promise((resolve, reject) => {
        this.#pending.set(message.id, { message, resolve, reject });
        this.#supervisor.post(message);
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #admit(bytes: number): void {
    const limit = this.#options.limits?.maxPendingBytes ?? 16 * 1_048_576;
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > limit) {
      throw new UplinkError(
        'CW-UPL-009',
        `${this.#pendingBytes} bytes of events wait for the disk, of ${limit} allowed; free space on it, or check that it is not read-only`,
        { details: { pendingBytes: this.#pendingBytes, limitBytes: limit } },
      );
    }
    this.#pendingBytes += bytes;
  }

  /**
   * Publishes a message that is no event on a topic below `cw/1/{store}/{device}/`. Retained ones are sent again after
   * each reconnect (the last value per topic; an empty payload clears it); others with QoS 1 wait in a bounded queue;
   * QoS 0 is for now or never. Throws CW-UPL-030 for a topic that the contract doesn't have.
   */
  publish(
    topic: string,
    payload: Uint8Array | string,
    options: { readonly qos: 0 | 1; readonly retain?: boolean },
  ): void {
    if (parseTopic(this.#fullTopic(topic)) === undefined || topic.startsWith('event/')) {
      throw new UplinkError(
        'CW-UPL-030',
        `${JSON.stringify(topic)} is not a topic for messages; use health, basket, live/… or response/…`,
      );
    }
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    // A copy of its own: structured cloning copies all the memory that a view looks into.
    const message = {
      topic,
      payload: Uint8Array.from(bytes),
      qos: options.qos,
      retain: options.retain ?? false,
    };
    if (message.retain) this.#retained.set(topic, message);
    this.#supervisor.post({ kind: 'publish', ...message });
  }

  /**
   * What the device says of itself on `state`. The first call begins to connect; later ones publish the birth again.
   * Connection, boot and ledger are added, and the last will is made from them.
   * Throws an EventError for fields that the contract doesn't have.
   */
  setBirth(fields: BirthFields): void {
    const { ledger, boot } = this.start;
    encodeState(
      fields,
      { online: true, connection: 0, ledger, boot, instance: '0'.repeat(16) },
      this.#options.encoding,
    );
    this.#birth = fields;
    this.#supervisor.post({ kind: 'birth', fields });
  }

  /**
   * Subscribes, until the returned function is called. `filter` is below `cw/1/{store}/{device}/` (`request/#`) or,
   * beginning with `_store/`, below the store's own place. The handler gets topics in the same form. What it throws is
   * logged.
   */
  subscribe(filter: string, handler: MessageHandler): () => void {
    const subscription = { filter, handler };
    this.#subscriptions.push(subscription);
    this.#supervisor.post({ kind: 'subscribe', filter: this.#fullTopic(filter) });
    return () => {
      const at = this.#subscriptions.indexOf(subscription);
      if (at < 0) return;
      this.#subscriptions.splice(at, 1);
      if (this.#subscriptions.some((other) => other.filter === filter)) return;
      this.#supervisor.post({ kind: 'unsubscribe', filter: this.#fullTopic(filter) });
    };
  }

  #fullTopic(filter: string): string {
    return filter.startsWith('_store/')
      ? `${storePrefix(this.#options.store)}/${filter.slice('_store/'.length)}`
      : `${devicePrefix(this.#options)}/${filter}`;
  }

  /** As of at most about 100 ms ago. */
  status(): UplinkStatus {
    return this.#status;
  }
  /** Events that were given to `store` and are not on disk, bytes: a watchdog sees here whether the outbox writes. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** For how long the thread has not said a word, though it was asked to, ms: a watchdog sees here whether it hangs. */
  get workerSilentMs(): number {
    return this.#supervisor.silentMs;
  }

  /** The returned function unsubscribes. */
  onStatus(listener: (status: UplinkStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  /**
   * Events were given up; each range is to be stored as one `outbox.dropped`. There is one per class and reason; while
   * there is no link, they gather. Until that event is on disk, what it reports is told again after a restart. Ranges that came before the first listener are told to it.
   */
  onDropped(listener: (range: DropRange) => void): () => void {
    this.#dropListeners.add(listener);
    for (const range of this.#dropsHeld.splice(0)) listener(range);
    return () => this.#dropListeners.delete(listener);
  }

  /** Replaces the thread, as a watchdog does when it hangs. What it hadn't confirmed is stored by the next one. */
  async restart(): Promise<void> {
    await this.#supervisor.restart();
  }

  /**
   * Sends what can be sent within the bound, says goodbye on `state`, marks a clean stop. Batches that aren't on disk
   * by then are rejected (CW-UPL-011). Idempotent.
   */
  async stop(withinMs = 3_000): Promise<void> {
    this.#stopped = true;
    await this.#supervisor.stop(withinMs);
    const error = new UplinkError('CW-UPL-011', 'the uplink stopped before this was on disk');
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    this.#pendingBytes = 0;
    this.#status = { ...this.#status, connected: false, reason: 'stopped' };
  }

  #fault(error: UplinkError): void {
    this.#log.warn({ code: error.code, ...error.details }, error.message);
    this.#options.onFault?.(error);
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case 'opened':
        this.#noteOpened(message);
        break;
      case 'stored':
        for (const id of message.ids) this.#settle(id)?.resolve();
        break;
      case 'rejected':
        this.#settle(message.id)?.reject(fromPlain(message.error));
        break;
      case 'dropped':
        for (const range of message.ranges) this.#dropped(range);
        break;
      case 'message':
        this.#deliver(message.message);
        break;
      case 'status':
        this.#status = message.status;
        for (const listener of this.#statusListeners) listener(message.status);
        break;
      case 'fault':
      case 'failed':
        this.#fault(fromPlain(message.error));
        break;
      case 'pong':
      case 'stopped':
        break;
    }
  }

  #noteOpened(opened: Extract<FromWorker, { kind: 'opened' }>): void {
    if (opened.setAside !== undefined) {
      this.#fault(
        new UplinkError(
          'CW-UPL-002',
          `the outbox was damaged (${opened.setAside.reason}); it was moved to ${opened.setAside.path} and ledger ${opened.start.ledger} was begun. Keep that file: events in it were perhaps not delivered`,
          { details: { path: opened.setAside.path, ledger: opened.start.ledger } },
        ),
      );
    }
    for (const range of opened.unreported) this.#dropped(range);
    if (opened.start.ledger !== this.start.ledger) this.#ledgerReplaced(opened.start.ledger);
    else this.#settleStored(opened.start.nextSequence);
  }

  /** What is on disk already was confirmed to a thread that died before it could say so. */
  #settleStored(nextSequence: number): void {
    for (const { message } of [...this.#pending.values()]) {
      const first = message.batch.sequences[0];
      if (first !== undefined && first < nextSequence) this.#settle(message.id)?.resolve();
    }
  }

  #ledgerReplaced(ledger: string): void {
    const error = new UplinkError(
      'CW-UPL-006',
      `the outbox was damaged while the gateway ran and ledger ${ledger} was begun; restart the gateway, which goes on with it`,
      { details: { ledger } },
    );
    this.#replaced = error;
    this.#fault(error);
    for (const { message } of [...this.#pending.values()]) this.#settle(message.id)?.reject(error);
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    this.#pendingBytes -= pending.message.batch.bytes.length;
    return pending;
  }

  /** A new thread has opened the outbox: it is told all that the old one knew. */
  #resume(): void {
    for (const { message } of this.#pending.values()) this.#supervisor.post(message);
    for (const { filter } of this.#subscriptions) {
      this.#supervisor.post({ kind: 'subscribe', filter: this.#fullTopic(filter) });
    }
    for (const [topic, { payload, qos }] of this.#retained) {
      this.#supervisor.post({ kind: 'publish', topic, payload, qos, retain: true });
    }
    if (this.#birth !== undefined) this.#supervisor.post({ kind: 'birth', fields: this.#birth });
  }

  #dropped(range: DropRange): void {
    if (this.#dropListeners.size === 0) this.#dropsHeld.push(range);
    for (const listener of this.#dropListeners) listener(range);
  }

  #deliver({ topic, payload, retain, properties }: IncomingMessage): void {
    const store = `${storePrefix(this.#options.store)}/`;
    const device = `${devicePrefix(this.#options)}/`;
    const short = topic.startsWith(store)
      ? `_store/${topic.slice(store.length)}`
      : topic.slice(device.length);
    const { generation } = this.#supervisor;
    const handled = this.#subscriptions
      .filter(({ filter }) => matchesFilter(filter, short))
      .map(async ({ handler }) => {
        try {
          await handler(short, payload, { retain, properties });
        } catch (error) {
          this.#log.error({ topic, error: String(error) }, 'a handler of messages failed');
        }
      });
    void Promise.all(handled).then(() => {
      // A thread that took over since knows nothing of this message.
      if (generation === this.#supervisor.generation) this.#supervisor.post({ kind: 'handled' });
    });
  }
}

function checkSize(event: CartEvent, bytes: Uint8Array): Uint8Array {
  if (bytes.length <= largestEventBytes) return bytes;
  throw new UplinkError(
    'CW-UPL-010',
    `event ${event.sequence} (${event.type}) takes ${bytes.length} bytes, at most ${largestEventBytes} are allowed`,
  );
}
