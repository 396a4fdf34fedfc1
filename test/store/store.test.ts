import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest, { type ExecutionContext } from 'ava';
import mqtt, { type MqttClient } from 'mqtt';
import { askDevice, type DeviceRequest } from '#cli/call.ts';
import { ackPayload } from '#events/mqtt-payloads.ts';
import { Book } from '#store/book.ts';
import {
  type DaemonUnderTest,
  type GatewayFolder,
  makeGatewayFolder,
  startGateway,
  store,
} from '#test/support/gateway.ts';
import { type Mosquitto, startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { StoreProcess } from './support.ts';

const test = needs(anyTest, 'mosquitto');

const linguine = {
  line: 1,
  gtin: '08001250120076',
  name: 'Linguine',
  count: 2,
  unitPriceMinor: 150,
  priceMinor: 300,
  priceStatus: 'final',
  entry: 'scan',
};
const wine = {
  ...linguine,
  line: 2,
  gtin: '08003753900438',
  name: 'For adults',
  count: 1,
  priceMinor: 150,
  minimumAge: 18,
};
const loose = {
  line: 3,
  plu: '4011',
  name: 'Bananas',
  count: 1,
  massMg: 800_000,
  unitPriceMinor: 179,
  priceMinor: 143,
  priceStatus: 'estimate',
  entry: 'look',
};

interface Cart {
  readonly folder: GatewayFolder;
  daemon: DaemonUnderTest;
}

/** A broker, carts that nobody shakes, and a folder for the store's book. */
class Shop {
  readonly broker: Mosquitto;
  readonly client: MqttClient;
  readonly folder: string;
  readonly book: string;
  readonly #stores: StoreProcess[] = [];
  readonly #ends: (() => Promise<unknown>)[] = [];

  static async open(t: ExecutionContext, settings: readonly string[] = []): Promise<Shop> {
    t.timeout(900_000);
    const broker = await startMosquitto({ settings });
    const client = await mqtt.connectAsync(broker.url, { protocolVersion: 5, reconnectPeriod: 200 });
    client.on('error', () => {});
    const shop = new Shop(broker, client, await mkdtemp(join(tmpdir(), 'cartwright-shop-')));
    t.teardown(() => shop.close());
    return shop;
  }

  private constructor(broker: Mosquitto, client: MqttClient, folder: string) {
    this.broker = broker;
    this.client = client;
    this.folder = folder;
    this.book = join(folder, 'book.sqlite');
  }

  async cart(device = 'cart-0001', scenario = '../../test/fixtures/scenarios/quiet'): Promise<Cart> {
    const folder = await makeGatewayFolder({
      brokerUrl: this.broker.url,
      scenario,
      config: { device, display: { enabled: false }, status: { enabled: false } },
    });
    const cart: Cart = { folder, daemon: await startGateway(folder) };
    this.#ends.push(async () => {
      if (cart.daemon.running()) await cart.daemon.kill();
      await folder.remove();
    });
    return cart;
  }

  store(...args: readonly string[]): StoreProcess {
    const process = new StoreProcess(['-b', this.broker.url, '-s', store, '--book', this.book, ...args]);
    this.#stores.push(process);
    return process;
  }

  async ask(command: string, args: DeviceRequest['args'] = {}, device = 'cart-0001') {
    const answer = await askDevice(this.client, { store, device, command, args, timeout: 60 });
    if (answer.status === 'refused') throw new Error(`${command}: ${answer.code} ${answer.message}`);
    return answer.data;
  }

  /** A trip up to its attempt to pay; goods come from another cart, as nobody moves this one. */
  async checkOut(lines?: readonly object[], session = 'theirs', device = 'cart-0001'): Promise<string> {
    if (lines !== undefined) await this.ask('basket.receive', { from: 'cart-9', session, lines }, device);
    for (;;) {
      // Right after the start something may still move, for all the cart knows.
      const begun = await this.ask('basket.checkout', {}, device).catch((error: Error) => error);
      if (!(begun instanceof Error)) return String(begun.checkout);
      if (!begun.message.includes('CW-BSK-010')) throw begun;
      await sleep(300);
    }
  }

  async close(): Promise<void> {
    for (const process of this.#stores) await process.kill();
    for (const end of this.#ends) await end();
    await this.client.endAsync(true);
    await this.broker.remove();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** What the book says was captured, read when no store holds it. */
function capturedIn(shop: Shop) {
  const book = new Book(shop.book, store, Date.now);
  const captured = book.captured(100);
  const open = book.openPayments();
  const events = book.count();
  book.close();
  return { captured, open, events };
}

test.serial(
  'a published catalogue comes into force on the cart, goods are paid at its prices, and it stays',
  async (t) => {
    const shop = await Shop.open(t);
    const demo = JSON.parse(await readFile(resolve('config/catalogues/demo.json'), 'utf8')) as {
      version: string;
      products: { gtin?: string; priceMinor?: number }[];
    };
    const products = demo.products.map((one) =>
      one.priceMinor === undefined ? one : { ...one, priceMinor: one.priceMinor + 111 },
    );
    const file = join(shop.folder, 'catalogue.json');
    await writeFile(file, JSON.stringify({ ...demo, version: 'autumn-2', products }));
    const deals = join(shop.folder, 'deals.json');
    const deal = { id: 'a', title: 'Linguine', products: [linguine.gtin] };
    await writeFile(deals, JSON.stringify({ version: 'd-1', currency: 'EUR', deals: [deal] }));
    const process = shop.store('--catalogue', file, '--offers', deals);
    const { daemon, folder } = await shop.cart('cart-0001', 'scan-then-place');
    await shop.ask('session.begin', { token: 'QR-STORE-0001' });
    await process.until('device', { device: 'cart-0001', catalogue: 'autumn-2' });
    await process.until('device', { device: 'cart-0001', items: 3 });
    await shop.checkOut();
    const paid = await process.until('payment', { state: 'captured' });
    const receipt = await process.until('receipt');
    t.like(receipt, { device: 'cart-0001', outcome: 'paid' });
    t.like(receipt.paid, { reference: paid.reference, totalMinor: paid.totalMinor });
    const lines = receipt.lines as {
      gtin: string;
      catalogue: string;
      unitPriceMinor: number;
      count: number;
    }[];
    t.is(lines.length, 3);
    for (const { gtin, catalogue, unitPriceMinor } of lines) {
      const listed = (catalogue === 'autumn-2' ? products : demo.products).find((one) => one.gtin === gtin);
      t.is(
        listed?.priceMinor,
        unitPriceMinor,
        `${gtin} has the price of the catalogue that it names, ${catalogue}`,
      );
    }
    t.is(lines.at(-1)?.catalogue, 'autumn-2');
    t.is(
      paid.totalMinor,
      lines.reduce((sum, { unitPriceMinor, count }) => sum + unitPriceMinor * count, 0),
    );

    t.is(await daemon.stop(), 0);
    t.is(await process.stop(), 0);
    const kept = JSON.parse(await readFile(join(folder.path, 'data', 'store-catalogue.json'), 'utf8')) as {
      version: string;
    };
    t.is(kept.version, 'autumn-2');
    t.is(capturedIn(shop).captured.length, 1);
    // A cart that starts again begins with what the store gave it, before any broker answers.
    await shop.broker.stop();
    const again = await startGateway(folder);
    t.true(again.log.some((line) => line.includes('store-catalogue.json')));
    t.is(await again.stop(), 0);
  },
);

test.serial('events that come again are kept once and paid once, and acknowledged to the cart', async (t) => {
  const shop = await Shop.open(t);
  await shop.cart();
  const seen: { topic: string; payload: Buffer }[] = [];
  let ack = 0;
  shop.client.on('message', (topic, payload) => {
    if (topic.includes('/event/')) seen.push({ topic, payload });
    if (topic.endsWith('/ack')) ack = decodePayload(ackPayload, payload).sequence;
  });
  await shop.client.subscribeAsync([`cw/1/${store}/+/event/#`, `cw/1/${store}/+/ack`], { qos: 1 });
  const process = shop.store();
  await shop.checkOut([linguine]);
  await process.until('receipt');
  for (const { topic, payload } of [...seen, ...seen])
    await shop.client.publishAsync(topic, payload, { qos: 1 });
  // A second trip shows that the repeats were heard before.
  await shop.ask('session.end');
  await shop.checkOut([linguine], 'second');
  await process.until('receipt', {}, 2);
  const latest = () => Number((process.of('event').at(-1)?.sequence as number | undefined) ?? 0);
  for (let tries = 0; tries < 500 && ack < latest(); tries++) await sleep(20);
  t.true(ack >= latest(), 'all that is in the book is acknowledged');
  t.is(process.of('receipt').length, 2);
  t.is(process.of('payment', { state: 'captured' }).length, 2);
  const sequences = process.of('event').map(({ sequence }) => sequence);
  t.is(new Set(sequences).size, sequences.length);
  await process.stop();
  t.is(capturedIn(shop).captured.length, 2);
});

test.serial('a store that is killed in the middle of a payment goes on with the same one', async (t) => {
  const shop = await Shop.open(t);
  const cart = await shop.cart();
  await shop.checkOut([linguine]);
  // The cart is away: what it retained says that it wants to pay, and nobody answers.
  await cart.daemon.kill();
  const first = shop.store();
  const begun = await first.until('payment', { state: 'authorized' });
  await first.kill();
  t.like(capturedIn(shop), { captured: { length: 0 }, open: { length: 1 } });
  const second = shop.store();
  await second.until('device', { device: 'cart-0001', trip: 'checkout' });
  cart.daemon = await startGateway(cart.folder);
  const captured = await second.until('payment', { state: 'captured' });
  t.is(captured.reference, begun.reference, 'no second payment was authorized');
  await second.until('receipt');
  await second.kill();
  const third = shop.store();
  await third.until('device', { device: 'cart-0001', trip: 'paid' });
  t.deepEqual(third.of('payment'), []);
  await third.stop();
  const { captured: all, open } = capturedIn(shop);
  t.is(all.length, 1);
  t.is(open.length, 0);
});

test.serial(
  'two carts at once are paid each once, and what is no message of the contract disturbs neither',
  async (t) => {
    const shop = await Shop.open(t);
    await Promise.all([shop.cart('cart-0001'), shop.cart('cart-0002')]);
    const process = shop.store();
    const junk = [
      ['event/basket/paid', Buffer.from([0xa1, 0x01])],
      ['event/item/added', Buffer.from('{"id":"x"}')],
      ['event/basket/paid', Buffer.alloc(0)],
      ['basket', Buffer.from('{"session":1}')],
      ['state', Buffer.from('nonsense')],
      ['health', Buffer.from([0xff])],
      ['response/checkout/settle', Buffer.from('{')],
      ['event/basket/paid', Buffer.alloc(200_000, 7)],
    ] as const;
    await process.until('device', { device: 'cart-0002' });
    for (const device of ['cart-0001', 'cart-0002', 'nobody']) {
      for (const [topic, payload] of junk)
        await shop.client.publishAsync(`cw/1/${store}/${device}/${topic}`, payload, { qos: 1 });
    }
    await Promise.all([
      shop.checkOut([linguine], 'a', 'cart-0001'),
      shop.checkOut([{ ...linguine, priceMinor: 500, unitPriceMinor: 250 }], 'b', 'cart-0002'),
    ]);
    await process.until('receipt', { device: 'cart-0001' });
    await process.until('receipt', { device: 'cart-0002' });
    t.true(process.of('trouble').length > 0, 'it is told');
    t.true(process.of('trouble').length < 20, 'but a flood of it is not');
    await process.stop();
    const { captured } = capturedIn(shop);
    t.deepEqual(captured.map(({ device, totalMinor }) => `${device} ${totalMinor}`).sort(), [
      'cart-0001 300',
      'cart-0002 500',
    ]);
  },
);

test.serial('a broker that goes and comes back in the middle of it all costs no payment', async (t) => {
  const shop = await Shop.open(t);
  await shop.cart();
  const process = shop.store('--pay', 'ask');
  await shop.checkOut([linguine]);
  await process.until('device', { device: 'cart-0001', note: 'wants to pay' });
  await shop.broker.kill();
  process.type('pay cart-0001');
  const begun = await process.until('payment', { state: 'authorized' });
  await shop.broker.start();
  const captured = await process.until('payment', { state: 'captured' });
  t.is(captured.reference, begun.reference);
  await process.until('receipt');
  await process.stop();
  t.is(capturedIn(shop).captured.length, 1);
});

test.serial(
  'what the till has to do is asked for and typed: prices, ages, declined, refused, taken over',
  async (t) => {
    const shop = await Shop.open(t);
    await shop.cart();
    const process = shop.store('--pay', 'ask');
    await shop.checkOut([linguine, wine, loose]);
    await process.until('device', { note: 'price lines 3' });
    process.type('price cart-0001 3 1.23');
    await process.until('device', { note: 'check age 18' });
    process.type('approve cart-0001');
    await process.until('device', { note: 'wants to pay' });
    process.type('decline cart-0001');
    await process.until('payment', { state: 'declined' });
    await process.until('device', { trip: 'open' });
    await shop.checkOut();
    await process.until('device', { note: 'wants to pay' }, 2);
    process.type('pay cart-0001');
    t.is((await process.until('payment', { state: 'captured' })).totalMinor, 300 + 150 + 123);
    await process.until('receipt');
    await shop.ask('session.end');

    await shop.checkOut([wine], 'young');
    await process.until('device', { note: 'check age 18' }, 2);
    process.type('refuse cart-0001');
    await process.until('device', { trip: 'open' }, 2);
    process.type('take cart-0001');
    const sale = await process.until('sale', { state: 'open' });
    t.like(sale, { device: 'cart-0001', age: 18, totalMinor: 150 });
    process.type(`pay ${sale.number}`);
    process.type(`approve ${sale.number}`);
    process.type(`pay ${sale.number}`);
    t.like(await process.until('sale', { state: 'paid' }), { totalMinor: 150 });
    t.regex(
      await process.untilError('CW-STO-004'),
      /needs a buyer of 18 years/,
      'it could not be paid before',
    );
    process.type('pay nobody');
    t.regex(await process.untilError('CW-STO-004', 2), /nobody is not at the till/);
    process.type('sing');
    await process.untilError('CW-STO-006');
    await process.stop();
  },
);
