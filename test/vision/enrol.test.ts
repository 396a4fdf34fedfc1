import test from 'ava';
import { createRandom } from '#base/random.ts';
import { VisionError } from '#vision/errors.ts';
import { meanDirection } from '#vision/gallery/embedding.ts';
import { enrol } from '#vision/gallery/enrol.ts';
import { decodeGallery, encodeGallery } from '#vision/gallery/file.ts';
import { emptyGallery, type Gallery, galleryOf, referencesOf } from '#vision/gallery/gallery.ts';
import { Lookup } from '#vision/gallery/lookup.ts';
import { bestLooks } from '#vision/gallery/recognize.ts';
import { bytes, randomDirection, space, view } from './embeddings.ts';

const dimensions = 64;

/** Directions of products and a gallery with one reference of each of the first twenty. */
function world(seed: number) {
  const random = createRandom(seed);
  const products = Array.from({ length: 40 }, () => randomDirection(random, dimensions));
  const references = products
    .slice(0, 20)
    .map((product, index) => ({ look: `p${index}`, embedding: bytes(view(random, product, 0.3)) }));
  const gallery = galleryOf(space, dimensions, references);
  const pictures = (product: number, count: number, noise = 0.5) =>
    Array.from({ length: count }, () =>
      bytes(view(random, products[product] ?? new Float32Array(dimensions), noise)),
    );
  return { gallery, pictures };
}

const nearest = (gallery: Gallery, picture: Int8Array) => bestLooks(new Lookup(gallery), picture)[0]?.look;

test('a few pictures enrol a product, and it is recognized from others', async (t) => {
  const { gallery, pictures } = world(1);
  const enrolled = enrol(gallery, 'new', pictures(30, 5));
  t.is(enrolled.pictures, 5);
  t.is(enrolled.references, 5);
  t.deepEqual(enrolled.rejected, []);
  t.deepEqual(enrolled.confused, []);
  t.false(enrolled.nearest?.similar);
  for (const picture of pictures(30, 50)) t.is(nearest(enrolled.gallery, picture), 'new');
  for (const picture of pictures(7, 50)) t.is(nearest(enrolled.gallery, picture), 'p7');
  t.deepEqual((await decodeGallery(await encodeGallery(enrolled.gallery))).gallery, enrolled.gallery);
  t.deepEqual(gallery.looks.length, 20, 'the gallery that was given is as it was');
});

test('the first reference is the mean of all pictures, those of an earlier time included', (t) => {
  const { gallery, pictures } = world(2);
  const all = pictures(30, 9);
  const first = enrol(gallery, 'new', all.slice(0, 6));
  const second = enrol(first.gallery, 'new', all.slice(6));
  t.is(second.pictures, 9);
  t.is(second.references, 5);
  const [mean] = referencesOf(second.gallery, 'new');
  const expected = bytes(meanDirection(all));
  // The mean of six was brought to unit length and rounded before three more came to it.
  t.true(mean?.every((value, index) => Math.abs(value - (expected[index] ?? 0)) <= 3) ?? false);
});

test('replacing forgets what was there', (t) => {
  const { gallery, pictures } = world(3);
  const replaced = enrol(gallery, 'p3', pictures(30, 3), { replace: true });
  t.is(replaced.pictures, 3);
  t.is(replaced.gallery.looks.length, 20);
  t.is(nearest(replaced.gallery, pictures(30, 1)[0] ?? new Int8Array()), 'p3');
  const again = enrol(replaced.gallery, 'p3', pictures(30, 3), { replace: true });
  t.is(again.pictures, 3);
});

test('one picture is enough, and pictures that are all the same make one reference', (t) => {
  const { gallery, pictures } = world(4);
  const [one] = pictures(30, 1);
  if (one === undefined) throw new Error('no picture');
  t.is(enrol(gallery, 'new', [one]).references, 1);
  const same = enrol(gallery, 'new', [one, one, one, one]);
  t.is(same.references, 1);
  t.is(same.pictures, 4);
  t.deepEqual(referencesOf(same.gallery, 'new'), [one]);
});

test('sides of a package that have nothing in common each get a reference, of many pictures', (t) => {
  const { gallery, pictures } = world(5);
  const sides = [30, 31, 32, 33].map((product) => pictures(product, 6));
  const enrolled = enrol(gallery, 'new', sides.flat());
  t.deepEqual(enrolled.rejected, [], 'each side is shown by several');
  t.is(enrolled.references, 5);
  for (const product of [30, 31, 32, 33]) {
    for (const picture of pictures(product, 20)) t.is(nearest(enrolled.gallery, picture), 'new');
  }
  const [, ...references] = referencesOf(enrolled.gallery, 'new');
  for (const side of sides) {
    const mean = bytes(meanDirection(side));
    t.true(references.some((one) => one.every((value, index) => value === mean[index])));
  }
});

