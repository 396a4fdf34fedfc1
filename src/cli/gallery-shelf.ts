import { setTimeout as sleep } from 'node:timers/promises';
import type { IClientPublishOptions, MqttClient } from 'mqtt';
import { describeError } from '#base/errors.ts';
import { encodeRecord } from '#events/codec.ts';
import { gatewayHealth } from '#events/data/gateway.ts';
import { manifest as manifestShape } from '#events/mqtt-payloads.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { isName, parseTopic, storePrefix } from '#uplink/topics.ts';
import type { GalleryOffer, Manifest } from '#vision/gallery/offer.ts';
import { type BrokerOptions, connectBroker } from './broker.ts';
import { CliError } from './errors.ts';

interface ShelfAccess extends BrokerOptions {
  readonly store: string;
  /** Seconds. */
  readonly timeout: number;
}

/** Which gallery a device says that it has. */
export interface DeviceGallery {
  readonly device: string;
  /** Versions: of the one in force, and of the store's that it was made from. */
  readonly inForce?: string | undefined;
  readonly ofStore?: string | undefined;
  /** Code of why what is offered is not taken. */
  readonly fault?: string | undefined;
}

/** Nothing says that a broker has sent all that it retained: so long after the last message it is taken to have. */
const quietMs = 700;

/** The store's gallery on a broker. */
export class GalleryShelf {
  readonly #access: ShelfAccess;
  readonly #client: MqttClient;
  readonly #topic: string;
  readonly #devices = new Map<string, DeviceGallery>();
  #offered: Manifest | undefined;
  #heardMs = Date.now();

  /** Rejects with CW-CLI-002 or CW-CLI-004. */
  static async open(access: ShelfAccess): Promise<GalleryShelf> {
    return new GalleryShelf(access, await connectBroker(access, access.timeout));
  }

  private constructor(access: ShelfAccess, client: MqttClient) {
    this.#access = access;
    this.#client = client;
    this.#topic = `${storePrefix(access.store)}/gallery`;
    client.on('message', (topic, payload) => this.#hear(topic, payload));
  }

  /** What is offered, and what each device with cameras has. */
  async look(): Promise<{
    readonly offered: Manifest | undefined;
    readonly devices: readonly DeviceGallery[];
  }> {
    await this.#listen([this.#topic, `cw/1/${this.#access.store}/+/health`]);
    const devices = [...this.#devices.values()].sort((a, b) => (a.device < b.device ? -1 : 1));
    return { offered: this.#offered, devices };
  }

  /** Puts parts and manifest there, then takes away what was only of the one before. Rejects with CW-CLI-003 or -008. */
  async publish(manifest: GalleryOffer, parts: ReadonlyMap<string, Uint8Array>): Promise<void> {
    await this.#listen([this.#topic]);
    const before = this.#offered;
    for (const [name, bytes] of parts) await this.#put(`${this.#topic}/${name}`, Buffer.from(bytes));
    this.#offered = undefined;
    await this.#put(this.#topic, Buffer.from(encodeRecord(manifestShape, manifest)));
    // A broker of MQTT 3.1.1 takes what it may not pass on without a word.
    await this.#until(() => this.#offered?.sha256 === manifest.sha256, 'pass on what it was given');
    await this.#clear(before, (name) => !parts.has(name));
  }

  /** Takes it away; whether there was one. */
  async withdraw(): Promise<boolean> {
    await this.#listen([this.#topic]);
    const before = this.#offered;
    await this.#put(this.#topic, Buffer.alloc(0));
    await this.#clear(before, () => true);
    return before !== undefined;
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }

  async #clear(manifest: Manifest | undefined, wanted: (name: string) => boolean): Promise<void> {
    for (const { name } of manifest?.parts ?? []) {
      if (isName(name) && wanted(name)) await this.#put(`${this.#topic}/${name}`, Buffer.alloc(0));
    }
  }

  /** Subscribes, and waits for what is there already. */
  async #listen(topics: string[]): Promise<void> {
    const granted = await this.#within(this.#client.subscribeAsync(topics, { qos: 0 }), 'answer');
    const refused = granted.find(({ qos }) => qos >= 0x80);
    if (refused !== undefined) throw this.#refused(`it does not let ${refused.topic} be read`);
    this.#heardMs = Date.now();
    await this.#until(() => Date.now() - this.#heardMs >= quietMs, 'come to an end');
  }

  async #put(topic: string, payload: Buffer): Promise<void> {
    const options: IClientPublishOptions = { qos: 1, retain: true };
    await this.#within(this.#client.publishAsync(topic, payload, options), 'take the gallery');
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    for (const untilMs = Date.now() + this.#access.timeout * 1000; !condition(); ) {
      if (Date.now() >= untilMs) throw this.#late(what);
      await sleep(20);
    }
  }

  async #within<T>(work: Promise<T>, what: string): Promise<T> {
    const over = new AbortController();
    try {
      return await Promise.race([
        work,
        sleep(this.#access.timeout * 1000, undefined, { signal: over.signal }).then(() => {
          throw this.#late(what);
        }),
      ]);
    } catch (cause) {
      if (cause instanceof CliError) throw cause;
      throw this.#refused(describeError(cause));
    } finally {
      over.abort();
    }
  }

  #refused(why: string): CliError {
    const { broker, store } = this.#access;
    return new CliError(
      'CW-CLI-008',
      `the broker at ${broker} refuses: ${why}. Let this account read cw/1/${store}/+/health, and read and write ${this.#topic} and what is below`,
    );
  }

  #late(what: string): CliError {
    const { broker, timeout } = this.#access;
    return new CliError(
      'CW-CLI-003',
      `the broker at ${broker} did not ${what} within ${timeout} s; may this account read and write below ${this.#topic}?`,
    );
  }

  #hear(topic: string, payload: Uint8Array): void {
    this.#heardMs = Date.now();
    try {
      if (topic === this.#topic) {
        this.#offered = payload.length === 0 ? undefined : decodePayload(manifestShape, payload);
        return;
      }
      const parsed = parseTopic(topic);
      if (parsed?.kind !== 'health') return;
      const { vision } = decodePayload(gatewayHealth, payload);
      const { device } = parsed.place;
      if (vision === undefined) this.#devices.delete(device);
      else {
        const { gallery: inForce, storeGallery: ofStore, storeGalleryFault: fault } = vision;
        this.#devices.set(device, { device, inForce, ofStore, fault });
      }
    } catch {
      // Anybody may write there: what isn't a message of the contract is passed over.
    }
  }
}
