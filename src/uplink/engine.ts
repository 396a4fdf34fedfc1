import type { MqttClient } from 'mqtt';
import { createRandom } from '#base/random.ts';
import { decodeEvent } from '#events/codec.ts';
import { toJsonLine } from '#events/json.ts';
import { Delivery } from './delivery.ts';
import { toPlain, UplinkError } from './errors.ts';
import { FaultGate } from './fault-gate.ts';
import { Incoming, notUnderstood } from './incoming.ts';
import { Link, type Session, type SessionEnd, transportOf } from './link.ts';
import { Messages } from './messages.ts';
import { Outbox } from './outbox.ts';
import type { EncodedEvent } from './outbox-types.ts';
import { type BirthFields, encodeState, readAck, readState } from './payloads.ts';
import { identityError, Presence } from './presence.ts';
import { Quota } from './quota.ts';
import { StatusSource } from './status.ts';
import {
  type EngineOptions,
  type FromWorker,
  type ToWorker,
  type UplinkStatus,
  unpackBatch,
  type WorkerStart,
} from './thread.ts';
import { clientId, devicePrefix } from './topics.ts';
import { Writer } from './writer.ts';

/** How long the store's retained `ack` may take after SUBACK before waiting events are sent again, ms. */
const ackGraceMs = 250;
const statusDelayMs = 100;
/** While there is a link, dropped ranges are told at most this often, ms. */
const dropReportMs = 2_000;

