import test from 'ava';
import fc from 'fast-check';
import { createRandom } from '#base/random.ts';
import { type KnownItem, spanDrift, zeroDrift } from '#calibration/diagnosis/drift.ts';
import { type CareFacts, dueCodes, dueLimits, judgeDue, type PlateCare } from '#calibration/diagnosis/due.ts';
import { OverloadHistory } from '#calibration/diagnosis/overloads.ts';

const plate: PlateCare = { plate: 'basket', maxMg: 30_000_000, intervalMg: 5_000 };
const facts: CareFacts = {
  calibrated: true,
  ageS: 30 * 86_400,
  overloads: {},
  capacities: { fl: 10_000_000 },
  plates: [plate],
  hardwareChanged: false,
};
const reasons = (more: Partial<CareFacts>) => judgeDue({ ...facts, ...more }).map(({ code }) => code);
const withPlate = (more: Partial<PlateCare>) => reasons({ plates: [{ ...plate, ...more }] });

test('a scale that is young, was treated well and reads right is not due', (t) => {
  t.deepEqual(judgeDue(facts), []);
  const { ageS: _, ...unknown } = facts;
  t.deepEqual(judgeDue(unknown), []);
});

test('each reason has its limit', (t) => {
  const year = 365 * 86_400;
  t.deepEqual(reasons({ ageS: year - 1 }), []);
  t.deepEqual(reasons({ ageS: year }), ['age']);
  t.deepEqual(reasons({ calibrated: false, ageS: year }), ['never']);
  t.deepEqual(reasons({ hardwareChanged: true }), ['hardware']);
  t.deepEqual(reasons({ overloads: { fl: { count: 9, worstMg: 11_999_999 } } }), []);
  t.deepEqual(reasons({ overloads: { fl: { count: 1, worstMg: 12_000_000 } } }), ['overload']);
  t.deepEqual(reasons({ overloads: { fl: { count: 10, worstMg: 10_000_001 } } }), ['overload']);
  t.deepEqual(reasons({ overloads: { gone: { count: 99, worstMg: 99_000_000 } } }), []);
  t.deepEqual(withPlate({ zero: { mg: -600_000, returns: 9 } }), []);
  t.deepEqual(withPlate({ zero: { mg: -600_001, returns: 9 } }), ['zero-drift']);
  const span = { ppm: 3_001, sigmaPpm: 1_000, products: 10, items: 40 };
  t.deepEqual(withPlate({ span }), ['known-items']);
  t.deepEqual(withPlate({ span: { ...span, ppm: -3_001 } }), ['known-items']);
  t.deepEqual(withPlate({ span: { ...span, ppm: 3_000 } }), []);
  t.deepEqual(withPlate({ span: { ...span, sigmaPpm: 1_001 } }), []);
  t.deepEqual(withPlate({ span: { ...span, products: 9 } }), []);
  const temperature = {
    lowMilliCelsius: 1_000,
    highMilliCelsius: 25_000,
    referenceMilliCelsius: 21_000,
    compensated: false,
  };
  t.deepEqual(withPlate({ temperature }), []);
  t.deepEqual(withPlate({ temperature: { ...temperature, lowMilliCelsius: 999 } }), ['temperature']);
  t.deepEqual(
    withPlate({ temperature: { ...temperature, lowMilliCelsius: -20_000, compensated: true } }),
    [],
  );
});

test('limits can be set otherwise, and each reason says in a sentence what it is about', (t) => {
  t.deepEqual(
    judgeDue(facts, { ageDays: 30 }).map(({ code }) => code),
    ['age'],
  );
  t.is(dueLimits.ageDays, 365);
  const all = judgeDue({
    ...facts,
    ageS: 400 * 86_400,
    hardwareChanged: true,
    overloads: { fl: { count: 3, worstMg: 15_200_000 } },
    plates: [
      {
        ...plate,
        zero: { mg: 700_000, returns: 9 },
        span: { ppm: -5_230, sigmaPpm: 400, products: 22, items: 70 },
        temperature: {
          lowMilliCelsius: -4_000,
          highMilliCelsius: 25_000,
          referenceMilliCelsius: 21_000,
          compensated: false,
        },
      },
    ],
  });
  t.deepEqual(
    all.map(({ message }) => message),
    [
      'The calibration is 400 days old; after 365 it is due.',
      'The bridge is not the one that was calibrated: its plates are not weighed.',
      'fl was overloaded 3 times, with 15.2 kg at worst; it may carry 10 kg.',
      'The empty plate basket has moved by +700.00 g since it was calibrated.',
      'Things of 22 known products weigh -0.52 % of what the catalogue says on plate basket.',
      'Plate basket was 25 °C from the temperature it was calibrated at.',
    ],
  );
  t.true(all.every(({ code }) => dueCodes.includes(code)));
});

