import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { runCli } from '#test/support/cli.ts';
import { toBytes } from '#vision/gallery/embedding.ts';
import { writeGallery } from '#vision/gallery/file.ts';
import { galleryOf } from '#vision/gallery/gallery.ts';
import { openBackend } from '#vision/models/backends.ts';
import { loadModel } from '#vision/models/load.ts';
import { readPicture } from '#vision/pictures/decode.ts';
import { middleSquare } from '#vision/pictures/layout.ts';
import { Sampler } from '#vision/pictures/sample.ts';
import { smallModel } from '../vision/model-folder.ts';

/** Classes of pictures: stripes of a colour, of a width in pixels. */
const classes = [
  { name: 'Red-Stripes', coarse: 0, colour: [230, 20, 20], width: 4 },
  { name: 'Red-Bars', coarse: 0, colour: [230, 20, 20], width: 40 },
  { name: 'Blue-Stripes', coarse: 1, colour: [20, 30, 220], width: 8 },
  { name: 'Green-Stripes', coarse: 2, colour: [20, 200, 40], width: 8 },
] as const;

async function picture(
  path: string,
  { colour, width }: (typeof classes)[number],
  shift: number,
): Promise<void> {
  const raw = Buffer.alloc(144 * 96 * 3, 250);
  for (let pixel = 0; pixel < 144 * 96; pixel++) {
    if (Math.floor(((pixel % 144) + shift) / width) % 2 === 0) raw.set(colour, pixel * 3);
  }
  await sharp(raw, { raw: { width: 144, height: 96, channels: 3 } })
    .jpeg({ quality: 95 })
    .toFile(path);
}

interface Shop {
  readonly folder: string;
  readonly args: readonly string[];
}

/** Pictures of four classes, a list of them, and a gallery of the first three. */
async function openShop(t: ExecutionContext): Promise<Shop> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-eval-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'val'));
  const model = await loadModel(smallModel);
  const backend = await openBackend('onnx-fp32', model, { threads: 1 });
  const sampler = new Sampler(backend.side);
  const pixels = new Uint8Array(backend.side ** 2 * 3);
  const lines: string[] = [];
  const references = [];
  for (const [fine, one] of classes.entries()) {
    for (const shift of [0, 1, 2]) {
      const file = `val/${one.name}_${shift}.jpg`;
      await picture(join(folder, file), one, shift);
      lines.push(`${file}, ${fine}, ${one.coarse}`);
    }
    if (fine === 3) continue;
    const reference = await readPicture(join(folder, `val/${one.name}_1.jpg`));
    sampler.sample(reference, middleSquare(reference), pixels);
    const embedding = toBytes(await backend.embed(pixels, 1)) ?? new Int8Array();
    references.push({ look: one.name, embedding });
  }
  await backend.close();
  const gallery = join(folder, 'gallery.cwg');
  await writeGallery(gallery, galleryOf(model.manifest.space, model.manifest.dimensions, references));
  const list = join(folder, 'val.txt');
  await writeFile(list, `${lines.join('\r\n')}\n\n`);
  const rows = classes.map(({ name, coarse }, fine) => `${name},${fine},Coarse-${coarse},${coarse},/x.jpg`);
  await writeFile(join(folder, 'classes.csv'), ['Class Name (str),Class ID (int),…', ...rows].join('\n'));
  return { folder, args: ['vision', 'eval', '--images', list, '--model', smallModel, '--gallery', gallery] };
}

test('an evaluation says how often and how surely the gallery is right, and about what not', async (t) => {
  const { args } = await openShop(t);
  const { code, stdout, stderr } = await runCli([...args, '--json']);
  t.is(code, 0, stderr);
  const found = JSON.parse(stdout);
  t.like(found, { backend: 'onnx-int8', pictures: 12, known: 9, unknown: 3, failed: 0, crops: 1 });
  t.true(found.top1Percent > 60 && found.top1Percent <= found.top5Percent);
  t.is(found.top5Percent, 100);
  t.true(found.coarseTop1Percent >= found.top1Percent);
  t.true(found.calibrationErrorPercent >= 0 && found.calibrationErrorPercent <= 100);
  t.true(found.auroc >= 0 && found.auroc <= 1);
  t.deepEqual(Object.keys(found.latencyMs), ['decode', 'sample', 'embed', 'lookUp']);
  for (const { p50, p95 } of Object.values<{ p50: number; p95: number }>(found.latencyMs)) {
    t.true(p50 > 0 && p50 <= p95);
  }
  const wrong = found.mistakes.filter(({ is }: { is: string }) => is !== 'Green-Stripes');
  t.is(Math.round(wrong.length * 100), Math.round(9 * (100 - found.top1Percent)));
});

