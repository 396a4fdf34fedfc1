import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createRandom } from '#base/random.ts';
import type { Product } from '#catalogue/products.ts';
import { GalleryKeeper } from '#gateway/gallery.ts';
import { doGalleryJob } from '#gateway/gallery-work.ts';
import { readGallery, writeGallery } from '#vision/gallery/file.ts';
import { bytes, randomDirection, randomGallery, space, view } from '../vision/embeddings.ts';
import { modelManifest } from './model.ts';

const apple = { key: 'plu:4011', plu: '4011', look: 'Apple', name: 'Apple', sale: 'each' } as Product;
const milk = {
  key: 'gtin:04006381333931',
  gtin: '04006381333931',
  look: 'milk-box',
  name: 'Milk',
  sale: 'each',
} as Product;
const catalogue = {
  version: 'test-1',
  byGtin: new Map([['04006381333931', milk]]),
  byPlu: new Map([['4011', apple]]),
};

async function keeperIn(t: ExecutionContext) {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-gallery-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'data', 'gallery.cwg');
  const changed: string[] = [];
  const random = createRandom(1);
  const things = Array.from({ length: 8 }, () => randomDirection(random, 64));
  const pictures = (thing: number, count: number) =>
    Array.from({ length: count }, () => {
      const embedding = bytes(view(random, things[thing] ?? new Float32Array(64), 0.4));
      return new Uint8Array(embedding.buffer);
    });
  const place = {
    path,
    storePath: join(folder, 'data', 'store-gallery.cwg'),
    modelFolder: join(folder, 'model'),
  };
  const keeper = new GalleryKeeper({
    place,
    catalogue: () => catalogue,
    capture: (camera, plate) => {
      if (camera !== 'basket-camera' || plate !== 'basket') throw new Error('no such camera');
      return Promise.resolve(new Int8Array(pictures(0, 1)[0]?.buffer ?? new ArrayBuffer(0)));
    },
    changed: (file) => changed.push(file),
    work: doGalleryJob,
  });
  return { folder, path, place, keeper, changed, pictures };
}

/** What a model's folder needs for its gallery to be read. */
async function writeModel(folder: string): Promise<void> {
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(modelManifest));
}

test('a product is enrolled by its GTIN or PLU under the look that the catalogue gives it', async (t) => {
  const { keeper, path, changed, pictures } = await keeperIn(t);
  const answer = await keeper.enroll({ gtin: '4006381333931', embeddings: pictures(0, 3), space });
  const { gallery, version } = await readGallery(path, space);
  t.deepEqual(answer, {
    look: 'milk-box',
    pictures: 3,
    references: 4,
    rejected: [],
    confused: [],
    version,
    total: 1,
  });
  t.deepEqual(gallery.looks, [{ look: 'milk-box', references: 4, pictures: 3 }]);
  t.deepEqual(changed, [path]);
  const second = await keeper.enroll({ plu: '4011', embeddings: pictures(1, 3) });
  t.is(second.look, 'Apple');
  t.is(second.total, 2);
  t.is((second.nearest as { look: string }).look, 'milk-box');
  t.deepEqual(await readdir(join(path, '..')), ['gallery.cwg']);
});

test('what is known is added to, replaced, listed in parts and removed', async (t) => {
  const { keeper, changed, pictures } = await keeperIn(t);
  t.deepEqual(await keeper.list({}), { total: 0, looks: [] });
  await keeper.enroll({ look: 'a', embeddings: pictures(0, 4), space });
  t.is((await keeper.enroll({ look: 'a', embeddings: pictures(0, 2), space })).pictures, 6);
  t.is((await keeper.enroll({ look: 'a', embeddings: pictures(0, 2), replace: true })).pictures, 2);
  await keeper.enroll({ look: 'b', embeddings: pictures(1, 1) });
  const all = await keeper.list({});
  t.is(all.space, space);
  t.deepEqual(all.looks, [
    { look: 'a', references: 3, pictures: 2 },
    { look: 'b', references: 1, pictures: 1 },
  ]);
  t.deepEqual((await keeper.list({ from: 1, count: 1 })).looks, [{ look: 'b', references: 1, pictures: 1 }]);
  const before = changed.length;
  t.like(await keeper.remove({ look: 'a' }), { look: 'a', removed: true, total: 1 });
  t.deepEqual(await keeper.remove({ look: 'a' }), { look: 'a', removed: false });
  t.is(changed.length, before + 1, 'nothing is written where nothing changes');
});

