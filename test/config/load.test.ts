import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { parseSource } from '#config/document.ts';
import { ConfigError } from '#config/errors.ts';
import {
  boardNames,
  inspectConfig,
  loadBoard,
  loadCalibration,
  loadConfig,
  parseBoard,
} from '#config/load.ts';
import { calibrationFor, findingsOf, goodBoard, minimalConfig, withFiles } from './support.ts';

/** Loads a configuration that consists of these files. */
async function load(config: string, environment: Record<string, string> = {}, board = goodBoard) {
  return await withFiles({ 'cartwright.yaml': config, 'board.yaml': board }, async (folder) =>
    loadConfig(join(folder, 'cartwright.yaml'), environment),
  );
}

async function problems(config: string, environment: Record<string, string> = {}, board = goodBoard) {
  return await findingsOf(async () => load(config, environment, board));
}

test('a minimal configuration gets every default', async (t) => {
  const { config, board, warnings, overrides } = await load(minimalConfig);
  t.is(config.broker.url, 'mqtt://127.0.0.1:1883');
  t.is(config.weighing.windowMs, 350);
  t.is(board.plates[0]?.id, 'basket');
  t.deepEqual(warnings, []);
  t.deepEqual(overrides, []);
});

test('relative paths count from the folder of the configuration', async (t) => {
  const files = {
    'etc/cartwright.yaml': `${minimalConfig}calibration: ../cal/basket.json\ncatalogue: c.json\ndata: state\n`,
    'etc/board.yaml': goodBoard,
    'cal/basket.json': calibrationFor(['fl', 'fr', 'rl', 'rr']),
  };
  await withFiles(files, async (folder) => {
    const { paths, calibration } = await loadConfig(join(folder, 'etc/cartwright.yaml'), {});
    t.is(paths.calibration, join(folder, 'cal/basket.json'));
    t.is(paths.catalogue, join(folder, 'etc/c.json'));
    t.is(paths.data, join(folder, 'etc/state'));
    t.is(calibration?.revision, 7);
  });
});

test('an unknown key is refused with its line, and the key that was meant', async (t) => {
  const [finding, ...rest] = await problems(`${minimalConfig}broker:\n  usrname: cart\n`);
  t.deepEqual(rest, []);
  t.is(finding?.code, 'CW-CFG-004');
  t.is(finding?.path, 'broker.usrname');
  t.is(finding?.line, 6);
  t.is(finding?.column, 3);
  t.regex(finding?.message ?? '', /did you mean username\?/);
});

test('an unknown key that resembles none lists the known ones', async (t) => {
  const [finding] = await problems(`${minimalConfig}log: { zzzzzz: 1 }\n`);
  t.regex(finding?.message ?? '', /known here are level/);
});

test('a missing key, a wrong type, a value out of range and a wrong choice are told apart', async (t) => {
  const text =
    'cartwright: 1\nstore: s1\nboard: ./board.yaml\nhealthS: soon\nstatus: { port: 70000 }\nencoding: jsn\n';
  const findings = await problems(text);
  t.deepEqual(
    findings.map(({ code, path, line }) => [code, path, line]),
    [
      ['CW-CFG-005', 'device', 1],
      ['CW-CFG-007', 'encoding', 6],
      ['CW-CFG-007', 'status.port', 5],
      ['CW-CFG-006', 'healthS', 4],
    ],
  );
  t.regex(findings[1]?.message ?? '', /found "jsn"; expected cbor, json; did you mean json\?/);
  t.regex(findings[2]?.message ?? '', /found 70000; expected at most 65535/);
  t.regex(findings[3]?.message ?? '', /found "soon"; expected a number/);
});

test('the message of the error names file, line and column of each finding', async (t) => {
  const error = await t.throwsAsync(load(`${minimalConfig}healthS: 0\n`), { instanceOf: ConfigError });
  t.regex(error?.message ?? '', /cartwright\.yaml:5:10 healthS: found 0; expected at least 1$/);
});

test('YAML that is not valid is refused with the line of the fault', async (t) => {
  const [finding] = await problems('cartwright: 1\nstore: [\ndevice: }\n');
  t.is(finding?.code, 'CW-CFG-002');
  t.is(finding?.line, 3);
});

test('a key that stands twice is refused', async (t) => {
  const [finding] = await problems(`${minimalConfig}store: s2\n`);
  t.is(finding?.code, 'CW-CFG-002');
  t.is(finding?.line, 5);
});

