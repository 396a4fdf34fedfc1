import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { boardSchema, calibrationSchema } from '#config/board.ts';
import { describeSchema } from '#config/describe.ts';
import { exampleConfig } from '#config/docs.ts';
import { configSchema } from '#config/schema.ts';
import { configDocuments } from '../../scripts/docs/config.ts';
import { findErrorTables } from '../../scripts/docs/errors.ts';

const root = join(import.meta.dirname, '../..');

for (const { path, render } of configDocuments) {
  test(`${path} is what its sources say (npm run docs makes it)`, async (t) => {
    t.true((await readFile(join(root, path), 'utf8')) === (await render()), `${path} is stale: npm run docs`);
  });
}

test('the example configuration holds every default', (t) => {
  const example: unknown = parse(exampleConfig());
  const required = { cartwright: 1, store: 'my-store', device: 'cart-0001', board: 'cart-pi5' };
  t.deepEqual(configSchema.parse(example), configSchema.parse(required));
});

test('every key of every format is described, and keys with a unit in their name show it', (t) => {
  const keys = [configSchema, boardSchema, calibrationSchema].flatMap((schema) => describeSchema(schema));
  const inside = (path: string) => /\.<id>$|\[\]$/.test(path);
  t.deepEqual(
    keys.filter((key) => key.description === '' && !inside(key.path) && !key.group).map((key) => key.path),
    [],
  );
  const unitOf = (path: string) => keys.find((key) => key.path === path)?.unit;
  t.is(unitOf('broker.reconnectMaxMs'), 'ms');
  t.is(unitOf('plates[].cells[].capacityMg'), 'mg');
  t.is(unitOf('weighing.creepMgPerS'), 'mg/s');
  t.is(unitOf('plates.<id>.cells.<id>.milligramsPerCount'), 'mg/count');
});

test('error codes are well formed, end in a sentence and belong to one table only', async (t) => {
  const tables = await findErrorTables();
  t.true(
    tables.some((table) => table.room === 'src/config') && tables.some((table) => table.room === 'drivers'),
  );
  const owners = new Map<string, string>();
  const areas = new Map<string, string>();
  for (const { room, codes } of tables) {
    for (const [code, sentence] of Object.entries(codes)) {
      t.regex(code, /^CW-[A-Z]{3}-\d{3}$/, room);
      t.regex(sentence, /^[A-Z].*\.$/, `${code} of ${room}`);
      t.is(owners.get(code), undefined, `${code} stands in ${owners.get(code)} and in ${room}`);
      owners.set(code, room);
      const area = code.slice(3, 6);
      t.is(areas.get(area) ?? room, room, `${area} is used by two rooms`);
      areas.set(area, room);
    }
  }
});
