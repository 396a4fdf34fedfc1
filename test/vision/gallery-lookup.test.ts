import { readFile } from 'node:fs/promises';
import test from 'ava';
import fc from 'fast-check';
import { createRandom } from '#base/random.ts';
import { emptyGallery } from '#vision/gallery/gallery.ts';
import { wasmBase64 } from '#vision/gallery/generated/cosines.ts';
import { Lookup } from '#vision/gallery/lookup.ts';
import { compileWat, wasmModule } from '../../scripts/lib/wasm.ts';
import { bytes, plainBestCosines, randomDirection, randomGallery, space } from './embeddings.ts';

const folder = new URL('../../src/vision/gallery/', import.meta.url);

test('the look-up that is shipped is what its source compiles to', async (t) => {
  const compiled = await compileWat('cosines.wat', await readFile(new URL('cosines.wat', folder), 'utf8'));
  t.is(wasmBase64, Buffer.from(compiled).toString('base64'));
  t.is(await readFile(new URL('generated/cosines.ts', folder), 'utf8'), wasmModule('cosines.wat', compiled));
});

test('the look-up finds bit for bit the cosines that plain arithmetic finds', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 31 }),
      fc.integer({ min: 8, max: 256 }),
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 0, maxLength: 30 }),
      (seed, dimensions, counts) => {
        const gallery = randomGallery(seed, dimensions, counts);
        const query = bytes(randomDirection(createRandom(seed + 1), dimensions));
        const found = new Lookup(gallery).bestCosines(query);
        t.deepEqual([...found], [...plainBestCosines(gallery, query)]);
      },
    ),
    { seed: 4, numRuns: 1_000 },
  );
});

test('embeddings of nothing but the largest values overflow no sum', (t) => {
  for (const dimensions of [8, 15, 16, 250, 256]) {
    const reference = new Int8Array(dimensions).fill(127);
    const gallery = {
      space,
      dimensions,
      looks: [
        { look: 'same', references: 1, pictures: 1 },
        { look: 'opposite', references: 2, pictures: 1 },
      ],
      matrix: Int8Array.of(
        ...reference,
        ...reference.map((value) => -value),
        ...reference.map((value) => -value),
      ),
    };
    const [same, opposite] = new Lookup(gallery).bestCosines(reference);
    t.true(Math.abs((same ?? 0) - 1) < 1e-6);
    t.true(Math.abs((opposite ?? 0) + 1) < 1e-6);
  }
});

test('an embedding of floats is looked up as the bytes that references are made of', (t) => {
  const gallery = randomGallery(3, 256, [5, 5, 5]);
  const lookup = new Lookup(gallery);
  const direction = randomDirection(createRandom(9), 256);
  const ofBytes = [...lookup.bestCosines(bytes(direction))];
  t.deepEqual([...lookup.bestCosines(direction)], ofBytes);
  t.deepEqual(
    [...lookup.bestCosines(direction.map((value) => value * 1e-3))],
    ofBytes,
    'whatever its length',
  );
});

test('an embedding without length resembles nothing, one of another model is refused', (t) => {
  const lookup = new Lookup(randomGallery(3, 32, [1, 2]));
  t.deepEqual([...lookup.bestCosines(new Float32Array(32))], [0, 0]);
  t.deepEqual([...lookup.bestCosines(new Float32Array(32).fill(Number.NaN))], [0, 0]);
  t.deepEqual([...lookup.bestCosines(new Int8Array(32))], [0, 0]);
  t.throws(() => lookup.bestCosines(new Int8Array(31)), { instanceOf: RangeError });
  t.is(new Lookup(emptyGallery(space, 32)).bestCosines(new Int8Array(32).fill(1)).length, 0);
});

test('10,000 products of five references of 256 bytes take at most 16 MB', (t) => {
  const references = 50_000;
  const looks = Array.from({ length: 10_000 }, (_, index) => ({
    look: `${index}`.padStart(14, '0'),
    references: 5,
    pictures: 5,
  }));
  const matrix = new Int8Array(references * 256).fill(8);
  const lookup = new Lookup({ space, dimensions: 256, looks, matrix });
  t.true(lookup.bytes <= 14_000_000, `${lookup.bytes} bytes, beside 10,000 keys`);
  t.is(lookup.bestCosines(matrix.subarray(0, 256)).length, 10_000);
});
