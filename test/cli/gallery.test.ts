import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest, { type ExecutionContext } from 'ava';
import { connectAsync } from 'mqtt';
import { parse, stringify } from 'yaml';
import { type CliResult, runCli } from '#test/support/cli.ts';
import { device, makeGatewayFolder, startGateway, store } from '#test/support/gateway.ts';
import { freePort, startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { readGallery, writeGallery } from '#vision/gallery/file.ts';
import { randomGallery } from '../vision/embeddings.ts';

const test = needs(anyTest, 'mosquitto');

const model = resolve('test/fixtures/small-model');
const picture = (name: string) => resolve(`test/fixtures/groceries-change/${name}.jpg`);
const json = <T = Record<string, unknown>>(result: CliResult): T => JSON.parse(result.stdout) as T;

async function temporary(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-gallery-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** All topics of the store's that hold something. */
async function retained(url: string): Promise<string[]> {
  const client = await connectAsync(url);
  const topics: string[] = [];
  client.on('message', (topic) => topics.push(topic));
  await client.subscribeAsync(`cw/1/${store}/_store/#`);
  await sleep(500);
  await client.endAsync();
  return topics.sort();
}

async function until<T>(look: () => Promise<T>, condition: (value: T) => boolean): Promise<T> {
  let last = await look();
  for (let tries = 0; !condition(last) && tries < 60; tries++) {
    await sleep(500);
    last = await look();
  }
  return last;
}

test('a gallery that is published reaches a device, which keeps what was enrolled on it and tells its version', async (t) => {
  t.timeout(180_000);
  const broker = await startMosquitto();
  t.teardown(() => broker.remove());
  const folder = await makeGatewayFolder({
    brokerUrl: broker.url,
    scenario: 'put-back',
    config: { vision: { model }, healthS: 1 },
  });
  t.teardown(() => folder.remove());
  const boardPath = join(folder.path, 'board.yaml');
  const board = parse(await readFile(boardPath, 'utf8')) as { devices: object[]; plates: object[] };
  board.devices.push({ id: 'eye', driver: 'files', options: { files: [picture('Avocado')] } });
  board.plates = board.plates.map((plate) => ({
    ...plate,
    cameras: [{ id: 'eye', region: [0, 0, 198, 198] }],
  }));
  await writeFile(boardPath, stringify(board));
  const gateway = await startGateway(folder);
  t.teardown(() => gateway.stop());
  const at = ['-s', store, '-b', broker.url, '--json'];
  const local = await runCli([
    'enroll',
    '--look',
    'Lemon',
    '--model',
    model,
    '-d',
    device,
    ...at,
    picture('Lemon'),
  ]);
  t.is(local.code, 0, local.stderr);

  const file = join(folder.path, 'store.cwg');
  await runCli(['enroll', '--look', 'Banana', '--model', model, '--gallery', file, picture('Banana')]);
  const published = await runCli(['gallery', 'publish', file, ...at]);
  t.is(published.code, 0, published.stderr);
  const { version } = await readGallery(file);
  t.like(json(published), { version, products: 1, parts: 1 });

  const shown = await until(
    () => runCli(['gallery', 'show', ...at]),
    ({ stdout }) => stdout.includes('ofStore'),
  );
  const own = await readGallery(join(folder.path, 'data', 'gallery.cwg'));
  t.deepEqual(
    own.gallery.looks.map(({ look }) => look),
    ['Banana', 'Lemon'],
  );
  t.like(json(shown), { offered: { version, parts: 1 } });
  const told = await until(
    () => runCli(['gallery', 'show', ...at]),
    ({ stdout }) => stdout.includes(own.version),
  );
  t.deepEqual(json<{ devices: unknown }>(told).devices, [{ device, inForce: own.version, ofStore: version }]);

  // One of another model: told, and nothing changes.
  const other = join(folder.path, 'other.cwg');
  await writeGallery(other, randomGallery(1, 64, [5, 5]));
  t.is((await runCli(['gallery', 'publish', other, ...at])).code, 0);
  const refused = await until(
    () => runCli(['gallery', 'show', '-s', store, '-b', broker.url]),
    ({ code }) => code === 1,
  );
  t.regex(
    refused.stdout,
    new RegExp(`^${device} +${own.version.slice(0, 8)} +${version.slice(0, 8)} +CW-VIS-010$`, 'm'),
  );
  t.is((await readGallery(join(folder.path, 'data', 'gallery.cwg'))).version, own.version);
});

test('publishing again leaves only the parts of the last one, and withdrawing leaves nothing', async (t) => {
  const broker = await startMosquitto();
  t.teardown(() => broker.remove());
  const folder = await temporary(t);
  const at = ['-s', store, '-b', broker.url];
  const file = join(folder, 'gallery.cwg');
  t.regex(
    (await runCli(['gallery', 'show', ...at])).stdout,
    /^test-store offers no gallery\nno device with cameras/,
  );
  await writeGallery(file, randomGallery(1, 64, Array(900).fill(5)));
  const first = await runCli(['gallery', 'publish', file, ...at]);
  t.regex(
    first.stdout,
    /^test-store offers gallery [0-9a-f]{8} \(.*gallery\.cwg\): 900 products, \d+ bytes in 3 parts\n$/,
  );
  t.is((await retained(broker.url)).length, 4);
  await writeGallery(file, randomGallery(2, 64, [5]));
  t.is((await runCli(['gallery', 'publish', file, ...at])).code, 0);
  t.is((await retained(broker.url)).length, 2);
  t.regex((await runCli(['gallery', 'withdraw', ...at])).stdout, /offers no gallery any more/);
  t.deepEqual(await retained(broker.url), []);
  t.regex((await runCli(['gallery', 'withdraw', ...at])).stdout, /offered no gallery/);
});

test('what keeps a gallery from being published is said with what to do', async (t) => {
  const folder = await temporary(t);
  const file = join(folder, 'gallery.cwg');
  await writeGallery(file, randomGallery(1, 64, [5]));
  const rules = join(folder, 'rules');
  await writeFile(rules, `topic read cw/1/${store}/#\n`);
  const broker = await startMosquitto({ settings: [`acl_file ${rules}`] });
  t.teardown(() => broker.remove());
  const refused = await runCli(['gallery', 'publish', file, '-s', store, '-b', broker.url, '--timeout', '5']);
  t.is(refused.code, 3, refused.stderr);
  t.regex(refused.stderr, /^CW-CLI-00[38] .*write/);
  const away = await runCli(['gallery', 'publish', file, '-s', store, '-b', `127.0.0.1:${await freePort()}`]);
  t.is(away.code, 3);
  t.regex(away.stderr, /^CW-CLI-002 /);
  await writeFile(file, (await readFile(file)).subarray(0, 200));
  const damaged = await runCli(['gallery', 'publish', file, '-s', store, '-b', broker.url]);
  t.is(damaged.code, 1);
  t.regex(damaged.stderr, /^CW-VIS-009 .*not usable/);
  const missing = await runCli(['gallery', 'publish', join(folder, 'none'), '-s', store]);
  t.is(missing.code, 3);
  t.regex(missing.stderr, /^CW-CLI-004 .*no such file/);
  const nameless = await runCli(['gallery', 'publish', file]);
  t.is(nameless.code, 2);
  t.regex(nameless.stderr, /--store/);
});
