import mqtt, { type MqttClient } from 'mqtt';

/** An independent client of the broker that notes when something arrives. */
export class Observer {
  readonly #client: MqttClient;
  readonly #waiting = new Set<(topic: string, payload: Buffer) => boolean>();
  readonly #counts = new Map<string, number>();

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on('message', (topic, payload) => {
      this.#counts.set(topic, (this.#counts.get(topic) ?? 0) + 1);
      for (const check of [...this.#waiting]) if (check(topic, payload)) this.#waiting.delete(check);
    });
  }

  static async connect(url: string, topics: readonly string[]): Promise<Observer> {
    const client = await mqtt.connectAsync(url, { clientId: 'bench-observer' });
    const observer = new Observer(client);
    await client.subscribeAsync([...topics], { qos: 1 });
    return observer;
  }

  /** Messages so far whose topic ends so. */
  count(ending: string): number {
    let sum = 0;
    for (const [topic, count] of this.#counts) if (topic.endsWith(ending)) sum += count;
    return sum;
  }

  /** Hands every message from now on to `listener`. */
  hear(listener: (topic: string, payload: Buffer) => void): void {
    this.#waiting.add((topic, payload) => {
      listener(topic, payload);
      return false;
    });
  }

  /** Resolves with the time (`performance.now()`) at which the first message came for which `wanted` holds. */
  next(
    wanted: (topic: string, payload: Buffer) => boolean,
    what: string,
    withinMs = 30_000,
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        reject(new Error(`waited ${withinMs} ms in vain for ${what}`));
      }, withinMs);
      const check = (topic: string, payload: Buffer) => {
        if (!wanted(topic, payload)) return false;
        clearTimeout(timer);
        resolve(performance.now());
        return true;
      };
      this.#waiting.add(check);
    });
  }

  /** Removes what a retained topic holds. */
  async clear(topic: string): Promise<void> {
    await this.#client.publishAsync(topic, '', { retain: true, qos: 1 });
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }
}
