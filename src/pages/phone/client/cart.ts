import mqtt, { type MqttClient } from 'mqtt';
import type { PhoneBasket } from '../source.ts';
import type { Address } from './address.ts';
import { channelOf, macOf, type Say } from './secrets.ts';

/** `silent`: the broker is there and the cart says nothing; `ended`: the trip is over, or phones were disconnected. */
export type Link = 'connecting' | 'joined' | 'silent' | 'ended';
export type Heard = 'taken' | 'refused' | 'too-often' | 'unheard';

export interface CartHandlers {
  basket(basket: PhoneBasket): void;
  link(link: Link): void;
}

/** A cart answers at once; a message may have to wait while a phone changes from one radio cell to another. */
const answerMs = 6_000;
const againMs = 2_000;
const keepAliveS = 20;

/** The conversation with one cart, by way of the store's broker. */
export class Cart {
  readonly #address: Address;
  readonly #handlers: CartHandlers;
  readonly #waiting = new Map<number, (heard: Heard) => void>();
  #client: MqttClient | undefined;
  #topic = '';
  #number = 0;
  #hasBasket = false;

  constructor(address: Address, handlers: CartHandlers) {
    this.#address = address;
    this.#handlers = handlers;
  }

  /** Connects, joins, and does so again whenever the connection was lost. */
  async open(): Promise<void> {
    const { store, device, secret, broker } = this.#address;
    const channel = await channelOf(secret);
    this.#topic = `cw/1/${store}/${device}/phone/${channel}`;
    this.#handlers.link('connecting');
    const client = mqtt.connect(broker, {
      clientId: channel,
      protocolVersion: 4,
      keepalive: keepAliveS,
      reconnectPeriod: againMs,
      // The worker that the library would make for its timers comes from a blob, which the page's policy forbids.
      timerVariant: 'native',
    });
    this.#client = client;
    client.on('connect', () => void this.#join());
    client.on('close', () => this.#handlers.link('connecting'));
    client.on('error', () => {});
    client.on('message', (topic, payload) => this.#hear(topic, new TextDecoder().decode(payload)));
  }

  /** Tells the cart what was scanned. */
  async scan(code: string, symbology: string): Promise<Heard> {
    return await this.#say({ what: 'scan', code, symbology });
  }

  /** Ends the phone's part. */
  async leave(): Promise<void> {
    await this.#say({ what: 'leave' });
    this.#end();
  }

  async #join(): Promise<void> {
    const client = this.#client;
    if (client === undefined) return;
    await client.subscribeAsync([`${this.#topic}/basket`, `${this.#topic}/heard`], { qos: 1 });
    // A cart that is out of the network's reach for a while takes the same secret when it is back.
    while (this.#client === client && client.connected) {
      const heard = await this.#say({ what: 'join' });
      if (heard !== 'unheard') return;
      if (this.#client === client && client.connected) this.#handlers.link('silent');
      await new Promise((resolve) => setTimeout(resolve, againMs));
    }
  }

  async #say(what: Omit<Say, 'number'>): Promise<Heard> {
    const client = this.#client;
    if (client === undefined || !client.connected) return 'unheard';
    // The clock keeps numbers growing over a reload of the page too.
    this.#number = Math.max(this.#number + 1, Date.now());
    const say = { number: this.#number, ...what };
    const mac = await macOf(this.#address.secret, say);
    const heard = new Promise<Heard>((resolve) => {
      const timer = setTimeout(() => this.#heard(say.number, 'unheard'), answerMs);
      this.#waiting.set(say.number, (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      });
    });
    client.publish(`${this.#topic}/say`, JSON.stringify({ ...say, mac }), { qos: 1 });
    return await heard;
  }

  #heard(number: number, outcome: Heard): void {
    this.#waiting.get(number)?.(outcome);
    this.#waiting.delete(number);
  }

  #hear(topic: string, text: string): void {
    if (topic.endsWith('/heard')) {
      const { number, outcome } = JSON.parse(text) as { readonly number: number; readonly outcome: Heard };
      this.#heard(number, outcome);
      this.#handlers.link('joined');
      return;
    }
    if (text !== '') {
      this.#hasBasket = true;
      this.#handlers.basket(JSON.parse(text) as PhoneBasket);
    } else if (this.#hasBasket) this.#end();
  }

  #end(): void {
    const client = this.#client;
    this.#client = undefined;
    client?.removeAllListeners('close');
    client?.end(true);
    this.#handlers.link('ended');
  }
}
