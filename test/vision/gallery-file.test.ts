import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { createRandom } from '#base/random.ts';
import { type CborValue, encodeCbor } from '#events/cbor.ts';
import { VisionError } from '#vision/errors.ts';
import {
  decodeGallery,
  encodeGallery,
  readGallery,
  readGalleryIfAny,
  writeGallery,
} from '#vision/gallery/file.ts';
import { emptyGallery, referencesOf, withLook, withoutLook } from '#vision/gallery/gallery.ts';
import { bytes, randomDirection, randomGallery, space } from './embeddings.ts';

const runs = Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000);

async function temporary(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-gallery-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A file around any header and matrix, with a hash that is right. */
function sealed(header: CborValue | Uint8Array, matrix: Uint8Array, headerBytes?: number): Uint8Array {
  const head = header instanceof Uint8Array ? header : encodeCbor(header);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(headerBytes ?? head.length);
  const body = Buffer.concat([Buffer.from('CWGALLRY'), length, head, matrix]);
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

const header = (fields: Partial<Record<1 | 2 | 3 | 4, CborValue>>): CborValue =>
  new Map<number, CborValue>(
    Object.entries({ 1: 1, 2: Buffer.alloc(32, 7), 3: 8, 4: [['apple', 1, 1]], ...fields }).map(
      ([key, value]) => [Number(key), value],
    ),
  );
const row = Uint8Array.of(127, 0, 0, 0, 0, 0, 0, 0);

test('a gallery is written and read back as it was, and the same gallery gives the same bytes', async (t) => {
  const path = join(await temporary(t), 'sub', 'gallery.cwg');
  for (const counts of [[], [1], [5, 1, 3, 16, 2]]) {
    const gallery = randomGallery(1, 100, counts);
    const version = await writeGallery(path, gallery);
    const file = await readGallery(path, space);
    t.deepEqual(file, { gallery, version });
    t.regex(version, /^[0-9a-f]{32}$/);
    t.deepEqual(await encodeGallery(file.gallery), new Uint8Array(await readFile(path)));
  }
  t.deepEqual(await readdir(join(path, '..')), ['gallery.cwg'], 'nothing is left beside it');
});

test('looks are replaced in their place, added at the end and removed', (t) => {
  const gallery = randomGallery(2, 16, [2, 3, 1]);
  const random = createRandom(8);
  const fresh = [1, 2, 3, 4].map(() => bytes(randomDirection(random, 16)));
  const replaced = withLook(gallery, 'look-1', fresh, 9);
  t.deepEqual(
    replaced.looks.map(({ look, references, pictures }) => [look, references, pictures]),
    [
      ['look-0', 2, 2],
      ['look-1', 4, 9],
      ['look-2', 1, 1],
    ],
  );
  t.deepEqual(referencesOf(replaced, 'look-1'), fresh);
  for (const look of ['look-0', 'look-2'])
    t.deepEqual(referencesOf(replaced, look), referencesOf(gallery, look));
  const added = withLook(replaced, 'new', fresh.slice(0, 1), 1);
  t.deepEqual(referencesOf(added, 'new'), fresh.slice(0, 1));
  t.deepEqual(referencesOf(added, 'look-2'), referencesOf(gallery, 'look-2'));
  const removed = withoutLook(added, 'look-0');
  t.deepEqual(
    removed.looks.map(({ look }) => look),
    ['look-1', 'look-2', 'new'],
  );
  for (const { look } of removed.looks) t.deepEqual(referencesOf(removed, look), referencesOf(added, look));
  t.is(withoutLook(removed, 'look-0'), removed);
  t.deepEqual(referencesOf(removed, 'look-0'), []);
});

test('keys and references that no file could hold are refused before they get into a gallery', (t) => {
  const gallery = emptyGallery(space, 8);
  const good = [Int8Array.from(row)];
  for (const look of ['', 'a\u0007b', 'x'.repeat(97), 'é'.repeat(49), 'half \ud800']) {
    t.throws(() => withLook(gallery, look, good, 1), { instanceOf: VisionError, code: 'CW-VIS-017' }, look);
  }
  t.notThrows(() => withLook(gallery, 'é'.repeat(48), good, 1));
  for (const bad of [[], [new Int8Array(7)], [new Int8Array(8)], [Int8Array.of(-128, 0, 0, 0, 0, 0, 0, 0)]]) {
    t.throws(() => withLook(gallery, 'a', bad, 1), { instanceOf: RangeError });
  }
});

test('a gallery of 50,000 references of 256 values is at most 16 MB on disk, one more is refused', async (t) => {
  const looks = Array.from({ length: 10_000 }, (_, index) => ({
    look: `${index}`.padStart(14, '0'),
    references: 5,
    pictures: 5,
  }));
  const matrix = new Int8Array(50_000 * 256).fill(8);
  const gallery = { space, dimensions: 256, looks, matrix };
  const encoded = await encodeGallery(gallery);
  t.true(encoded.length <= 16_000_000, `${encoded.length}`);
  t.is((await decodeGallery(encoded)).gallery.looks.length, 10_000);
  t.throws(() => withLook(gallery, 'more', [matrix.slice(0, 256)], 1), { code: 'CW-VIS-011' });
  const wordy = Array.from({ length: 50_000 }, (_, index) => ({
    look: `${index}`.padStart(96, '0'),
    references: 1,
    pictures: 1,
  }));
  await t.throwsAsync(encodeGallery({ ...gallery, looks: wordy }), { code: 'CW-VIS-011' });
});

test('a gallery of another model and one that is missing are told apart from a damaged one', async (t) => {
  const folder = await temporary(t);
  const path = join(folder, 'gallery.cwg');
  await writeGallery(path, randomGallery(1, 8, [1]));
  await t.throwsAsync(readGallery(path, 'cd'.repeat(32)), {
    code: 'CW-VIS-010',
    message: /abababababab….*cdcdcd/,
  });
  const missing = join(folder, 'missing.cwg');
  await t.throwsAsync(readGallery(missing), { code: 'CW-VIS-009', message: /missing\.cwg.*no such file/ });
  t.is(await readGalleryIfAny(missing), undefined);
  t.is((await readGalleryIfAny(path))?.gallery.looks.length, 1);
  await writeFile(path, 'no gallery');
  await t.throwsAsync(readGalleryIfAny(path), { code: 'CW-VIS-009', message: /gallery\.cwg/ });
});

for (const [what, file, expected] of [
  ['is empty', new Uint8Array(0), /none/],
  ['has a wrong hash', Buffer.concat([sealed(header({}), row).subarray(0, -1), Uint8Array.of(0)]), /SHA-256/],
  ['announces a header longer than itself', sealed(header({}), row, 4_000_000_000), /header is longer/],
  ['has no CBOR as header', sealed(Uint8Array.of(0xff, 0x00), row), /header can't be read/],
  ['has a list as header', sealed([1], row), /no map/],
  ['is of a later version', sealed(header({ 1: 2 }), row), /version 2; this software reads 1/],
  ['names no model', sealed(header({ 2: 'x' }), row), /names no model/],
  ['has embeddings of 257 values', sealed(header({ 3: 257 }), row), /8 to 256/],
  ['has no looks', sealed(header({ 4: 1 }), row), /no list of looks/],
  ['has a look that is no list', sealed(header({ 4: ['apple'] }), row), /look 1 has no key/],
  ['has a look without references', sealed(header({ 4: [['apple', 0, 1]] }), row), /1 to 16 references/],
  ['has a look of no pictures', sealed(header({ 4: [['apple', 1, 0]] }), row), /no pictures/],
  ['has a key with a control character', sealed(header({ 4: [['a\u0000', 1, 1]] }), row), /can't be shown/],
  [
    'has a look twice',
    sealed(
      header({
        4: [
          ['a', 1, 1],
          ['a', 1, 1],
        ],
      }),
      Buffer.concat([row, row]),
    ),
    /twice/,
  ],
  ['has too few rows', sealed(header({}), row.subarray(1)), /1 references of 8 values/],
  ['has a row too many', sealed(header({}), Buffer.concat([row, row])), /16 bytes are there/],
  ['has a reference that is all zeros', sealed(header({}), new Uint8Array(8)), /unit length/],
  ['has the value -128', sealed(header({}), Uint8Array.of(128, 0, 0, 0, 0, 0, 0, 0)), /-128/],
] as const) {
  test(`a gallery's file that ${what} is refused, and the refusal says so`, async (t) => {
    await t.throwsAsync(decodeGallery(file), {
      instanceOf: VisionError,
      code: 'CW-VIS-009',
      message: expected,
    });
  });
}

test('a field that a later version adds to the header is passed over', async (t) => {
  const later = new Map(header({}) as ReadonlyMap<number, CborValue>).set(9, 'more');
  t.is((await decodeGallery(sealed(later, row))).gallery.looks[0]?.look, 'apple');
});

test('whatever a file holds, it is a gallery or refused with one code', async (t) => {
  const sound = await encodeGallery(randomGallery(6, 8, [1, 2]));
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.uint8Array({ maxLength: 60 }).map((head) => sealed(head, row)),
        // One byte of a sound file changed, and the hash made right again.
        fc.tuple(fc.nat(sound.length - 33), fc.nat(255)).map(([at, value]) => {
          const body = sound.slice(0, -32);
          body[at] = value;
          return Buffer.concat([body, createHash('sha256').update(body).digest()]);
        }),
        // Cut short.
        fc.nat(sound.length - 1).map((length) => sound.subarray(0, length)),
      ),
      async (file) => {
        try {
          const { gallery } = await decodeGallery(file);
          const again = await decodeGallery(await encodeGallery(gallery));
          t.deepEqual(again.gallery, gallery);
        } catch (error) {
          if (!(error instanceof VisionError) || error.code !== 'CW-VIS-009') throw error;
          refused++;
        }
      },
    ),
    { seed: 17, numRuns: runs },
  );
  t.true(refused > runs / 2 && refused < runs);
});