test('the gallery that comes with a model is what the first enrolment adds to', async (t) => {
  const { keeper, folder, path, pictures } = await keeperIn(t);
  const own = randomGallery(7, 64, [5, 5, 5]);
  await writeGallery(join(folder, 'model', 'gallery.cwg'), own);
  await writeModel(join(folder, 'model'));
  t.is((await keeper.list({})).total, 3);
  const answer = await keeper.enroll({ look: 'new', embeddings: pictures(0, 2) });
  t.is(answer.total, 4);
  t.deepEqual(
    (await readGallery(path)).gallery.looks.map(({ look }) => look),
    ['look-0', 'look-1', 'look-2', 'new'],
  );
  t.like(await keeper.remove({ look: 'look-1' }), { removed: true, total: 3 });
  const seen = await keeper.capture({ camera: 'basket-camera', plate: 'basket' });
  t.is(seen.space, space);
  t.like(await keeper.enroll({ look: 'captured', embeddings: seen.embeddings, space: seen.space }), {
    total: 4,
  });
});

test('a picture of something else is told by its number, and what it resembles', async (t) => {
  const { keeper, pictures } = await keeperIn(t);
  await keeper.enroll({ look: 'other', embeddings: pictures(3, 5), space });
  const mixed = [...pictures(0, 3), ...pictures(3, 1)];
  const answer = await keeper.enroll({ look: 'a', embeddings: mixed });
  t.deepEqual(answer.rejected, [{ picture: 4, resembles: 'other' }]);
  t.is(answer.pictures, 3);
  t.is((await keeper.enroll({ look: 'b', embeddings: mixed, keepAll: true })).pictures, 4);
});

test('what can not be carried out is refused with a code, and the file stays as it was', async (t) => {
  const { keeper, path, pictures, changed } = await keeperIn(t);
  const embeddings = pictures(0, 2);
  const refused = async (args: object, code: string, message: RegExp) => {
    const error = await t.throwsAsync(keeper.enroll(args));
    t.like(error, { code });
    t.regex(error?.message ?? '', message);
  };
  await refused({ embeddings, space }, 'CW-CMD-008', /either gtin, plu or look/);
  await refused({ look: 'a', plu: '4011', embeddings, space }, 'CW-CMD-008', /either gtin, plu or look/);
  await refused(
    { gtin: '4006381333932', embeddings, space },
    'CW-CMD-008',
    /catalogue test-1 has no product/,
  );
  await refused({ look: 'a', embeddings: [], space }, 'CW-CMD-008', /embeddings/);
  await refused({ look: 'a', embeddings: ['x'], space }, 'CW-CMD-008', /8 to 256 bytes/);
  await refused({ look: 'a', embeddings, space: 'x' }, 'CW-CMD-008', /SHA-256/);
  await refused({ look: 'a', embeddings }, 'CW-VIS-001', /manifest|model/);
  await refused({ look: 'a\n', embeddings, space }, 'CW-VIS-017', /can't be shown/);
  await refused({ look: 'a', embeddings: [new Uint8Array(64)], space }, 'CW-VIS-017', /all zeros/);
  t.deepEqual(changed, []);
  await keeper.enroll({ look: 'a', embeddings, space });
  await refused({ look: 'b', embeddings, space: 'cd'.repeat(32) }, 'CW-VIS-010', /another|model/);
  await refused({ look: 'b', embeddings: [new Uint8Array(32).fill(9)] }, 'CW-VIS-010', /32 values/);
  await writeFile(path, 'damaged');
  await refused({ look: 'b', embeddings }, 'CW-VIS-009', /gallery\.cwg/);
  await t.throwsAsync(keeper.list({ count: 1_001 }), { code: 'CW-CMD-008' });
  await t.throwsAsync(keeper.capture({ camera: 'basket-camera' }), { code: 'CW-CMD-008' });
});

test('commands that come together are carried out one after the other', async (t) => {
  const { keeper, path, pictures } = await keeperIn(t);
  await Promise.all(
    Array.from({ length: 8 }, (_, thing) =>
      keeper.enroll({ look: `thing-${thing}`, embeddings: pictures(thing, 1), space }),
    ),
  );
  t.is((await readGallery(path)).gallery.looks.length, 8);
});

test('the work is done on a thread of its own, whose refusals keep their codes', async (t) => {
  const { folder, path, place, pictures } = await keeperIn(t);
  const changed: string[] = [];
  const keeper = new GalleryKeeper({
    place: { ...place, modelFolder: join(folder, 'none') },
    catalogue: () => catalogue,
    capture: () => Promise.resolve(new Int8Array(64)),
    changed: (file) => changed.push(file),
  });
  t.like(await keeper.enroll({ look: 'a', embeddings: pictures(0, 2), space }), { look: 'a', total: 1 });
  t.deepEqual(changed, [path]);
  t.is((await readGallery(path)).gallery.looks[0]?.pictures, 2);
  const error = await t.throwsAsync(keeper.enroll({ look: 'b', embeddings: [new Uint8Array(64)] }));
  t.like(error, { code: 'CW-VIS-017' });
  t.regex(error?.message ?? '', /all zeros/);
});
