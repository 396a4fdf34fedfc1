import { globSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import {
  type CodeTable,
  findCodeProblems,
  findLockedHosts,
  findLongFiles,
  findPrivatePaths,
} from '../../scripts/checks/files.ts';
import { ownFiles, readOwn, root } from '../../scripts/checks/tree.ts';

const text =
  /\.(?:ts|js|json|ya?ml|md|sh|html|css|c|h|txt|cddl|service|conf|rules)$|^(?:scripts|\.ci)\/[^.]+$/;
const files = ownFiles()
  .filter((path) => text.test(path) && path !== 'package-lock.json')
  .map(readOwn);

/** Every `…Codes` table of an errors.ts. */
async function codeTables(): Promise<CodeTable[]> {
  const paths = globSync(['src/*/errors.ts', 'drivers/errors.ts', 'scripts/*/errors.ts'], {
    cwd: root,
  }).sort();
  const tables = await Promise.all(
    paths.map(async (path) => {
      const exported = (await import(pathToFileURL(join(root, path)).href)) as Record<string, unknown>;
      return Object.entries(exported)
        .filter(([name]) => name.endsWith('Codes'))
        .map(([, codes]) => ({ path, codes: codes as Record<string, unknown> }));
    }),
  );
  return tables.flat();
}

test('no source has grown past what a reader can hold', (t) => {
  t.deepEqual(findLongFiles(files), []);
});

test('no file names a folder of one machine', (t) => {
  t.deepEqual(findPrivatePaths(files), []);
});

test('the lock file binds nobody to one registry', (t) => {
  t.deepEqual(findLockedHosts(readOwn('package-lock.json').text), []);
});

test('every error code is well formed, explained and the only one of its number', async (t) => {
  const tables = await codeTables();
  t.true(tables.length > 1);
  t.deepEqual(findCodeProblems(tables), []);
});

test('a long file is found, a generated one is not', (t) => {
  const long = 'x\n'.repeat(451);
  const found = findLongFiles([
    { path: 'src/a.ts', text: long },
    { path: 'src/b.ts', text: 'x\n'.repeat(450) },
    { path: 'src/scanning/gs1/generated/c.ts', text: long },
  ]);
  t.is(found.length, 1);
  t.regex(found[0] ?? '', /^src\/a\.ts has 451 lines/);
});

test("a machine's own path is found, a path of the product is not", (t) => {
  const home = ['', 'home', 'someone', 'project'].join('/');
  const found = findPrivatePaths([
    { path: 'a.md', text: `fine\nsee ${home}/x` },
    {
      path: 'b.ts',
      text: "const a = 'https://example.org/home/page', b = '/dev/serial/by-id', c = '#work/x';",
    },
  ]);
  t.deepEqual(found, [`a.md:2: see ${home}/x`]);
});

test('a download address in a lock file is found, a linked folder is not', (t) => {
  const lock = {
    packages: {
      a: { resolved: 'https://registry.example/a.tgz' },
      b: { resolved: 'lib/b', link: true },
      c: {},
    },
  };
  t.deepEqual(findLockedHosts(JSON.stringify(lock)), ['a records the address it was downloaded from']);
});

test('a malformed, shared or unexplained error code is found', (t) => {
  const problems = findCodeProblems([
    { path: 'a', codes: { 'CW-AAA-001': 'The thing is broken.', 'CW-AAA-1': 'The number is short.' } },
    { path: 'b', codes: { 'CW-AAA-002': 'The prefix belongs to a.' } },
    { path: 'c', codes: { 'CW-CCC-001': '' } },
    { path: 'd', codes: { 'CW-DDD-001': 'One prefix is here.', 'CW-EEE-001': 'Another prefix is here.' } },
  ]);
  t.deepEqual(problems, [
    'a: CW-AAA-1 is not of the form CW-XXX-001',
    'b: CW-AAA-002 has the prefix of a',
    'c: CW-CCC-001 needs a sentence that says what is wrong',
    'd: more than one prefix: CW-DDD, CW-EEE',
  ]);
  t.deepEqual(findCodeProblems([{ path: 'a', codes: { 'CW-AAA-001': 'The thing is broken.' } }]), []);
});
