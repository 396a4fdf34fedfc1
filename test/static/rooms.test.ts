import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { findImports } from '../../scripts/checks/imports.ts';
import { findImpurities } from '../../scripts/checks/purity.ts';
import { checkRooms, findCycles, rooms } from '../../scripts/checks/rooms.ts';
import { ownFiles, readOwn, root } from '../../scripts/checks/tree.ts';

const sources = ownFiles()
  .filter((path) => /^(?:src|drivers)\/.*\.ts$/.test(path))
  .map(readOwn);
const file = (path: string, text: string) => ({ path, text });

test('imports run down the rooms, drivers stay behind the registry, and the domain rooms are pure', (t) => {
  t.true(sources.length > 20);
  t.deepEqual(checkRooms(sources), []);
});

test('no file imports itself by way of others', (t) => {
  t.deepEqual(findCycles(sources), []);
});

test('the order of the rooms is the one that the design lists', (t) => {
  const design = readFileSync(join(root, 'docs/design.md'), 'utf8');
  const block = /^ {4}src\/\n([\s\S]*?)^ {4}drivers\//m.exec(design)?.[1] ?? '';
  const listed = [...block.matchAll(/^ {6}([a-z]+)(?:\/|\.ts)/gm)].map((match) => match[1]);
  t.deepEqual(listed, [...rooms]);
});

test('an import is found however it is written', (t) => {
  const found = findImports(`
    // import a from 'comment';
    /* export * from 'comment'; */
    import 'side';
    import a, { type B } from "double";
    import type { C } from './type.ts';
    import * as d from '#base/clock.ts';
    export { e } from 'named';
    export type { F } from 'exported-type';
    export * as g from 'star';
    export const h = { from: 'not-an-import' };
    const text = "import x from 'inside-a-string'";
    const pattern = /import i from 'regex'/;
    const nested = \`\${await import('in-a-template')} import 'text'\`;
    type J = import('type-position').J;
    const k = require('required');
    const l = import.meta.resolve('resolved');
    const m = await import(name);
    const n = loader.import('method');
  `);
  t.deepEqual(
    found.map((one) => one.specifier),
    [
      'side',
      'double',
      './type.ts',
      '#base/clock.ts',
      'named',
      'exported-type',
      'star',
      'in-a-template',
      'type-position',
      'required',
      'resolved',
      undefined,
    ],
  );
});

test('an import names the line it stands on', (t) => {
  t.deepEqual(findImports("/* a\n b */\n\nconst x = `\n`;\nimport 'y';"), [{ specifier: 'y', line: 6 }]);
});

for (const [why, path, text, expected] of [
  [
    'a room that imports one above it',
    'src/weighing/a.ts',
    "import '#fusion/b.ts'",
    'weighing may not import fusion',
  ],
  [
    'a type imported from above',
    'src/base/a.ts',
    "import type { X } from '#events/event.ts'",
    'base may not import',
  ],
  ['another room by a relative path', 'src/fusion/a.ts', "import '../base/units.ts'", 'named by subpath'],
  ['its own room by subpath', 'src/base/a.ts', "import '#base/units.ts'", 'relative'],
  ['a path out of the rooms', 'src/cli/a.ts', "import '../../scripts/tests.ts'", 'leaves the rooms'],
  ['a test used by the product', 'src/cli/a.ts', "import '#test/tools.ts'", 'leaves the rooms'],
  ['an unknown room', 'src/shopping/a.ts', '', 'no room of docs/design.md'],
  [
    'a driver reached past the registry',
    'src/gateway/a.ts',
    "import '#drivers/scale/sics.ts'",
    'registry.ts alone',
  ],
  [
    'the registry used low down',
    'src/weighing/a.ts',
    "import '#drivers/registry.ts'",
    'may not open drivers',
  ],
  [
    'a driver that knows the events',
    'drivers/scale/a.ts',
    "import '#events/event.ts'",
    'a driver may import',
  ],
  [
    'a real driver that knows the simulation',
    'drivers/scale/a.ts',
    "import '#simulation/w.ts'",
    'a driver may',
  ],
  [
    'a page of another trust',
    'src/pages/status/a.ts',
    "import '../technician/b.ts'",
    'may not import the technician',
  ],
  [
    'a page used by what all pages share',
    'src/pages/client/a.ts',
    "import '../status/b.ts'",
    'may not import the status',
  ],
  ['a computed path', 'src/cli/a.ts', 'await import(path)', 'computed path'],
  ['a clock in a domain room', 'src/fusion/a.ts', 'const now = Date.now();', 'Date.now()'],
  ['I/O in a domain room', 'src/scanning/a.ts', "import { readFileSync } from 'node:fs'", 'node:fs'],
] as const) {
  test(`the check of rooms finds ${why}`, (t) => {
    const findings = checkRooms([file(path, text)]);
    t.is(findings.length, 1, findings.join('\n'));
    t.true(findings[0]?.includes(expected), findings[0]);
  });
}

