import test from 'ava';
import { Memory } from '#fusion/memory.ts';
import type { SeenThing, SightingObservation } from '#fusion/observations.ts';
import { Sightings } from '#fusion/sightings.ts';
import type { Hypothesis, Part } from '#fusion/types.ts';
import { Bench, catalogueOf, each, loose, seenThing } from './harness.ts';

const shop = () =>
  new Bench([
    loose('bananas', '4011', 900),
    loose('apples', '4017', 850),
    each('jam', 340),
    each('tea', 120),
    each('rice', 571),
    ...Array.from({ length: 60 }, (_, at) =>
      each(`${String.fromCharCode(97 + (at % 26))}${at}`, 105 + 31 * at),
    ),
  ]);
const came = (look: string, more = {}) => seenThing(look, 0.95, { change: 'came', ...more });
const sure = (look: string) => seenThing(look, 0.995, { change: 'came' });
const went = (look: string) => seenThing(look, 0.95, { change: 'went' });
const large = { box: [100, 100, 400, 400] as const };
const small = { box: [600, 600, 60, 60] as const };

test('two goods that a camera is sure to have seen come together are added together', (t) => {
  const b = shop()
    .move(460)
    .look([sure('jam'), sure('tea')])
    .settle();
  t.deepEqual(b.said().sort(), ['item.added 1 jam 340 g', 'item.added 1 tea 120 g']);
});

test('goods that only one of two things seen may be are less certain than with that thing alone', (t) => {
  const one = shop()
    .move(886)
    .look([came('bananas')])
    .settle();
  t.deepEqual(one.said(), ['item.added 1 bananas 886 g']);
  const two = shop()
    .move(886)
    .look([came('bananas'), came('apples')])
    .settle();
  t.regex(two.said().join(), /^item\.unresolved/, 'how much of the mass is whose is not known');
});

test('two bananas are bananas, and a small thing beside them says little', (t) => {
  const both = shop()
    .move(886)
    .look([came('bananas'), came('bananas')])
    .settle();
  t.deepEqual(both.said(), ['item.added 1 bananas 886 g']);
  const nobodyKnows = { candidates: [], unknownPpm: 1_000_000 };
  const speck = shop()
    .move(886)
    .look([came('bananas', large), came('a shadow', { ...small, ...nobodyKnows })])
    .settle();
  t.deepEqual(speck.said(), ['item.added 1 bananas 886 g']);
});

test('what was only pushed does not count beside what came', (t) => {
  const b = shop()
    .move(886)
    .look([came('bananas'), came('apples', { moved: true })])
    .settle();
  t.deepEqual(b.said(), ['item.added 1 bananas 886 g']);
});

test('of an exchange what came and what went are told apart', (t) => {
  const begun = () => shop().scan('jam').move(340).settle();
  const b = begun()
    .move(231)
    .look([came('rice'), went('jam')])
    .settle();
  const named = ({ emitted }: Bench) => {
    const last = emitted.at(-1);
    const candidates = last?.type === 'item.unresolved' ? last.data.candidates : [];
    return candidates.map(({ name, count }) => `${count} ${name}`);
  };
  t.deepEqual(named(b).slice(0, 2), ['1 rice', '-1 jam']);
  const turned = begun()
    .move(231)
    .look([went('rice'), came('jam')])
    .settle();
  t.not(named(turned)[0], '1 rice', 'rice that went is not what was put in');
});

test('a look that calls itself ambiguous does not single a product out', (t) => {
  const b = shop()
    .move(886)
    .look([came('bananas', { ambiguous: true })])
    .settle();
  t.regex(b.said().join(), /^item\.unresolved/);
});

test('an unchanged view speaks a little for nothing at all, and is named with the question', (t) => {
  const products = [each('jam', 340)];
  const parts = [{ product: products[0], sign: 1 as const, count: 1, broad: false }] as unknown as Part[];
  const factor = (outcomes: readonly SightingObservation['outcome'][], things: readonly SeenThing[] = []) =>
    new Sightings(
      outcomes.map((outcome) => ({ event: 'e', source: 'camera', atUs: 1, outcome, things })),
      catalogueOf(products),
      1,
      0.5,
    );
  const items = { kind: 'items', parts } as unknown as Hypothesis;
  const nothing = { ...items, kind: 'nothing', parts: [] } as const;
  const against = factor(['nothing-changed']).logFactor(items);
  t.true(against < 0 && against > Math.log(0.2));
  t.is(factor(['nothing-changed']).logFactor(nothing), 0);
  t.is(factor(['hand-only']).logFactor(items), 0, 'an arm may hide a thing');
  t.is(
    factor(['nothing-changed', 'nothing-changed']).logFactor(items),
    against,
    'cameras are not independent',
  );

  const b = shop().move(997).look([], { outcome: 'nothing-changed' }).settle();
  const [event] = b.emitted;
  if (event?.type !== 'item.unresolved') return t.fail();
  t.is(event.data.evidence.sightings?.length, 1);
});

test('sightings that were saved when a look was at one thing are still heard', (t) => {
  const memory = new Memory([]);
  const told = { event: 'e', source: 'camera', atUs: 7 };
  const one = { candidates: [{ look: 'bananas', probabilityPpm: 950_000 }], unknownPpm: 25_000 };
  memory.restore({ ...memory.save(), looks: [{ ...told, ...one }] });
  t.deepEqual(memory.looks, [
    { ...told, outcome: 'seen', things: [{ ...one, moved: false, ambiguous: false }] },
  ]);
});
