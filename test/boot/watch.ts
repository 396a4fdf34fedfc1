import { setTimeout as sleep } from 'node:timers/promises';
import mqtt, { type MqttClient } from 'mqtt';
import type { CartEvent } from '#events/event.ts';
import { readEventPayload } from '#events/payload.ts';
import { Collector } from '#test/support/collector.ts';
import type { Mosquitto } from '#test/support/mosquitto.ts';
import { devicePrefix } from '#uplink/topics.ts';

/** A retained word about the device, with when it came. */
export interface Told {
  readonly topic: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** performance.now() of its arrival. */
  readonly atMs: number;
}

/** What a store's broker hears of one device: all of its ledger, and every word of its state. */
export class Watch {
  readonly broker: Mosquitto;
  readonly store: Collector;
  readonly told: Told[] = [];
  /** Ids that came a second time with other content: what the broker had was forgotten and written anew. */
  readonly rewritten: string[] = [];
  readonly #events = new Map<string, string>();
  readonly #client: MqttClient;

  static async open(broker: Mosquitto, store: string, device: string): Promise<Watch> {
    const client = await mqtt.connectAsync(broker.url, { protocolVersion: 4, reconnectPeriod: 200 });
    const watch = new Watch(broker, client, await Collector.connect(broker.url, store, device));
    const prefix = devicePrefix({ store, device });
    await client.subscribeAsync([`${prefix}/state`, `${prefix}/health`, `${prefix}/event/#`], { qos: 1 });
    return watch;
  }

  private constructor(broker: Mosquitto, client: MqttClient, collector: Collector) {
    this.broker = broker;
    this.#client = client;
    this.store = collector;
    client.on('error', () => {});
    client.on('message', (topic, payload) => {
      if (topic.includes('/event/')) return this.#takeEvent(payload);
      const text = payload.toString();
      const body = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : { text };
      this.told.push({ topic, body, atMs: performance.now() });
    });
  }

  /** An event's id names its place in the ledger, so that only its content tells whether it is the same. */
  #takeEvent(payload: Uint8Array): void {
    const { id } = readEventPayload(payload);
    const content = Buffer.from(payload).toString();
    const before = this.#events.get(id);
    if (before !== undefined && before !== content) this.rewritten.push(`${before} → ${content}`);
    this.#events.set(id, content);
  }

  /** Leaves a message at the broker for all who come later. */
  async retain(topic: string, payload: Uint8Array): Promise<void> {
    await this.#client.publishAsync(topic, Buffer.from(payload), { qos: 1, retain: true });
  }

  /** Waits until something is so; rejects after `withinMs`, a time that only says that nothing will come any more. */
  async until<Found>(what: string, look: () => Found | undefined, withinMs = 900_000): Promise<Found> {
    for (const deadline = performance.now() + withinMs; performance.now() < deadline; await sleep(50)) {
      const found = look();
      if (found !== undefined) return found;
    }
    const last = this.told
      .slice(-3)
      .map(({ topic, body }) => `${topic} ${JSON.stringify(body).slice(0, 300)}`);
    throw new Error(`${what} did not come; the last that was told:\n${last.join('\n')}`);
  }

  /** The first birth of the gateway itself, not of safe mode, that comes after `sinceMs`. */
  birth(sinceMs = 0, withinMs?: number): Promise<Told> {
    const look = () =>
      this.told.find(
        ({ topic, body, atMs }) =>
          atMs >= sinceMs && topic.endsWith('/state') && body.online === true && body.mode === undefined,
      );
    return this.until('a birth', look, withinMs);
  }

  /** So many events that come after those that are there. */
  async more(count: number): Promise<readonly CartEvent[]> {
    const from = this.store.events.length;
    return await this.until(`${count} more events`, () =>
      this.store.events.length >= from + count ? this.store.events.slice(from) : undefined,
    );
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
    await this.store.close();
  }
}
