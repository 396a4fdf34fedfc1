import test from 'ava';
import fc from 'fast-check';
import type { Catalogue } from '#catalogue/products.ts';
import { lookSeen, sightingOf } from '#pipeline/sightings.ts';
import type { Looked, SeenThing } from '#vision/process/messages.ts';

const thing: SeenThing = {
  change: 'came',
  moved: false,
  box: [100, 200, 300, 400],
  candidates: [
    { look: 'Apple', probabilityPpm: 600_000 },
    { look: 'Melon', probabilityPpm: 100_000 },
  ],
  unknownPpm: 300_000,
  ambiguous: false,
};
const pear: SeenThing = {
  ...thing,
  change: 'went',
  candidates: [{ look: 'Pear', probabilityPpm: 900_000 }],
  unknownPpm: 100_000,
  ambiguous: true,
};
const looked: Looked = {
  kind: 'looked',
  id: 1,
  camera: 'basket-camera',
  plate: 'basket',
  atUs: 3,
  settledAtUs: 2,
  outcome: 'seen',
  things: [thing],
  enrolledPpm: 1_000_000,
};
const catalogue = {
  byLook: new Map([
    ['Apple', [{ plu: '4011', name: 'An apple' }]],
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
    outcome: 'seen',
    things: [{ ...thing, candidates: [{ look: 'Apple', probabilityPpm: 600_000 }], unknownPpm: 400_000 }],
  });
});

test('All things of a look are told, each with what it is and which way it went', (t) => {
  const seen = sightingOf({ ...looked, things: [thing, pear] }, catalogue, 7);
  t.deepEqual(
    seen?.things.map(({ change, candidates: [best], ambiguous }) => [change, best?.look, ambiguous]),
    [
      ['came', 'Apple', false],
      ['went', 'Pear', true],
    ],
  );
  t.deepEqual(
    seen === undefined ? [] : lookSeen(seen, catalogue).things.map(({ candidates: [best] }) => best),
    [
      { plu: '4011', name: 'An apple', count: 1, probabilityPpm: 600_000 },
      { name: 'Pear', count: -1, probabilityPpm: 900_000 },
    ],
  );
});

test('Where few products are enrolled, what is none of them may be one of the others', (t) => {
  t.is(sightingOf({ ...looked, enrolledPpm: 10_000 }, catalogue, 7)?.things[0]?.unknownPpm, 4_000);
});

test('A camera that knows no product of the catalogue says nothing, nor does one that could not look', (t) => {
  t.is(sightingOf({ ...looked, enrolledPpm: 0 }, catalogue, 7), undefined);
  for (const outcome of ['no-frames', 'failed'] as const) {
    t.is(sightingOf({ ...looked, outcome, things: [] }, catalogue, 7), undefined);
  }
});

test('That nothing changed, or that a hand was all there was to see, is told', (t) => {
  for (const outcome of ['nothing-changed', 'hand-only'] as const) {
    t.like(sightingOf({ ...looked, outcome, things: [], enrolledPpm: 0 }, catalogue, 7), {
      outcome,
      things: [],
    });
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
        const seen = sightingOf({ ...looked, things: [{ ...thing, candidates }], enrolledPpm }, catalogue, 7)
          ?.things[0];
        const told = seen?.candidates.reduce((sum, one) => sum + one.probabilityPpm, seen.unknownPpm) ?? 0;
        return seen !== undefined && seen.unknownPpm >= 0 && told <= 1_000_000;
      },
    ),
    { seed: 11, numRuns: 2_000 },
  );
  t.pass();
});