test('aliases that multiply are refused instead of filling memory', async (t) => {
  const rows = Array.from(
    { length: 12 },
    (_, i) => `a${i + 1}: &a${i + 1} [${'*a'.concat(String(i), ', ').repeat(9)}]`,
  );
  const [finding] = await problems(`a0: &a0 [x]\n${rows.join('\n')}\n`);
  t.is(finding?.code, 'CW-CFG-002');
});

test('nesting a hundred thousand levels deep is a coded error', async (t) => {
  const [finding] = await problems(`drivers: ${'['.repeat(100_000)}`);
  t.is(finding?.code, 'CW-CFG-002');
});

test('a variable is put into texts, and where a number is wanted it becomes one', async (t) => {
  const text = `${minimalConfig.replace('cart-1', `cart-\${UNIT}`)}status: { port: "\${PORT}" }\n`;
  const { config } = await load(text, { UNIT: '0042', PORT: '9000' });
  t.is(config.device, 'cart-0042', 'a text keeps its zeros');
  t.is(config.status.port, 9000);
});

test('a variable may have a default, and two dollar signs are one', async (t) => {
  const text = `${minimalConfig}data: "\${WHERE:-state}/$\${raw}"\n`;
  t.true((await load(text)).config.data.endsWith(`state/\${raw}`));
});

test('a variable that is not set is refused by name and place', async (t) => {
  const [finding] = await problems(`${minimalConfig}data: \${NOWHERE}/x\n`);
  t.is(finding?.code, 'CW-CFG-008');
  t.is(finding?.path, 'data');
  t.is(finding?.line, 5);
  t.regex(finding?.message ?? '', /NOWHERE is not set/);
});

test('CARTWRIGHT_ variables override single keys, at any depth, and are told', async (t) => {
  const { config, overrides } = await load(minimalConfig, {
    CARTWRIGHT_BROKER__URL: 'mqtts://broker.example:8883',
    CARTWRIGHT_BROKER__KEEPALIVE_S: '60',
    CARTWRIGHT_DEVICE: '0042',
    CARTWRIGHT_BROKER__EMBEDDED: 'true',
    CARTWRIGHT_CONFIG: 'read by the launcher',
    OTHER: 'x',
  });
  t.is(config.broker.url, 'mqtts://broker.example:8883');
  t.is(config.broker.keepaliveS, 60);
  t.true(config.broker.embedded);
  t.is(config.device, '0042', 'a text stays a text');
  t.is(overrides.length, 4);
});

test('an override never changes the file', async (t) => {
  await withFiles({ 'cartwright.yaml': minimalConfig, 'board.yaml': goodBoard }, async (folder) => {
    const file = join(folder, 'cartwright.yaml');
    await loadConfig(file, { CARTWRIGHT_DEVICE: 'other' });
    t.is(await readFile(file, 'utf8'), minimalConfig);
  });
});

test('a variable that names no key is refused with the one that was meant', async (t) => {
  const [finding] = await problems(minimalConfig, { CARTWRIGHT_BROKER__ULR: 'mqtt://x' });
  t.is(finding?.code, 'CW-CFG-009');
  t.is(finding?.file, 'CARTWRIGHT_BROKER__ULR');
  t.regex(finding?.message ?? '', /did you mean URL\?/);
});

test('a bad value of a variable is blamed on the variable, not on a line of the file', async (t) => {
  const [finding] = await problems(minimalConfig, { CARTWRIGHT_STATUS__PORT: '99999' });
  t.is(finding?.file, 'CARTWRIGHT_STATUS__PORT');
  t.is(finding?.line, undefined);
});

for (const [title, text, path] of [
  ['a web address as broker', 'broker: { url: "http://x" }', 'broker.url'],
  ['a password inside the address', 'broker: { url: "mqtt://u:secret@x" }', 'broker.url'],
  ['a longest delay below the first', 'broker: { reconnectMaxMs: 100 }', 'broker.reconnectMaxMs'],
  ['a pattern that is none', 'session: { tokenPattern: "[" }', 'session.tokenPattern'],
  ['waiting more than a second for a decision', 'fusion: { decideWithinMs: 1500 }', 'fusion.decideWithinMs'],
] as const) {
  test(`${title} is refused`, async (t) => {
    const [finding] = await problems(`${minimalConfig}${text}\n`);
    t.is(finding?.code, 'CW-CFG-007');
    t.is(finding?.path, path);
    t.false(finding?.found.includes('secret'), 'a secret is not repeated');
  });
}

