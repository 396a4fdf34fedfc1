import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest from 'ava';
import mqtt from 'mqtt';
import { describeError } from '#base/errors.ts';
import { readStoreFiles, type StoreFiles } from '#cli/store-files.ts';
import { statePayload } from '#events/mqtt-payloads.ts';
import { runCli } from '#test/support/cli.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { encodePayload } from '#uplink/payloads.ts';

const test = needs(anyTest, 'mosquitto');

const gtin = '04006381333931';
const catalogue = (version: string, priceMinor = 100) => ({
  catalogue: 1,
  version,
  currency: 'EUR',
  products: [{ gtin, name: 'A jar', sale: 'each', priceMinor }],
});

test.serial(
  'catalogue, promotions, planogram and deals are checked, published, shown and withdrawn',
  async (t) => {
    t.timeout(900_000);
    const broker = await startMosquitto();
    const folder = await mkdtemp(join(tmpdir(), 'cartwright-publish-'));
    const client = await mqtt.connectAsync(broker.url);
    t.teardown(async () => {
      await client.endAsync(true);
      await broker.remove();
      await rm(folder, { recursive: true, force: true });
    });
    const retained = new Map<string, number>();
    client.on('message', (topic, payload) => {
      if (payload.length === 0) retained.delete(topic);
      else retained.set(topic, payload.length);
    });
    await client.subscribeAsync('cw/1/shop/_store/#', { qos: 1 });
    const file = async (name: string, value: unknown) => {
      const path = join(folder, name);
      await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
      return path;
    };
    const store = (...args: string[]) => runCli(['store', ...args, '-b', broker.url, '-s', 'shop']);
    const goods = await file('goods.json', catalogue('w-48'));
    const week = await file('week.json', {
      version: 'p-1',
      promotions: [{ id: 'a', name: 'Half', kind: 'percentage', ratePpm: 500_000, products: [{ gtin }] }],
    });
    const shelf = await file('shelf.json', { planogram: 1, version: 's-1', plates: [{ plate: 'p1', gtin }] });
    const deals = await file('deals.json', {
      version: 'd',
      currency: 'EUR',
      deals: [{ id: 'x', title: 'Jar', products: [gtin] }],
    });

    const published = await store(
      ...[
        'publish',
        '--catalogue',
        goods,
        '--promotions',
        week,
        '--planogram',
        `shelf-1=${shelf}`,
        '--offers',
        deals,
      ],
    );
    t.is(published.code, 0, published.stderr);
    t.regex(published.stdout, /catalogue w-48\+p-1[\s\S]*planogram\/shelf-1 s-1[\s\S]*offers d/);
    const [state] = [{ online: true, connection: 1, ledger: '0011223344556677', boot: 1 }];
    const versions = { software: 'x/1', catalogue: 'w-47' };
    const birth = Buffer.from(encodePayload(statePayload, { ...state, versions }, 'cbor'));
    await client.publishAsync('cw/1/shop/shelf-1/state', birth, { retain: true, qos: 1 });
    const shown = await store('show', '--json');
    const { offered, offers, devices } = JSON.parse(shown.stdout) as Record<string, unknown>;
    t.like(offered, [
      { what: 'catalogue', version: 'w-48+p-1', parts: 1 },
      { what: 'planogram/shelf-1', version: 's-1', parts: 1 },
    ]);
    t.true(offers);
    t.deepEqual(devices, [{ device: 'shelf-1', online: true, catalogue: 'w-47' }]);
    t.is(retained.size, 5, 'two manifests with a part each, and the deals');

    // A newer one takes the parts of the one before away.
    const newer = await file('newer.json', catalogue('w-49', 120));
    t.is((await store('publish', '--catalogue', newer)).code, 0);
    t.is(retained.size, 5);
    t.is((await store('withdraw', 'catalogue')).code, 0);
    t.is((await store('withdraw', 'offers')).code, 0);
    t.deepEqual(
      [...retained.keys()].map((topic) => topic.split('/')[4]),
      ['planogram', 'planogram'],
    );

    const before = [...retained.keys()];
    const bad = await file('bad.json', catalogue('x', -5));
    const refused = await store('publish', '--planogram', `shelf-1=${shelf}`, '--catalogue', bad);
    t.not(refused.code, 0);
    t.regex(refused.stderr, /CW-CAT-011/);
    t.deepEqual([...retained.keys()], before, 'what is wrong anywhere is published nowhere');
  },
);

test('every file is held against the others before anything is published', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-publish-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = async (name: string, value: unknown) => {
    const path = join(folder, name);
    await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
    return path;
  };
  const goods = await file('goods.json', catalogue('w-48'));
  const strange = await file('strange.json', {
    planogram: 1,
    version: 'q',
    plates: [{ plate: 'p', plu: '4011' }],
  });
  const deals = await file('deals.json', {
    version: 'd',
    currency: 'EUR',
    deals: [{ id: 'x', title: 'T', products: ['04311501043271'] }],
  });
  const none = new Map<string, string>();
  const wrong: [RegExp, StoreFiles][] = [
    [/CW-CAT-001/, { catalogue: await file('cut.json', '{'), planograms: none }],
    [/CW-CAT-014/, { catalogue: goods, planograms: new Map([['s', strange]]) }],
    [/CW-CLI-001.*--promotions needs/, { promotions: goods, planograms: none }],
    [/CW-CLI-001.*must be \{"version"/, { catalogue: goods, promotions: goods, planograms: none }],
    [/CW-CLI-001.*holds no deals/, { offers: goods, planograms: none }],
    [/CW-CLI-001.*has no 04311501043271/, { catalogue: goods, offers: deals, planograms: none }],
    [/CW-CLI-001.*not valid JSON/, { offers: await file('text.json', 'deals'), planograms: none }],
    [/CW-CLI-004/, { offers: join(folder, 'none.json'), planograms: none }],
  ];
  for (const [says, files] of wrong) {
    const error = await t.throwsAsync(readStoreFiles(files), undefined, String(says));
    t.regex(describeError(error), says);
  }
  const all = await readStoreFiles({ offers: deals, planograms: new Map([['s', strange]]) });
  t.deepEqual(
    all.map(({ what, version }) => [what, version]),
    [
      ['planogram/s', 'q'],
      ['offers', 'd'],
    ],
    'without a catalogue there is nothing to hold them against',
  );
});
