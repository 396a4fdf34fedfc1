import test from 'ava';
import { Care, parseCareState } from '#calibration/diagnosis/care.ts';
import type { Calibration } from '#config/board.ts';
import { calibrationOf, plateOf } from '../weighing/bench-plate.ts';

const plate = plateOf(4, { temperature: 'probe' });
const board = { plates: [plate, { ...plate, id: 'rack', kind: 'unweighed' as const }] };
const first = calibrationOf(
  plate,
  Array.from({ length: 4 }, () => ({ referenceMilliCelsius: 20_000 })),
);
const day = 86_400_000;
const startMs = Date.UTC(2026, 10, 23);

/** The same calibration with other zeros, or other slopes. */
function changed(calibration: Calibration, change: { zero?: number; slope?: number }): Calibration {
  const cells = Object.entries(calibration.plates.basket?.cells ?? {}).map(([id, cell]) => {
    const { zeroCounts, milligramsPerCount, ...rest } = cell;
    const { zero = 0, slope = 1 } = change;
    return [
      id,
      { ...rest, zeroCounts: zeroCounts + zero, milligramsPerCount: milligramsPerCount * slope },
    ] as const;
  });
  return { ...calibration, revision: 8, plates: { basket: { cells: Object.fromEntries(cells) } } };
}

function used(): Care {
  const care = new Care(board);
  care.setCalibration(first, startMs);
  care.carry('cell-1', 10_500_000, startMs + day);
  for (const mg of [1_000, 2_000, 3_000]) care.returnToZero('basket', mg);
  for (const product of ['a', 'b', 'c']) care.weighKnown('basket', product, 400_000, 402_000);
  care.feel('probe', 14_000);
  care.feel('probe', 26_000);
  care.feel('another', -40_000);
  return care;
}

test('what a plate goes through is known afterwards', (t) => {
  const facts = used().facts(startMs + 10 * day);
  t.is(facts.ageS, 10 * 86_400);
  t.true(facts.calibrated);
  t.deepEqual(facts.overloads, { 'cell-1': { count: 1, worstMg: 10_500_000, lastMs: startMs + day } });
  const [basket] = facts.plates;
  t.is(facts.plates.length, 1);
  t.is(basket?.zero?.mg, 2_000);
  t.is(Math.round(basket?.span?.ppm ?? 0), 5_000);
  t.deepEqual(basket?.temperature, {
    lowMilliCelsius: 14_000,
    highMilliCelsius: 26_000,
    referenceMilliCelsius: 20_000,
    compensated: false,
  });
});

test('all of it survives a restart', (t) => {
  const care = used();
  const state = parseCareState(JSON.stringify(care.save()));
  const later = new Care(board, state);
  later.setCalibration(first, startMs + 11 * day);
  t.deepEqual(later.facts(startMs + 11 * day), care.facts(startMs + 11 * day));
  t.deepEqual(later.save(), care.save());
});

test('new slopes begin anew, but for the overloads of a lifetime', (t) => {
  const care = used();
  care.setCalibration(changed(first, { slope: 1.001 }), startMs + 20 * day);
  const facts = care.facts(startMs + 21 * day);
  t.is(facts.ageS, 86_400);
  t.deepEqual(facts.overloads, {});
  t.is(facts.plates[0]?.zero, undefined);
  t.is(facts.plates[0]?.span, undefined);
  t.is(care.lifetimeOverloads['cell-1']?.count, 1);
});

test('a new zero forgets returns to zero alone', (t) => {
  const care = used();
  care.setCalibration(changed(first, { zero: 500 }), startMs + 20 * day);
  const facts = care.facts(startMs + 21 * day);
  t.is(facts.ageS, 21 * 86_400);
  t.is(facts.plates[0]?.zero, undefined);
  t.is(facts.plates[0]?.span?.items, 3);
  t.is(facts.overloads['cell-1']?.count, 1);
});

test('a calibration that can not be read for a while takes nothing away', (t) => {
  const care = used();
  const before = care.facts(startMs + day);
  care.setCalibration(undefined, startMs + day);
  t.deepEqual(
    care.due(startMs + day).map(({ code }) => code),
    ['never'],
  );
  care.setCalibration(first, startMs + day);
  t.deepEqual(care.facts(startMs + day), before);
});

test('without a clock there is no age, and it begins when the clock is set', (t) => {
  const care = new Care(board);
  care.setCalibration(first, undefined);
  t.is(care.facts(undefined).ageS, undefined);
  care.setCalibration(first, startMs);
  t.is(care.facts(startMs + day).ageS, 86_400);
  t.is(care.facts(startMs - day).ageS, 0);
});

test('reasons come from what was seen', (t) => {
  const care = used();
  care.hardwareChanged = true;
  care.carry('cell-0', 13_000_000, undefined);
  care.carry('basket', 50_000_000, undefined);
  for (let index = 0; index < 9; index++) care.returnToZero('basket', 900_000);
  care.feel('probe', -10_000);
  t.deepEqual(
    care.due(startMs + 400 * day).map(({ code, at }) => [code, at]),
    [
      ['age', undefined],
      ['hardware', undefined],
      ['overload', 'cell-0'],
      ['overload', 'basket'],
      ['zero-drift', 'basket'],
      ['temperature', 'basket'],
    ],
  );
});

test('what is kept is bounded, and what is none is not read', (t) => {
  const care = used();
  for (let index = 0; index < 500; index++) {
    care.returnToZero('basket', index);
    care.weighKnown('basket', `p${index}`, 1_000, 1_000);
  }
  t.true(JSON.stringify(care.save()).length < 10_000);
  for (const text of ['', '{', '[]', '{"care":2}', '{"care":1,"plates":{"basket":{}}}']) {
    t.is(parseCareState(text), undefined);
  }
  care.returnToZero('none', 1);
  care.weighKnown('none', 'a', 1, 1);
  care.carry('none', 1, 1);
  t.false('none' in care.save().plates);
});

test('a board of complete scales alone is never called uncalibrated', (t) => {
  const { cells: _, ...scale } = plate;
  const care = new Care({ plates: [{ ...scale, scale: 'counter' }] });
  care.setCalibration(undefined, startMs);
  t.deepEqual(care.due(startMs), []);
});
