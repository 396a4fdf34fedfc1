/**
 * Makes config/catalogues/demo.json from a folder with `products.csv` (gtin, name, brand, quantity, net, unit,
 * category: an extract of Open Food Facts, ODbL 1.0) and `plu.csv` (plu, category, commodity, …). The same input
 * gives the same bytes.
 *
 *     node scripts/build-demo-catalogue.ts FOLDER
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { parseCatalogue } from '#catalogue/parse.ts';
import { composeCatalogue, printCatalogue } from './demo-catalogue/compose.ts';
import { readCsv } from './demo-catalogue/csv.ts';

const packagedProducts = 285;

const folder = process.argv[2];
if (folder === undefined) {
  process.stderr.write(
    'usage: node scripts/build-demo-catalogue.ts FOLDER (with products.csv and plu.csv)\n',
  );
  process.exit(2);
}
const [products, codes] = await Promise.all(
  ['products.csv', 'plu.csv'].map(async (name) => readCsv(await readFile(join(folder, name), 'utf8'))),
);
const document = composeCatalogue(products ?? [], codes ?? [], packagedProducts);
const catalogue = parseCatalogue(document);
const output = join(import.meta.dirname, '../config/catalogues/demo.json');
await writeFileAtomic(output, printCatalogue(document));
process.stdout.write(`${catalogue.products.length} products written to config/catalogues/demo.json\n`);
