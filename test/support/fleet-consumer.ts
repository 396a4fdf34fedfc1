import { readFileSync } from 'node:fs';
import mqtt, { type MqttClient } from 'mqtt';
import { statePayload } from '#events/mqtt-payloads.ts';
import { readEventPayload } from '#events/payload.ts';
import { decodePayload } from '#uplink/payloads.ts';

export interface ConsumerOptions {
  readonly urls: readonly string[];
  readonly store: string;
  readonly clientId: string;
  readonly tls?: { readonly caFile: string; readonly certFile: string; readonly keyFile: string };
  readonly keepaliveS?: number;
}

/**
 * The ledger's consumer of a store: one persistent session with QoS 1 on a broker of several nodes, going to the next one when
 * its own is gone; repeats removed by id. It keeps what it saw for tests to look at.
 */
export class FleetConsumer {
  readonly client: MqttClient;
  /** Sequences by device. */
  readonly sequences = new Map<string, Set<number>>();
  readonly #ids = new Set<string>();
  repeats = 0;
  connections = 0;
  readonly states = new Map<string, { online: boolean; broker?: string | undefined }>();
  readonly problems: string[] = [];
  #lastMs = performance.now();
  #longestMs = 0;

  static async open(options: ConsumerOptions): Promise<FleetConsumer> {
    const consumer = new FleetConsumer(options);
    await new Promise<void>((resolve) => consumer.client.once('connect', () => resolve()));
    const { store } = options;
    await consumer.client.subscribeAsync([`cw/1/${store}/+/event/#`, `cw/1/${store}/+/state`], { qos: 1 });
    return consumer;
  }

  private constructor({ urls, clientId, tls, keepaliveS }: ConsumerOptions) {
    this.client = mqtt.connect({
      servers: urls.map((url) => {
        const { hostname, port, protocol } = new URL(url);
        return {
          host: hostname,
          port: Number(port),
          protocol: protocol === 'mqtts:' ? ('mqtts' as const) : ('mqtt' as const),
        };
      }),
      protocol: urls[0]?.startsWith('mqtts:') === true ? 'mqtts' : 'mqtt',
      clientId,
      clean: false,
      protocolVersion: 4,
      reconnectPeriod: 200,
      connectTimeout: 5_000,
      keepalive: keepaliveS ?? 5,
      resubscribe: true,
      ...(tls === undefined
        ? {}
        : {
            ca: readFileSync(tls.caFile),
            cert: readFileSync(tls.certFile),
            key: readFileSync(tls.keyFile),
          }),
    });
    this.client.on('error', () => {});
    this.client.on('connect', () => {
      this.connections++;
    });
    this.client.on('message', (topic, payload) => {
      try {
        const device = topic.split('/')[3] ?? '';
        if (topic.endsWith('/state')) this.states.set(device, decodePayload(statePayload, payload));
        else this.#take(device, payload);
      } catch (error) {
        this.problems.push(`${topic}: ${String(error)}`);
      }
    });
  }

  #take(device: string, payload: Buffer): void {
    const { id, sequence } = readEventPayload(payload);
    const nowMs = performance.now();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    if (this.#ids.has(id)) {
      this.repeats++;
      return;
    }
    this.#ids.add(id);
    const seen = this.sequences.get(device) ?? new Set();
    this.sequences.set(device, seen);
    if (seen.has(sequence)) this.problems.push(`${device} ${sequence} under two ids`);
    seen.add(sequence);
  }

  /** Distinct events. */
  get count(): number {
    return this.#ids.size;
  }

  /** The longest time without any event since the last call, ms. */
  takeLongestSilence(): number {
    const longest = Math.max(this.#longestMs, performance.now() - this.#lastMs);
    this.#longestMs = 0;
    this.#lastMs = performance.now();
    return longest;
  }

  /** Sequences from 1 to the highest of a device that never came. */
  missing(device: string, through: number): number[] {
    const seen = this.sequences.get(device) ?? new Set();
    return Array.from({ length: through }, (_, i) => i + 1).filter((sequence) => !seen.has(sequence));
  }

  async close(): Promise<void> {
    await this.client.endAsync(true);
  }
}
