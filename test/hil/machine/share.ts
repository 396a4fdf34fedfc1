import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { cacheFolder, repository } from './recipe.ts';

/**
 * What the guest gets to see of the repository: its programs as bundles, and the files that they read. Bundled because
 * the guest's processor is emulated: taking the types out of 400 files and linking 700 modules kept it busy for half a
 * minute at each start. The code is the same; packages with native parts stay outside, as they are installed.
 */
const programs = {
  main: 'src/main.ts',
  // The gateway starts these by their names, beside its own file.
  worker: 'src/uplink/worker.ts',
  'vision-child': 'src/gateway/vision-child.ts',
  'code-worker': 'src/vision/codes/code-worker.ts',
  attached: 'test/hil/inside/attached.ts',
  open: 'test/hil/inside/open.ts',
  supervised: 'test/hil/inside/supervised.ts',
  gadgets: 'test/hil/gadgets/devices.ts',
  buses: 'test/hil/gadgets/buses.ts',
};
const files = ['boards', 'config', 'package.json', 'systemd', 'test/hil/boards'];
const packagesWithNativeParts = ['cbor-extract', 'johnny-five', 'koffi', 'node-hid', 'serialport', 'sharp'];
/** They read files of their own, or native parts, from where they are installed. */
const packagesOfEyes = ['@tensorflow/*', 'onnxruntime-node', 'zxing-wasm'];

/** Folders of packages are shared as they are. */
export const packagesFolder = join(repository, 'node_modules');

/** Where a program lies under what `makeShare` made. As deep as in the repository, because some look for files above. */
export function programPath(name: keyof typeof programs): string {
  return `src/bundle/${name}.ts`;
}

/** Makes it anew and answers where it lies. Only one may do so at a time. */
export async function makeShare(): Promise<string> {
  const target = join(cacheFolder, 'project');
  await rm(target, { recursive: true, force: true });
  await mkdir(join(target, 'node_modules'), { recursive: true });
  for (const name of files) await cp(join(repository, name), join(target, name), { recursive: true });
  await build({
    absWorkingDir: repository,
    entryPoints: programs,
    outdir: join(target, 'src/bundle'),
    // Names stay as they are in the sources, where a worker is started by name; stripped.mjs says that it is JavaScript.
    outExtension: { '.js': '.ts' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: [...packagesWithNativeParts, ...packagesOfEyes],
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: 'error',
  });
  return target;
}
