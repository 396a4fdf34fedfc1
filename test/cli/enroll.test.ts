import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parse, stringify } from 'yaml';
import { type CliResult, runCli } from '#test/support/cli.ts';
import { device, makeGatewayFolder, startGateway, store } from '#test/support/gateway.ts';
import { startBroker } from '#uplink/embedded-broker.ts';
import { cosineOf } from '#vision/gallery/embedding.ts';
import { readGallery } from '#vision/gallery/file.ts';
import { referencesOf } from '#vision/gallery/gallery.ts';

const model = resolve('test/fixtures/small-model');
const picture = (name: string) => resolve(`test/fixtures/groceries-change/${name}.jpg`);

async function temporary(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-enroll-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const json = <T = Record<string, unknown>>(result: CliResult): T => JSON.parse(result.stdout) as T;

test('pictures teach a gallery a product, which is listed, added to and forgotten', async (t) => {
  const gallery = join(await temporary(t), 'gallery.cwg');
  const enroll = (...args: string[]) => runCli(['enroll', '--model', model, '--gallery', gallery, ...args]);
  const first = await enroll('--plu', '4011', picture('Banana'));
  t.is(first.code, 0, first.stderr);
  t.regex(first.stdout, /^4011: 1 picture, 1 reference\ngallery: 1 product \(/);
  const second = await enroll('--look', 'Onion', picture('Yellow-Onion'), '--json');
  t.like(json(second), {
    look: 'Onion',
    pictures: 1,
    total: 2,
    files: [picture('Yellow-Onion')],
    failed: [],
  });
  t.is((json(second).nearest as { look: string }).look, '4011');
  t.like(json(await enroll('--plu', '4011', picture('Banana'), '--json')), { pictures: 2, references: 1 });
  t.like(json(await enroll('--plu', '4011', picture('Banana'), '--replace', '--json')), { pictures: 1 });
  t.deepEqual(json<{ looks: unknown }>(await enroll('--list', '--json')).looks, [
    { look: '4011', references: 1, pictures: 1 },
    { look: 'Onion', references: 1, pictures: 1 },
  ]);
  t.regex((await enroll('--list')).stdout, /^4011 .*\nOnion .*\n2 products \(/m);
  t.regex((await enroll('--remove', '--plu', '4011')).stdout, /4011 is forgotten/);
  const again = await enroll('--remove', '--plu', '4011');
  t.is(again.code, 1);
  t.regex(again.stdout, /was not there/);
  t.deepEqual(
    (await readGallery(gallery)).gallery.looks.map(({ look }) => look),
    ['Onion'],
  );
});

test('a picture that can not be read is named and the others are enrolled; none at all is an error', async (t) => {
  const folder = await temporary(t);
  const gallery = join(folder, 'gallery.cwg');
  const broken = join(folder, 'broken.jpg');
  await writeFile(broken, (await readFile(picture('Lemon'))).subarray(0, 300));
  const args = ['enroll', '--model', model, '--gallery', gallery, '--look', 'Lemon'];
  const some = await runCli([...args, picture('Lemon'), broken]);
  t.is(some.code, 1);
  t.regex(some.stdout, /^Lemon: 1 picture/);
  t.regex(some.stderr, /CW-VIS-007 .*broken\.jpg/);
  const none = await runCli([...args, broken]);
  t.is(none.code, 1);
  t.regex(none.stderr, /^CW-VIS-017 no picture could be used/);
  t.is(none.stdout, '');
});

test('a picture that is given twice counts once, and is named', async (t) => {
  const folder = await temporary(t);
  const copy = join(folder, 'copy.jpg');
  await writeFile(copy, await readFile(picture('Lemon')));
  const args = ['enroll', '--model', model, '--gallery', join(folder, 'gallery.cwg'), '--look', 'Lemon'];
  const twice = await runCli([...args, picture('Lemon'), copy]);
  t.is(twice.code, 1);
  t.regex(twice.stdout, /^Lemon: 1 picture, 1 reference\n/);
  t.regex(twice.stderr, /copy\.jpg is left out: it is the same picture as .*Lemon\.jpg/);
});

test('listing a gallery that is not there yet says whose products are shown', async (t) => {
  const folder = await temporary(t);
  const listed = await runCli([
    'enroll',
    '--list',
    '--model',
    'groceries',
    '--gallery',
    join(folder, 'none.cwg'),
  ]);
  t.is(listed.code, 0);
  t.regex(listed.stderr, /there is no .*none\.cwg yet: this is what comes with the model/);
});

test('the catalogue of a configuration says under which look a product is filed', async (t) => {
  const folder = await temporary(t);
  const config = join(folder, 'cartwright.yaml');
  const text = (await readFile('config/demo.yaml', 'utf8')).replaceAll(
    /^(board|calibration|catalogue|planogram): (.*\/.*)$/gm,
    (_, key: string, path: string) =>
      `${key}: ${key === 'catalogue' ? join(folder, 'catalogue.json') : resolve('config', path)}`,
  );
  await writeFile(config, text);
  const catalogue = JSON.parse(await readFile('config/catalogues/demo.json', 'utf8')) as {
    products: { gtin?: string; look?: string }[];
  };
  const listed = catalogue.products.find(({ gtin }) => gtin !== undefined);
  if (listed?.gtin === undefined) throw new Error('the demo has no product with a GTIN');
  listed.look = 'Look-Of-Its-Own';
  await writeFile(join(folder, 'catalogue.json'), JSON.stringify(catalogue));
  const args = ['enroll', '--config', config, '--model', model, '--gallery', join(folder, 'g.cwg'), '--json'];
  const known = await runCli([...args, '--gtin', listed.gtin, picture('Avocado')]);
  t.is(json(known).look, 'Look-Of-Its-Own', known.stderr);
  const strange = await runCli([...args, '--plu', '4999', picture('Cabbage')]);
  t.is(json(strange).look, '4999');
  t.regex(strange.stderr, /has no product 4999 yet/);
});

test('what does not go together is a mistake of usage', async (t) => {
  const lemon = picture('Lemon');
  for (const [args, expected] of [
    [[], /either pictures/],
    [['--list', lemon], /either pictures/],
    [[lemon], /--gtin, --plu or --look/],
    [['--plu', '4011', '--look', 'x', lemon], /--gtin, --plu or --look/],
    [['--plu', '4011', '-s', 'store', lemon], /belong together/],
    [['--plu', '4011', '-s', 'store', '-d', 'cart', '--gallery', 'x', lemon], /give one/],
    [['--plu', '4011', '--camera', 'c', '--plate', 'p'], /running device/],
    [['--plu', '4011', '--camera', 'c', '-s', 'store', '-d', 'cart'], /--plate/],
    [['--gtin', '123', '--model', model, '--gallery', 'x.cwg', lemon], /check digit/],
    [
      ['--gtin', '4006381333932', '-s', 'store', '-d', 'cart', lemon],
      /--gtin 4006381333932: its check digit/,
    ],
    [['--plu', '40', '-s', 'store', '-d', 'cart', lemon], /4 or 5 digits/],
    [['--list', '--plu', '4011'], /all products/],
  ] as const) {
    const result = await runCli(['enroll', ...args]);
    t.is(result.code, 2, result.stderr);
    t.regex(result.stderr, expected);
  }
});

/** A gateway whose basket is seen by a camera that shows one picture. */
async function seeingGateway(t: ExecutionContext) {
  const broker = await startBroker({ port: 0 });
  t.teardown(() => broker.close());
  const folder = await makeGatewayFolder({
    brokerUrl: broker.url,
    scenario: 'put-back',
    config: { vision: { model } },
  });
  t.teardown(() => folder.remove());
  const path = join(folder.path, 'board.yaml');
  const board = parse(await readFile(path, 'utf8')) as { devices: object[]; plates: object[] };
  board.devices.push({
    id: 'eye',
    driver: 'files',
    options: { files: [picture('Avocado')], framesPerSecond: 5 },
  });
  board.plates = board.plates.map((plate) => ({
    ...plate,
    cameras: [{ id: 'eye', region: [0, 0, 198, 198] }],
  }));
  await writeFile(path, stringify(board));
  const gateway = await startGateway(folder);
  t.teardown(() => gateway.stop());
  return { folder, at: ['-s', store, '-d', device, '-b', broker.url, '--json'] };
}

test('a camera of a running device takes the pictures, and only embeddings leave it', async (t) => {
  t.timeout(110_000);
  const { folder, at } = await seeingGateway(t);
  const args = ['enroll', '--look', 'Avocado', '--camera', 'eye', '--plate', 'basket', '--every', '0.1'];
  let taken = await runCli([...args, '--captures', '2', ...at]);
  // The camera is opened and the model loaded after the gateway says that it runs.
  for (let tries = 0; tries < 20 && /CW-VIS-0(?:01|12|17)/.test(taken.stderr); tries++) {
    taken = await runCli([...args, '--captures', '2', ...at]);
  }
  t.is(taken.code, 0, taken.stderr);
  t.like(json(taken), { look: 'Avocado', pictures: 2, references: 1, files: ['picture 1', 'picture 2'] });
  t.regex(taken.stderr, /^1 of 2: turn the product/m);
  // The same picture, embedded here, is what the camera saw there.
  const file = join(folder.path, 'elsewhere.cwg');
  await runCli(['enroll', '--look', 'Avocado', '--model', model, '--gallery', file, picture('Avocado')]);
  const [seen] = referencesOf((await readGallery(join(folder.path, 'data/gallery.cwg'))).gallery, 'Avocado');
  const [here] = referencesOf((await readGallery(file)).gallery, 'Avocado');
  if (seen === undefined || here === undefined) throw new Error('no references');
  t.true(cosineOf(seen, here) > 0.99);
  const other = await runCli([...args.slice(0, 3), '--camera', 'nose', '--plate', 'basket', ...at]);
  t.is(other.code, 1);
  t.regex(other.stderr, /refuses: CW-VIS-\d{3} .*nose.*\(eye sees basket\)/);
});

test('a running device is taught over MQTT, where embeddings travel', async (t) => {
  t.timeout(110_000);
  const broker = await startBroker({ port: 0 });
  t.teardown(() => broker.close());
  const folder = await makeGatewayFolder({
    brokerUrl: broker.url,
    scenario: 'put-back',
    config: { vision: { model } },
  });
  t.teardown(() => folder.remove());
  const gateway = await startGateway(folder);
  t.teardown(() => gateway.stop());
  const at = ['-s', store, '-d', device, '-b', broker.url, '--json'];
  const enrolled = await runCli(['enroll', '--look', 'Lemon', '--model', model, ...at, picture('Lemon')]);
  t.is(enrolled.code, 0, enrolled.stderr);
  t.like(json(enrolled), { look: 'Lemon', pictures: 1, references: 1, total: 1 });
  const file = await readGallery(join(folder.path, 'data', 'gallery.cwg'));
  t.is(file.version, json<{ version: string }>(enrolled).version);
  t.deepEqual(json<{ looks: unknown }>(await runCli(['enroll', '--list', ...at])).looks, [
    { look: 'Lemon', references: 1, pictures: 1 },
  ]);
  const unknown = await runCli(['enroll', '--plu', '4999', '--model', model, ...at, picture('Lemon')]);
  t.is(unknown.code, 1);
  t.regex(unknown.stderr, /^CW-CLI-007 .* refuses: CW-CMD-008 .*no product 4999/);
  const blind = await runCli(['enroll', '--look', 'x', '--camera', 'none', '--plate', 'basket', ...at]);
  t.is(blind.code, 1);
  t.regex(blind.stderr, /^CW-CLI-007 .* refuses: CW-VIS-/);
  t.deepEqual(json(await runCli(['enroll', '--remove', '--look', 'Lemon', ...at])), {
    look: 'Lemon',
    removed: true,
  });
});
