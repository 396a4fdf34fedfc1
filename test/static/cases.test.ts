import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';

const root = join(import.meta.dirname, '../..');
const page = await readFile(join(root, 'docs/cases.md'), 'utf8');

test('every scenario of a case is in the list of cases, and played by a test', async (t) => {
  for (const kind of ['cart', 'shelf']) {
    const played = await readFile(join(root, `test/pipeline/${kind}-cases.test.ts`), 'utf8');
    const folder = `test/fixtures/scenarios/${kind}`;
    const names = (await readdir(join(root, folder))).filter((name) => name.endsWith('.yaml'));
    t.true(names.length > 5);
    for (const name of names) {
      t.true(page.includes(`(../${folder}/${name})`), `docs/cases.md lists ${folder}/${name}`);
      t.true(played.includes(`'${name.replace('.yaml', '')}'`), `${folder}/${name} is played`);
    }
  }
});

test('every scenario that the list of cases names is there', async (t) => {
  const links = [...page.matchAll(/\]\(\.\.\/([^)]+\.yaml)\)/g)].map(([, path]) => path ?? '');
  t.true(links.length > 40);
  for (const path of links) await t.notThrowsAsync(readFile(join(root, path)), path);
});
