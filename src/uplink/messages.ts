import { UplinkError } from './errors.ts';
import type { Quota, Transport } from './quota.ts';

/** A message beside the events: health, live values, answers, snapshots. */
export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

interface Retained {
  message: Message;
  /** The broker of this connection has it. */
  state: 'due' | 'sent' | 'confirmed';
}

const longestQueue = 256;
const largestQueueBytes = 1_048_576;

/**
 * Messages that are not events. Of a retained topic the last value counts: it is sent after each reconnect, since a
 * broker may have lost it, and a cleared one until the broker has confirmed that. Others with QoS 1 wait in a bounded
 * queue while the broker is away; those with QoS 0 are for now or never.
 */
export class Messages {
  readonly #fault: (error: UplinkError) => void;
  readonly #retained = new Map<string, Retained>();
  #queue: Message[] = [];
  #queueBytes = 0;
  #sending = new Set<Message>();
  #givenUp = 0;
  #transport: Transport | undefined;
  #quota: Quota | undefined;
  #progress: () => void;

  constructor(hooks: { fault(error: UplinkError): void; progress(): void }) {
    this.#fault = hooks.fault;
    this.#progress = hooks.progress;
  }

  connected(transport: Transport, quota: Quota): void {
    this.#transport = transport;
    this.#quota = quota;
    for (const entry of this.#retained.values()) entry.state = 'due';
  }

  disconnected(): void {
    this.#transport = undefined;
    this.#quota = undefined;
    // What was under way comes first again.
    this.#queue.unshift(...this.#sending);
    for (const message of this.#sending) this.#queueBytes += message.payload.length;
    this.#sending.clear();
  }

  /** True while something that must arrive has not. */
  get busy(): boolean {
    return (
      this.#queue.length > 0 ||
      this.#sending.size > 0 ||
      [...this.#retained.values()].some(({ state }) => state !== 'confirmed')
    );
  }

  publish(message: Message): void {
    if (message.retain) {
      const entry = this.#retained.get(message.topic);
      if (entry === undefined) this.#retained.set(message.topic, { message, state: 'due' });
      else {
        entry.message = message;
        entry.state = 'due';
      }
    } else if (message.qos === 0) {
      this.#transport?.publish(message.topic, message.payload, { qos: 0, retain: false }, () => {});
      return;
    } else {
      this.#queue.push(message);
      this.#queueBytes += message.payload.length;
      this.#bound();
    }
    this.pump();
  }

  #bound(): void {
    let givenUp = 0;
    while (this.#queue.length > longestQueue || this.#queueBytes > largestQueueBytes) {
      const oldest = this.#queue.shift();
      if (oldest === undefined) break;
      this.#queueBytes -= oldest.payload.length;
      givenUp++;
    }
    if (givenUp === 0) return;
    this.#givenUp += givenUp;
    this.#fault(
      new UplinkError(
        'CW-UPL-029',
        `${this.#givenUp} answers to the store were given up so far, because the broker is away; requests may be sent again`,
        { details: { givenUp: this.#givenUp } },
      ),
    );
  }

  /** Sends what the quota allows. */
  pump(): void {
    const transport = this.#transport;
    const quota = this.#quota;
    if (transport === undefined || quota === undefined) return;
    for (const entry of this.#retained.values()) {
      if (entry.state !== 'due') continue;
      if (!quota.take()) return;
      this.#sendRetained(transport, quota, entry);
    }
    for (;;) {
      if (this.#queue.length === 0 || !quota.take()) return;
      const message = this.#queue.shift();
      if (message === undefined) return;
      this.#queueBytes -= message.payload.length;
      this.#sending.add(message);
      transport.publish(message.topic, message.payload, message, (refusal) => {
        quota.give();
        if (this.#quota !== quota) return;
        this.#sending.delete(message);
        if (refusal !== undefined) this.#reportRefusal(message, refusal);
        this.#progress();
      });
    }
  }

  #sendRetained(transport: Transport, quota: Quota, entry: Retained): void {
    const { message } = entry;
    entry.state = 'sent';
    transport.publish(message.topic, message.payload, message, (refusal) => {
      quota.give();
      if (this.#quota !== quota) return;
      if (refusal !== undefined) this.#reportRefusal(message, refusal);
      if (entry.message === message && entry.state === 'sent') {
        entry.state = 'confirmed';
        if (message.payload.length === 0 && refusal === undefined) this.#retained.delete(message.topic);
      }
      this.#progress();
    });
  }

  #reportRefusal(message: Message, reasonCode: number): void {
    this.#fault(
      new UplinkError(
        'CW-UPL-024',
        `the broker refused a message on ${message.topic} with reason 0x${reasonCode.toString(16)}; check the broker's access rules`,
        { details: { topic: message.topic, reasonCode } },
      ),
    );
  }
}