test('a picture that shows another product is left out, and it is said which and what it resembles', (t) => {
  const { gallery, pictures } = world(6);
  const [other] = pictures(7, 1, 0.2);
  const [unknown] = pictures(39, 1);
  if (other === undefined || unknown === undefined) throw new Error('no picture');
  const good = pictures(30, 5);
  const enrolled = enrol(gallery, 'new', [...good.slice(0, 2), other, ...good.slice(2), unknown]);
  t.deepEqual(enrolled.rejected, [{ picture: 2, resembles: 'p7' }, { picture: 6 }]);
  t.is(enrolled.pictures, 5);
  const kept = enrol(gallery, 'new', [...good, other, unknown], { keepAll: true });
  t.deepEqual(kept.rejected, []);
  t.is(kept.pictures, 7);
});

test('a picture of something else does not get into a look that is known', (t) => {
  const { gallery, pictures } = world(7);
  const known = enrol(gallery, 'new', pictures(30, 5));
  const error = t.throws(() => enrol(known.gallery, 'new', pictures(31, 1)), {
    instanceOf: VisionError,
    code: 'CW-VIS-017',
  });
  t.deepEqual(error.details, { rejected: [1] });
  t.is(enrol(known.gallery, 'new', pictures(30, 1)).pictures, 6);
});

test('pictures that have nothing in common are refused with their numbers', (t) => {
  const { gallery, pictures } = world(8);
  const two = [...pictures(30, 1, 0.1), ...pictures(31, 1, 0.1)];
  t.throws(() => enrol(gallery, 'new', two), { code: 'CW-VIS-017', message: /of 2 pictures, 1 and 2 have/ });
  t.is(enrol(gallery, 'new', two, { keepAll: true }).references, 3);
  t.throws(() => enrol(gallery, 'new', []), { code: 'CW-VIS-017' });
  t.throws(() => enrol(gallery, 'new', [new Int8Array(dimensions)]), {
    code: 'CW-VIS-017',
    message: /picture 1/,
  });
  t.throws(() => enrol(gallery, 'new', [new Int8Array(32).fill(9)]), { code: 'CW-VIS-010' });
});

test('pictures of the same product are rarely taken for strangers, those of another are nearly always', (t) => {
  let wrongly = 0;
  let found = 0;
  for (let seed = 100; seed < 300; seed++) {
    const { gallery, pictures } = world(seed);
    wrongly += Math.min(1, enrol(gallery, 'new', pictures(30, 5, 0.8)).rejected.length);
    const { rejected } = enrol(gallery, 'new', [...pictures(30, 4, 0.5), ...pictures(31, 1, 0.5)]);
    found += Number(rejected.length === 1 && rejected[0]?.picture === 4);
  }
  t.true(wrongly <= 4, `${wrongly} of 200`);
  t.true(found >= 180, `${found} of 200`);
});

test('a product that looks like another one of the gallery is enrolled with a warning', (t) => {
  const { gallery, pictures } = world(9);
  const twin = enrol(gallery, 'twin', pictures(7, 5, 0.2));
  t.is(twin.nearest?.look, 'p7');
  t.true(twin.nearest?.similar);
  const noisy = enrol(enrol(gallery, 'p7', pictures(7, 5, 0.3)).gallery, 'twin', pictures(7, 5, 0.9));
  t.true(noisy.confused.length > 0);
  t.true(noisy.confused.every(({ look }) => look === 'p7'));
});

test('a crowded space is judged by its own distances', (t) => {
  // A large part that all embeddings have in common: unrelated things have cosines of about 0.9.
  const random = createRandom(12);
  const common = randomDirection(random, dimensions);
  const crowded = (own: Float32Array) =>
    bytes(meanDirection([common.map((value, index) => value * 3 + (own[index] ?? 0))]));
  const products = Array.from({ length: 20 }, () => randomDirection(random, dimensions));
  const gallery = galleryOf(
    space,
    dimensions,
    products.map((product, index) => ({ look: `p${index}`, embedding: crowded(product) })),
  );
  const one = randomDirection(random, dimensions);
  const pictures = Array.from({ length: 5 }, () => crowded(view(random, one, 0.4)));
  const stranger = crowded(randomDirection(random, dimensions));
  t.deepEqual(enrol(gallery, 'new', pictures).rejected, []);
  t.deepEqual(enrol(gallery, 'new', [...pictures, stranger]).rejected, [{ picture: 5 }]);
  t.false(enrol(gallery, 'new', pictures).nearest?.similar);
});

test('the first product of an empty gallery has no neighbour', (t) => {
  const { pictures } = world(10);
  const enrolled = enrol(emptyGallery(space, dimensions), 'first', pictures(1, 3));
  t.is(enrolled.nearest, undefined);
  t.is(enrolled.gallery.looks.length, 1);
});
