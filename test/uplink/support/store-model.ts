import type { ExecutionContext } from 'ava';
import mqtt, { type MqttClient } from 'mqtt';
import type { AnyEvent } from '#events/event.ts';
import { ackPayload, statePayload } from '#events/mqtt-payloads.ts';
import { readEventPayload } from '#events/payload.ts';
import { decodePayload, encodePayload } from '#uplink/payloads.ts';
import { devicePrefix, type Place } from '#uplink/topics.ts';

/**
 * The other side, as the contract asks of it: a persistent session with QoS 1, repeats removed by id, and, where it
 * acknowledges, the last sequence up to which it has everything, retained.
 */
export class StoreModel {
  readonly #client: MqttClient;
  readonly #place: Place;
  /** May be changed at any time: a store that falls silent. */
  acknowledges: boolean;
  readonly byId = new Map<string, AnyEvent>();
  readonly states: { online: boolean; boot: number; connection: number; ledger: string }[] = [];
  readonly messages: { topic: string; payload: Buffer; retain: boolean }[] = [];
  repeats = 0;
  order: number[] = [];
  readonly #sequences = new Set<number>();
  #ledger = '';
  #through = 0;

  private constructor(client: MqttClient, place: Place, acknowledges: boolean) {
    this.#client = client;
    this.#place = place;
    this.acknowledges = acknowledges;
    client.on('error', () => {});
    client.on('connect', () => {
      client.subscribe(`${devicePrefix(place)}/#`, { qos: 1 }, () => {
        // The broker may have lost the retained word.
        if (this.#through > 0) this.#acknowledge();
      });
    });
    client.on('message', (topic, payload, packet) => this.#take(topic, payload, packet.retain));
  }

  static async open(
    t: Pick<ExecutionContext, 'teardown'>,
    url: string,
    place: Place,
    acknowledges: boolean,
  ): Promise<StoreModel> {
    const client = mqtt.connect(url, {
      clientId: `store-${place.device}`,
      clean: false,
      reconnectPeriod: 30,
    });
    t.teardown(() => client.endAsync(true));
    const model = new StoreModel(client, place, acknowledges);
    await new Promise<void>((resolve) => client.once('connect', () => resolve()));
    await client.subscribeAsync(`${devicePrefix(place)}/#`, { qos: 1 });
    return model;
  }

  #take(topic: string, payload: Buffer, retain: boolean): void {
    const prefix = `${devicePrefix(this.#place)}/`;
    const below = topic.slice(prefix.length);
    if (below.startsWith('event/')) this.#event(readEventPayload(payload));
    else if (below === 'state') this.states.push(decodePayload(statePayload, payload));
    else if (below !== 'ack') this.messages.push({ topic: below, payload, retain });
  }

  #event(event: AnyEvent): void {
    if (this.byId.has(event.id)) this.repeats++;
    else this.order.push(event.sequence);
    this.byId.set(event.id, event);
    this.#sequences.add(event.sequence);
    while (this.#sequences.has(this.#through + 1)) this.#through++;
    this.#ledger = event.ledger;
    this.#acknowledge();
  }

  #acknowledge(): void {
    if (this.acknowledges && this.#client.connected) this.acknowledge(this.#ledger, this.#through);
  }

  /** Publishes an acknowledgement, true or not. */
  acknowledge(ledger: string, sequence: number): void {
    const payload = encodePayload(ackPayload, { ledger, sequence }, 'cbor');
    this.#client.publish(`${devicePrefix(this.#place)}/ack`, Buffer.from(payload), { qos: 1, retain: true });
  }

  publish(topic: string, payload: Buffer | string, retain = false): Promise<unknown> {
    return this.#client.publishAsync(`${devicePrefix(this.#place)}/${topic}`, payload, { qos: 1, retain });
  }

  /** Everything up to here has arrived without a gap. */
  get through(): number {
    return this.#through;
  }
}
