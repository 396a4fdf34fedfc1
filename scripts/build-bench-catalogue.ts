/**
 * Makes test/fixtures/accuracy/catalogue.json, the large catalogue of the accuracy bench, from the same folder as
 * build-demo-catalogue.ts: every product with a usable quantity, and loose produce. The same input gives the same bytes.
 *
 *     node scripts/build-bench-catalogue.ts FOLDER
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { parseCatalogue } from '#catalogue/parse.ts';
import { printCatalogue } from './demo-catalogue/compose.ts';
import { readCsv } from './demo-catalogue/csv.ts';
import { composeLargeCatalogue } from './demo-catalogue/large.ts';

const folder = process.argv[2];
if (folder === undefined) {
  process.stderr.write(
    'usage: node scripts/build-bench-catalogue.ts FOLDER (with products.csv and plu.csv)\n',
  );
  process.exit(2);
}
const [products, codes] = await Promise.all(
  ['products.csv', 'plu.csv'].map(async (name) => readCsv(await readFile(join(folder, name), 'utf8'))),
);
const document = composeLargeCatalogue(products ?? [], codes ?? []);
const catalogue = parseCatalogue(document);
const output = 'test/fixtures/accuracy/catalogue.json';
await writeFileAtomic(join(import.meta.dirname, '..', output), printCatalogue(document));
process.stdout.write(`${catalogue.products.length} products written to ${output}\n`);
