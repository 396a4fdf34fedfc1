import type { MqttClient } from 'mqtt';
import { connectBroker } from '../broker.ts';

type Hear = (topic: string, payload: Uint8Array) => void;

/** Hears a broker's messages from early on, and keeps them until somebody wants them. */
export class Ear {
  readonly #client: MqttClient;
  #held: [topic: string, payload: Uint8Array][] = [];
  #hear: Hear = (topic, payload) => this.#held.push([topic, payload]);

  /** Connects and subscribes. Rejects as `connectBroker` does. */
  static async open(brokerUrl: string, filter: string): Promise<Ear> {
    const ear = new Ear(await connectBroker({ broker: brokerUrl }, 10));
    await ear.#client.subscribeAsync(filter, { qos: 1 });
    return ear;
  }

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on('message', (topic, payload) => this.#hear(topic, payload));
  }

  /** First what was held, in order, then what comes. */
  listen(hear: Hear): void {
    this.#hear = hear;
    for (const [topic, payload] of this.#held.splice(0)) hear(topic, payload);
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }
}
