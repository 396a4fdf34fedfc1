import { extname } from 'node:path';
import type { Architecture } from '#updates/facts.ts';

/**
 * Which files of packages a device needs. What only compilers, browsers, other systems or readers of the sources use is
 * left out; what is not known for sure to be such stays.
 */

/** Sources of native parts and of types, maps, and what describes how a package was made. */
const neverRun = new Set([
  ...['.map', '.ts', '.mts', '.cts', '.flow', '.md', '.markdown'],
  ...['.c', '.cc', '.cpp', '.h', '.hh', '.hpp', '.S', '.m', '.gyp', '.gypi', '.am', '.in', '.o', '.a'],
  ...[
    '.yml',
    '.html',
    '.rpt_desc',
    '.pp_data',
    '.nycrc',
    '.eslintrc',
    '.tesselignore',
    '.tsbuildinfo',
    '.dll',
    '.dylib',
  ],
]);
/** Folders at a package's top that no package here runs anything of. */
const neverRunFolders = new Set([
  ...['test', 'tests', '__tests__', 'docs', 'doc', 'example', 'examples', 'bench', 'benchmark', 'benchmarks'],
  ...['.github', '.vscode', 'coverage', 'fixtures'],
]);

/** Of some packages only these, or all but these: patterns of paths inside the package. */
interface Rule {
  readonly package: RegExp;
  readonly only?: RegExp;
  readonly except?: RegExp;
}

const rulesOf = (arch: Architecture): readonly Rule[] => [
  // Debian's C library is glibc.
  { package: /^/, except: /(?:^|[-._/])musl(?:[-._][^/]*)?(?:\/|$)/ },
  // The program; headers for building native parts are half of the package.
  { package: /^node-linux-/, only: /^bin\/node$/ },
  { package: /^onnxruntime-node$/, except: new RegExp(`^(?:script/|bin/(?!napi-v\\d+/linux/${arch}/))`) },
  // Node.js loads the bundle that `main` names; the rest is for bundlers and browsers.
  { package: /^@tensorflow\//, only: /^dist\/(?:[^/]+\.node\.js|tfjs-backend-wasm(?:-simd)?\.wasm)$/ },
  { package: /^node-hid$/, except: /^(?:hidapi|src)\// },
  { package: /^(?:node-hid|@serialport\/bindings-cpp)$/, except: foreignPrebuilds(arch) },
  { package: /^koffi$/, except: /^vendor\// },
  { package: /^sharp$/, except: /^src\// },
  { package: /^zod$/, except: /^src\// },
  { package: /^zxing-wasm$/, except: /^dist\/(?:full|iife|miniprogram|cjs)\// },
];

/** Prebuilt native parts of other systems: `prebuilds/HID-win32-x64/…`, `prebuilds/darwin-x64+arm64/…`. */
function foreignPrebuilds(arch: Architecture): RegExp {
  return new RegExp(`^prebuilds/(?!(?:[^/]*-)?linux-${arch}/)`);
}

/** Names of files with a package's licence and its notices. */
export const licencePattern = /^(?:licen[cs]e|copying|notice|authors|thirdpartynotices)/i;

/** Whether a file of package `name` is shipped; `path` is inside the package. */
export function isShipped(name: string, path: string, arch: Architecture): boolean {
  const parts = path.split('/');
  const file = parts.at(-1) ?? '';
  if (parts.length === 1 && (file === 'package.json' || licencePattern.test(file))) return true;
  if (file === 'package.json' && !neverRunFolders.has(parts[0] ?? '')) return !isExcluded(name, path, arch);
  if (file.startsWith('.') || neverRun.has(extname(file))) return false;
  if (parts.length > 1 && neverRunFolders.has(parts[0] ?? '')) return false;
  return !isExcluded(name, path, arch);
}

function isExcluded(name: string, path: string, arch: Architecture): boolean {
  return rulesOf(arch).some(
    ({ package: pattern, only, except }) =>
      pattern.test(name) && (except?.test(path) === true || only?.test(path) === false),
  );
}

/** Whether anything of what is left runs: of packages of types and of headers nothing does. */
export function isOfUse(paths: readonly string[]): boolean {
  return paths.some((path) => !path.endsWith('package.json') && !licencePattern.test(path));
}