/** Outbox and link of one device, joined. It lives in a worker thread; everything goes through `post` and `handle`. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #post: (message: FromWorker) => void;
  readonly #fatal: (error: unknown) => void;
  readonly #prefix: string;
  readonly #outbox: Outbox;
  readonly #writer: Writer;
  readonly #delivery: Delivery;
  readonly #messages: Messages;
  readonly #link: Link;
  readonly #presence: Presence;
  readonly #gate: FaultGate;
  readonly #incoming: Incoming;
  readonly #status: StatusSource;
  #birth: BirthFields | undefined;
  #connection = 0;
  #stopping = false;
  #clock: NodeJS.Timeout | undefined;
  #grace: NodeJS.Timeout | undefined;
  #startDelivery: (() => void) | undefined;
  #statusTimer: NodeJS.Timeout | undefined;
  #pumping: NodeJS.Immediate | undefined;
  #protocol: UplinkStatus['protocol'];
  #broker: string;
  #reason: string | undefined = 'not connected yet';
  #toldAt = performance.now();

  /**
   * Opens the outbox. Throws CW-UPL-001, -003, -004, -030.
   * @param fatal called where the file is damaged while in use: the thread must be replaced
   */
  constructor(start: WorkerStart, post: (message: FromWorker) => void, fatal: (error: unknown) => void) {
    const { options } = start;
    this.#options = options;
    this.#post = post;
    this.#fatal = fatal;
    this.#prefix = devicePrefix(options);
    this.#gate = new FaultGate((error) => post({ kind: 'fault', error: toPlain(error) }));
    const random = createRandom(options.seed);
    const fault = (error: UplinkError) => this.#fault(error);
    this.#outbox = new Outbox(options.path, options, start.resume);
    const { ledger, boot } = this.#outbox.start;
    this.#presence = new Presence(
      { ledger, boot, instance: options.instance },
      options.standBackMs,
      random.fork('presence'),
    );
    this.#broker = options.link.urls[0] ?? '';
    this.#writer = new Writer(
      this.#outbox,
      options.groupMs,
      {
        stored: (ids) => {
          post({ kind: 'stored', ids });
          this.#pump();
        },
        rejected: (id, error) => post({ kind: 'rejected', id, error: toPlain(error) }),
        dropped: () => this.#tellDrops(),
        fault,
        damaged: (error) => fatal(error),
      },
      random.fork('writer'),
    );
    this.#delivery = new Delivery(
      this.#outbox,
      {
        window: options.window,
        pubackTimeoutMs: options.pubackTimeoutMs,
        resendAfterMs: options.resendAfterMs,
        prefix: this.#prefix,
        payload: (event) => this.#payload(event),
      },
      {
        fault,
        dropped: () => this.#tellDrops(),
        progress: () => this.#schedulePump(),
      },
    );
    this.#status = new StatusSource(this.#outbox, this.#writer, this.#delivery);
    this.#incoming = new Incoming(this.#prefix, {
      acknowledge: (payload) => this.#acknowledge(payload),
      stateSeen: (payload) => this.#stateSeen(payload),
      forward: (message) => post({ kind: 'message', message }),
      fault,
    });
    this.#messages = new Messages({ fault, progress: () => this.#schedulePump() });
    this.#link = new Link(
      { ...options.link, clientId: clientId(options) },
      {
        will: (url) => this.#will(url),
        up: (session) => this.#up(session),
        down: (end) => this.#down(end),
        away: (reason) => {
          this.#reason = reason;
        },
        message: (packet, done) => this.#incoming.receive(packet, done),
        fault,
      },
      random.fork('link'),
    );
    post({
      kind: 'opened',
      start: this.#outbox.start,
      setAside: this.#outbox.setAside,
      // Where only the thread is new, reports of what was told before are perhaps on their way: it waits.
      unreported: start.resume === undefined ? this.#outbox.tellDrops() : [],
    });
  }

  /** Starts the clock; connecting begins with the first `birth`. */
  start(): void {
    this.#clock = setInterval(() => this.#tick(), Math.min(1_000, this.#options.pubackTimeoutMs / 4));
    this.#postStatus();
  }

  handle(message: ToWorker): void {
    switch (message.kind) {
      case 'store':
        this.#writer.add(message.id, unpackBatch(message.batch));
        break;
      case 'publish':
        this.#messages.publish({
          topic: `${this.#prefix}/${message.topic}`,
          payload: message.payload,
          qos: message.qos,
          retain: message.retain,
        });
        break;
      case 'birth':
        this.#birth = message.fields;
        if (this.#link.session !== undefined) this.#publishState(true);
        else if (!this.#stopping) this.#link.start();
        break;
      case 'subscribe':
        this.#incoming.admit(message.filter);
        if (this.#link.session !== undefined) this.#subscribe(this.#link.session.client, [message.filter]);
        break;
      case 'unsubscribe':
        this.#incoming.dismiss(message.filter);
        // Where it fails the connection is ending, and the next one doesn't subscribe to it.
        this.#link.session?.client.unsubscribe(message.filter, () => {});
        break;
      case 'handled':
        this.#incoming.handled();
        break;
      case 'stop':
        void this.stop(message.withinMs);
        break;
    }
  }

  #fault(error: UplinkError): void {
    this.#gate.pass(error, performance.now());
  }

  /** Throws for stored bytes that are no event, or another one: a receiver could never get past them. */
  #payload(event: EncodedEvent): Uint8Array {
    const decoded = decodeEvent(event.bytes);
    if (decoded.sequence !== event.sequence) throw new Error(`it says that it is event ${decoded.sequence}`);
    if (this.#options.encoding === 'cbor') return event.bytes;
    return Buffer.from(toJsonLine(decoded).trimEnd());
  }

  #encodeState(online: boolean): Uint8Array {
    const { boot, ledger } = this.#outbox.start;
    const { instance } = this.#options;
    const link = { online, boot, ledger, connection: this.#connection, instance, broker: this.#broker };
    return encodeState(this.#birth, link, this.#options.encoding);
  }

  #publishState(online: boolean): void {
    this.#messages.publish({
      topic: `${this.#prefix}/state`,
      payload: this.#encodeState(online),
      qos: 1,
      retain: true,
    });
  }

  #will(url: string): { topic: string; payload: Uint8Array } {
    this.#broker = url;
    try {
      this.#connection = this.#outbox.nextConnection();
    } catch (error) {
      // A full disk must not keep us from the broker: only sending frees it.
      this.#connection++;
      this.#fault(
        new UplinkError(
          'CW-UPL-008',
          'the number of the connection could not be stored; free space on the disk',
          {
            cause: error,
          },
        ),
      );
    }
    this.#presence.connecting(this.#connection);
    return { topic: `${this.#prefix}/state`, payload: this.#encodeState(false) };
  }

  #up(session: Session): void {
    this.#protocol = session.protocol;
    this.#reason = undefined;
    this.#gate.linkUp();
    const transport = transportOf(session);
    const quota = new Quota(session.receiveMaximum);
    this.#startDelivery = () => {
      clearTimeout(this.#grace);
      this.#startDelivery = undefined;
      this.#delivery.connected(transport, quota, performance.now());
      this.#pump();
    };
    this.#subscribe(
      session.client,
      [`${this.#prefix}/ack`, `${this.#prefix}/state`, ...this.#incoming.filters],
      () => {
        // Where the store acknowledges, its retained word spares repeating what it has.
        if (!this.#outbox.acknowledged) this.#startDelivery?.();
        else this.#grace = setTimeout(() => this.#startDelivery?.(), ackGraceMs);
      },
    );
    this.#messages.connected(transport, quota);
    this.#publishState(true);
    this.#postStatus();
  }

  #down({ reason, by }: SessionEnd): number {
    clearTimeout(this.#grace);
    this.#startDelivery = undefined;
    this.#reason = reason;
    this.#delivery.disconnected();
    this.#messages.disconnected();
    this.#incoming.disconnected();
    const standBackMs =
      by === 'broken' ? 0 : this.#presence.thrownOff(by === 'taken-over', performance.now());
    if (standBackMs > 0) {
      const error = identityError(clientId(this.#options), standBackMs);
      this.#reason = error.message;
      this.#fault(error);
    }
    this.#postStatus();
    return standBackMs;
  }

  #subscribe(client: MqttClient, filters: readonly string[], then?: () => void): void {
    client.subscribe([...filters], { qos: this.#options.subscribeQos }, (error, granted) => {
      if (client !== this.#link.session?.client) return;
      const refused = (granted ?? []).filter(({ qos }) => qos >= 0x80);
      if (error !== null || refused.length > 0) {
        this.#fault(
          new UplinkError(
            'CW-UPL-028',
            `the broker refused a subscription below ${this.#prefix} (${error?.message ?? refused.map(({ topic }) => topic).join(', ')}); commands or acknowledgements will not arrive. Check its access rules`,
          ),
        );
      }
      then?.();
    });
  }

  #acknowledge(payload: Uint8Array): void {
    try {
      if (payload.length === 0) this.#delivery.stopAcknowledging();
      else {
        const { ledger, sequence } = readAck(payload);
        this.#delivery.acknowledge(ledger, sequence, performance.now());
      }
    } catch (error) {
      this.#fault(
        notUnderstood(`${this.#prefix}/ack`, error instanceof Error ? error.message : String(error)),
      );
      return;
    }
    this.#startDelivery?.();
  }

  #stateSeen(payload: Uint8Array): void {
    if (payload.length === 0) return;
    const state = readState(payload);
    if (state === undefined) return;
    const verdict = this.#presence.judge(state, performance.now());
    if (verdict === 'foreign') this.#fault(identityError(clientId(this.#options), 0));
    if (verdict === 'stale' && !this.#stopping) this.#publishState(true);
  }

  /** Answers come in crowds: one look at the window for all of them. */
  #schedulePump(): void {
    this.#pumping ??= setImmediate(() => this.#pump());
  }

  #pump(): void {
    clearImmediate(this.#pumping);
    this.#pumping = undefined;
    try {
      this.#messages.pump();
      this.#delivery.pump(performance.now());
      this.#writer.scheduleDeletion();
    } catch (error) {
      this.#fatal(error);
    }
    this.#statusTimer ??= setTimeout(() => this.#postStatus(), statusDelayMs);
  }

  #tick(): void {
    if (!this.#delivery.tick(performance.now())) {
      this.#fault(
        new UplinkError(
          'CW-UPL-023',
          `no acknowledgement for ${this.#options.pubackTimeoutMs} ms; the connection is made anew`,
        ),
      );
      this.#link.abandon('no acknowledgement');
    }
    this.#tellDrops();
    this.#pump();
  }

  /** A report takes room that ledger events need, so drops gather; nobody could read it before there is a link. */
  #tellDrops(): void {
    const longest = this.#options.dropReportMs;
    const pauseMs = this.#link.session === undefined ? longest : Math.min(longest, dropReportMs);
    if (!this.#outbox.hasUntoldDrops || performance.now() - this.#toldAt < pauseMs) return;
    this.#toldAt = performance.now();
    this.#post({ kind: 'dropped', ranges: this.#outbox.tellDrops() });
  }

  #contested(): UplinkStatus['contested'] {
    const nowMs = performance.now();
    const contest = this.#presence.contest(nowMs);
    if (contest === undefined) return undefined;
    const { times, backAtMs = nowMs } = contest;
    return { times, standsBackS: Math.max(0, Math.ceil((backAtMs - nowMs) / 1_000)) };
  }

  #postStatus(): void {
    clearTimeout(this.#statusTimer);
    this.#statusTimer = undefined;
    const status = this.#status.read({
      connected: this.#link.session !== undefined,
      protocol: this.#protocol,
      broker: this.#broker,
      reason: this.#reason,
      contested: this.#contested(),
      connection: this.#connection,
    });
    this.#post({ kind: 'status', status });
  }

  /** Sends what can be sent within the bound, says goodbye on `state`, marks a clean stop and closes the outbox. */
  async stop(withinMs: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#writer.write();
    const until = performance.now() + withinMs;
    const drained = () => this.#link.session === undefined || (!this.#messages.busy && !this.#delivery.busy);
    const wait = async (condition: () => boolean, deadline: number) => {
      while (!condition() && performance.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await wait(drained, until - withinMs / 4);
    this.#delivery.disconnected();
    if (this.#link.session !== undefined) {
      this.#publishState(false);
      await wait(drained, until);
    }
    clearInterval(this.#clock);
    await this.#link.stop(Math.max(50, until - performance.now()));
    for (const timer of [this.#grace, this.#statusTimer]) clearTimeout(timer);
    this.#writer.stop();
    this.#outbox.close();
    this.#post({ kind: 'stopped' });
  }
}
