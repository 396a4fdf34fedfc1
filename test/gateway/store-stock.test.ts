import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { isCoded } from '#base/errors.ts';
import { silentLogger } from '#base/log.ts';
import { parseCatalogue } from '#catalogue/parse.ts';
import { encodeRecord } from '#events/codec.ts';
import { manifest as manifestShape } from '#events/mqtt-payloads.ts';
import { StoreStock } from '#gateway/store-stock.ts';
import { startingStock } from '#gateway/stored-stock.ts';
import { Shop } from '#pipeline/shop.ts';
import type { DeviceFault } from '#readings/faults.ts';
import { cutIntoParts, type Manifest } from '#uplink/offers.ts';
import type { MessageHandler } from '#uplink/uplink.ts';

const jar = { gtin: '04006381333931', name: 'A jar', sale: 'each', priceMinor: 199, look: 'jar' };
const tin = { gtin: '04311501043271', name: 'A tin', sale: 'each', priceMinor: 250 };
const catalogueOf = (version: string, ...products: readonly object[]) => ({
  catalogue: 1,
  version,
  currency: 'EUR',
  products,
});
const planogramOf = (version: string, ...gtins: readonly string[]) => ({
  planogram: 1,
  version,
  plates: gtins.map((gtin) => ({ plate: 'p1', gtin })),
});

/** A broker that retains what the store says, a device that follows it, and a pipeline's shop. */
class Bench {
  readonly clock = new VirtualClock(0);
  readonly folder: string;
  readonly faults: DeviceFault[] = [];
  readonly retained = new Map<string, Uint8Array>();
  readonly inForce: string[] = [];
  readonly shop: Shop;
  readonly stock: StoreStock;
  /** Whether something is being decided on. */
  isDeciding = false;
  readonly #subscribed = new Map<string, MessageHandler>();

  constructor(folder: string, cataloguePath: string) {
    this.folder = folder;
    const catalogue = parseCatalogue(catalogueOf('configured', jar));
    this.shop = new Shop({ catalogue, planogram: undefined }, /^QR/u);
    this.stock = new StoreStock({
      device: 'cart-1',
      paths: { catalogue: cataloguePath },
      folder,
      clock: this.clock,
      log: silentLogger,
      uplink: {
        status: () => ({ connected: true }),
        subscribe: (filter, handler) => {
          this.#subscribed.set(filter, handler);
          const payload = this.retained.get(filter);
          if (payload !== undefined) setImmediate(() => void this.#deliver(filter, payload));
          return () => void this.#subscribed.delete(filter);
        },
      },
      push: (input) => {
        if (input.kind === 'device-fault') this.faults.push(input.fault);
        else this.shop.offer(input.stock, this.clock.nowUs());
        this.decide();
      },
      stock: () => this.shop.stock,
      onInForce: () => this.inForce.push(this.shop.catalogue.version),
    });
    this.stock.start();
  }

  asks(topic: string): boolean {
    return this.#subscribed.has(topic);
  }

  decide(): void {
    const moment = {
      nowUs: this.clock.nowUs(),
      isDeciding: this.isDeciding,
      trip: 'none',
      held: () => [],
    } as const;
    if (this.shop.adopt(moment)) this.stock.adopted(this.shop.given);
  }

  async publish(
    what: string,
    document: { readonly version: string } | string,
    changes: Partial<Manifest> = {},
    without: readonly number[] = [],
  ) {
    const text = typeof document === 'string' ? document : JSON.stringify(document);
    const version = typeof document === 'string' ? 'broken' : document.version;
    const { manifest, parts } = await cutIntoParts(Buffer.from(text), version);
    for (const [index, { name }] of manifest.parts.entries()) {
      const part = parts.get(name);
      if (part !== undefined && !without.includes(index)) await this.say(`_store/${what}/${name}`, part);
    }
    await this.say(`_store/${what}`, encodeRecord(manifestShape, { ...manifest, ...changes }));
    return { manifest, parts };
  }

  async say(topic: string, payload: Uint8Array): Promise<void> {
    this.retained.set(topic, payload);
    await this.#deliver(topic, payload);
  }

  async #deliver(topic: string, payload: Uint8Array): Promise<void> {
    await this.#subscribed.get(topic)?.(topic, payload, { retain: true, properties: {} });
  }

  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    for (let tries = 0; !(await condition()); tries++) {
      if (tries > 6_000) throw new Error(`it did not come: ${JSON.stringify(this.faults)}`);
      await sleep(5);
    }
  }

  async isStored(what: 'catalogue' | 'planogram', version: string): Promise<boolean> {
    const text = await readFile(join(this.folder, `store-${what}.json`), 'utf8').catch(() => '{}');
    return (JSON.parse(text) as { version?: string }).version === version;
  }

  readonly codes = () => this.faults.map(({ code, cleared }) => `${cleared === true ? '-' : ''}${code}`);
}

