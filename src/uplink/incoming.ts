import type { IPublishPacket } from 'mqtt';
import { UplinkError } from './errors.ts';
import type { IncomingMessage } from './thread.ts';
import { matchesFilter, parseTopic } from './topics.ts';

/** Messages that may wait in the gateway's thread before the broker is held back. */
const incomingWindow = 32;

export interface IncomingHooks {
  /** The store's word on `ack`. */
  acknowledge(payload: Uint8Array): void;
  /** What stands on the device's own `state`. */
  stateSeen(payload: Uint8Array): void;
  /** A message that the gateway subscribed to; it answers with `handled`. */
  forward(message: IncomingMessage): void;
  fault(error: UplinkError): void;
}

/** Sorts what the broker delivers, and holds the broker back while the gateway has much of it to handle. */
export class Incoming {
  readonly #prefix: string;
  readonly #hooks: IncomingHooks;
  readonly #filters = new Set<string>();
  /** Messages of the link's session that the broker isn't told of until the gateway has handled others. */
  readonly #held: (() => void)[] = [];
  #outstanding = 0;

  /** @param prefix `cw/1/{store}/{device}` */
  constructor(prefix: string, hooks: IncomingHooks) {
    this.#prefix = prefix;
    this.#hooks = hooks;
  }

  /** Topic filters of what is forwarded, to be subscribed on each connection. */
  get filters(): Iterable<string> {
    return this.#filters;
  }

  /** From now on messages under this topic filter are forwarded. */
  admit(filter: string): void {
    this.#filters.add(filter);
  }

  /** Messages under this topic filter are no longer forwarded. */
  dismiss(filter: string): void {
    this.#filters.delete(filter);
  }

  /**
   * Takes one message; a topic outside the contract is reported (CW-UPL-026) and ignored.
   * @param done tells the broker that it may send another one
   */
  receive(packet: IPublishPacket, done: () => void): void {
    const { topic } = packet;
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
    if (parseTopic(topic) === undefined) {
      this.#hooks.fault(notUnderstood(topic, 'the topic is not one of the contract'));
    } else if (topic === `${this.#prefix}/ack`) this.#hooks.acknowledge(payload);
    else if (topic === `${this.#prefix}/state`) this.#hooks.stateSeen(payload);
    else if ([...this.#filters].some((filter) => matchesFilter(filter, topic))) {
      this.#forward(packet, payload, done);
      return;
    }
    done();
  }

  #forward(packet: IPublishPacket, payload: Uint8Array, done: () => void): void {
    const { responseTopic, correlationData, contentType } = packet.properties ?? {};
    this.#hooks.forward({
      topic: packet.topic,
      // A copy: the parser's memory holds more than this message.
      payload: Uint8Array.from(payload),
      retain: packet.retain,
      properties: {
        responseTopic,
        correlationData: correlationData === undefined ? undefined : Uint8Array.from(correlationData),
        contentType,
      },
    });
    this.#outstanding++;
    if (this.#outstanding > incomingWindow) this.#held.push(done);
    else done();
  }

  /** The gateway is through with one forwarded message. */
  handled(): void {
    this.#outstanding--;
    this.#held.shift()?.();
  }

  /** The session is gone: nothing of it is held back any longer. */
  disconnected(): void {
    for (const done of this.#held.splice(0)) done();
  }
}

/** CW-UPL-026: a message that is ignored, and why. */
export function notUnderstood(topic: string, why: string): UplinkError {
  return new UplinkError(
    'CW-UPL-026',
    `a message on ${JSON.stringify(topic.slice(0, 200))} was ignored: ${why}`,
  );
}
