import { setTimeout as sleep } from 'node:timers/promises';
import mqtt, { type MqttClient } from 'mqtt';
import type { BasketSnapshot } from '#basket/basket.ts';
import { basketSnapshot } from '#events/data/baskets.ts';
import type { CartEvent } from '#events/event.ts';
import { readEventPayload } from '#events/payload.ts';
import { type DropRange, goneIn } from '#uplink/outbox-policy.ts';
import { decodePayload } from '#uplink/payloads.ts';

/**
 * A store's consumer as docs/mqtt.md advises: one persistent session, QoS 1, repeats removed by id. It keeps what it
 * saw for tests to look at.
 */
export class Collector {
  readonly #client: MqttClient;
  readonly events: CartEvent[] = [];
  readonly #ids = new Set<string>();
  /** Every basket snapshot in the order of arrival; undefined for a cleared one. */
  readonly baskets: (BasketSnapshot | undefined)[] = [];
  /** Messages that were repeats by id. */
  repeats = 0;
  readonly problems: string[] = [];

  static async connect(url: string, store: string, device: string): Promise<Collector> {
    const client = await mqtt.connectAsync(url, {
      clean: false,
      clientId: `collector-${process.pid}-${Math.floor(performance.now() * 1000)}`,
      protocolVersion: 4,
      reconnectPeriod: 200,
    });
    client.on('error', () => {});
    const collector = new Collector(client);
    await client.subscribeAsync([`cw/1/${store}/${device}/event/#`, `cw/1/${store}/${device}/basket`], {
      qos: 1,
    });
    return collector;
  }

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on('message', (topic, payload) => {
      try {
        if (topic.endsWith('/basket')) {
          this.baskets.push(payload.length === 0 ? undefined : decodePayload(basketSnapshot, payload));
        } else this.#take(readEventPayload(payload) as CartEvent);
      } catch (error) {
        this.problems.push(`${topic}: ${String(error)}`);
      }
    });
  }

  #take(event: CartEvent): void {
    if (this.#ids.has(event.id)) {
      this.repeats += 1;
      return;
    }
    this.#ids.add(event.id);
    this.events.push(event);
  }

  /** In order of sequence. */
  ledger(): readonly CartEvent[] {
    return [...this.events].sort((a, b) => a.sequence - b.sequence);
  }

  /** Sequences that are missing between 1 and the last one seen. */
  gaps(): readonly number[] {
    const seen = new Set(this.events.map((event) => event.sequence));
    const last = Math.max(0, ...seen);
    return Array.from({ length: last }, (_, index) => index + 1).filter((sequence) => !seen.has(sequence));
  }

  /** Those of the gaps that no `outbox.dropped` accounts for: a receiver counts what was reported as received. */
  unreported(): readonly number[] {
    const ranges = this.events.flatMap(({ type, data }) =>
      type === 'outbox.dropped' ? goneIn(data as DropRange) : [],
    );
    return this.gaps().filter(
      (sequence) => !ranges.some(([first, last]) => first <= sequence && sequence <= last),
    );
  }

  /** Waits until an event fits, or throws after `withinMs`. */
  async until(fits: (event: CartEvent) => boolean, withinMs: number, what: string): Promise<CartEvent> {
    for (const deadline = performance.now() + withinMs; performance.now() < deadline; await sleep(10)) {
      const found = this.events.find(fits);
      if (found !== undefined) return found;
    }
    throw new Error(
      `${what} did not come within ${withinMs} ms; seen: ${this.events.map(({ type }) => type).join(' ')}`,
    );
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }
}

/** The basket as a receiver rebuilds it from events alone: count by line, and the last totals. */
export function foldBasket(events: readonly CartEvent[]): {
  readonly session: string | undefined;
  readonly lines: Readonly<
    Record<number, { readonly name: string; readonly count: number; readonly priceMinor: number }>
  >;
  readonly revision: number;
} {
  let session: string | undefined;
  let revision = 0;
  let lines: Record<number, { name: string; count: number; priceMinor: number }> = {};
  for (const event of events) {
    if (event.type === 'basket.opened') {
      session = event.data.session;
      lines = {};
      revision = 1;
    } else if (event.type === 'basket.line') {
      const { line, name, count, priceMinor } = event.data;
      revision = event.data.revision;
      if (count === 0) delete lines[line];
      else lines[line] = { name, count, priceMinor };
    } else if (event.type === 'basket.closed') {
      // A paid basket stays until the cart is left.
      if (event.data.outcome !== 'paid') session = undefined;
    } else if (event.type === 'basket.abandoned' || event.type === 'basket.transferred') {
      session = undefined;
    }
  }
  return { session, lines, revision };
}