async function benchOf(t: ExecutionContext): Promise<Bench> {
  const root = await mkdtemp(join(tmpdir(), 'cartwright-stock-'));
  const path = join(root, 'configured.json');
  await writeFile(path, JSON.stringify(catalogueOf('configured', jar)));
  await mkdir(join(root, 'data'));
  const bench = new Bench(join(root, 'data'), path);
  t.teardown(async () => {
    await bench.stock.stop();
    await rm(root, { recursive: true, force: true });
  });
  return bench;
}

test('a catalogue of several parts is fetched, checked, put in force and kept for the next start', async (t) => {
  const bench = await benchOf(t);
  const many = Array.from({ length: 3_000 }, (_, index) => ({
    plu: String(3000 + index).padStart(4, '0'),
    name: `Produce number ${index} with a name that takes some room`,
    sale: 'weight',
    priceMinorPerKg: 100 + index,
  })).filter(({ plu }) => /^[34]/.test(plu));
  const { manifest } = await bench.publish('catalogue', catalogueOf('big', jar, ...many));
  t.true(manifest.parts.length > 1);
  await bench.until(() => bench.isStored('catalogue', 'big'));
  t.is(bench.shop.catalogue.version, 'big');
  t.is(bench.shop.catalogue.byGtin.get(jar.gtin)?.key, `gtin:${jar.gtin}`);
  t.deepEqual(bench.codes(), []);
  await bench.until(() => bench.inForce.includes('big'));
  const start = await startingStock(bench.folder, { catalogue: 'nowhere.json', planogram: undefined });
  t.is(start.catalogue.version, 'big', 'the configured file is not even needed');
  t.regex(start.warnings.join(), /in place of nowhere.json/);
  t.deepEqual(await readdir(bench.folder), ['store-catalogue.json']);
});

test('what the configuration has already is not fetched', async (t) => {
  const bench = await benchOf(t);
  await bench.publish('catalogue', catalogueOf('configured', jar), {}, [0]);
  await bench.publish('planogram/cart-1', planogramOf('p-1', jar.gtin));
  await bench.until(() => bench.isStored('planogram', 'p-1'));
  t.deepEqual(bench.codes(), []);
  t.is(bench.shop.catalogue.version, 'configured');
});

test('what waits for a quiet moment is on the disk as what waits, and a crash before that begins with the old one', async (t) => {
  const bench = await benchOf(t);
  bench.isDeciding = true;
  await bench.publish('catalogue', catalogueOf('next', jar));
  await bench.until(async () =>
    (await readdir(bench.folder)).some((name) => /^store-catalogue\.[0-9a-f]{16}\.json$/.test(name)),
  );
  t.is(bench.shop.catalogue.version, 'configured');
  t.false(await bench.isStored('catalogue', 'next'));
  bench.isDeciding = false;
  bench.decide();
  await bench.until(() => bench.isStored('catalogue', 'next'));
  t.is(bench.shop.catalogue.version, 'next');
});

