import { randomBytes } from 'node:crypto';
import type { Logger } from '#base/log.ts';
import { createRandom } from '#base/random.ts';
import { configSchema } from '#config/schema.ts';
import { Link, type Session } from '#uplink/link.ts';
import { engineOptions } from '#uplink/options.ts';
import { type BirthFields, encodeState, type LinkState, readState } from '#uplink/payloads.ts';
import { clientId, devicePrefix, storePrefix } from '#uplink/topics.ts';
import type { KnownFacts } from './known-facts.ts';

/** The broker tells at once what stands on a topic; where it says nothing for so long, nothing does, ms. */
const standsWithinMs = 1_000;
const largestMessage = 65_536;

interface SafeLinkOptions {
  readonly facts: KnownFacts;
  readonly birth: () => BirthFields;
  readonly log: Logger;
  /** A request (`request/{command}`), or the store's list of keys. */
  readonly onRequest: (command: string, payload: Uint8Array, retained: boolean) => void;
  readonly onKeys: (payload: Uint8Array) => void;
  /** Which release the store offers. */
  readonly onRelease: (payload: Uint8Array) => void;
}

/**
 * The link of a device that is out of service: the gateway's own way to the broker without its outbox, which stays as it
 * is. Its `state` bears ledger, boot and connection of the gateway's last one, so that receivers take it for the same
 * device's, and the gateway's next birth is newer.
 */
export class SafeLink {
  readonly #options: SafeLinkOptions;
  readonly #link: Link;
  readonly #prefix: string;
  readonly #keysTopic: string;
  readonly #releaseTopic: string;
  readonly #instance = randomBytes(8).toString('hex');
  #numbers: Omit<LinkState, 'online'>;
  /** Of the will that the present connection was made with. */
  #willed = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SafeLinkOptions) {
    this.#options = options;
    const { facts, log } = options;
    const { store, device, encoding, broker, ledger, boot } = facts;
    this.#numbers = { ledger, boot, connection: 0 };
    this.#prefix = devicePrefix(facts);
    this.#keysTopic = `${storePrefix(store)}/keys`;
    this.#releaseTopic = `${storePrefix(store)}/release`;
    const { outbox } = configSchema.parse({ cartwright: 1, store, device, board: 'none' });
    const { link, seed } = engineOptions({ store, device, folder: '', encoding, broker, outbox });
    this.#link = new Link(
      { ...link, clientId: clientId(facts) },
      {
        will: () => {
          this.#willed = JSON.stringify(this.#numbers);
          return { topic: `${this.#prefix}/state`, payload: this.#state(false) };
        },
        up: (session) => this.#up(session),
        down: () => 0,
        away: (reason) => log.warn({ reason }, 'the broker is not reached'),
        message: (packet, done) => {
          done();
          this.#heard(packet.topic, packet.payload as Uint8Array, packet.retain);
        },
        fault: ({ code, message }) => log.warn({ code }, message),
      },
      createRandom(seed),
    );
  }

  get connected(): boolean {
    return this.#link.session !== undefined;
  }

  start(): void {
    this.#link.start();
  }

  /** Answers on `response/{command}`, or anything else of the device's own. */
  publish(topic: string, payload: Uint8Array, options: { qos: 0 | 1; retain?: boolean }): void {
    const { qos, retain = false } = options;
    this.#link.session?.client.publish(`${this.#prefix}/${topic}`, Buffer.from(payload), { qos, retain });
  }

  /** Says goodbye on `state` and ends. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    const client = this.#link.session?.client;
    if (client !== undefined) {
      const farewell = new Promise((resolve) => {
        client.publish(
          `${this.#prefix}/state`,
          Buffer.from(this.#state(false)),
          { qos: 1, retain: true },
          resolve,
        );
      });
      await Promise.race([farewell, new Promise((resolve) => setTimeout(resolve, 2_000))]);
    }
    await this.#link.stop(1_000);
  }

  #state(online: boolean): Uint8Array {
    const { facts, birth } = this.#options;
    return encodeState(birth(), { ...this.#numbers, online, instance: this.#instance }, facts.encoding);
  }

  #up({ client, url }: Session): void {
    this.#options.log.info({ broker: url }, 'connected');
    const topics = [
      `${this.#prefix}/state`,
      `${this.#prefix}/request/#`,
      this.#keysTopic,
      this.#releaseTopic,
    ];
    client.subscribe(topics, { qos: 1 }, () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#announce(), standsWithinMs);
    });
  }

  #announce(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // A will with other numbers than the birth would mean nothing to receivers.
    if (this.#willed !== JSON.stringify(this.#numbers)) {
      this.#link.abandon('its last will is made anew');
      return;
    }
    this.publish('state', this.#state(true), { qos: 1, retain: true });
  }

  #heard(topic: string, payload: Uint8Array, retained: boolean): void {
    if (payload.length > largestMessage) return;
    const requests = `${this.#prefix}/request/`;
    if (topic === this.#keysTopic) this.#options.onKeys(payload);
    else if (topic === this.#releaseTopic) this.#options.onRelease(payload);
    else if (topic.startsWith(requests)) {
      this.#options.onRequest(topic.slice(requests.length).replaceAll('/', '.'), payload, retained);
    } else if (topic === `${this.#prefix}/state` && retained) this.#stood(payload);
  }

  /** What the gateway left on `state`. */
  #stood(payload: Uint8Array): void {
    const state = payload.length === 0 ? undefined : readState(payload);
    if (state !== undefined && state.instance !== this.#instance) {
      const { ledger, boot, connection } = state;
      this.#numbers = { ledger, boot, connection };
    }
    if (this.#timer !== undefined) this.#announce();
  }
}
