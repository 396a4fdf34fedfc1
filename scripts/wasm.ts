/**
 * Compiles the gallery's look-up from its WebAssembly text: `node scripts/wasm.ts`. With `--check`, writes nothing and
 * tells whether what is there is what the source says (exit 1).
 */
import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { compileWat, wasmModule } from './lib/wasm.ts';

const folder = new URL('../src/vision/gallery/', import.meta.url);
const target = new URL('generated/cosines.ts', folder).pathname;
const bytes = await compileWat('cosines.wat', await readFile(new URL('cosines.wat', folder), 'utf8'));
const text = wasmModule('cosines.wat', bytes);
const present = await readFile(target, 'utf8').catch(() => undefined);
if (present === text) {
  console.log(`${bytes.length} bytes, up to date`);
} else if (process.argv.includes('--check')) {
  console.error("generated/cosines.ts is stale; run 'node scripts/wasm.ts'");
  process.exitCode = 1;
} else {
  await writeFileAtomic(target, text);
  console.log(`${bytes.length} bytes written`);
}
