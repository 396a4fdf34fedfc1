import { randomUUID } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import type { Answer } from '#commands/messages.ts';
import { encodeRecord } from '#events/codec.ts';
import type { PlainMap } from '#events/fields.ts';
import { requestPayload, responsePayload } from '#events/mqtt-payloads.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { devicePrefix, requestTopic } from '#uplink/topics.ts';

/** Where the store's messages go; what the broker is away for is sent when it is back. */
export type Publish = (topic: string, payload: Uint8Array, options: { readonly retain: boolean }) => void;

interface Waiting {
  readonly device: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly resolve: (answer: Answer | undefined) => void;
  cancel: () => void;
}

/** A device that was just away missed it; the transaction keeps it from being carried out twice. */
const repeatUs = 2_000_000;
const validMs = 30_000;

/** Requests to devices that wait for their answers. */
export class Asking {
  readonly #store: string;
  readonly #clock: Clock;
  readonly #publish: Publish;
  readonly #waiting = new Map<string, Waiting>();
  #stopped = false;

  constructor(store: string, clock: Clock, publish: Publish) {
    this.#store = store;
    this.#clock = clock;
    this.#publish = publish;
  }

  /**
   * Asks a device; resolves with its answer, or with undefined where none came in time: then nobody knows whether it was done.
   * A `transaction` that is given may have been carried out before: it is answered as it was.
   */
  ask(
    device: string,
    command: string,
    args: PlainMap,
    transaction: string = randomUUID(),
  ): Promise<Answer | undefined> {
    const issued = this.#clock.utcMs();
    const request = { transaction, issued, expires: issued + validMs, args };
    const payload = encodeRecord(requestPayload, request);
    const topic = `${devicePrefix({ store: this.#store, device })}/${requestTopic(command)}`;
    return new Promise((resolve) => {
      if (this.#stopped) {
        resolve(undefined);
        return;
      }
      this.#waiting.get(transaction)?.resolve(undefined);
      const waiting: Waiting = { device, topic, payload, resolve, cancel: () => {} };
      this.#waiting.set(transaction, waiting);
      this.#send(transaction, waiting, issued + validMs);
    });
  }

  /** A message on a response topic. Throws an EventError for what is none. */
  answered(device: string, payload: Uint8Array): void {
    const answer = decodePayload(responsePayload, payload) as Answer;
    const waiting = this.#waiting.get(answer.transaction);
    if (waiting?.device === device) this.#end(answer.transaction, waiting, answer);
  }

  stop(): void {
    this.#stopped = true;
    for (const [transaction, waiting] of this.#waiting) this.#end(transaction, waiting, undefined);
  }

  #send(transaction: string, waiting: Waiting, untilMs: number): void {
    this.#publish(waiting.topic, waiting.payload, { retain: false });
    waiting.cancel = this.#clock.after(repeatUs, () => {
      if (this.#clock.utcMs() >= untilMs) this.#end(transaction, waiting, undefined);
      else this.#send(transaction, waiting, untilMs);
    });
  }

  #end(transaction: string, waiting: Waiting, answer: Answer | undefined): void {
    waiting.cancel();
    this.#waiting.delete(transaction);
    waiting.resolve(answer);
  }
}
