import { posix } from 'node:path';
import { findImports } from './imports.ts';
import { findImpurities } from './purity.ts';

/** The rooms of src/, top to bottom, as docs/design.md lists them: a room may import those below it, never one above. */
export const rooms = [
  'main',
  'cli',
  'gateway',
  'authority',
  'console',
  'pages',
  'store',
  'commands',
  'updates',
  'traces',
  'simulation',
  'pipeline',
  'basket',
  'fusion',
  'weighing',
  'scanning',
  'vision',
  'calibration',
  'catalogue',
  'uplink',
  'identity',
  'config',
  'events',
  'readings',
  'base',
] as const;

/** What drivers may import of src/; those under virtual/ also the simulation. */
const driverRooms = ['readings', 'base'];
/** What src/ may import of drivers/: the contract and its errors, and the registry (rooms above the simulation only). */
const driverContract = ['drivers/driver.ts', 'drivers/errors.ts'];
const driverRegistry = 'drivers/registry.ts';
/** What writers of drivers need: for the command line alone. */
const driverWorkbench = 'drivers/workbench.ts';
/** Says name and version of the software; the one file outside the rooms that they may read. */
const packageFile = 'package.json';

/** Rooms without I/O, timers or clocks. `except`: files that do a room's I/O on purpose, by their path in the room. */
const pureRooms: readonly { room: string; except: RegExp; node: readonly string[] }[] = [
  { room: 'pipeline', except: /^$/, node: ['node:crypto'] },
  { room: 'basket', except: /^$/, node: ['node:crypto'] },
  { room: 'fusion', except: /^$/, node: [] },
  { room: 'weighing', except: /^$/, node: [] },
  { room: 'scanning', except: /^$/, node: [] },
  { room: 'calibration', except: /^store\//, node: ['node:crypto'] },
  { room: 'catalogue', except: /^(?:load|files|swap|store)\.ts$/, node: ['node:crypto'] },
  { room: 'events', except: /^$/, node: ['node:crypto', 'node:buffer'] },
  { room: 'readings', except: /^$/, node: [] },
];

/** A source file: its path from the repository's root, with `/`, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Where an import leads: a file of the repository, or a package (`node:fs`, `mqtt`). */
export type Target = { readonly file: string } | { readonly package: string };

/** Resolves an import as package.json's `imports` and Node.js do. */
export function resolveImport(from: string, specifier: string): Target {
  if (specifier.startsWith('.')) return { file: posix.join(posix.dirname(from), specifier) };
  if (specifier.startsWith('#')) {
    const path = specifier.slice(1);
    return { file: /^(?:drivers|boards|test)\//.test(path) ? path : `src/${path}` };
  }
  return { package: specifier };
}

/** The room of a file: `src/weighing/plateau.ts` → `weighing`, `drivers/scale/sics.ts` → `drivers`. */
export function roomOf(path: string): string {
  if (path === 'src/main.ts' || path === 'src/safe-mode.ts') return 'main';
  const parts = path.split('/');
  return parts[0] === 'src' ? (parts[1] ?? '') : (parts[0] ?? '');
}

/** Checks the direction of every import of src/ and drivers/, and the purity of the domain rooms. One sentence a finding. */
export function checkRooms(files: readonly SourceFile[]): string[] {
  const findings: string[] = [];
  for (const file of files) {
    const room = roomOf(file.path);
    const isDriver = file.path.startsWith('drivers/');
    if (!isDriver && !(rooms as readonly string[]).includes(room)) {
      findings.push(`${file.path}: src/${room} is no room of docs/design.md`);
      continue;
    }
    for (const found of findImports(file.text)) {
      const problem =
        found.specifier === undefined
          ? importOfExpression(file.path)
          : isDriver
            ? driverProblem(file.path, found.specifier)
            : roomProblem(file.path, room, found.specifier);
      if (problem !== undefined) findings.push(`${file.path}:${found.line}: ${problem}`);
    }
    findings.push(...purityProblems(file, room));
  }
  return findings;
}

/** A maker's own drivers and benches are loaded from paths that are given, shipped benches by the driver's name. */
const computedImports = [driverRegistry, driverWorkbench, 'drivers/virtual/benches.ts'];

function importOfExpression(path: string): string | undefined {
  return computedImports.includes(path) ||
    path.startsWith('drivers/loading') ||
    path.startsWith('src/gateway/')
    ? undefined
    : 'imports a computed path, which nothing can check';
}

function driverProblem(path: string, specifier: string): string | undefined {
  const target = resolveImport(path, specifier);
  if ('package' in target || target.file.startsWith('drivers/')) return undefined;
  const room = roomOf(target.file);
  const allowed = path.startsWith('drivers/virtual/') ? [...driverRooms, 'simulation'] : driverRooms;
  if (target.file.startsWith('src/') && allowed.includes(room)) return undefined;
  return `a driver may import ${allowed.join(', ')} and its own libraries, not ${specifier}`;
}

function roomProblem(path: string, room: string, specifier: string): string | undefined {
  const target = resolveImport(path, specifier);
  if ('package' in target) return undefined;
  if (target.file.startsWith('drivers/')) return driverUse(room, target.file);
  if (target.file === packageFile) return undefined;
  if (!target.file.startsWith('src/')) return `leaves the rooms: ${specifier}`;
  const other = roomOf(target.file);
  if (other === room) {
    if (specifier.startsWith('#')) return `inside a room imports are relative, not ${specifier}`;
    return pageProblem(path, target.file);
  }
  if (specifier.startsWith('.')) return `another room is named by subpath (#${other}/…), not ${specifier}`;
  const order = rooms as readonly string[];
  if (!order.includes(other)) return `src/${other} is no room of docs/design.md`;
  return order.indexOf(other) > order.indexOf(room)
    ? undefined
    : `${room} may not import ${other}, which is above it`;
}

function driverUse(room: string, file: string): string | undefined {
  if (driverContract.includes(file)) return undefined;
  if (file === driverWorkbench && room === 'cli') return undefined;
  if (file !== driverRegistry) return `drivers are reached through #drivers/registry.ts alone, not ${file}`;
  const order = rooms as readonly string[];
  return order.indexOf(room) < order.indexOf('simulation')
    ? undefined
    : `${room} may not open drivers: the registry leads back to the simulation`;
}

/** Pages are separate levels of trust: status, display and technician share what lies beside their folders and, for browsers, `client`. */
function pageProblem(from: string, to: string): string | undefined {
  const page = (path: string) => /^src\/pages\/([^/]+)\/./.exec(path)?.[1];
  const [a, b] = [page(from), page(to)];
  return a !== undefined && b !== undefined && a !== b && b !== 'client'
    ? `the ${a} page may not import the ${b} page`
    : undefined;
}

function purityProblems(file: SourceFile, room: string): string[] {
  const rule = pureRooms.find((one) => one.room === room);
  if (rule === undefined || rule.except.test(posix.relative(`src/${room}`, file.path))) return [];
  return findImpurities(file.text, rule.node).map(
    ({ what, line }) => `${file.path}:${line}: ${room} is pure (no I/O, timers or clocks), but uses ${what}`,
  );
}

/** Import cycles among files, each once, as `a.ts → b.ts → a.ts`. */
export function findCycles(files: readonly SourceFile[]): string[] {
  const known = new Map(files.map((file) => [file.path, file]));
  const state = new Map<string, 'open' | 'done'>();
  const trail: string[] = [];
  const cycles: string[] = [];
  const visit = (path: string) => {
    const file = known.get(path);
    if (file === undefined || state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      return;
    }
    state.set(path, 'open');
    trail.push(path);
    for (const { specifier } of findImports(file.text)) {
      const target = specifier === undefined ? undefined : resolveImport(path, specifier);
      if (target !== undefined && 'file' in target) visit(target.file);
    }
    trail.pop();
    state.set(path, 'done');
  };
  for (const file of files) visit(file.path);
  return cycles;
}
