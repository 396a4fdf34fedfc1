import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { parseSource } from '#config/document.ts';
import { configFormat, migrateFile, migrateSource, type VersionedFormat } from '#config/migrate.ts';
import { findingsOf, minimalConfig, withFiles } from './support.ts';

/** A format that is at version 3: a key was renamed, then moved. */
const format: VersionedFormat = {
  key: 'cartwright',
  current: 3,
  migrations: [
    {
      from: 2,
      notes: ['server moved to broker.url'],
      apply(document) {
        document.set('broker', document.createNode({ url: document.get('server') }));
        document.delete('server');
      },
    },
    {
      from: 1,
      notes: ['host is called server'],
      apply(document) {
        document.set('server', document.get('host'));
        document.delete('host');
      },
    },
  ],
};

const old = `# my cart\ncartwright: 1\nstore: s1 # the big one\nhost: mqtt://\${BROKER}\n`;

test('an old document is brought up to date one version at a time, in order', (t) => {
  const { source, notes, from } = migrateSource(parseSource(old, 'c.yaml'), format);
  t.is(from, 1);
  t.deepEqual(notes, [
    'cartwright 1 → 2: host is called server',
    'cartwright 2 → 3: server moved to broker.url',
  ]);
  t.deepEqual(source.value, { cartwright: 3, store: 's1', broker: { url: `mqtt://\${BROKER}` } });
});

test('a migrated file keeps its comments and variables, and the old one stays beside it', async (t) => {
  await withFiles({ 'c.yaml': old }, async (folder) => {
    const result = await migrateFile(join(folder, 'c.yaml'), format);
    t.is(result.from, 1);
    t.is(result.to, 3);
    t.is(result.backup, join(folder, 'c.yaml.v1.bak'));
    t.is(await readFile(join(folder, 'c.yaml.v1.bak'), 'utf8'), old);
    const text = await readFile(join(folder, 'c.yaml'), 'utf8');
    t.regex(text, /# my cart/);
    t.regex(text, /# the big one/);
    t.regex(text, /mqtt:\/\/\$\{BROKER\}/);
    t.is(
      (await migrateFile(join(folder, 'c.yaml'), format)).backup,
      undefined,
      'the second time there is nothing to do',
    );
  });
});

test('a backup never replaces another', async (t) => {
  await withFiles({ 'c.yaml': old, 'c.yaml.v1.bak': 'precious' }, async (folder) => {
    const result = await migrateFile(join(folder, 'c.yaml'), format);
    t.is(result.backup, join(folder, 'c.yaml.v1.1.bak'));
    t.is(await readFile(join(folder, 'c.yaml.v1.bak'), 'utf8'), 'precious');
    t.deepEqual((await readdir(folder)).sort(), ['c.yaml', 'c.yaml.v1.1.bak', 'c.yaml.v1.bak']);
  });
});

test('a file of the current version is left as it is', async (t) => {
  await withFiles({ 'c.yaml': minimalConfig }, async (folder) => {
    const result = await migrateFile(join(folder, 'c.yaml'), configFormat);
    t.deepEqual(result, { from: 1, to: 1, notes: [] });
    t.deepEqual(await readdir(folder), ['c.yaml']);
  });
});

test('a version of the future is refused, not guessed at', async (t) => {
  const text = minimalConfig.replace('cartwright: 1', 'cartwright: 9');
  const [finding] = await findingsOf(() => migrateSource(parseSource(text, 'c.yaml'), configFormat));
  t.is(finding?.code, 'CW-CFG-010');
  t.is(finding?.line, 1);
  t.regex(finding?.message ?? '', /version 9; expected at most 1; a newer release/);
});
