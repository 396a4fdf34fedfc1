import { setTimeout as sleep } from 'node:timers/promises';
import type { IClientPublishOptions, MqttClient } from 'mqtt';
import { describeError } from '#base/errors.ts';
import { encodeRecord } from '#events/codec.ts';
import { manifest as manifestShape } from '#events/mqtt-payloads.ts';
import type { Manifest } from '#uplink/offers.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { isName, storePrefix } from '#uplink/topics.ts';
import { type BrokerOptions, connectBroker } from './broker.ts';
import { CliError } from './errors.ts';

export interface ShelfAccess extends BrokerOptions {
  readonly store: string;
  /** Seconds. */
  readonly timeout: number;
}

/** Nothing says that a broker has sent all that it retained: so long after the last message it is taken to have. */
const quietMs = 700;

/** What a store offers to its devices: retained files, cut into parts, and single messages, below `_store` on a broker. */
export class Shelf {
  readonly #access: ShelfAccess;
  readonly #client: MqttClient;
  /** What is retained below `_store`, by its topic there: manifests only. */
  readonly #offered = new Map<string, Manifest>();
  /** Payloads of single messages as the broker passes them on. */
  readonly #said = new Map<string, Buffer>();
  readonly #onOther: (topic: string, payload: Buffer) => void;
  #heardMs = Date.now();

  /**
   * Connects. `onOther` hears messages of further topics that `listen` was given.
   * Rejects with CW-CLI-002 or CW-CLI-004.
   */
  static async open(
    access: ShelfAccess,
    onOther: (topic: string, payload: Buffer) => void = () => {},
  ): Promise<Shelf> {
    return new Shelf(access, await connectBroker(access, access.timeout), onOther);
  }

  private constructor(
    access: ShelfAccess,
    client: MqttClient,
    onOther: (topic: string, payload: Buffer) => void,
  ) {
    this.#access = access;
    this.#client = client;
    this.#onOther = onOther;
    client.on('message', (topic, payload) => this.#hear(topic, payload));
  }

  /**
   * Subscribes to manifests and messages below `_store` (`catalogue`, `planogram/+`) and to `others` as they are, and waits
   * for what is there already. Rejects with CW-CLI-003 or -008.
   */
  async listen(whats: readonly string[], others: readonly string[] = []): Promise<void> {
    const topics = [...whats.map((what) => this.#topic(what)), ...others];
    const granted = await this.#within(this.#client.subscribeAsync(topics, { qos: 0 }), 'answer', topics);
    const refused = granted.find(({ qos }) => qos >= 0x80);
    if (refused !== undefined) throw this.#refused(`it does not let ${refused.topic} be read`, topics);
    this.#heardMs = Date.now();
    await this.#until(() => Date.now() - this.#heardMs >= quietMs, 'come to an end', topics);
  }

  /** The manifest of a file that is offered. */
  offered(what: string): Manifest | undefined {
    return this.#offered.get(what);
  }

  /** All that were heard, by their place below `_store`. */
  offers(): ReadonlyMap<string, Manifest> {
    return this.#offered;
  }

  /** A single message that is retained there. */
  said(what: string): Buffer | undefined {
    return this.#said.get(what);
  }

  /** Puts parts and manifest there, then takes away what was only of the one before. Rejects with CW-CLI-003 or -008. */
  async publish(what: string, manifest: Manifest, parts: ReadonlyMap<string, Uint8Array>): Promise<void> {
    await this.listen([what]);
    const before = this.#offered.get(what);
    for (const [name, bytes] of parts) await this.#put(`${what}/${name}`, Buffer.from(bytes));
    this.#offered.delete(what);
    await this.#put(what, Buffer.from(encodeRecord(manifestShape, manifest)));
    // A broker of MQTT 3.1.1 takes what it may not pass on without a word.
    await this.#until(
      () => this.#offered.get(what)?.sha256 === manifest.sha256,
      'pass on what it was given',
      [this.#topic(what)],
    );
    await this.#clear(what, before, (name) => !parts.has(name));
  }

  /** Retains a single message. Rejects with CW-CLI-003 or -008. */
  async say(what: string, payload: Uint8Array): Promise<void> {
    await this.listen([what]);
    this.#said.delete(what);
    await this.#put(what, Buffer.from(payload));
    await this.#until(
      () => payload.length === 0 || this.#said.get(what)?.equals(payload) === true,
      'pass on what it was given',
      [this.#topic(what)],
    );
  }

  /** Takes a file or a message away; whether there was one. */
  async withdraw(what: string): Promise<boolean> {
    await this.listen([what]);
    const before = this.#offered.get(what);
    const was = before !== undefined || this.#said.has(what);
    await this.#put(what, Buffer.alloc(0));
    await this.#clear(what, before, () => true);
    return was;
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }

  async #clear(
    what: string,
    manifest: Manifest | undefined,
    wanted: (name: string) => boolean,
  ): Promise<void> {
    for (const { name } of manifest?.parts ?? []) {
      if (isName(name) && wanted(name)) await this.#put(`${what}/${name}`, Buffer.alloc(0));
    }
  }

  async #put(what: string, payload: Buffer): Promise<void> {
    const options: IClientPublishOptions = { qos: 1, retain: true };
    const topic = this.#topic(what);
    await this.#within(this.#client.publishAsync(topic, payload, options), 'take what was published', [
      topic,
    ]);
  }

  #topic(what: string): string {
    return `${storePrefix(this.#access.store)}/${what}`;
  }

  async #until(condition: () => boolean, what: string, topics: readonly string[]): Promise<void> {
    for (const untilMs = Date.now() + this.#access.timeout * 1000; !condition(); ) {
      if (Date.now() >= untilMs) throw this.#late(what, topics);
      await sleep(20);
    }
  }

  async #within<T>(work: Promise<T>, what: string, topics: readonly string[]): Promise<T> {
    const over = new AbortController();
    try {
      return await Promise.race([
        work,
        sleep(this.#access.timeout * 1000, undefined, { signal: over.signal }).then(() => {
          throw this.#late(what, topics);
        }),
      ]);
    } catch (cause) {
      if (cause instanceof CliError) throw cause;
      throw this.#refused(describeError(cause), topics);
    } finally {
      over.abort();
    }
  }

  #refused(why: string, topics: readonly string[]): CliError {
    const { broker } = this.#access;
    return new CliError(
      'CW-CLI-008',
      `the broker at ${broker} refuses: ${why}. Let this account read and write ${topics.join(', ')} and what is below`,
    );
  }

  #late(what: string, topics: readonly string[]): CliError {
    const { broker, timeout } = this.#access;
    return new CliError(
      'CW-CLI-003',
      `the broker at ${broker} did not ${what} within ${timeout} s; may this account read and write below ${topics[0]}?`,
    );
  }

  #hear(topic: string, payload: Buffer): void {
    this.#heardMs = Date.now();
    const prefix = `${storePrefix(this.#access.store)}/`;
    if (!topic.startsWith(prefix)) {
      this.#onOther(topic, payload);
      return;
    }
    const what = topic.slice(prefix.length);
    if (payload.length === 0) {
      this.#offered.delete(what);
      this.#said.delete(what);
      return;
    }
    this.#said.set(what, payload);
    try {
      this.#offered.set(what, decodePayload(manifestShape, payload));
    } catch {
      // Anybody may write there: what isn't a manifest is none.
      this.#offered.delete(what);
    }
  }
}
