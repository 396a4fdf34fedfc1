import { randomUUID } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import {
  askSigned,
  encodeRequest,
  type HeardAnswer,
  isVouched,
  type Signing,
  vouchedWithinMs,
} from '#commands/signing.ts';
import type { PlainMap } from '#events/fields.ts';
import { responsePayload } from '#events/mqtt-payloads.ts';
import type { PrivateKey } from '#identity/keys.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { devicePrefix, requestTopic } from '#uplink/topics.ts';

/** Where the store's messages go; what the broker is away for is sent when it is back. */
export type Publish = (topic: string, payload: Uint8Array, options: { readonly retain: boolean }) => void;

/**
 * What a device said. A refusal is `doubtful` where the request was signed and the answer does not bear its key: then the
 * signature does not hold there, or somebody else had a bad copy of the request refused, and nothing final may follow.
 */
export type Heard = HeardAnswer & { readonly doubtful?: true };

interface Waiting {
  readonly device: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly signing: Signing | undefined;
  readonly resolve: (heard: Heard | undefined) => void;
  cancel: () => void;
  cancelDoubt?: () => void;
}

/** What one is asked, as one message. */
interface Question {
  readonly device: string;
  readonly command: string;
  readonly args: PlainMap;
  readonly transaction: string;
}

/** A device that was just away missed it; the transaction keeps it from being carried out twice. */
const repeatUs = 2_000_000;
const validMs = 30_000;

/** Requests to devices that wait for their answers. */
export class Asking {
  readonly #store: string;
  readonly #clock: Clock;
  readonly #publish: Publish;
  readonly #key: PrivateKey | undefined;
  readonly #waiting = new Map<string, Waiting>();
  #stopped = false;

  /** @param key signs what is asked; left out, nothing is signed */
  constructor(store: string, clock: Clock, publish: Publish, key?: PrivateKey) {
    this.#key = key;
    this.#store = store;
    this.#clock = clock;
    this.#publish = publish;
  }

  /**
   * Asks a device; resolves with its answer, or with undefined where none came in time: then nobody knows whether it was done.
   * A `transaction` that is given may have been carried out before: it is answered as it was.
   */
  async ask(
    device: string,
    command: string,
    args: PlainMap,
    transaction: string = randomUUID(),
  ): Promise<Heard | undefined> {
    const question = { device, command, args, transaction };
    if (this.#key === undefined) return withRemedy(await this.#exchange(question, undefined));
    const nonce = { device, command: 'gateway.nonce', args: {}, transaction: randomUUID() };
    return await askSigned(
      this.#key,
      (signing) => this.#exchange(question, signing),
      () => this.#exchange(nonce, undefined),
    );
  }

  /** Whose word a command is, for its `by`: a key says itself which till's it is, and nobody may say otherwise. */
  by(till: string): PlainMap {
    return this.#key === undefined ? { role: 'till', who: till } : { role: 'till' };
  }

  /** A message on a response topic. Throws an EventError for what is none. */
  answered(device: string, payload: Uint8Array): void {
    const answer = decodePayload(responsePayload, payload) as HeardAnswer;
    const { transaction } = answer;
    const waiting = this.#waiting.get(transaction);
    if (waiting?.device !== device) return;
    if (isVouched(answer, waiting.signing)) this.#end(transaction, waiting, answer);
    else if (answer.status === 'refused') {
      waiting.cancelDoubt ??= this.#clock.after(vouchedWithinMs * 1000, () =>
        this.#end(transaction, waiting, { ...answer, doubtful: true }),
      );
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const [transaction, waiting] of this.#waiting) this.#end(transaction, waiting, undefined);
  }

  #exchange(
    { device, command, args, transaction }: Question,
    signing: Signing | undefined,
  ): Promise<Heard | undefined> {
    const topic = `${devicePrefix({ store: this.#store, device })}/${requestTopic(command)}`;
    const issued = this.#clock.utcMs();
    const request = { transaction, issued, expires: issued + validMs, args };
    const payload = encodeRequest(request, topic, signing);
    return new Promise((resolve) => {
      if (this.#stopped) {
        resolve(undefined);
        return;
      }
      const before = this.#waiting.get(transaction);
      if (before !== undefined) this.#end(transaction, before, undefined);
      const waiting: Waiting = { device, topic, payload, signing, resolve, cancel: () => {} };
      this.#waiting.set(transaction, waiting);
      this.#send(transaction, waiting, issued + validMs);
    });
  }

  #send(transaction: string, waiting: Waiting, untilMs: number): void {
    this.#publish(waiting.topic, waiting.payload, { retain: false });
    waiting.cancel = this.#clock.after(repeatUs, () => {
      if (this.#clock.utcMs() >= untilMs) this.#end(transaction, waiting, undefined);
      else this.#send(transaction, waiting, untilMs);
    });
  }

  #end(transaction: string, waiting: Waiting, heard: Heard | undefined): void {
    waiting.cancel();
    waiting.cancelDoubt?.();
    this.#waiting.delete(transaction);
    waiting.resolve(heard);
  }
}

/** Devices say how to sign; who runs a store has to know where. */
function withRemedy(heard: Heard | undefined): Heard | undefined {
  if (heard?.status !== 'refused' || heard.code !== 'CW-CMD-010') return heard;
  const remedy = 'start the store with --key FILE, a key of role till that its devices know (docs/keys.md)';
  return { ...heard, message: `${heard.message}. Here: ${remedy}` };
}

/** What to tell people of a refusal. */
export function refusalText(heard: Heard & { readonly status: 'refused' }): string {
  const doubt =
    heard.doubtful === true ? "; the answer doesn't bear this till's key, so it is asked again" : '';
  return `${heard.code} ${heard.message}${doubt}`;
}
