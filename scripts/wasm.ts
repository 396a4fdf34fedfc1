/**
 * Compiles WebAssembly texts of the product to modules: `node scripts/wasm.ts`. With `--check`, writes nothing and tells
 * whether what is there is what the sources say (exit 1).
 */
import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { compileWat, wasmModule } from './lib/wasm.ts';

for (const [folder, name] of [
  ['gallery', 'cosines'],
  ['pictures', 'sampling'],
]) {
  const room = new URL(`../src/vision/${folder}/`, import.meta.url);
  const target = new URL(`generated/${name}.ts`, room).pathname;
  const bytes = await compileWat(`${name}.wat`, await readFile(new URL(`${name}.wat`, room), 'utf8'));
  const text = wasmModule(`${name}.wat`, bytes);
  const present = await readFile(target, 'utf8').catch(() => undefined);
  if (present === text) {
    console.log(`${name}: ${bytes.length} bytes, up to date`);
  } else if (process.argv.includes('--check')) {
    console.error(`${target} is stale; run 'node scripts/wasm.ts'`);
    process.exitCode = 1;
  } else {
    await writeFileAtomic(target, text);
    console.log(`${name}: ${bytes.length} bytes written`);
  }
}