test('an evaluation for people has the same figures, and a sheet of the mistakes', async (t) => {
  const { folder, args } = await openShop(t);
  const sheet = join(folder, 'mistakes.png');
  // Names moved by one: everything known is a mistake.
  const moved = join(folder, 'moved.csv');
  const rows = classes.map(({ coarse }, fine) => `${classes[(fine + 1) % 3]?.name},${fine},x,${coarse}`);
  await writeFile(moved, ['name,number,coarse,number', ...rows.slice(0, 3)].join('\n'));
  const { code, stdout, stderr } = await runCli([
    ...args,
    '--classes',
    moved,
    '--sheet',
    sheet,
    '--crops',
    '12',
  ]);
  t.is(code, 0, stderr);
  t.regex(stdout, /^model +small 1, onnx-int8, 12 views a picture$/m);
  t.regex(stdout, /^pictures +9 known, 3 unknown$/m);
  t.regex(stdout, /^top-1 +0\.0 %$/m);
  t.regex(stderr, /mistakes\.png shows (9|1[0-2]) of \1 mistakes, the surest first/);
  const { width, height, format } = await sharp(sheet).metadata();
  t.is(format, 'png');
  t.true(width > 1500 && height > 500);
});

test('a picture that can not be read is told and left out', async (t) => {
  const { folder, args } = await openShop(t);
  await writeFile(join(folder, 'val/Red-Bars_0.jpg'), 'damaged');
  await rm(join(folder, 'val/Red-Bars_1.jpg'));
  const { code, stdout, stderr } = await runCli([...args, '--json']);
  t.is(code, 1);
  t.like(JSON.parse(stdout), { pictures: 10, failed: 2 });
  t.regex(stderr, /CW-VIS-007 .*Red-Bars_0\.jpg is neither/);
  t.regex(stderr, /CW-VIS-007 .*Red-Bars_1\.jpg could not be read: no such file/);
});

test('without names of classes a number is its own, and an evaluation says so', async (t) => {
  const { folder, args } = await openShop(t);
  await rm(join(folder, 'classes.csv'));
  const { code, stdout, stderr } = await runCli(args);
  t.is(code, 0);
  t.regex(stdout, /^pictures +0 known, 12 unknown$/m);
  t.regex(stdout, /^top-1 +–$/m);
  t.regex(stderr, /none of the list's classes \("0", …\): name them with --classes/);
});

test('what keeps an evaluation from beginning is told in one line', async (t) => {
  const { folder, args } = await openShop(t);
  const list = join(folder, 'val.txt');
  const refused = async (more: readonly string[], code: number, message: RegExp) => {
    const { code: found, stderr } = await runCli([...args, ...more]);
    t.is(found, code, stderr);
    t.regex(stderr, message);
    t.is(stderr.trimEnd().split('\n').length, 1, stderr);
  };
  await refused(['--images', join(folder, 'absent.txt')], 3, /^CW-CLI-004 .*no such file/);
  await refused(['--model', folder], 1, /^CW-VIS-001 .*manifest\.json/);
  await refused(['--gallery', list], 1, /^CW-VIS-009 /);
  await refused(['--classes', join(folder, 'val/Red-Bars_0.jpg')], 3, /^CW-CLI-004 .*names no classes/);
  await refused(['--backend', 'tfjs-node'], 1, /^CW-VIS-005 /);
  await writeFile(list, 'val/a.jpg, 1, 2\nval/b.jpg 1\n');
  await refused([], 3, /^CW-CLI-004 .*val\.txt:2: must be "path, fine, coarse"/);
  await writeFile(list, '\n');
  await refused([], 3, /^CW-CLI-004 .*names no pictures/);
});