test('zero is the median of its newest returns: what was left lying once doesn’t move it', (t) => {
  t.is(zeroDrift([{ mg: 1 }, { mg: 2 }]), undefined);
  const returns = [900, 1_000, 1_100, 412_000, 1_050, 950, 1_020].map((mg) => ({ mg }));
  t.deepEqual(zeroDrift(returns), { mg: 1_020, returns: 7 });
  const long = [
    ...Array.from({ length: 50 }, () => ({ mg: 0 })),
    ...Array.from({ length: 9 }, () => ({ mg: 5_000 })),
  ];
  t.is(zeroDrift(long)?.mg, 5_000);
});

/** Things of 40 products, weighed on a scale that is off by `ppm`; their packs vary by 1 %. */
function weighed(ppm: number, wrong: number, seed = 1): KnownItem[] {
  const random = createRandom(seed);
  return Array.from({ length: 40 }, (_, index) => {
    const expectedMg = 100_000 + 45_000 * index;
    // Catalogue masses of some products are wrong by a fifth.
    const bias = index % 40 < wrong ? 1.2 : 1;
    return Array.from({ length: 3 }, () => ({
      product: `p${index}`,
      expectedMg,
      measuredMg: expectedMg * bias * (1 + ppm * 1e-6) * (1 + 0.01 * random.gaussian()),
    }));
  }).flat();
}

test('the slope over known things is found within its own error', (t) => {
  for (const ppm of [0, 5_000, -8_000]) {
    for (let seed = 1; seed <= 20; seed++) {
      const found = spanDrift(weighed(ppm, 0, seed));
      t.true(
        Math.abs((found?.ppm ?? 0) - ppm) < 4.5 * (found?.sigmaPpm ?? 0),
        `${ppm} seed ${seed}: ${found?.ppm}`,
      );
      t.true((found?.sigmaPpm ?? 0) < 3_000);
    }
  }
});

test('products with a wrong mass in the catalogue hardly move it', (t) => {
  const clean = spanDrift(weighed(0, 0))?.ppm ?? 0;
  const spoiled = spanDrift(weighed(0, 10))?.ppm ?? 0;
  t.true(Math.abs(spoiled - clean) < 4_000, `${clean} → ${spoiled}`);
});

test('one product says nothing of the slope', (t) => {
  t.is(spanDrift([]), undefined);
  t.is(spanDrift([{ product: 'a', expectedMg: 1_000, measuredMg: 1_100 }]), undefined);
  t.is(
    spanDrift([
      { product: 'a', expectedMg: 0, measuredMg: 5 },
      { product: 'b', expectedMg: 5, measuredMg: 5 },
    ]),
    undefined,
  );
});

test('an overload that swings is one; its worst and its last time are kept, also over a restart', (t) => {
  const history = new OverloadHistory();
  const loads = [9_000_000, 10_500_000, 9_900_000, 11_800_000, 10_100_000, 9_000_000, 10_200_000];
  const began = loads.map((load, index) => history.observe('fl', load, 10_000_000, 1_000 + index));
  t.deepEqual(began, [false, true, false, false, false, false, true]);
  t.deepEqual(history.save(), { fl: { count: 2, worstMg: 11_800_000, lastMs: 1_006 } });
  const later = new OverloadHistory(JSON.parse(JSON.stringify(history.save())));
  later.observe('fl', 12_000_000, 10_000_000, undefined);
  t.deepEqual(later.save(), { fl: { count: 3, worstMg: 12_000_000, lastMs: 1_006 } });
  t.deepEqual(new OverloadHistory({ x: { count: Number.NaN, worstMg: 1 } }).save(), {});
});

test('however loads come: the count never falls, the worst is the largest above the limit', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20_000 })), (loads) => {
      const history = new OverloadHistory();
      let count = 0;
      for (const load of loads) {
        history.observe('c', load, 10_000, 1);
        const now = history.save().c?.count ?? 0;
        if (now < count) return false;
        count = now;
      }
      const over = loads.filter((load) => load > 10_000);
      return (history.save().c?.worstMg ?? 0) === Math.max(0, ...over) && count <= over.length;
    }),
    { seed: 1, numRuns: 500 },
  );
  t.pass();
});