test('the check of rooms allows what the design allows', (t) => {
  t.deepEqual(
    checkRooms([
      file('src/main.ts', "import '#gateway/gateway.ts'"),
      file('src/pages/display/client/a.ts', "import '../../client/b.ts'"),
      file(
        'src/gateway/a.ts',
        "import '#drivers/registry.ts'; import '#pages/status/server.ts'; import 'node:fs'",
      ),
      file('src/fusion/a.ts', "import type { M } from '#weighing/outputs.ts'; import './b.ts'"),
      file('src/readings/a.ts', "import type { Device } from '#drivers/driver.ts'"),
      file(
        'drivers/virtual/a.ts',
        "import '#simulation/world.ts'; import '../driver.ts'; import 'node:timers'",
      ),
      file(
        'drivers/scale/a.ts',
        "import '#base/clock.ts'; import '#readings/readings.ts'; import 'serialport'",
      ),
    ]),
    [],
  );
});

for (const [text, what] of [
  ['const t = new Date();', 'new Date()'],
  ['const r = Math.random();', 'Math.random()'],
  ['setTimeout(f, 1);', 'setTimeout()'],
  ['const p = performance.now();', 'performance.now'],
  ['const e = process.env;', 'process.env'],
  ["console.log('x');", 'console.log'],
  ['const x = `$' + '{Date.now()}`;', 'Date.now()'],
  ["import { open } from 'node:fs/promises';", 'node:fs/promises'],
  ["import mqtt from 'mqtt';", 'mqtt'],
  ['const id = randomUUID();', 'randomUUID()'],
] as const) {
  test(`a domain room may not say: ${text}`, (t) => {
    t.deepEqual(
      findImpurities(text, ['node:crypto']).map((one) => one.what),
      [what],
    );
  });
}

test('a domain room may parse dates, hash, and have methods with the names of globals', (t) => {
  const text = `
    import { createHash } from 'node:crypto';
    import { z } from 'zod';
    // Date.now() is not called here
    const parsed = new Date(0), at = Date.UTC(2026, 0, 1), clock = { now: 'Date.now()' };
    class Stage { process(reading: Reading) { return this.process(reading); } setTimeout = 3; }
    const half = total / 2, other = half / Math.max(1, half);
  `;
  t.deepEqual(findImpurities(text, ['node:crypto']), []);
});

test('a cycle is found and named once, a diamond is none', (t) => {
  t.deepEqual(
    findCycles([
      file('src/base/a.ts', "import './b.ts'; import './c.ts'"),
      file('src/base/b.ts', "import type { D } from './d.ts'"),
      file('src/base/c.ts', "import './d.ts'"),
      file('src/base/d.ts', ''),
    ]),
    [],
  );
  t.deepEqual(
    findCycles([
      file('src/base/a.ts', "import './b.ts'"),
      file('src/base/b.ts', "import { c } from './c.ts'"),
      file('src/base/c.ts', "export * from './a.ts'"),
    ]),
    ['src/base/a.ts → src/base/b.ts → src/base/c.ts → src/base/a.ts'],
  );
});
