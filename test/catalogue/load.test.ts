import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { CatalogueError } from '#catalogue/errors.ts';
import { loadCatalogue, loadPlanogram } from '#catalogue/load.ts';
import { loadBoard } from '#config/load.ts';
import { tolerableNegativeError } from '../../scripts/demo-catalogue/packaging.ts';

const shipped = join(import.meta.dirname, '../../config/catalogues');

async function withFile<Value>(
  content: string | Uint8Array,
  use: (path: string) => Promise<Value>,
): Promise<Value> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-catalogue-'));
  try {
    const path = join(folder, 'catalogue.json');
    await writeFile(path, content);
    return await use(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('a file that is not there is CW-CAT-002 and names the file', async (t) => {
  const error = await t.throwsAsync(loadCatalogue('/nowhere/catalogue.json'), { instanceOf: CatalogueError });
  t.is(error?.code, 'CW-CAT-002');
  t.regex(error?.message ?? '', /\/nowhere\/catalogue\.json/);
});

test('a file that is cut in the middle is CW-CAT-001', async (t) => {
  const error = await withFile('{"catalogue":1,"products":[{"gtin":"0400', async (path) =>
    t.throwsAsync(loadCatalogue(path), { instanceOf: CatalogueError }),
  );
  t.is(error?.code, 'CW-CAT-001');
});

test('bytes that are not UTF-8 are CW-CAT-001', async (t) => {
  const error = await withFile(Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d), async (path) =>
    t.throwsAsync(loadCatalogue(path), { instanceOf: CatalogueError }),
  );
  t.is(error?.code, 'CW-CAT-001');
});

test('a file above the limit is refused before it is read', async (t) => {
  const error = await withFile(' '.repeat(2000), async (path) =>
    t.throwsAsync(loadCatalogue(path, 1000), { instanceOf: CatalogueError }),
  );
  t.is(error?.code, 'CW-CAT-003');
  t.regex(error?.message ?? '', /2000 bytes; expected at most 1000 bytes/);
});

test('a byte order mark is skipped', async (t) => {
  const catalogue = await withFile(
    '\ufeff{"catalogue":1,"version":"v","currency":"EUR","products":[]}',
    async (path) => loadCatalogue(path),
  );
  t.is(catalogue.version, 'v');
});

test('the demo catalogue holds about three hundred varied products with plausible masses', async (t) => {
  const catalogue = await loadCatalogue(join(shipped, 'demo.json'));
  t.true(catalogue.products.length >= 300 && catalogue.products.length <= 350);
  const packaged = catalogue.products.filter((product) => product.sale === 'each');
  const departments = new Set(packaged.map((product) => product.department));
  t.true(departments.size >= 8, [...departments].join(', '));
  t.is(new Set(packaged.map((product) => product.name)).size, packaged.length, 'names tell products apart');
  for (const product of packaged) {
    const { mean = 0, sd = 0 } = product.grossMg ?? {};
    const match = /, ([\d.]+) (g|kg|ml|l)$/.exec(product.name);
    const net = Number(match?.[1]) * (match?.[2] === 'kg' || match?.[2] === 'l' ? 1000 : 1);
    t.true(net >= 20 && net <= 3000, product.name);
    // Oil, the lightest, has 0.92 g/ml; a small jar weighs more than what is in it.
    t.true(mean > net * 920 && mean < net * 2600 + 60_000, `${product.name}: ${mean} mg`);
    t.true(sd >= (tolerableNegativeError(net) / 1.96) * 900, `${product.name}: spread of ${sd} mg`);
  }
  const loose = catalogue.products.filter((product) => product.sale === 'weight');
  t.true(loose.length >= 20);
  for (const { grossMg, name } of loose) {
    t.true((grossMg?.sd ?? 0) > 0.1 * (grossMg?.mean ?? 0), `${name} varies as produce does`);
  }
});

test('the demo planogram fits the demo catalogue and the plates of the shelf board', async (t) => {
  const catalogue = await loadCatalogue(join(shipped, 'demo.json'));
  const planogram = await loadPlanogram(join(shipped, 'demo-shelf-planogram.json'), catalogue);
  const board = await loadBoard('shelf-pi5');
  t.deepEqual(
    [...planogram.byPlate.keys()],
    board.plates.map((plate) => plate.id),
  );
  const counts = [...planogram.byPlate.values()].map((keys) => keys.length);
  t.deepEqual(counts.toSorted(), [1, 1, 1, 1, 1, 1, 1, 2]);
});
