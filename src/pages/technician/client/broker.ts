import mqtt, { type MqttClient } from 'mqtt';
import type { Infer } from '#events/fields.ts';
import { responsePayload } from '#events/mqtt-payloads.ts';
import type { OwnKey } from './keys.ts';
import { readRecord } from './records.ts';
import { plainRequest, type Request, sign1 } from './signing.ts';

/** `refused`: the broker does not take the login. */
export type Link = 'connecting' | 'connected' | 'refused';

export interface Login {
  readonly username: string;
  readonly password: string;
}

export type Answer =
  | { readonly status: 'done'; readonly data: Readonly<Record<string, unknown>> }
  | { readonly status: 'refused'; readonly code: string; readonly message: string };

type Response = Infer<typeof responsePayload>;

interface Waiting {
  readonly topic: string;
  readonly bytes: Uint8Array;
  readonly until: number;
  readonly heard: (response: Response) => void;
}

const keepAliveS = 15;
const againMs = 1_500;
/** A step may wait 15 s for rest and takes 2 s then; more is left for a radio that has to find its way back. */
const answerWithinMs = 40_000;
/** How long a refusal that names no key waits for an answer to our own: anybody may send a bad copy of a request. */
const vouchedWithinMs = 600;
/** CONNACK: 4 and 5 in MQTT 3.1.1, 134 and 135 in MQTT 5. */
const notTaken: readonly unknown[] = [4, 5, 134, 135];

/** What came on a topic below `cw/1/{store}/`. */
export interface Heard {
  /** Device, or `_store`. */
  readonly device: string;
  /** Without store and device. */
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** The page's way to the devices: the store's broker, over secure WebSocket, with what asks signed by the technician's key. */
export class Broker {
  readonly #client: MqttClient;
  readonly #prefix: string;
  readonly #heard: (heard: Heard) => void;
  readonly #link: (link: Link) => void;
  readonly #waiting = new Map<string, Waiting>();
  readonly #watched = new Set<string>();
  key: OwnKey | undefined;

  constructor(
    options: { readonly url: string; readonly store: string; readonly login: Login },
    handlers: { heard(heard: Heard): void; link(link: Link): void },
  ) {
    this.#prefix = `cw/1/${options.store}`;
    this.#heard = handlers.heard;
    this.#link = handlers.link;
    this.#client = mqtt.connect(options.url, {
      ...options.login,
      clientId: `console-${crypto.randomUUID().slice(0, 13)}`,
      protocolVersion: 4,
      keepalive: keepAliveS,
      reconnectPeriod: againMs,
      connectTimeout: 8_000,
      queueQoSZero: false,
      // The worker that the library would make for its timers comes from a blob, which the page's policy forbids.
      timerVariant: 'native',
    });
    this.#client.on('connect', () => this.#connected());
    this.#client.on('close', () => this.#link('connecting'));
    this.#client.on('error', (error) => {
      if (!notTaken.includes((error as { readonly code?: unknown }).code)) return;
      this.#link('refused');
      this.close();
    });
    this.#client.on('message', (topic, payload) => this.#message(topic, payload));
    this.watch('+/state');
    this.watch('+/health');
    this.watch('_store/keys');
  }

  get connected(): boolean {
    return this.#client.connected;
  }

  /** Listens to a filter below the store, from now on. */
  watch(filter: string): void {
    const whole = `${this.#prefix}/${filter}`;
    if (this.#watched.has(whole)) return;
    this.#watched.add(whole);
    if (this.#client.connected) this.#client.subscribe(whole, { qos: 1 });
  }

  unwatch(filter: string): void {
    const whole = `${this.#prefix}/${filter}`;
    if (this.#watched.delete(whole) && this.#client.connected) this.#client.unsubscribe(whole);
  }

  close(): void {
    this.#client.end(true);
  }

  /**
   * Asks a device, signed where there is a key. A request that a lost connection swallowed, or its answer, is sent again by the
   * same transaction when it is back: it is carried out once. Never rejects.
   * @param withinMs how long to wait in all
   */
  async ask(
    device: string,
    command: string,
    args: Readonly<Record<string, unknown>> = {},
    withinMs = answerWithinMs,
  ): Promise<Answer> {
    this.watch(`${device}/response/#`);
    const answer = await this.#once(device, command, args, withinMs, undefined);
    if (answer.status !== 'refused' || answer.code !== 'CW-CMD-013') return answer;
    // The device's clock is unset: it can't tell how old a command is, but takes one with a nonce of its own.
    const given = await this.#once(device, 'gateway.nonce', {}, withinMs, undefined, true);
    if (given.status !== 'done') return given;
    return await this.#once(device, command, args, withinMs, String(given.data.nonce));
  }

  async #once(
    device: string,
    command: string,
    args: Readonly<Record<string, unknown>>,
    withinMs: number,
    nonce: string | undefined,
    unsigned = false,
  ): Promise<Answer> {
    const issued = Date.now();
    const request: Request = {
      transaction: `c-${crypto.randomUUID()}`,
      issued,
      expires: issued + withinMs,
      args,
      ...(nonce === undefined ? {} : { nonce }),
    };
    const topic = `${this.#prefix}/${device}/request/${command.replaceAll('.', '/')}`;
    const plain = plainRequest(request);
    const key = unsigned ? undefined : this.key;
    const bytes = key === undefined ? plain : await sign1(plain, topic, key);
    const response = await this.#exchange(
      request.transaction,
      { topic, bytes, until: request.expires },
      key?.id,
    );
    if (response === undefined) {
      return {
        status: 'refused',
        code: 'no-answer',
        message: `${device} did not answer. It may be off, or out of reach of its network.`,
      };
    }
    if (response.status === 'done') return { status: 'done', data: response.data ?? {} };
    return { status: 'refused', code: response.code ?? '', message: response.message ?? '' };
  }

  #exchange(
    transaction: string,
    sent: Omit<Waiting, 'heard'>,
    keyId: string | undefined,
  ): Promise<Response | undefined> {
    return new Promise((resolve) => {
      let doubted: ReturnType<typeof setTimeout> | undefined;
      const finish = (response: Response | undefined) => {
        clearTimeout(timer);
        clearTimeout(doubted);
        this.#waiting.delete(transaction);
        resolve(response);
      };
      const timer = setTimeout(() => finish(undefined), sent.until - Date.now());
      const heard = (response: Response) => {
        if (keyId === undefined || response.key === keyId) finish(response);
        else doubted ??= setTimeout(() => finish(response), vouchedWithinMs);
      };
      this.#waiting.set(transaction, { ...sent, heard });
      this.#send(sent);
    });
  }

  #send({ topic, bytes, until }: Omit<Waiting, 'heard'>): void {
    if (!this.#client.connected || until < Date.now()) return;
    this.#client.publish(topic, bytes as Parameters<MqttClient['publish']>[1], { qos: 1 });
  }

  #connected(): void {
    if (this.#watched.size > 0) this.#client.subscribe([...this.#watched], { qos: 1 });
    this.#link('connected');
    for (const waiting of this.#waiting.values()) this.#send(waiting);
  }

  #message(topic: string, payload: Uint8Array): void {
    if (!topic.startsWith(`${this.#prefix}/`)) return;
    const [device = '', ...rest] = topic.slice(this.#prefix.length + 1).split('/');
    if (rest[0] === 'response') {
      try {
        const response = readRecord(responsePayload, payload);
        this.#waiting.get(response.transaction)?.heard(response);
      } catch {
        // What can't be read is no answer.
      }
      return;
    }
    this.#heard({ device, topic: rest.join('/'), payload });
  }
}
