import { join } from 'node:path';
import test from 'ava';
import { checkConfiguration } from '#catalogue/check-configuration.ts';
import { calibrationFor, goodBoard, minimalConfig, withFiles } from '#test/config/support.ts';

const root = join(import.meta.dirname, '../..');

test('the demo configuration is ready to run, and is explained in words', async (t) => {
  const report = await checkConfiguration(join(root, 'config/demo.yaml'), {});
  t.deepEqual(
    report.findings.filter((finding) => finding.severity === 'error'),
    [],
  );
  t.true(report.ok);
  const text = report.explanation.join('\n');
  t.regex(text, /Device cart-0001 of store demo-store\./);
  t.regex(text, /Max 30\.000 kg, e = 5 g \(6000 intervals\), Min = 20 e = 100 g/);
  t.regex(text, /Calibrated, revision \d+/);
  t.regex(text, /Catalogue demo-1: 3\d\d products, prices in EUR/);
});

test('the example configuration is valid but for the catalogue that each store has of its own', async (t) => {
  const { findings } = await checkConfiguration(join(root, 'config/cartwright.example.yaml'), {});
  const errors = findings.filter(({ severity }) => severity === 'error');
  t.deepEqual(
    errors.map(({ path }) => path),
    ['catalogue'],
  );
});

const files = {
  'cartwright.yaml': `${minimalConfig}calibration: c.json\ncatalogue: catalogue.json\nplanogram: planogram.json\n`,
  'board.yaml': goodBoard,
  'c.json': calibrationFor(['fl', 'fr', 'rl', 'rr']),
  'catalogue.json':
    '{"catalogue":1,"version":"v1","currency":"EUR","products":[{"plu":"4011","name":"Bananas","sale":"weight","priceMinorPerKg":179}]}',
  'planogram.json': '{"planogram":1,"version":"p1","plates":[{"plate":"basket","plu":"4011"}]}',
};

test('a sound set of files passes without a finding', async (t) => {
  const report = await withFiles(files, async (folder) =>
    checkConfiguration(join(folder, 'cartwright.yaml'), {}),
  );
  t.deepEqual(report.findings, []);
  t.true(report.ok);
  t.regex(report.explanation.join('\n'), /Planogram p1: 1 products on 1 plates\./);
});

for (const [title, change, code, path] of [
  [
    'a wrong price in the catalogue',
    ['catalogue.json', '179', '-179'],
    'CW-CAT-011',
    'products[0].priceMinorPerKg',
  ],
  [
    'a planogram of a plate that the board lacks',
    ['planogram.json', 'basket', 'shelf'],
    'CW-CFG-022',
    'plates',
  ],
  [
    'a planogram of a product that is not sold',
    ['planogram.json', '4011', '4012'],
    'CW-CAT-014',
    'plates[0]',
  ],
  ['a catalogue that is not there', ['cartwright.yaml', ' catalogue.json', ' no.json'], 'CW-CAT-002', ''],
  [
    'a password file that is not there',
    ['cartwright.yaml', 'device: cart-1', 'device: cart-1\nbroker: { username: u, passwordFile: no }'],
    'CW-CFG-019',
    'broker.passwordFile',
  ],
  [
    'a driver that is not there',
    ['cartwright.yaml', 'device: cart-1', 'device: cart-1\ndrivers: [no.js]'],
    'CW-CFG-019',
    'drivers[0]',
  ],
] as const) {
  test(`${title} is reported with its file`, async (t) => {
    const [name, from, to] = change;
    const changed = { ...files, [name]: files[name].replace(from, to) };
    t.not(changed[name], files[name]);
    const report = await withFiles(changed, async (folder) =>
      checkConfiguration(join(folder, 'cartwright.yaml'), {}),
    );
    t.false(report.ok);
    t.is(report.findings.length, 1, JSON.stringify(report.findings));
    t.is(report.findings[0]?.code, code);
    t.is(report.findings[0]?.path, path);
  });
}

test('a configuration that can not be read is a report too', async (t) => {
  const report = await checkConfiguration('/nowhere/cartwright.yaml', {});
  t.false(report.ok);
  t.is(report.findings[0]?.code, 'CW-CFG-001');
});

test('going without calibration is a warning, without catalogue an error', async (t) => {
  const report = await withFiles(
    { 'cartwright.yaml': minimalConfig, 'board.yaml': goodBoard },
    async (folder) => checkConfiguration(join(folder, 'cartwright.yaml'), {}),
  );
  t.false(report.ok);
  t.deepEqual(
    report.findings.map(({ code, severity }) => [code, severity]),
    [
      ['CW-CFG-022', 'error'],
      ['CW-CFG-018', 'warning'],
    ],
  );
});
