import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { trapsDocuments } from '../../scripts/docs/traps.ts';
import { titlesOf } from '../support/titles.ts';
import { traps } from '../traps.ts';

const root = join(import.meta.dirname, '../..');
const listed = traps.flatMap((area) => area.traps);

test('twenty traps are listed, each with its tests', (t) => {
  t.deepEqual(
    listed.map(({ number }) => number),
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
  t.true(listed.every(({ tests }) => tests.length > 0));
});

test('every test that a trap names is there', async (t) => {
  for (const { number, tests } of listed) {
    for (const { file, title } of tests) {
      const titles = titlesOf(await readFile(join(root, file), 'utf8'));
      t.true(titles.includes(title), `trap ${number}: ${file} has no test of the title ${title}`);
    }
  }
});

test('tests are found in any quotes, and those that are skipped are not', (t) => {
  const source = [
    "test('one', (t) => {});",
    'test.serial(\n  "the second\'s title",\n  (t) => {});',
    `for (const a of all) {\n  test(\`third \${a}\`, (t) => {});\n}`,
    "onChip('fourth', (t) => {});",
    "test.skip('fifth', (t) => {});",
    "// test('sixth', (t) => {});",
    "export const title = 'seventh';",
  ].join('\n');
  t.deepEqual(titlesOf(source), ['one', "the second's title", 'third …', 'fourth', 'seventh']);
});

for (const { path, render } of trapsDocuments) {
  test(`${path} is what its sources say (npm run docs makes it)`, async (t) => {
    t.true((await readFile(join(root, path), 'utf8')) === render(), `${path} is stale: npm run docs`);
  });
}
