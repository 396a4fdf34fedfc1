import test from 'ava';
import fc from 'fast-check';
import { createRandom } from '#base/random.ts';
import { ppm } from '#base/units.ts';
import { meanDirection } from '#vision/gallery/embedding.ts';
import { emptyGallery, galleryOf } from '#vision/gallery/gallery.ts';
import { Lookup } from '#vision/gallery/lookup.ts';
import { bestLooks, recognize } from '#vision/gallery/recognize.ts';
import type { Recognition } from '#vision/gallery/types.ts';
import { bytes, randomDirection, randomGallery, space, view } from './embeddings.ts';

const calibration = { temperature: 0.05, unknownCosine: 0.4, unknownSlope: 20 };

const total = ({ candidates, unknownPpm }: Recognition) =>
  candidates.reduce((sum, { probabilityPpm }) => sum + probabilityPpm, unknownPpm);

/** Directions at right angles, and one that lies between the first two by so much of the first. */
const axes = (count: number) =>
  Array.from({ length: count }, (_, axis) => Float32Array.from({ length: 64 }, (_, i) => Number(i === axis)));
const between = (first: number) =>
  meanDirection([Float32Array.from({ length: 64 }, (_, i) => (i === 0 ? first : i === 1 ? 1 : 0))]);
const galleryOfAxes = (count: number) =>
  new Lookup(
    galleryOf(
      space,
      64,
      axes(count).map((axis, index) => ({ look: `axis-${index}`, embedding: bytes(axis) })),
    ),
  );

test('probabilities are whole ppm, add up to a million and fall from the first candidate to the last', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 31 }),
      fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 20 }),
      fc.double({ min: 0.001, max: 2, noNaN: true }),
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.double({ min: 0.01, max: 1e6, noNaN: true }),
      (seed, counts, temperature, unknownCosine, unknownSlope) => {
        const lookup = new Lookup(randomGallery(seed, 16, counts));
        const query = randomDirection(createRandom(seed + 1), 16);
        const seen = recognize(lookup, query, { temperature, unknownCosine, unknownSlope });
        const shares = seen.candidates.map(({ probabilityPpm }) => probabilityPpm);
        t.is(total(seen), ppm);
        t.true(Number.isInteger(seen.unknownPpm) && seen.unknownPpm >= 0);
        t.true(shares.every((share) => Number.isInteger(share) && share > 0));
        t.true(shares.length <= Math.min(8, counts.length));
        // The last ppm goes to whom rounding took most, which may be the later of two.
        t.true(shares.every((share, index) => index === 0 || share <= (shares[index - 1] ?? 0) + 1));
      },
    ),
    { seed: 11, numRuns: 2_000 },
  );
});

test('a picture of a product is recognized as that product', (t) => {
  const random = createRandom(5);
  const products = Array.from({ length: 200 }, () => randomDirection(random, 256));
  const references = products.flatMap((product, index) =>
    Array.from({ length: 5 }, () => ({ look: `p${index}`, embedding: bytes(view(random, product, 0.8)) })),
  );
  const lookup = new Lookup(galleryOf(space, 256, references));
  products.forEach((product, index) => {
    const seen = recognize(lookup, view(random, product, 0.8), calibration);
    t.is(seen.candidates[0]?.look, `p${index}`);
    t.true(seen.unknownPpm < 100_000 && !seen.ambiguous);
  });
  for (let i = 0; i < 50; i++) {
    const seen = recognize(lookup, randomDirection(random, 256), calibration);
    t.true(seen.unknownPpm > 500_000, 'something the gallery does not hold');
    t.false(seen.ambiguous, 'what is unknown is not ambiguous besides');
  }
});

test('the probability of being known is the logistic of the best cosine', (t) => {
  const lookup = galleryOfAxes(1);
  const at = (cosine: number) => {
    const query = Float32Array.from({ length: 64 }, (_, i) =>
      i === 0 ? cosine : i === 1 ? Math.sqrt(1 - cosine ** 2) : 0,
    );
    return recognize(lookup, query, calibration);
  };
  for (const cosine of [-0.5, 0, 0.3, 0.4, 0.5, 0.9]) {
    const seen = at(cosine);
    t.true(Math.abs(seen.cosine - cosine) < 0.01, 'but for the rounding to bytes');
    const known = 1 / (1 + Math.exp(-20 * (seen.cosine - 0.4)));
    t.true(Math.abs(seen.unknownPpm - (1 - known) * ppm) <= 1);
  }
});

test('two looks of nearly the same cosine are ambiguous; a clear winner and a lone look are not', (t) => {
  const lookup = galleryOfAxes(3);
  t.true(recognize(lookup, between(1), calibration).ambiguous);
  const [first, second] = recognize(lookup, between(1), calibration).candidates;
  t.true(Math.abs((first?.probabilityPpm ?? 0) - (second?.probabilityPpm ?? 0)) <= 1);
  t.false(recognize(lookup, between(3), calibration).ambiguous);
  t.false(recognize(galleryOfAxes(1), between(1), calibration).ambiguous);
  // Odds of 3 lie at a difference of temperature · ln 3 = 0.055.
  for (const advantage of [1.02, 1.05, 1.08, 1.1, 1.15]) {
    const { candidates, ambiguous } = recognize(lookup, between(advantage), calibration);
    const [best = 0, next = 0] = candidates.map(({ probabilityPpm }) => probabilityPpm);
    t.is(ambiguous, best < 3 * next, `${best} against ${next}`);
  }
});

test('several views of one thing are looked up together', (t) => {
  const lookup = galleryOfAxes(4);
  const [a, b] = axes(2);
  if (a === undefined || b === undefined) throw new Error('no axes');
  t.deepEqual(recognize(lookup, [a], calibration), recognize(lookup, a, calibration));
  t.deepEqual(recognize(lookup, [a, b], calibration), recognize(lookup, between(1), calibration));
  t.is(recognize(lookup, [a, a, b], calibration).candidates[0]?.look, 'axis-0');
});

test('where only some looks can be there, no other is a candidate', (t) => {
  const lookup = galleryOfAxes(12);
  const [a] = axes(1);
  if (a === undefined) throw new Error('no axes');
  const among = new Set(['axis-3', 'axis-11', 'not in the gallery']);
  const seen = recognize(lookup, a, calibration, { among });
  t.deepEqual(seen.candidates.map(({ look }) => look).sort(), ['axis-11', 'axis-3']);
  t.true(seen.unknownPpm > 900_000);
  t.is(total(seen), ppm);
  const none = recognize(lookup, a, calibration, { among: new Set() });
  t.deepEqual(none, { candidates: [], unknownPpm: ppm, cosine: -1, ambiguous: false });
});

test('with an empty gallery everything is unknown', (t) => {
  const lookup = new Lookup(emptyGallery(space, 16));
  const seen = recognize(lookup, randomDirection(createRandom(1), 16), calibration);
  t.deepEqual(seen, { candidates: [], unknownPpm: ppm, cosine: -1, ambiguous: false });
});

test('the eight nearest looks are those of a full sort', (t) => {
  for (let seed = 0; seed < 200; seed++) {
    const lookup = new Lookup(randomGallery(seed, 8, new Array(40).fill(1)));
    const query = randomDirection(createRandom(seed), 8);
    const all = [...lookup.bestCosines(query)].map((cosine, index) => ({
      look: lookup.looks[index],
      cosine,
    }));
    const sorted = all.sort((x, y) => y.cosine - x.cosine).slice(0, 8);
    t.deepEqual(bestLooks(lookup, query) as unknown[], sorted);
  }
});
