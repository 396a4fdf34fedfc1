import test from 'ava';
import fc from 'fast-check';
import type { Catalogue } from '#catalogue/products.ts';
import { sightingOf } from '#pipeline/sightings.ts';
import type { Looked } from '#vision/process/messages.ts';

const looked: Looked = {
  kind: 'looked',
  id: 1,
  camera: 'basket-camera',
  plate: 'basket',
  atUs: 3,
  settledAtUs: 2,
  outcome: 'seen',
  candidates: [
    { look: 'Apple', probabilityPpm: 600_000 },
    { look: 'Melon', probabilityPpm: 100_000 },
  ],
  unknownPpm: 300_000,
  ambiguous: false,
  enrolledPpm: 1_000_000,
};
const catalogue = {
  byLook: new Map([
    ['Apple', []],
    ['Pear', []],
  ]),
} as unknown as Pick<Catalogue, 'byLook'>;

test('What the catalogue does not have is unknown to it', (t) => {
  t.deepEqual(sightingOf(looked, catalogue, 7), {
    kind: 'sighting',
    source: 'basket-camera',
    atUs: 7,
    plate: 'basket',
    settledAtUs: 2,
    candidates: [{ look: 'Apple', probabilityPpm: 600_000 }],
    unknownPpm: 400_000,
  });
});

test('Where few products are enrolled, what is none of them may be one of the others', (t) => {
  t.is(sightingOf({ ...looked, enrolledPpm: 10_000 }, catalogue, 7)?.unknownPpm, 4_000);
});

test('A camera that knows no product of the catalogue says nothing, nor does one that saw nothing', (t) => {
  t.is(sightingOf({ ...looked, enrolledPpm: 0 }, catalogue, 7), undefined);
  for (const outcome of ['nothing-changed', 'hand-only', 'no-frames', 'failed'] as const) {
    t.is(sightingOf({ ...looked, outcome, candidates: [] }, catalogue, 7), undefined);
  }
});

test('Probabilities of a sighting never add up to more than one', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ look: fc.constantFrom('Apple', 'Melon'), probabilityPpm: fc.nat(1_000_000) }), {
        maxLength: 3,
      }),
      fc.nat(1_000_000),
      (candidates, enrolledPpm) => {
        const total = candidates.reduce((sum, { probabilityPpm }) => sum + probabilityPpm, 0);
        fc.pre(total <= 1_000_000 && enrolledPpm > 0);
        const seen = sightingOf({ ...looked, candidates, enrolledPpm }, catalogue, 7);
        const told = seen?.candidates.reduce((sum, one) => sum + one.probabilityPpm, seen.unknownPpm) ?? 0;
        return seen !== undefined && seen.unknownPpm >= 0 && told <= 1_000_000;
      },
    ),
    { seed: 11, numRuns: 2_000 },
  );
  t.pass();
});
