import test from 'ava';
import fc from 'fast-check';
import { emptyGallery, type Gallery, referencesOf, withLook } from '#vision/gallery/gallery.ts';
import { mergeGalleries } from '#vision/gallery/merge.ts';
import { space } from './embeddings.ts';

const dimensions = 8;

/** References that differ from each other and from all of other numbers: of unit length, at an angle of their own. */
function reference(number: number, row = 0): Int8Array {
  const values = new Int8Array(dimensions);
  const angle = (number / 30) * Math.PI;
  values[2 * row] = Math.round(127 * Math.cos(angle));
  values[2 * row + 1] = Math.round(127 * Math.sin(angle));
  return values;
}

/** A gallery of looks, each by a number that stands for its references. */
function galleryOf(looks: Readonly<Record<string, number>>): Gallery {
  let gallery = emptyGallery(space, dimensions);
  for (const [look, number] of Object.entries(looks)) {
    const rows = Array.from({ length: 1 + (number % 3) }, (_, row) => reference(number, row));
    gallery = withLook(gallery, look, rows, rows.length);
  }
  return gallery;
}

/** The number of each look. */
function numbersOf(gallery: Gallery): Record<string, number> {
  return Object.fromEntries(
    gallery.looks.map(({ look }) => {
      const bytes = referencesOf(gallery, look)[0];
      for (let number = 0; number < 30; number++) {
        const same = reference(number);
        if (same.every((value, at) => value === bytes?.[at])) return [look, number];
      }
      throw new Error(`${look} has references of nobody's`);
    }),
  );
}

const merged = (
  store: Readonly<Record<string, number>>,
  own: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>> | undefined,
) => {
  const { gallery, ...told } = mergeGalleries(
    galleryOf(store),
    galleryOf(own),
    before === undefined ? undefined : galleryOf(before),
  );
  return { looks: numbersOf(gallery), ...told };
};

test('what was enrolled on the device stays on top of the store’s gallery until the store has it', (t) => {
  const own = { apple: 1, pear: 2, mine: 3 };
  t.deepEqual(merged({ apple: 1, pear: 2, plum: 4 }, own, { apple: 1, pear: 2 }), {
    looks: { apple: 1, pear: 2, plum: 4, mine: 3 },
    kept: 1,
    removed: 0,
  });
  t.deepEqual(merged({ apple: 1, mine: 9 }, own, { apple: 1, pear: 2 }), {
    looks: { apple: 1, mine: 9 },
    kept: 0,
    removed: 0,
  });
});

test('what was added to a look or removed on the device stays until the store changes that look', (t) => {
  const own = { apple: 5 };
  const before = { apple: 1, pear: 2 };
  t.deepEqual(merged({ apple: 1, pear: 2, plum: 3 }, own, before), {
    looks: { apple: 5, plum: 3 },
    kept: 1,
    removed: 1,
  });
  t.deepEqual(merged({ apple: 7, pear: 8 }, own, before), {
    looks: { apple: 7, pear: 8 },
    kept: 0,
    removed: 0,
  });
  t.deepEqual(merged({}, own, before).looks, { apple: 5 }, 'what somebody did here is not lost');
});

test('where nothing is known of before, all that the device has and the store has not is its own', (t) => {
  t.deepEqual(merged({ apple: 1 }, { apple: 2, pear: 3 }, undefined), {
    looks: { apple: 1, pear: 3 },
    kept: 1,
    removed: 0,
  });
});

test('following version after version, a device without enrolments has the store’s, and merging again changes nothing', (t) => {
  const looks = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.integer({ min: 0, max: 29 }), {
    noNullPrototype: true,
  });
  fc.assert(
    fc.property(looks, looks, looks, (store, own, before) => {
      t.deepEqual(merged(store, before, before).looks, store);
      const first = mergeGalleries(galleryOf(store), galleryOf(own), galleryOf(before));
      // The power was cut before the store's file was replaced.
      const again = mergeGalleries(galleryOf(store), first.gallery, galleryOf(before));
      t.deepEqual(numbersOf(again.gallery), numbersOf(first.gallery));
    }),
    { seed: 4, numRuns: 500 },
  );
});
