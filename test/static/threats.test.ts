import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { threatsDocuments } from '../../scripts/docs/threats.ts';
import { titlesOf } from '../support/titles.ts';
import { attackers } from '../threats.ts';

const root = join(import.meta.dirname, '../..');

test('every line of the threat model names tests that are there', async (t) => {
  for (const { threat, tests } of attackers.flatMap(({ threats }) => threats)) {
    t.true(tests.length > 0, threat);
    for (const { file, title } of tests) {
      const titles = titlesOf(await readFile(join(root, file), 'utf8'));
      t.true(titles.includes(title), `${threat}: ${file} has no test of the title ${title}`);
    }
  }
});

for (const { path, render } of threatsDocuments) {
  test(`${path} is what its sources say (npm run docs makes it)`, async (t) => {
    t.true((await readFile(join(root, path), 'utf8')) === render(), `${path} is stale: npm run docs`);
  });
}