test('a board that is not known is refused with the known ones', async (t) => {
  const [finding] = await problems(minimalConfig.replace('./board.yaml', 'cart-pi4'));
  t.is(finding?.code, 'CW-CFG-011');
  t.regex(finding?.message ?? '', /did you mean cart-pi5\?/);
});

test('what is wrong in configuration, board and calibration is found in one run', async (t) => {
  const files = {
    'cartwright.yaml': `${minimalConfig}calibration: c.json\nbroker: { url: x }\n`,
    'board.yaml': goodBoard.replace('motion: imu', 'motion: imx'),
    'c.json': calibrationFor(['fl', 'fr', 'rl']),
  };
  const codes = await withFiles(files, async (folder) => {
    const { findings } = await inspectConfig(join(folder, 'cartwright.yaml'), {});
    return findings.filter((finding) => finding.severity === 'error').map((finding) => finding.code);
  });
  t.deepEqual(codes, ['CW-CFG-007', 'CW-CFG-013', 'CW-CFG-018']);
});

test('a file that is not there is CW-CFG-001', async (t) => {
  const [finding] = await findingsOf(async () => loadConfig('/nowhere/cartwright.yaml', {}));
  t.is(finding?.code, 'CW-CFG-001');
  t.is((await findingsOf(async () => loadCalibration('/nowhere/c.json')))[0]?.code, 'CW-CFG-001');
});

test('every board that comes with the gateway is valid', async (t) => {
  const names = await boardNames();
  for (const name of ['bench', 'cart-pi5', 'demo-cart', 'shelf-pi5']) t.true(names.includes(name), name);
  for (const name of names) t.is((await loadBoard(name)).name, name);
});

const settings = { seed: 20_262, numRuns: 300 };

test('arbitrary text is a document or a coded error', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.json()), (text) => {
      try {
        parseBoard(text);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
      }
    }),
    settings,
  );
  t.pass();
});

test('a board with one value replaced by arbitrary JSON is accepted or refused with a code and a place', (t) => {
  const board: unknown = parseSource(goodBoard, 'board.yaml').value;
  const places = leavesOf(board, []);
  fc.assert(
    fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 2 }), (place, value) => {
      const changed = structuredClone(board);
      replaceAt(changed, place, value);
      try {
        parseBoard(JSON.stringify(changed));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        for (const finding of error.findings) t.true((finding.line ?? 0) >= 1);
      }
    }),
    settings,
  );
  t.pass();
});

/** Paths of all values inside maps and lists. */
function leavesOf(value: unknown, path: readonly string[]): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const below = Object.entries(value).flatMap(([key, item]) => leavesOf(item, [...path, key]));
  return path.length === 0 ? below : [path, ...below];
}

function replaceAt(root: unknown, path: readonly string[], value: unknown): void {
  let node = root;
  for (const key of path.slice(0, -1)) {
    if (typeof node !== 'object' || node === null) return;
    node = Reflect.get(node, key);
  }
  if (typeof node === 'object' && node !== null) Reflect.set(node, path.at(-1) ?? '', value);
}

const twoBridges = goodBoard.replace(
  /^devices:\n/m,
  'devices:\n  - { id: second, driver: virtual-scanner, options: { world: world, serial: any, keep: 1 } }\n  - { id: world, driver: virtual-world, options: { scenario: x } }\n',
);

test("options that are a device's own take the place of the profile's, key by key", async (t) => {
  const config = `${minimalConfig}devices:\n  second:\n    serial: \${SERIAL}\n`;
  const { board } = await load(config, { SERIAL: 'CW000042' }, twoBridges);
  t.deepEqual(board.devices.find(({ id }) => id === 'second')?.options, {
    world: 'world',
    serial: 'CW000042',
    keep: 1,
  });
});

test('own options of a device that the board does not have are refused with the one that was meant', async (t) => {
  const [finding] = await problems(`${minimalConfig}devices:\n  secnd: { serial: X }\n`, {}, twoBridges);
  t.is(finding?.code, 'CW-CFG-013');
  t.is(finding?.path, 'devices.secnd');
  t.regex(finding?.message ?? '', /did you mean second\?/);
});
