/**
 * Bundles the web pages: src/pages/NAME/client → src/pages/NAME/dist. `node scripts/pages.ts [--if-stale]`.
 * `--if-stale` builds only where a source, or the bundler, is newer than what was built.
 */
import { existsSync, globSync, statSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const newest = (files: readonly string[]) => Math.max(...files.map((file) => statSync(file).mtimeMs));

function isStale(page: string): boolean {
  const built = join(page, 'dist/index.html');
  if (!existsSync(built)) return true;
  const shared = globSync('src/pages/client/**/*.*', { cwd: root }).map((file) => join(root, file));
  const own = globSync('client/**/*.*', { cwd: page }).map((file) => join(page, file));
  const sources = [...shared, ...own];
  const inputs = [...sources, join(root, 'package-lock.json'), fileURLToPath(import.meta.url)];
  return newest(inputs) > statSync(built).mtimeMs;
}

/** Builds beside the old bundle and swaps folders at the end, so that a running server never serves half of one. */
async function buildPage(page: string): Promise<void> {
  const work = join(page, `dist.${process.pid}`);
  await mkdir(work, { recursive: true });
  try {
    await build({
      entryPoints: [join(page, 'client/main.ts'), join(page, 'client/style.css')],
      outdir: work,
      bundle: true,
      minify: true,
      format: 'esm',
      target: ['es2022', 'chrome110', 'firefox110', 'safari16'],
      legalComments: 'inline',
      loader: { '.svg': 'dataurl', '.wasm': 'file' },
      logLevel: 'warning',
    });
    await copyFile(join(page, 'client/index.html'), join(work, 'index.html'));
    await rm(join(page, 'dist'), { recursive: true, force: true });
    await rename(work, join(page, 'dist'));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const onlyStale = process.argv.includes('--if-stale');
for (const client of globSync('src/pages/*/client', { cwd: root })) {
  const page = join(root, dirname(client));
  if (onlyStale && !isStale(page)) continue;
  const started = performance.now();
  await buildPage(page);
  console.log(`Built the ${basename(page)} page in ${(performance.now() - started).toFixed(0)} ms`);
}
