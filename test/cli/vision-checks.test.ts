import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { checkDrivers } from '#cli/driver-checks.ts';
import { checkVision } from '#cli/vision-checks.ts';
import { inspectConfig } from '#config/load.ts';
import { writeGallery } from '#vision/gallery/file.ts';
import { galleryOf } from '#vision/gallery/gallery.ts';
import { loadModel } from '#vision/models/load.ts';

/** A configuration with a camera and a copy of a small model, both to be spoiled. */
async function folder(t: ExecutionContext, driver = 'files', vision = '') {
  const path = await mkdtemp(join(tmpdir(), 'vision-checks-'));
  t.teardown(() => rm(path, { recursive: true }));
  await cp(resolve('test/fixtures/small-model'), join(path, 'model'), { recursive: true });
  await writeFile(
    join(path, 'board.yaml'),
    `profile: 1\nname: board\ndevices:\n  - { id: eye, driver: ${driver}, options: {} }\nplates:\n  - { id: rack, kind: unweighed, scanners: [eye] }\n`,
  );
  const catalogue = resolve('config/catalogues/demo.json');
  const lines = ['cartwright: 1', 'store: s', 'device: d', 'board: board.yaml', `catalogue: ${catalogue}`];
  await writeFile(
    join(path, 'cartwright.yaml'),
    `${[...lines, 'vision:', '  model: ./model', '  gallery: shop.cwg', vision].join('\n')}\n`,
  );
  return path;
}

const check = async (path: string) => checkVision(await inspectConfig(join(path, 'cartwright.yaml'), {}));

test('a model that is whole is named, and a missing gallery is said', async (t) => {
  const { findings, explanation } = await check(await folder(t));
  t.deepEqual(findings, []);
  t.regex(explanation.join('\n'), /cameras \(eye\) see is recognized by the model .*\(onnx-int8\)/);
  t.regex(explanation.join('\n'), /no gallery yet/);
});

test('a gallery says how many products of the catalogue it has', async (t) => {
  const path = await folder(t);
  const { space, dimensions } = (await loadModel(join(path, 'model'))).manifest;
  const embedding = new Int8Array(dimensions).fill(127, 0, 1);
  const references = ['Banana', 'Somebody-Elses'].map((look) => ({ look, embedding }));
  await writeGallery(join(path, 'shop.cwg'), galleryOf(space, dimensions, references));
  const { findings, explanation } = await check(path);
  t.deepEqual(findings, []);
  t.regex(explanation.join('\n'), /2 looks; 1 of the catalogue's \d+ are among them/);
});

for (const [what, spoil, code, key] of [
  [
    'a model that is not there',
    (path: string) => rm(join(path, 'model'), { recursive: true }),
    'CW-VIS-001',
    'model',
  ],
  [
    'a damaged model',
    (path: string) => writeFile(join(path, 'model/model.int8.onnx'), 'x'),
    'CW-VIS-002',
    'model',
  ],
  [
    'a damaged manifest',
    (path: string) => writeFile(join(path, 'model/manifest.json'), '{'),
    'CW-VIS-003',
    'model',
  ],
  [
    'a damaged gallery',
    (path: string) => writeFile(join(path, 'shop.cwg'), 'CWGALLRY'),
    'CW-VIS-009',
    'gallery',
  ],
] as const) {
  test(`${what} is a warning at its key`, async (t) => {
    const path = await folder(t);
    await spoil(path);
    const { findings } = await check(path);
    t.like(findings, { length: 1, 0: { severity: 'warning', code, path: `vision.${key}` } });
    t.is(findings[0]?.line, key === 'model' ? 7 : 8);
  });
}

test('a gallery of another model is a warning', async (t) => {
  const path = await folder(t);
  const other = galleryOf('00'.repeat(32), 16, [
    { look: 'Banana', embedding: new Int8Array(16).fill(127, 0, 1) },
  ]);
  await writeGallery(join(path, 'shop.cwg'), other);
  t.like((await check(path)).findings, { length: 1, 0: { code: 'CW-VIS-010' } });
});

test('without cameras, or with vision switched off, nothing is said', async (t) => {
  const without = await folder(t, 'hid-pos-scanner');
  await rm(join(without, 'model'), { recursive: true });
  t.deepEqual(await check(without), { findings: [], explanation: [] });
  const off = await folder(t, 'files', '  enabled: false');
  await rm(join(off, 'model'), { recursive: true });
  t.deepEqual(await check(off), { findings: [], explanation: [] });
});

test('a camera may serve a plate as its scanner', async (t) => {
  const path = await folder(t);
  const { findings } = await checkDrivers(await inspectConfig(join(path, 'cartwright.yaml'), {}));
  t.deepEqual(
    findings.filter(({ severity }) => severity === 'warning'),
    [],
  );
});
