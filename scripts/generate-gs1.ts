/**
 * Writes the tables of GS1 application identifiers from the GS1 Barcode Syntax Dictionary. Run it after replacing
 * src/scanning/gs1/gs1-syntax-dictionary.txt by a newer release:
 *
 *     node scripts/generate-gs1.ts
 */
import { readFileSync } from 'node:fs';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { dictionaryModule, readDictionary } from '#scanning/gs1/read-dictionary.ts';

const folder = new URL('../src/scanning/gs1/', import.meta.url);
const entries = readDictionary(readFileSync(new URL('gs1-syntax-dictionary.txt', folder), 'utf8'));
const target = new URL('generated/application-identifiers.ts', folder);
await writeFileAtomic(target.pathname, dictionaryModule(entries));
console.log(`${entries.length} entries of the dictionary written`);