test('what is damaged, announced wrongly or no catalogue is told, and the old one stays', async (t) => {
  const bench = await benchOf(t);
  const cases: [string, () => Promise<unknown>][] = [
    ['CW-CAT-001', () => bench.publish('catalogue', '{"catalogue":')],
    ['CW-CAT-004', () => bench.publish('catalogue', '{"catalogue":1}')],
    ['CW-CAT-005', () => bench.publish('catalogue', { catalogue: 2, version: 'x' } as never)],
    ['CW-CAT-011', () => bench.publish('catalogue', catalogueOf('x', { ...jar, priceMinor: -1 }))],
    ['CW-CAT-019', () => bench.publish('catalogue', catalogueOf('y', jar), { version: 'z' })],
    ['CW-CAT-019', () => bench.publish('catalogue', catalogueOf('s', jar), { sha256: '00'.repeat(32) })],
    ['CW-CAT-019', () => bench.publish('catalogue', catalogueOf('s', jar), { size: 5 })],
    ['CW-CAT-019', () => bench.say('_store/catalogue', Buffer.from('nonsense'))],
  ];
  for (const [code, publish] of cases) {
    const before = bench.faults.length;
    await publish();
    await bench.until(() => bench.codes().slice(before).includes(code));
    t.is(bench.shop.catalogue.version, 'configured', code);
  }
  await bench.publish('catalogue', catalogueOf('good', jar));
  await bench.until(() => bench.isStored('catalogue', 'good'));
  await bench.until(() => bench.faults.at(-1)?.cleared === true);
  t.pass();
});

test('a part that is missing is told and waited for', async (t) => {
  const bench = await benchOf(t);
  const { manifest, parts } = await bench.publish('catalogue', catalogueOf('late', jar), {}, [0]);
  const name = manifest.parts[0]?.name ?? '';
  await bench.until(() => bench.asks(`_store/catalogue/${name}`));
  bench.clock.advanceTo(bench.clock.nowUs() + 61e6);
  await bench.until(() => bench.codes().includes('CW-CAT-019'));
  await bench.say(`_store/catalogue/${name}`, parts.get(name) ?? new Uint8Array());
  await bench.until(() => bench.isStored('catalogue', 'late'));
  t.deepEqual(bench.codes(), ['CW-CAT-019', '-CW-CAT-019']);
});

test('a planogram waits for a catalogue that has its products', async (t) => {
  const bench = await benchOf(t);
  await bench.publish('planogram/cart-1', planogramOf('p-2', tin.gtin));
  await bench.until(() => bench.codes().includes('CW-CAT-014'));
  t.is(bench.shop.stock.planogram, undefined);
  await bench.publish('catalogue', catalogueOf('with-tin', jar, tin));
  await bench.until(() => bench.isStored('planogram', 'p-2'));
  t.is(bench.shop.stock.planogram?.version, 'p-2');
  await bench.until(() => bench.faults.at(-1)?.cleared === true);
  t.pass();
});

test('an offer that ends leaves what is in force', async (t) => {
  const bench = await benchOf(t);
  await bench.publish('catalogue', catalogueOf('mine', jar));
  await bench.until(() => bench.isStored('catalogue', 'mine'));
  await bench.say('_store/catalogue', new Uint8Array());
  t.is(bench.shop.catalogue.version, 'mine');
  t.deepEqual(bench.codes(), []);
});

test('a stored catalogue that is damaged is told, and the configured one serves', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-stock-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const configured = join(folder, 'configured.json');
  await writeFile(configured, JSON.stringify(catalogueOf('configured', jar)));
  await writeFile(join(folder, 'store-catalogue.json'), '{"catalogue":1,');
  const start = await startingStock(folder, { catalogue: configured, planogram: undefined });
  t.is(start.catalogue.version, 'configured');
  t.is(start.cataloguePath, configured);
  t.regex(start.warnings.join(), /CW-CAT-001.*until the store gives another/);
  await writeFile(join(folder, 'store-planogram.json'), JSON.stringify(planogramOf('p', tin.gtin, jar.gtin)));
  const trimmed = await startingStock(folder, { catalogue: configured, planogram: undefined });
  t.is(trimmed.planogram?.byProduct.size, 1, 'what the catalogue lacks is left out');
  const error = await t.throwsAsync(
    startingStock(folder, { catalogue: join(folder, 'none.json'), planogram: undefined }),
  );
  t.true(isCoded(error) && error.code === 'CW-CAT-002');
});
